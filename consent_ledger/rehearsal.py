"""Rehearsal: what registration would say of a statement, with nothing written and nobody held up."""

import secrets

from consent_ledger.batch import Batch, Receipt
from consent_ledger.errors import LedgerError
from consent_ledger.intake import Intake
from consent_ledger.ledger import Ledger
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.log import read_head


def rehearse(ledger: Ledger, envelope: bytes) -> Receipt | None:
    """Return None for a statement that would be recorded now, or the receipt of one that is; raise what refuses it."""
    (verified,) = Intake(ledger.store).verify_here([envelope])
    if isinstance(verified, LedgerError):
        raise verified
    with ledger.store.read() as tx:
        head = read_head(tx)
        ledger.published().hold(tx, head, ledger.verifiers)
        now = max(ledger.clock(), head.recorded_at)
        # Made as if it were to be written, and then let go.
        batch = Batch(tx, head, now, secrets.token_bytes, FactsReader(tx, head.size))
        (outcome,) = [batch.admit(statement) for statement in batch.plan([verified])]
    if isinstance(outcome, LedgerError):
        raise outcome
    return None if outcome.is_new else outcome
