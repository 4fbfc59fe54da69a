"""The address book: which local name is which party, and where its key file is.

Names never enter the ledger, where party ids are random and mean nothing. The book is a file of JSON lines in the
ledger's home, for its owner only; a line is added for each change, and the last line of a name holds.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from consent_ledger.errors import ConflictError, LedgerError, MalformedError, NotFoundError

LEDGER = "ledger"
"""The name of the ledger itself, which the operator's key speaks for."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PARTY = re.compile(r"pty_[0-9a-f]{32}")


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A party under its local name. `key` is its key file, relative to the home; None: its key is kept elsewhere."""

    name: str
    party: str
    kind: str
    key: str | None = None


class AddressBook:
    """The contacts in one file. Reading happens once; `add` writes at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._by_name = {contact.name: contact for contact in _read(path)}
        self._by_party = {contact.party: contact for contact in self._by_name.values()}

    @property
    def contacts(self) -> list[Contact]:
        """All of them, in the order in which they were first added."""
        return list(self._by_name.values())

    def find(self, name: str) -> Contact:
        """Return the contact of a name or party id; a party id need not be in the book."""
        contact = self._by_name.get(name) or self._by_party.get(name)
        if contact is None and _PARTY.fullmatch(name):
            return Contact(name, name, "unknown")
        if contact is None:
            raise NotFoundError(f"nobody is called `{name}` in the address book `{self._path}`", code="name_unknown")
        return contact

    def name_of(self, party: str) -> str:
        """Return the local name of a party, or its id where it has none."""
        contact = self._by_party.get(party)
        return party if contact is None else contact.name

    def require_free(self, names: Iterable[str]) -> None:
        """Raise unless every name could be given to somebody new."""
        seen: set[str] = set()
        for name in names:
            if _NAME.fullmatch(name) is None or _PARTY.fullmatch(name):
                wanted = "want a letter or digit, then up to 63 letters, digits, `.`, `_` or `-`"
                raise MalformedError(f"`{name}` cannot be a local name, {wanted}", code="bad_name")
            if name in self._by_name or name in seen:
                raise ConflictError(f"`{name}` is somebody in the address book already", code="name_taken")
            seen.add(name)

    def add(self, contacts: Iterable[Contact]) -> None:
        """Write contacts at the end; a name that is there already means the new contact from now on."""
        added = list(contacts)
        lines = b"".join(msgspec.json.encode(contact) + b"\n" for contact in added)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        before = os.fstat(descriptor).st_size
        try:
            with open(descriptor, "ab", closefd=False) as file:
                file.write(lines)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, before)  # half a line would spoil the whole book
            raise
        finally:
            os.close(descriptor)
        for contact in added:
            self._by_name[contact.name] = self._by_party[contact.party] = contact


def _read(path: Path) -> list[Contact]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return []
    try:
        return msgspec.json.decode(b"[" + b",".join(raw.splitlines()) + b"]", type=list[Contact])
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise LedgerError(f"address book `{path}` cannot be understood: {e}", code="address_book") from e
