"""What commands want of a ledger, wherever it is: opened here, or served by another machine.

`cli.local` and `cli.remote` are the two; a command does not know which one it has.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from consent_ledger.answers import ClearanceAnswer
from consent_ledger.batch import Outcome, Receipt
from consent_ledger.documents import ConsentAnswer
from consent_ledger.evidence.receipts import ReceiptFile
from consent_ledger.licenses.explanation import Want
from consent_ledger.licenses.records import Claim, ProjectRecord
from consent_ledger.licenses.statements import TemplateRef, UseRequest
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.withdrawal import Standing


class Rehearsed(Exception):
    """What was rehearsed would have been recorded."""


class When(NamedTuple):
    """As of which instant, and by what was known at an instant or a ledger size; None is now, and all."""

    as_of: int | None = None
    known_at: int | None = None
    size: int | None = None


class Asking(Protocol):
    """A ledger that can be asked."""

    def clear(self, assets: Sequence[str], request: UseRequest, when: When) -> list[ClearanceAnswer]:
        """Return the answer about each asset, in order, all at one moment and ledger size."""

    def explain(self, assets: Sequence[str], request: UseRequest, when: When) -> list[tuple[Want, ...]]:
        """Return what would clear each asset, in order."""

    def find_project(self, name: str) -> tuple[ProjectRecord, list[TemplateDocument]]:
        """Return a project as it is now, and the template versions that it offers; raise NotFoundError."""

    def find_templates(self, publisher: str, names: Iterable[str]) -> list[TemplateRef]:
        """Return the references of template versions: `id/version` of this publisher, or a digest of anybody's."""

    def find_claims(self, assets: Sequence[str]) -> dict[str, tuple[Claim, ...]]:
        """Return the registrations of each asset; none for one that is not registered."""

    def find_consent(self, party: str) -> ConsentAnswer:
        """Return what a party granted, or was granted for it, and withdrew."""

    def find_envelope(self, id_: str) -> bytes:
        """Return the signed envelope of a statement, as it was recorded."""

    def take_receipt(self, id_: str) -> ReceiptFile:
        """Return the receipt of a recorded statement."""


class Recording(Asking, Protocol):
    """A ledger that can be written to. A rehearsal raises Rehearsed instead of writing."""

    @property
    def origin(self) -> str:
        """The ledger's name, which every statement is meant for."""

    def clock(self) -> int:
        """Return now, in microseconds since the epoch."""

    def register(self, envelope: bytes) -> Receipt:
        """Record a signed statement and return its receipt."""

    def register_all(self, envelopes: Iterable[bytes]) -> list[Outcome]:
        """Record many, in order, and return for each its receipt or the error that refused it."""

    def find_withdrawal(self, party: str, **part: Any) -> Standing:
        """Return how much a party granted, and the withdrawal of the same that stands."""

    def find(self, id_: str) -> Receipt:
        """Return the receipt of a statement; raise NotFoundError where it is not recorded."""
