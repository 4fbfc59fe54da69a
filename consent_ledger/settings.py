"""Settings: what an operator may choose, from flags, then the environment, then the file in the ledger's home.

A home is one folder: settings, key files, the address book and, unless another database is named, the ledger itself.
Everything in it is for its owner only. Read once, in a composition root, and passed on as an argument.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from consent_ledger.errors import LedgerError, NotFoundError

FILE = "settings.toml"
PREFIX = "CONSENT_LEDGER_"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one home. `database` is a URL and may hold a password: never show it."""

    home: Path
    database: str
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8100
    anchor: str | None = None

    @property
    def anchor_file(self) -> Path:
        """The file that remembers what was published; best on another disk than the database."""
        return self.home / "anchor" if self.anchor is None else self.home / self.anchor

    @property
    def log_key(self) -> Path:
        """The file of the key that signs checkpoints."""
        return self.home / "log.key"

    @property
    def operator_key(self) -> Path:
        """The file of the key that the ledger itself speaks with."""
        return self.home / "operator.key"

    @property
    def verifier_key(self) -> Path:
        """The public file that anybody needs to check what the log key signed."""
        return self.home / "log.vkey"

    @property
    def address_book(self) -> Path:
        """The file that says which local name is which party, and where its key file is."""
        return self.home / "parties.ndjson"

    @property
    def party_keys(self) -> Path:
        """The folder of key files of parties that this home keeps keys for."""
        return self.home / "keys"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file and the environment may set."""

    database: str | None = None
    host: str | None = None
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    anchor: str | None = None


def default_home(environ: Mapping[str, str]) -> Path:
    """Return the home to use when none is named."""
    named = environ.get(PREFIX + "HOME")
    return Path(named) if named else Path.home() / ".consent-ledger"


def read_settings(home: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings of the ledger at `home`; the environment comes before the file.

    NotFoundError `home_missing` where there is no home; LedgerError `settings` for what cannot be understood.
    """
    try:
        raw = (home / FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as e:
        detail = f"no ledger home at `{home}`, want one made by `consent-ledger init`, or --home"
        raise NotFoundError(detail, code="home_missing") from e
    except OSError as e:
        raise LedgerError(f"`{home / FILE}` cannot be read: {(e.strerror or '').lower()}", code="settings") from e
    try:
        fields = msgspec.structs.asdict(msgspec.toml.decode(raw, type=_File))
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise LedgerError(f"`{home / FILE}` cannot be understood: {e}", code="settings") from e
    given = {name: environ[PREFIX + name.upper()] for name in fields if environ.get(PREFIX + name.upper())}
    try:
        merged = msgspec.convert({**fields, **given}, _File, strict=False)
    except msgspec.ValidationError as e:
        raise LedgerError(f"a variable `{PREFIX}...` cannot be understood: {e}", code="settings") from e
    chosen = {name: value for name, value in msgspec.structs.asdict(merged).items() if value is not None}
    return Settings(home=home, **{"database": default_database(home), **chosen})


def default_database(home: Path) -> str:
    """Return the address of the database inside a home."""
    return f"sqlite:///{home.absolute()}/ledger.db"


def write_settings(home: Path, database: str | None) -> None:
    """Write a new settings file, readable by its owner only. `database` None means the one inside the home."""
    lines = [
        "# Settings of this ledger. Variables CONSENT_LEDGER_DATABASE, _HOST and _PORT come before what stands here.",
        '# database = "postgresql://user:password@host/name"   # without it: ledger.db beside this file',
        '# host = "127.0.0.1"',
        "# port = 8100",
        '# anchor = "/another/disk/anchor"   # the last published checkpoint; without it: anchor beside this file',
    ]
    if database is not None:
        lines[1] = f"database = {_toml_string(database)}"
    descriptor = os.open(home / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def _toml_string(text: str) -> str:
    # TOML's basic strings have JSON's escapes.
    return msgspec.json.encode(text).decode()
