"""Legal holds: whose statements must not be erased now, because somebody may have to prove something by them.

A file in the home, for its owner only. It is nobody else's business, so it is not in the ledger.
"""

import os
from pathlib import Path

import msgspec

from consent_ledger.durable import replace_file, sync_directory
from consent_ledger.errors import ConflictError, LedgerError, NotFoundError


class Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hold on a party, since an instant (microseconds), for a reason in the operator's words."""

    party: str
    reason: str
    since: int


class Holds:
    """The holds in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Hold]:
        """Return the holds by party; LedgerError `holds_unreadable`: then nothing is to be erased."""
        try:
            found = msgspec.json.decode(self.path.read_bytes(), type=list[Hold])
        except FileNotFoundError:
            return {}
        except (msgspec.MsgspecError, UnicodeDecodeError) as e:
            raise LedgerError(
                f"the legal holds in `{self.path}` cannot be understood: {e}", code="holds_unreadable"
            ) from e
        return {hold.party: hold for hold in found}

    def check(self, party: str) -> None:
        """Raise ConflictError `legal_hold` where there is a hold on the party."""
        hold = self.read().get(party)
        if hold is not None:
            detail = f"`{party}` is under a legal hold ({hold.reason}), want `consent-ledger hold lift` first"
            raise ConflictError(detail, code="legal_hold")

    def add(self, hold: Hold) -> None:
        """Put a party on hold; a hold that there is keeps its date."""
        holds = self.read()
        self._write({**holds, hold.party: holds.get(hold.party, hold)})

    def lift(self, party: str) -> None:
        """End the hold on a party; NotFoundError where there is none."""
        holds = self.read()
        if party not in holds:
            raise NotFoundError(f"there is no legal hold on `{party}`", code="hold_unknown")
        del holds[party]
        self._write(holds)

    def _write(self, holds: dict[str, Hold]) -> None:
        raw = msgspec.json.format(msgspec.json.encode(list(holds.values()))) + b"\n"
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        replace_file(self.path, raw, draft)
        sync_directory(self.path.parent)
