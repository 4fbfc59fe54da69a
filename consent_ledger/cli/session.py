"""What a command works with: the home it was pointed at, its settings, address book, keys and ledger."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from consent_ledger.address_book import AddressBook, Contact
from consent_ledger.errors import KeyFileError, NotFoundError
from consent_ledger.settings import PREFIX, Settings, default_database, default_home, read_settings

# Whoever only verifies a receipt or asks for help does not wait for a database's libraries.
if TYPE_CHECKING:
    from consent_ledger.cli.connecting import Connection
    from consent_ledger.cli.ledgers import Asking, Recording
    from consent_ledger.custody.anchor import Published
    from consent_ledger.issuing import Issuer
    from consent_ledger.ledger import Ledger
    from consent_ledger.signing.keys import SigningKey
    from consent_ledger.store.engine import Store

ATTEMPTS = 3

Command = TypeVar("Command", bound=Callable[..., Any])


def _go_on(step: str) -> None:
    """Every step is taken."""


def _stop_before_writing(step: str) -> None:
    from consent_ledger.cli.ledgers import Rehearsed

    if step == "entry":
        raise Rehearsed


def _note(sentence: str) -> None:
    click.echo(sentence, err=True)


class Session:
    """One run of the command line. Everything is read when it is first needed."""

    def __init__(self, home: Path | None = None, passphrase_file: Path | None = None) -> None:
        self._home = home
        self.passphrase_file = passphrase_file
        self.server: str | None = None
        self.token_file: Path | None = None
        self.ca_file: Path | None = None
        self.vkey: str | None = None
        self._passphrases: list[str] = []

    @property
    def home(self) -> Path:
        """The ledger's folder."""
        return self._home if self._home is not None else default_home(os.environ)

    @home.setter
    def home(self, home: Path) -> None:
        self._home = home

    @cached_property
    def settings(self) -> Settings:
        """The home's settings; where a server has the ledger, there need not be any."""
        try:
            return read_settings(self.home, os.environ)
        except NotFoundError:
            if self.connection is None:
                raise
            return Settings(home=self.home, database=default_database(self.home))

    @cached_property
    def connection(self) -> "Connection | None":
        """The server that has the ledger, if it is not the one of this home."""
        from consent_ledger.cli.connecting import Wishes, find_connection

        wishes = Wishes(server=self.server, token_file=self.token_file, ca_file=self.ca_file, vkey=self.vkey)
        return find_connection(self.home, os.environ, wishes)

    @cached_property
    def book(self) -> AddressBook:
        """The home's address book."""
        return AddressBook(self.settings.address_book)

    def party_of(self, name: str) -> str:
        """Return the party id behind a local name, or the party id itself."""
        return self.book.find(name).party

    def given_passphrase(self) -> str | None:
        """Return the passphrase of --passphrase-file or of the environment, if either is given."""
        if self.passphrase_file is not None:
            try:
                return self.passphrase_file.read_text(encoding="utf-8").removesuffix("\n")
            except (OSError, UnicodeDecodeError) as e:
                detail = f"passphrase file `{self.passphrase_file}` cannot be read"
                raise KeyFileError(detail, code="passphrase_file") from e
        return os.environ.get(PREFIX + "PASSPHRASE") or None

    def read_key(self, path: Path) -> "SigningKey":
        """Return the key in a file; a passphrase for it is the given one, or what a person at a terminal types."""
        from consent_ledger.keyfile import read_key_file

        given = self.given_passphrase()
        known = [*self._passphrases, *([] if given is None else [given])]
        for passphrase in [None, *known]:
            try:
                return read_key_file(path, passphrase)
            except KeyFileError as e:
                if e.code not in ("passphrase_needed", "wrong_passphrase"):
                    raise
                error = e
        if not sys.stdin.isatty():
            hint = f", use --passphrase-file or {PREFIX}PASSPHRASE" if error.code == "passphrase_needed" else ""
            raise KeyFileError(f"{error}{hint}", code=error.code) from error
        return self._ask(path)

    def _openable(self) -> list["SigningKey"]:
        """Return the keys in those of the log's key files that open without asking anybody."""
        from consent_ledger.keyfile import read_key_file

        given = self.given_passphrase()
        found = []
        for path in self.settings.log_keys:
            for passphrase in [None, *self._passphrases, *([] if given is None else [given])]:
                with suppress(KeyFileError):
                    found.append(read_key_file(path, passphrase))
                    break
        return found

    def _ask(self, path: Path) -> "SigningKey":
        from consent_ledger.keyfile import read_key_file

        for attempt in range(1, ATTEMPTS + 1):
            passphrase = click.prompt(f"Passphrase of {path}", hide_input=True, err=True)
            try:
                key = read_key_file(path, passphrase)
            except KeyFileError as e:
                if attempt == ATTEMPTS or e.code != "wrong_passphrase":
                    raise
                click.echo(f"{e}; try again", err=True)
            else:
                self._passphrases.append(passphrase)
                return key
        raise AssertionError("unreachable")

    @contextmanager
    def reading(self) -> Iterator["Store"]:
        """Give the store of the ledger in this home, for questions."""
        from consent_ledger.store.engine import open_store

        with open_store(self.settings.database, read_only=True) as store:
            if self.settings.erasures.exists():
                self._require_erased(store)
            yield store

    def _require_erased(self, store: "Store") -> None:
        """Destroy what the journal says is destroyed, as in a database that was restored, before anybody sees it."""
        from consent_ledger.custody.erasure import Journal, complete, is_pending
        from consent_ledger.store.engine import open_store

        journal = Journal(self.settings.erasures)
        with store.read() as tx:
            pending = is_pending(tx, journal)
        if pending:
            with open_store(self.settings.database) as writable:
                complete(writable, journal)

    @contextmanager
    def ledger(self, *, rehearse: bool = False) -> Iterator["Ledger"]:
        """Give this home's ledger, for recording; a rehearsal raises Rehearsed where the first row would be written."""
        from consent_ledger.custody.anchor import Anchor
        from consent_ledger.custody.erasure import Journal, complete, watch_erasures
        from consent_ledger.custody.holds import Holds
        from consent_ledger.ledger import Ledger
        from consent_ledger.store.engine import open_store

        settings = self.settings
        newest = [*settings.log_keys, settings.log_key][0]
        log_key = self.read_key(newest)
        anchor = Anchor(settings.anchor_file, notice=_note)
        with open_store(settings.database, step=_stop_before_writing if rehearse else _go_on) as store:
            if not rehearse:
                complete(store, Journal(settings.erasures))
            ledger = Ledger.open(store, log_key, anchor=anchor, further_keys=self._openable)
            watch_erasures(ledger, Journal(settings.erasures), Holds(settings.holds))
            yield ledger
            anchor.close()

    def published(self) -> "Published":
        """Return what is known, outside the database, to have been published."""
        from consent_ledger.custody.anchor import Anchor

        return Anchor(self.settings.anchor_file).read()

    @contextmanager
    def asking(self) -> Iterator["Asking"]:
        """Give the ledger, here or at a server, for questions."""
        if self.connection is not None:
            from consent_ledger.cli.remote import RemoteAsking

            with self.connection.open() as client:
                yield RemoteAsking(client)
            return
        from consent_ledger.cli.local import LocalAsking

        with self.reading() as store:
            yield LocalAsking(store, self.published)

    @contextmanager
    def recording(self, *, rehearse: bool = False) -> Iterator["Recording"]:
        """Give the ledger, here or at a server, for recording; a rehearsal raises Rehearsed instead of writing."""
        if self.connection is not None:
            from consent_ledger.cli.remote import RemoteRecording, RemoteRehearsal

            with self.connection.open() as client:
                yield RemoteRehearsal(client) if rehearse else RemoteRecording(client)
            return
        from consent_ledger.cli.local import LocalRecording

        with self.ledger(rehearse=rehearse) as ledger:
            yield LocalRecording(ledger, self.published)

    def issuer(self, ledger: "Recording | Ledger", name: str, key_file: Path | None = None) -> "Issuer":
        """Return the party called `name`, with its key: from `key_file`, or the one that the address book names."""
        from consent_ledger.issuing import Issuer

        contact = self.book.find(name)
        return Issuer(ledger.origin, contact.party, self.read_key(key_file or self.key_file(contact)))

    def key_file(self, contact: Contact) -> Path:
        """Return where the key file of a contact is kept."""
        if contact.key is None:
            raise KeyFileError(f"no key file of `{contact.name}` is kept here, want --key-file", code="key_elsewhere")
        return self.home / contact.key


def _kept(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Give the session what an option says."""
    if value is not None and parameter.name is not None:
        setattr(ctx.find_object(Session), parameter.name, value)


def _kept_home(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Give the session the home, unless a server was named for a command that knows none."""
    server = ctx.ensure_object(Session).server
    if server is not None and all(p.name != "server" for p in ctx.command.params):
        raise click.UsageError(f"`{ctx.info_name}` works on the ledger of the home, not on that of a server")
    _kept(ctx, parameter, value)


def home_options(command: Command) -> Command:
    """Let a command take --home and --passphrase-file, which also stand before its name."""
    path = click.Path(path_type=Path)
    command = click.option(
        "--passphrase-file", type=path, expose_value=False, callback=_kept,
        help="A file with the passphrase of key files.",
    )(command)  # fmt: skip
    return click.option(
        "--home", type=path, expose_value=False, callback=_kept_home, help="The ledger's folder.", is_eager=True
    )(command)


def ledger_options(command: Command) -> Command:
    """Let a command take --home and --passphrase-file, and --server where another machine has the ledger."""
    command = click.option(
        "--token-file", type=click.Path(path_type=Path), expose_value=False, callback=_kept,
        help="A file with the token for the server.",
    )(command)  # fmt: skip
    command = click.option(
        "--server", metavar="URL", expose_value=False, callback=_kept, is_eager=True,
        help="The server that has the ledger, if it is not the one of the home.",
    )(command)  # fmt: skip
    return home_options(command)


pass_session = click.make_pass_decorator(Session)
