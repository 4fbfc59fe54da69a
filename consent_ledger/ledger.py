"""The ledger: everything that changes the world is a signed statement, and `register` is the only writer.

Verify, admit, sequence, integrate, sign the checkpoint, commit: one transaction, and every caller leaves with a receipt
under a signed checkpoint. Callers that come together share a transaction, so the disk is waited for once for many:
whoever gets the turn takes along all that has queued meanwhile.
"""

import os
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from threading import Lock

from consent_ledger.audit.checkpoint import Checkpoint, open_checkpoint, read_checkpoint_text, sign_checkpoint
from consent_ledger.audit.proofs import inclusion_ids, prove_inclusion
from consent_ledger.audit.receipt import Receipt as Proof
from consent_ledger.audit.receipt import encode_receipt
from consent_ledger.batch import Batch, Outcome, Receipt, receipt_of
from consent_ledger.custody.anchor import NOTHING, Anchor, Published
from consent_ledger.errors import ConflictError, LedgerError, NotFoundError, VerificationError
from consent_ledger.intake import Intake, Verified
from consent_ledger.licenses.keys import GENESIS_KEY, statement_key
from consent_ledger.licenses.log_keys import LogKey, signing_at, verifiers_at
from consent_ledger.licenses.statements import Erasure, Genesis, encode_statement
from consent_ledger.signing.envelope import sign_envelope
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import NoteVerifier, vkey_text
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader, read_log_keys
from consent_ledger.store.index import entries_touching
from consent_ledger.store.log import append, read_head, read_nodes
from consent_ledger.store.transaction import Transaction
from consent_ledger.workers import Workers, collector_paused

__all__ = ["BATCH", "Ledger", "Outcome", "Receipt", "system_clock", "unknown_statement"]

BATCH = 1_000
_AHEAD = 2  # batches that are being verified while one is committed
_FEW = 8  # statements that are verified here; of more, each would make this thread wait once for its turn again
_REMEMBERED_FACTS = 200_000


class _Ticket:
    """A caller's statements in the queue for the next transaction."""

    def __init__(self, statements: Sequence[Verified]) -> None:
        self.statements = statements
        self.outcomes: list[Outcome] | None = None
        self.failure: BaseException | None = None


def unknown_statement(id_: str) -> NotFoundError:
    """Return the error for a statement that is not there, or not to be seen: nobody can tell which."""
    return NotFoundError(f"statement `{id_}` is not recorded", code="statement_unknown")


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
        anchor: Anchor | None = None,
        further_keys: Callable[[], Iterable[SigningKey]] = tuple,
    ) -> None:
        """Use `Ledger.open` or `Ledger.create`: this checks nothing."""
        self.store = store
        self.origin = origin
        self.clock = clock
        self.vkey = vkey_text(origin, log_key.public_key)
        """The log's verifier key: the newest, as far as this process has heard."""
        self.log_keys = [LogKey(self.vkey, 0)]
        self.verifiers = [NoteVerifier.from_vkey(self.vkey)]
        """All keys that the log has had, as far as this process has heard."""
        self.anchor = anchor
        self.before_erasure: Callable[[str], None] = lambda party: None
        """Raises where a party's statements are on hold."""
        self.after_erasure: Callable[[], object] = lambda: None
        """Destroys what was erased, once that is recorded."""
        self._log_keys = {self.vkey: log_key}
        self._further_keys = further_keys
        self._entropy = entropy
        self._queue: list[_Ticket] = []
        self._queue_lock = Lock()
        self._turn = Lock()
        self._intake = Intake(store)
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
        anchor: Anchor | None = None,
        further_keys: Callable[[], Iterable[SigningKey]] = tuple,
    ) -> "Ledger":
        """Return the ledger in `store`; raise VerificationError `wrong_log_key` where a key that signs its head is not
        here: neither `log_key` nor among `further_keys`, which are asked for when they are needed.

        Where the head is behind the `anchor`, the ledger is opened all the same, and refuses to write.
        """
        with store.read() as tx:
            head = read_head(tx)
            reader = FactsReader(tx, head.size)
            reader.load([GENESIS_KEY])
        if reader.facts.origin is None or head.checkpoint is None:
            raise NotFoundError(f"`{store.place}` holds no ledger yet, want `init` first", code="ledger_missing")
        ledger = cls(
            store, reader.facts.origin, log_key, clock=clock, entropy=entropy, anchor=anchor, further_keys=further_keys
        )
        ledger._learn(reader.facts.log_keys, head.size)
        ledger._signing_keys(reader.facts.log_keys, head.size)
        try:
            checkpoint = open_checkpoint(head.checkpoint, verifiers_at(ledger.log_keys, head.size))
        except VerificationError as e:
            detail = f"the log key did not sign the checkpoint of `{ledger.origin}`"
            raise VerificationError(detail, code="wrong_log_key") from e
        if (checkpoint.size, checkpoint.root) != (head.size, head.frontier.root()):
            raise VerificationError("the log does not match its own checkpoint", code="ledger_integrity_failure")
        if anchor is not None:
            anchor.begin(head.checkpoint)
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
        anchor: Anchor | None = None,
    ) -> "Ledger":
        """Record `genesis` as entry 0 of an empty store and return the ledger."""
        ledger = cls(store, genesis.ledger, log_key, clock=clock, entropy=entropy, anchor=anchor)
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
            return self._submit(self._intake.verify_here(chunk))
        with Workers(max(1, (os.cpu_count() or 1) - 1)) as workers, collector_paused():  # one core is for this process
            ahead: deque[Callable[[], list[Verified | LedgerError]]] = deque()
            while chunk or ahead:
                if chunk:
                    ahead.append(self._intake.verify_there(chunk, workers))
                    chunk = list(islice(source, BATCH))
                if len(ahead) > _AHEAD or not chunk:
                    outcomes += self._submit(ahead.popleft()())
        return outcomes

    def begin(self, envelopes: Sequence[bytes], workers: Workers) -> Callable[[], list[Outcome]]:
        """Begin to verify statements, and return what waits for that and records them, as `register_all` does.

        For those who have more to come: the next may be begun before these are recorded, and recorded after them.
        """
        if len(envelopes) < _FEW:
            verified = self._intake.verify_here(envelopes)
            return lambda: self._submit(verified)
        finish = self._intake.verify_there(envelopes, workers)
        return lambda: self._submit(finish())

    # Sequence, in one transaction --------------------------------------------------------------------------------

    def _submit(self, statements: Sequence[Verified | LedgerError]) -> list[Outcome]:
        statements = [self._unless_held(s) for s in statements]
        ticket = _Ticket([s for s in statements if isinstance(s, Verified)])
        if ticket.statements:
            with self._queue_lock:
                self._queue.append(ticket)
            with self._turn:
                if ticket.outcomes is None and ticket.failure is None:
                    self._lead()
        if ticket.failure is not None:
            raise ticket.failure
        recorded = iter(ticket.outcomes or ())
        if any(isinstance(s.signed.statement, Erasure) for s in ticket.statements):
            self.after_erasure()
        return [s if isinstance(s, LedgerError) else next(recorded) for s in statements]

    def _unless_held(self, verified: Verified | LedgerError) -> Verified | LedgerError:
        if isinstance(verified, Verified) and isinstance(verified.signed.statement, Erasure):
            try:
                self.before_erasure(verified.signed.statement.party)
            except LedgerError as e:
                return e
        return verified

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

    def _commit(self, statements: Sequence[Verified]) -> list[Outcome]:
        with self.store.write() as tx:
            head = read_head(tx)
            self.published().hold(tx, head, self.verifiers)
            batch = Batch(tx, head, max(self.clock(), head.recorded_at), self._entropy, self._facts_at(tx, head.size))
            outcomes = [batch.admit(verified) for verified in batch.plan(statements)]
            checkpoint = b""
            if batch.entries:
                frontier, nodes = head.frontier.extend(batch.leaves)
                size = head.size + len(batch.entries)
                signing_keys = self._signing_keys(batch.reader.facts.log_keys, size)
                checkpoint = sign_checkpoint(Checkpoint(self.origin, size, frontier.root()), *signing_keys)
                append(
                    tx,
                    entries=batch.entries,
                    openings=batch.openings,
                    nodes=nodes,
                    checkpoint=(size, checkpoint),
                    touches=batch.touches,
                )
        if self.anchor is not None:
            self.anchor.advance(checkpoint or head.checkpoint or b"")
        # Only now may the checkpoint leave the process, and the facts be those of the ledger.
        if batch.entries:
            self._learn(batch.reader.facts.log_keys, head.size + len(batch.entries))
        self._warm, self._warm_size = batch.reader, head.size + len(batch.entries)
        return [
            outcome
            if isinstance(outcome, LedgerError)
            else outcome._replace(checkpoint=outcome.checkpoint or checkpoint)
            for outcome in outcomes
        ]

    def _facts_at(self, tx: Transaction, size: int) -> FactsReader:
        """Return the facts of the last transaction, if it succeeded and others have not written much since."""
        warm, self._warm = self._warm, None
        if warm is None or warm.facts.failure is not None or warm.weight > _REMEMBERED_FACTS:
            return FactsReader(tx, size)
        if not 0 <= size - self._warm_size <= max(BATCH, warm.weight):  # reading what is asked for is less
            return FactsReader(tx, size)
        warm.resume(tx, size)
        return warm

    # Its keys ----------------------------------------------------------------------------------------------------

    @property
    def verifier(self) -> NoteVerifier:
        """The log's newest key, as far as this process has heard."""
        return NoteVerifier.from_vkey(self.vkey)

    def vkey_at(self, size: int) -> str:
        """Return the verifier key of the checkpoints of a size."""
        with self.store.read() as tx:
            return signing_at(read_log_keys(tx, size), size)[0].vkey

    def _learn(self, keys: Sequence[LogKey], size: int) -> None:
        self.vkey = signing_at(keys, size)[0].vkey
        if keys != self.log_keys:
            self.log_keys = [*keys]
            self.verifiers = [NoteVerifier.from_vkey(key.vkey) for key in keys]

    def _signing_keys(self, keys: Sequence[LogKey], size: int) -> list[SigningKey]:
        """Return the keys that sign at a size; VerificationError where one is not here, nothing is signed by half."""
        wanted = [key.vkey for key in signing_at(keys, size)]
        if not self._log_keys.keys() >= set(wanted):
            further = {vkey_text(self.origin, key.public_key): key for key in self._further_keys()}
            self._log_keys |= further
        missing = [vkey for vkey in wanted if vkey not in self._log_keys]
        if missing:
            detail = f"the key file of the log key `{missing[0]}`, which signs now, is not here"
            raise VerificationError(detail, code="wrong_log_key")
        return [self._log_keys[vkey] for vkey in wanted]

    def require_current(self) -> None:
        """Raise StaleError where the ledger is behind what was published, and so refuses to write."""
        published = self.published()
        with self.store.read() as tx:
            published.hold(tx, read_head(tx), self.verifiers)

    def published(self) -> Published:
        """Return what is known outside the database to have been published; ask before the snapshot is taken."""
        return NOTHING if self.anchor is None else self.anchor.read()

    # What is there -----------------------------------------------------------------------------------------------

    def find(self, id_: str) -> Receipt:
        """Return the receipt of a statement; raise NotFoundError where it is not recorded."""
        with self.store.read() as tx:
            found = entries_touching(tx, [statement_key(id_)], read_head(tx).size)
            if not found:
                raise unknown_statement(id_)
            return receipt_of(tx, id_, next(iter(found.values()))[0])

    def prove(self, receipt: Receipt) -> bytes:
        """Return the C2SP tlog-proof text that proves a receipt's entry under its checkpoint, offline and for ever."""
        size = read_checkpoint_text(receipt.checkpoint).size
        with self.store.read() as tx:
            nodes = read_nodes(tx, inclusion_ids(receipt.entry, size))
        return encode_receipt(Proof(receipt.entry, prove_inclusion(receipt.entry, size, nodes), receipt.checkpoint))
