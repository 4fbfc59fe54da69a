"""Which server commands go to, if not to the ledger of this home; and with what token.

Flags come before the environment, and that before `server.toml` in the home. A home that only talks to a server has
that file, the address book, key files, and in `log.vkey` the verifier key of the log that is meant.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec

from consent_ledger.client import Client
from consent_ledger.errors import KeyFileError, LedgerError
from consent_ledger.settings import PREFIX

FILE = "server.toml"
_LONGEST = 4096


class Wishes(msgspec.Struct, kw_only=True):
    """What the flags say. `vkey` is a verifier key, or a file with one."""

    server: str | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    vkey: str | None = None


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A server, and what is needed to talk to it."""

    server: str
    token: str | None
    ca_file: Path | None
    vkey: str | None
    allow_plain_http: bool

    def open(self) -> Client:
        """Return a client; nothing is sent by this."""
        return Client(
            self.server, self.token, vkey=self.vkey, ca_file=self.ca_file, allow_plain_http=self.allow_plain_http
        )


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    server: str | None = None
    token_file: str | None = None
    ca_file: str | None = None
    allow_plain_http: bool = False


def find_connection(home: Path, environ: Mapping[str, str], wishes: Wishes) -> Connection | None:
    """Return the server to talk to, or None where the ledger is the one of this home."""
    file = _read_file(home / FILE)
    server = wishes.server or environ.get(PREFIX + "SERVER") or file.server
    if server is None:
        return None
    ca_file = wishes.ca_file or _path(Path(), environ.get(PREFIX + "CA_FILE")) or _path(home, file.ca_file)
    return Connection(
        server=server,
        token=_token(home, environ, wishes, file),
        ca_file=ca_file,
        vkey=_vkey(home, environ, wishes),
        allow_plain_http=file.allow_plain_http or environ.get(PREFIX + "ALLOW_PLAIN_HTTP") == "true",
    )


def _read_file(path: Path) -> _File:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=_File)
    except (FileNotFoundError, NotADirectoryError):
        return _File()
    except OSError as e:
        raise LedgerError(f"`{path}` cannot be read: {(e.strerror or '').lower()}", code="settings") from e
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise LedgerError(f"`{path}` cannot be understood: {e}", code="settings") from e


def _path(folder: Path, name: str | None) -> Path | None:
    return folder / name if name else None


def _token(home: Path, environ: Mapping[str, str], wishes: Wishes, file: _File) -> str | None:
    if wishes.token_file is not None:
        return read_token_file(wishes.token_file)
    named = environ.get(PREFIX + "TOKEN")
    if named:
        return named
    path = _path(Path(), environ.get(PREFIX + "TOKEN_FILE")) or _path(home, file.token_file)
    return None if path is None else read_token_file(path)


def read_token_file(path: Path) -> str:
    """Return the token in a file; raise KeyFileError unless only its owner can read it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not make us wait
    except OSError as e:
        reason = (e.strerror or str(e)).lower()
        raise KeyFileError(f"token file `{path}` cannot be read: {reason}", code="token_file") from e
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileError(f"token file `{path}` is not a file", code="token_file")
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o077:
            detail = f"token file `{path}` is open to others (mode {mode:04o}), want 0600"
            raise KeyFileError(detail, code="open_to_others")
        raw = file.read(_LONGEST)
    return raw.decode("ascii", "replace").strip()


def _vkey(home: Path, environ: Mapping[str, str], wishes: Wishes) -> str | None:
    named = wishes.vkey or environ.get(PREFIX + "VKEY")
    if named and "+" in named:
        return named
    path = Path(named) if named else home / "log.vkey"
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as e:
        if named is None and isinstance(e, FileNotFoundError | NotADirectoryError):
            return None
        raise LedgerError(f"`{path}` is neither a verifier key nor a file with one", code="bad_vkey") from e
