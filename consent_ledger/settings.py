"""Settings: what an operator may choose, from flags, then the environment, then the file in the ledger's home.

A home is one folder: settings, key files, the address book and, unless another database is named, the ledger itself.
Everything in it is for its owner only. Read once, in a composition root, and passed on as an argument.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from consent_ledger.errors import LedgerError, NotFoundError

FILE = "settings.toml"
PREFIX = "CONSENT_LEDGER_"
LISTS = ("hosts", "proxies")
"""In the environment these have a comma between one and the next."""

Whole = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Rate = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one home. `database` is a URL and may hold a password: never show it."""

    home: Path
    database: str
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8100
    anchor: str | None = None
    witness_policy: str | None = None
    """A file that names witnesses and their quorum (c2sp.org/tlog-policy)."""
    witness_fail: Literal["open", "closed"] = "closed"
    """Whether a checkpoint without its quorum is shown (open) or kept back (closed)."""
    witness_minutes: Whole = 60
    """After how long witnesses are asked again while nothing changes."""
    verify_hours: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 24
    """How often the service verifies the whole ledger; 0: never."""
    hosts: tuple[str, ...] = ()
    """Names that the service answers to; none: any."""
    proxies: tuple[str, ...] = ()
    """Addresses or networks whose `X-Forwarded-For` is believed."""
    https: bool = False
    """Whether browsers reach the service by https: its cookies then go no other way."""
    connections: Whole = 2_000
    token_rate: Rate = 2_000
    """Requests a second with one token, and how many at once; a rate of 0 is no limit. It is of each process."""
    token_burst: Whole = 4_000
    address_rate: Rate = 50
    """The same without a token, by client address."""
    address_burst: Whole = 500
    line_rate: Rate = 200_000
    """Lines a second of bulk requests with one token."""
    line_burst: Whole = 2_000_000
    trail_days: Whole = 365
    """For how long the audit trail is kept."""
    session_hours: Whole = 12
    """For how long somebody of the staff stays signed in, and without asking for anything."""
    idle_minutes: Whole = 30

    @property
    def anchor_file(self) -> Path:
        """The file that remembers what was published; best on another disk than the database."""
        return self.home / "anchor" if self.anchor is None else self.home / self.anchor

    @property
    def policy_file(self) -> Path | None:
        """The file that names the witnesses, if there are any."""
        return None if self.witness_policy is None else self.home / self.witness_policy

    @property
    def erasures(self) -> Path:
        """The journal of what was erased; its backups are kept apart from those of the database."""
        return self.home / "erasures.ndjson"

    @property
    def holds(self) -> Path:
        """The file of legal holds."""
        return self.home / "holds.json"

    @property
    def log_key(self) -> Path:
        """The file of the key that signs checkpoints."""
        return self.home / "log.key"

    @property
    def log_keys(self) -> list[Path]:
        """The files of all keys that sign checkpoints or did, or will, the newest first: log.key, log.key.2 and on."""
        later = [f for f in self.home.glob("log.key.*") if f.suffix[1:].isascii() and f.suffix[1:].isdecimal()]
        return [*sorted(later, key=lambda file: -int(file.suffix[1:])), *filter(Path.is_file, [self.log_key])]

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
    witness_policy: str | None = None
    witness_fail: Literal["open", "closed"] | None = None
    witness_minutes: Whole | None = None
    verify_hours: Annotated[int, msgspec.Meta(ge=0, le=10_000)] | None = None
    hosts: tuple[str, ...] | None = None
    proxies: tuple[str, ...] | None = None
    https: bool | None = None
    connections: Whole | None = None
    token_rate: Rate | None = None
    token_burst: Whole | None = None
    address_rate: Rate | None = None
    address_burst: Whole | None = None
    line_rate: Rate | None = None
    line_burst: Whole | None = None
    trail_days: Whole | None = None
    session_hours: Whole | None = None
    idle_minutes: Whole | None = None


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
    given: dict[str, Any] = {n: environ[PREFIX + n.upper()] for n in fields if environ.get(PREFIX + n.upper())}
    given |= {name: [part.strip() for part in given[name].split(",")] for name in LISTS if name in given}
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
        "# Settings of this ledger. Variables CONSENT_LEDGER_DATABASE, _HOST and so on come before what stands here.",
        '# database = "postgresql://user:password@host/name"   # without it: ledger.db beside this file',
        '# host = "127.0.0.1"',
        "# port = 8100",
        '# anchor = "/another/disk/anchor"   # the last published checkpoint; without it: anchor beside this file',
        '# witness_policy = "policy.txt"   # witnesses and their quorum, see docs/witnessing.md; without it: none',
        '# witness_fail = "closed"   # a checkpoint without its quorum is kept back; "open": it is shown',
        "# witness_minutes = 60   # after how long they are asked again while nothing changes",
        "# verify_hours = 24   # how often the service verifies the whole ledger; 0: never",
        '# hosts = ["ledger.example.org"]   # the names that it answers to; without it: any',
        '# proxies = ["10.0.0.0/8"]   # whose X-Forwarded-For is believed; without it: nobody\'s',
        "# https = true   # browsers reach it by https, so that cookies go no other way",
    ]
    if database is not None:
        lines[1] = f"database = {_toml_string(database)}"
    descriptor = os.open(home / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def _toml_string(text: str) -> str:
    # TOML's basic strings have JSON's escapes.
    return msgspec.json.encode(text).decode()
