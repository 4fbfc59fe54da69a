"""The ledger: everything that changes the world is a signed statement, and `register` is the only writer.

Verify, admit, sequence, integrate, sign the checkpoint, commit: one transaction, and every caller leaves with a receipt
under a signed checkpoint. Callers that come together share a transaction, so the disk is waited for once for many:
whoever gets the turn takes along all that has queued meanwhile.
"""

import gc
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from threading import Lock
from typing import NamedTuple

from consent_ledger.audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from consent_ledger.audit.entry import SALT_BYTES, commit, decode_entry, encode_entry
from consent_ledger.audit.proofs import inclusion_ids, prove_inclusion
from consent_ledger.audit.receipt import Receipt as Proof
from consent_ledger.audit.receipt import encode_receipt
from consent_ledger.audit.tree import leaf_hash
from consent_ledger.errors import ConflictError, LedgerError, NotFoundError, UnavailableError, VerificationError
from consent_ledger.licenses.facts import Registered
from consent_ledger.licenses.keys import (
    GENESIS_KEY,
    for_admission,
    for_admission_further,
    keyid_key,
    statement_key,
    touched_keys,
)
from consent_ledger.licenses.registration import admit
from consent_ledger.licenses.signed import (
    SignedStatement,
    Signers,
    brought_key,
    read_signed,
    signers_of,
    skim_signed,
    verify_signed,
)
from consent_ledger.licenses.statements import Genesis, encode_statement, keyid_of
from consent_ledger.signing.envelope import sign_envelope
from consent_ledger.signing.instants import SECOND
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import NoteVerifier, vkey_text
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.index import entries_touching
from consent_ledger.store.log import Head, append, read_covering_checkpoint, read_entries, read_head, read_nodes
from consent_ledger.store.transaction import Transaction
from consent_ledger.workers import Workers

BATCH = 1_000
_AHEAD = 2  # batches that are being verified while one is committed
_REMEMBERED_KEYS = 200_000
_REMEMBERED_FACTS = 200_000


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


class _Verified(NamedTuple):
    signed: SignedStatement
    signers: Signers
    needs: set[bytes]


class _Ticket:
    """A caller's statements in the queue for the next transaction."""

    def __init__(self, statements: Sequence[_Verified]) -> None:
        self.statements = statements
        self.outcomes: list[Outcome] | None = None
        self.failure: BaseException | None = None


def system_clock() -> int:
    """Return now, in microseconds since the epoch."""
    return time.time_ns() // 1000


class Ledger:
    """An open ledger that can be written to. One per process; any number of threads may call it."""

    def __init__(
        self,
        store: Store,
        origin: str,
        log_key: SigningKey,
        *,
        clock: Callable[[], int] = system_clock,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Use `Ledger.open` or `Ledger.create`: this checks nothing."""
        self.store = store
        self.origin = origin
        self.clock = clock
        self.vkey = vkey_text(origin, log_key.public_key)
        self.verifier = NoteVerifier.from_vkey(self.vkey)
        self._log_key = log_key
        self._entropy = entropy
        self._queue: list[_Ticket] = []
        self._queue_lock = Lock()
        self._turn = Lock()
        self._public_keys: dict[str, bytes] = {}
        self._warm: FactsReader | None = None
        self._warm_size = 0

    @classmethod
    def open(
        cls,
        store: Store,
        log_key: SigningKey,
        *,
        clock: Callable[[], int] = system_clock,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> "Ledger":
        """Return the ledger in `store`; raise VerificationError `wrong_log_key` unless `log_key` signed its head."""
        with store.read() as tx:
            head = read_head(tx)
            reader = FactsReader(tx, head.size)
            reader.load([GENESIS_KEY])
        if reader.facts.origin is None or head.checkpoint is None:
            raise NotFoundError(f"`{store.place}` holds no ledger yet, want `init` first", code="ledger_missing")
        ledger = cls(store, reader.facts.origin, log_key, clock=clock, entropy=entropy)
        try:
            checkpoint = open_checkpoint(head.checkpoint, [ledger.verifier])
        except VerificationError as e:
            detail = f"this log key did not sign the checkpoint of `{ledger.origin}`"
            raise VerificationError(detail, code="wrong_log_key") from e
        if (checkpoint.size, checkpoint.root) != (head.size, head.frontier.root()):
            raise VerificationError("the log does not match its own checkpoint", code="ledger_integrity_failure")
        return ledger

    @classmethod
    def create(
        cls,
        store: Store,
        genesis: Genesis,
        operator_key: SigningKey,
        log_key: SigningKey,
        *,
        clock: Callable[[], int] = system_clock,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> "Ledger":
        """Record `genesis` as entry 0 of an empty store and return the ledger."""
        ledger = cls(store, genesis.ledger, log_key, clock=clock, entropy=entropy)
        if genesis.log_key != ledger.vkey:
            raise VerificationError("genesis names another log key", code="wrong_log_key")
        if not ledger.register(sign_envelope(encode_statement(genesis), operator_key)).is_new:
            raise ConflictError(f"`{store.place}` holds a ledger already", code="genesis_exists")
        return ledger

    def register(self, envelope: bytes) -> Receipt:
        """Record one signed statement and return its receipt, once it is durable.

        Raises MalformedError, VerificationError, RefusedError, ForbiddenError or ConflictError where it is not to be
        recorded, UnavailableError where it cannot be now; then nothing was done.
        """
        (outcome,) = self.register_all([envelope])
        if isinstance(outcome, LedgerError):
            raise outcome
        return outcome

    def register_all(self, envelopes: Iterable[bytes]) -> list[Outcome]:
        """Record many, in order, and return for each its receipt or the error that refused it.

        A statement may rest on one before it. What is refused takes nothing else with it. UnavailableError is raised,
        and the statements of the batches before it stay recorded.
        """
        outcomes: list[Outcome] = []
        source = iter(envelopes)
        chunk = list(islice(source, BATCH))
        if len(chunk) < BATCH:
            return self._submit(self._verify_here(chunk))
        with Workers() as workers, _collector_paused():
            ahead: deque[Callable[[], list[_Verified | LedgerError]]] = deque()
            while chunk or ahead:
                if chunk:
                    ahead.append(self._verify_there(chunk, workers))
                    chunk = list(islice(source, BATCH))
                if len(ahead) > _AHEAD or not chunk:
                    outcomes += self._submit(ahead.popleft()())
        return outcomes

    # Verify, without a transaction ------------------------------------------------------------------------------

    def _verify_here(self, envelopes: Sequence[bytes]) -> list[_Verified | LedgerError]:
        parsed = [_parse(raw, read_signed) for raw in envelopes]
        keys = self._keys_for([p for p in parsed if isinstance(p, SignedStatement)])
        return [_verify(p, keys) if isinstance(p, SignedStatement) else p for p in parsed]

    def _verify_there(
        self, envelopes: Sequence[bytes], workers: Workers
    ) -> Callable[[], list[_Verified | LedgerError]]:
        """Begin to verify in the workers, and return what waits for the end of it."""
        parsed = [_parse(raw, skim_signed) for raw in envelopes]
        skimmed = [p for p in parsed if isinstance(p, SignedStatement)]
        keys = self._keys_for(skimmed)
        wanted = {keyid: keys[keyid] for p in skimmed for keyid in p.keyids if keyid in keys}
        half = len(envelopes) // 2 + 1  # of a batch that two cores are waited for
        parts = [workers.verify(envelopes[start : start + half], wanted) for start in range(0, len(envelopes), half)]

        def finish() -> list[_Verified | LedgerError]:
            good = [verdict for part in parts for verdict in part.result()]
            return [
                _verified(p, signers_of(p.envelope))
                if ok and isinstance(p, SignedStatement)
                else self._verify_here([raw])[0]  # again, for the words of the refusal
                for raw, p, ok in zip(envelopes, parsed, good, strict=True)
            ]

        return finish

    def _keys_for(self, statements: Sequence[SignedStatement]) -> dict[str, bytes]:
        """Return the raw public key behind each keyid, from these statements or from the ledger.

        A keyid is the digest of its key, so where the key was found is no matter; whose it is, registration judges.
        """
        if len(self._public_keys) > _REMEMBERED_KEYS:
            self._public_keys = {}
        known = self._public_keys
        for signed in statements:
            material = brought_key(signed.statement)
            if material is not None:
                known[keyid_of(material)] = material.raw
        unknown = {keyid for signed in statements for keyid in signed.keyids if keyid not in known}
        if unknown:
            with self.store.read() as tx:
                reader = FactsReader(tx, read_head(tx).size)
                reader.load([keyid_key(keyid) for keyid in unknown])
                for party in reader.facts.parties.values():
                    known.update((key.keyid, key.raw) for key in party.keys)
        return known

    # Sequence, in one transaction --------------------------------------------------------------------------------

    def _submit(self, statements: Sequence[_Verified | LedgerError]) -> list[Outcome]:
        ticket = _Ticket([s for s in statements if isinstance(s, _Verified)])
        if ticket.statements:
            with self._queue_lock:
                self._queue.append(ticket)
            with self._turn:
                if ticket.outcomes is None and ticket.failure is None:
                    self._lead()
        if ticket.failure is not None:
            raise ticket.failure
        recorded = iter(ticket.outcomes or ())
        return [s if isinstance(s, LedgerError) else next(recorded) for s in statements]

    def _lead(self) -> None:
        """Commit everything that has queued, one's own with it."""
        with self._queue_lock:
            tickets, self._queue = self._queue, []
        try:
            outcomes = iter(self._commit([s for ticket in tickets for s in ticket.statements]))
            for ticket in tickets:
                ticket.outcomes = list(islice(outcomes, len(ticket.statements)))
        except BaseException as e:
            for ticket in tickets:
                ticket.failure = e

    def _commit(self, statements: Sequence[_Verified]) -> list[Outcome]:
        with self.store.write() as tx:
            head = read_head(tx)
            batch = _Batch(tx, head, max(self.clock(), head.recorded_at), self._entropy, self._facts_at(tx, head.size))
            outcomes = [batch.admit(verified) for verified in batch.plan(statements)]
            checkpoint = b""
            if batch.entries:
                frontier, nodes = head.frontier.extend(batch.leaves)
                size = head.size + len(batch.entries)
                checkpoint = sign_checkpoint(Checkpoint(self.origin, size, frontier.root()), self._log_key)
                append(
                    tx,
                    entries=batch.entries,
                    openings=batch.openings,
                    nodes=nodes,
                    checkpoint=(size, checkpoint),
                    touches=batch.touches,
                )
        # Only now may the checkpoint leave the process, and the facts be those of the ledger.
        self._warm, self._warm_size = batch.reader, head.size + len(batch.entries)
        return [
            outcome
            if isinstance(outcome, LedgerError)
            else outcome._replace(checkpoint=outcome.checkpoint or checkpoint)
            for outcome in outcomes
        ]

    def _facts_at(self, tx: Transaction, size: int) -> FactsReader:
        """Return the facts of the last transaction, if nobody else has written since and it succeeded."""
        warm, self._warm = self._warm, None
        if warm is None or self._warm_size != size or warm.facts.failure is not None or warm.weight > _REMEMBERED_FACTS:
            return FactsReader(tx, size)
        warm.resume(tx, size)
        return warm

    # What is there -----------------------------------------------------------------------------------------------

    def find(self, id_: str) -> Receipt:
        """Return the receipt of a statement; raise NotFoundError where it is not recorded."""
        with self.store.read() as tx:
            found = entries_touching(tx, [statement_key(id_)], read_head(tx).size)
            if not found:
                raise NotFoundError(f"statement `{id_}` is not recorded", code="statement_unknown")
            return _receipt_of(tx, id_, next(iter(found.values()))[0])

    def prove(self, receipt: Receipt) -> bytes:
        """Return the C2SP tlog-proof text that proves a receipt's entry under its checkpoint, offline and for ever."""
        size = open_checkpoint(receipt.checkpoint, [self.verifier]).size
        with self.store.read() as tx:
            nodes = read_nodes(tx, inclusion_ids(receipt.entry, size))
        return encode_receipt(Proof(receipt.entry, prove_inclusion(receipt.entry, size, nodes), receipt.checkpoint))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Spare the garbage collector many thousand new objects, none of which can be part of a cycle."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _parse(raw: bytes, read: Callable[[bytes], SignedStatement]) -> SignedStatement | LedgerError:
    try:
        return read(raw)
    except LedgerError as e:
        return e


def _verify(signed: SignedStatement, keys: dict[str, bytes]) -> _Verified | LedgerError:
    try:
        return _verified(signed, verify_signed(signed, keys))
    except LedgerError as e:
        return e


def _verified(signed: SignedStatement, signers: Signers) -> _Verified:
    return _Verified(signed, signers, for_admission(signed.statement, signers))


def _receipt_of(tx: Transaction, id_: str, index: int) -> Receipt:
    entry = read_entries(tx, index, index + 1)[0]
    checkpoint = read_covering_checkpoint(tx, index)
    return Receipt(id_, index, decode_entry(entry).recorded_at, entry, checkpoint, False)


class _Batch:
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

    def plan(self, statements: Sequence[_Verified]) -> Sequence[_Verified]:
        """Read, set-wise, what admitting the statements needs."""
        ids = {statement_key(v.signed.id): v.signed.id for v in statements}
        for key, entries in entries_touching(self._tx, list(ids), self._head.size).items():
            self._seen[ids[key]] = _receipt_of(self._tx, ids[key], entries[0])
        fresh = [v for v in statements if v.signed.id not in self._seen]
        self._salts = memoryview(self._entropy(SALT_BYTES * len(fresh)))
        self.reader.load(set().union(*(v.needs for v in fresh)))
        self.reader.need(lambda facts: set().union(*(for_admission_further(v.signed.statement, facts) for v in fresh)))
        return statements

    def admit(self, verified: _Verified) -> Outcome:
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
