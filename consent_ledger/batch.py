"""One transaction's worth of statements: admitted one after the other, sealed, and turned into rows.

Nothing is written here. The facts grow with each statement that is admitted, so that the next may rest on it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from consent_ledger.audit.entry import SALT_BYTES, commit, decode_entry, encode_entry
from consent_ledger.audit.tree import leaf_hash
from consent_ledger.errors import LedgerError, UnavailableError
from consent_ledger.intake import Verified
from consent_ledger.licenses.erasing import check_erasure
from consent_ledger.licenses.keys import for_admission_further, statement_key, touched_keys
from consent_ledger.licenses.records import Registered
from consent_ledger.licenses.registration import admit
from consent_ledger.licenses.signed import SignedStatement
from consent_ledger.licenses.statements import Erasure
from consent_ledger.signing.instants import SECOND
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.index import entries_touching
from consent_ledger.store.log import Head, read_covering_checkpoint, read_entries
from consent_ledger.store.transaction import Transaction


class Receipt(NamedTuple):
    """That a statement was recorded: its id, its entry, and the first signed checkpoint that covers it.

    `is_new` is False where the same statement had been registered before; the rest is then that first registration.
    """

    id: str
    entry: int
    recorded_at: int
    entry_bytes: bytes
    checkpoint: bytes
    is_new: bool


Outcome = Receipt | LedgerError


def receipt_of(tx: Transaction, id_: str, index: int) -> Receipt:
    """Return the receipt of the statement that entry `index` holds."""
    entry = read_entries(tx, index, index + 1)[0]
    checkpoint = read_covering_checkpoint(tx, index)
    return Receipt(id_, index, decode_entry(entry).recorded_at, entry, checkpoint, False)


class Batch:
    """The rows that one transaction will append, and the facts as they grow with them."""

    def __init__(
        self, tx: Transaction, head: Head, now: int, entropy: Callable[[int], bytes], reader: FactsReader
    ) -> None:
        self.reader = reader
        self.entries: list[tuple[int, int, bytes]] = []
        self.openings: list[tuple[int, bytes, bytes]] = []
        self.leaves: list[bytes] = []
        self.touches: list[tuple[bytes, int]] = []
        self._tx = tx
        self._head = head
        self._now = now // SECOND * SECOND
        self._entropy = entropy
        self._salts = memoryview(b"")
        self._seen: dict[str, Receipt] = {}
        self._previous = head.last_leaf

    def plan(self, statements: Sequence[Verified]) -> Sequence[Verified]:
        """Read, set-wise, what admitting the statements needs."""
        ids = {statement_key(v.signed.id): v.signed.id for v in statements}
        for key, entries in entries_touching(self._tx, list(ids), self._head.size).items():
            self._seen[ids[key]] = receipt_of(self._tx, ids[key], entries[0])
        fresh = [v for v in statements if v.signed.id not in self._seen]
        self._salts = memoryview(self._entropy(SALT_BYTES * len(fresh)))
        self.reader.load(set().union(*(v.needs for v in fresh)))
        self.reader.need(lambda facts: set().union(*(for_admission_further(v.signed.statement, facts) for v in fresh)))
        return statements

    def admit(self, verified: Verified) -> Outcome:
        """Return the receipt, still without its checkpoint, or the error that refused the statement."""
        signed, signers, _ = verified
        if signed.id in self._seen:
            return self._seen[signed.id]._replace(is_new=False)
        facts = self.reader.facts
        index = self._head.size + len(self.entries)
        try:
            self.reader.need(lambda facts: for_admission_further(signed.statement, facts))
            if facts.failure is not None:
                raise UnavailableError(f"the ledger is damaged: {facts.failure}", code="ledger_integrity_failure")
            where = admit(facts, signed.statement, signers, Registered(index, self._now, signed.id, signers.keyids))
            if isinstance(signed.statement, Erasure):
                check_erasure(facts, signed.statement)
        except UnavailableError:
            raise  # about the ledger, not about this statement
        except LedgerError as e:
            return e
        receipt = self._seal(index, signed)
        touches = touched_keys(signed.id, signed.statement, facts)
        self.touches += [(key, index) for key in touches]
        self.reader.add(where, signed.statement)
        self._seen[signed.id] = receipt
        return receipt

    def _seal(self, index: int, signed: SignedStatement) -> Receipt:
        salt = bytes(self._salts[len(self.entries) * SALT_BYTES :][:SALT_BYTES])
        entry = encode_entry(index, self._now, commit(salt, signed.raw), self._previous)
        self._previous = leaf_hash(entry)
        self.entries.append((index, self._now, entry))
        self.openings.append((index, salt, signed.raw))
        self.leaves.append(self._previous)
        return Receipt(signed.id, index, self._now, entry, b"", True)
