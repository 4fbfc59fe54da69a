"""Statements by their id: as they were received, for whoever may see them."""

from typing import NamedTuple

from consent_ledger.audit.entry import commit, decode_entry
from consent_ledger.audit.replay import Opening
from consent_ledger.errors import NotFoundError, VerificationError
from consent_ledger.ledger import Ledger, Receipt, unknown_statement
from consent_ledger.licenses.signed import skim_signed
from consent_ledger.licenses.statements import Statement
from consent_ledger.licenses.visibility import Viewer, keys_for_statement, sees_statement
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.log import read_openings, read_size
from consent_ledger.store.transaction import Transaction


class Opened(NamedTuple):
    """A recorded statement with what its entry commits to."""

    receipt: Receipt
    salt: bytes
    envelope: bytes


def open_statement(ledger: Ledger, viewer: Viewer, id_: str) -> Opened:
    """Return a statement and its opening, held against its entry.

    NotFoundError where it is not recorded or not the viewer's to see, and (`erased`) where it was destroyed.
    """
    receipt, opening = _find(ledger, viewer, id_)
    if opening is None:
        raise NotFoundError(f"statement `{id_}` is erased, its entry is {receipt.entry}", code="erased")
    return Opened(receipt, opening.salt, opening.envelope)


def find_receipt(ledger: Ledger, viewer: Viewer, id_: str) -> Receipt:
    """Return the receipt of a statement, erased or not; NotFoundError where the viewer may not see it."""
    return _find(ledger, viewer, id_)[0]


def _find(ledger: Ledger, viewer: Viewer, id_: str) -> tuple[Receipt, Opening | None]:
    receipt = ledger.find(id_)
    with ledger.store.read() as tx:
        opening = read_openings(tx, [receipt.entry]).get(receipt.entry)
        if opening is None:
            return receipt, None  # nothing is left that could say whose it was, nor anything to hide
        if commit(opening.salt, opening.envelope) != decode_entry(receipt.entry_bytes).commitment:
            detail = f"entry {receipt.entry} is not what the ledger recorded"
            raise VerificationError(detail, code="ledger_integrity_failure")
        if not is_seen(tx, viewer, skim_signed(opening.envelope).statement):
            raise unknown_statement(id_)
    return receipt, opening


def is_seen(tx: Transaction, viewer: Viewer, statement: Statement) -> bool:
    """Whether the viewer sees a recorded statement, by what the ledger holds now."""
    reader = FactsReader(tx, read_size(tx))
    if viewer is not None:
        reader.need(lambda facts: keys_for_statement(statement, facts))
    return sees_statement(viewer, statement, reader.facts)
