"""Verifying a live ledger: the database held to the same rules as a bundle, and its index to a refold of the log."""

from collections.abc import Callable, Iterator, Sequence

from consent_ledger.audit.checkpoint import Checkpoint
from consent_ledger.audit.entry import decode_entry
from consent_ledger.audit.replay import Erased, Finding
from consent_ledger.audit.tree import Frontier, leaf_hash, stored_count
from consent_ledger.custody.rebuild import as_bytes, as_opening, compare
from consent_ledger.errors import LedgerError, MalformedError, VerificationError
from consent_ledger.licenses.keys import erasure_key
from consent_ledger.licenses.log_keys import LogKey
from consent_ledger.signing.note import NoteVerifier
from consent_ledger.store.engine import Store
from consent_ledger.store.index import entries_touching
from consent_ledger.store.log import read_head, stream
from consent_ledger.store.transaction import Transaction
from consent_ledger.verification.envelopes import envelopes
from consent_ledger.verification.log_keys import check_trust, open_signed
from consent_ledger.verification.report import Report, in_ledger_order
from consent_ledger.verification.walk import Pair, Verification
from consent_ledger.workers import collector_paused

_PAGE = 1_000
_NOT_CHECKED = (
    "the texts of templates, which the database does not hold",
    "witnesses and time-stamps, which a bundle holds",
    "that people are who their keys say, and that media files are what their hashes were made from",
)


def verify_store(
    store: Store,
    *,
    vkey: str | None = None,
    checkpoints: Sequence[bytes] = (),
    jobs: int | None = None,
    progress: Callable[[int], None] = lambda entries: None,
) -> Report:
    """Return what holds of a live database: log, signatures, rules, every signed checkpoint, nodes and index.

    Without `vkey` the key that entry 0 names is believed, and the report says so.
    """
    with store.read() as tx, collector_paused():
        return _Audit(tx, vkey, checkpoints).run(jobs, progress)


class _Audit:
    def __init__(self, tx: Transaction, vkey: str | None, checkpoints: Sequence[bytes]) -> None:
        self._tx = tx
        self._head = read_head(tx)
        self._findings: list[Finding] = []
        self._told = vkey
        self._given = checkpoints

    def run(self, jobs: int | None, progress: Callable[[int], None]) -> Report:
        size = self._head.size
        walk = Verification(envelopes=envelopes(jobs, size))
        self._findings += walk.run(_told(_pairs(self._tx, size), progress))
        head, older = self._checkpoints(self._log_keys(walk))
        self._findings += _hold_tree(self._tx, size, head, older)
        self._findings += _hold_times(self._tx)
        self._findings += self._hold_index()
        skipped = list(_NOT_CHECKED)
        if self._told is None:
            skipped.insert(0, "whose log this is: the key was taken from entry 0, want --vkey")
        if not self._given:
            skipped.insert(0, "that nothing was taken back: no older checkpoint was given")
        return Report(
            head, self._head.checkpoint or b"", walk.counts, in_ledger_order(self._findings), tuple(skipped),
            anchored=bool(self._given), seen_at=walk.facts.recorded_at,
        )  # fmt: skip

    def _log_keys(self, walk: Verification) -> list[LogKey]:
        """Return the keys that the log names, or those that the auditor knows where it names none that can be read."""
        told = [] if self._told is None else self._told.split()
        for vkey in told:
            NoteVerifier.from_vkey(vkey)
        try:
            for key in walk.facts.log_keys:
                NoteVerifier.from_vkey(key.vkey)
        except MalformedError as e:
            self._findings.append(Finding(0, "log_key_replaced", str(e)))
        else:
            if walk.facts.log_keys:
                return walk.facts.log_keys
        return [LogKey(vkey, 0) for vkey in told]

    def _checkpoints(self, keys: list[LogKey]) -> tuple[Checkpoint | None, list[Checkpoint]]:
        """Return the last checkpoint and all others, of the database and of the auditor, that the log did sign."""
        opened = []
        signed: list[tuple[int, set[str]]] = []
        signed_head: set[str] = set()
        rows = self._tx.select("SELECT size, note FROM checkpoint ORDER BY size")
        notes: list[tuple[int | None, bytes]] = [*rows, *((None, raw) for raw in self._given)]
        for size, note in notes:
            try:
                checkpoint, by = open_signed(as_bytes(note), keys)
            except LedgerError as e:
                place = None if size is None else max(size - 1, 0)
                self._findings.append(Finding(place, "checkpoint_invalid", str(e)))
                continue
            if size is not None and checkpoint.size != size:
                detail = f"checkpoint stored for size {size} says {checkpoint.size}"
                self._findings.append(Finding(max(size - 1, 0), "checkpoint_invalid", detail))
            opened.append((note, checkpoint))
            signed.append((checkpoint.size, by))
            signed_head = by if note == self._head.checkpoint else signed_head
        if self._told is not None and signed_head:
            finding = check_trust(keys, self._told.split(), signed_head, signed)
            self._findings += [] if finding is None else [finding]
        head = next((c for note, c in opened if note == self._head.checkpoint), None)
        return head, [c for _, c in opened]

    def _hold_index(self) -> Iterator[Finding]:
        try:
            for difference in compare(self._tx):
                yield Finding(difference.entry, "index_differs", str(difference))
        except VerificationError as e:
            yield Finding(None, "index_not_compared", f"the log is damaged, so the index was not held against it: {e}")


def _hold_tree(tx: Transaction, size: int, head: Checkpoint | None, signed: Sequence[Checkpoint]) -> Iterator[Finding]:
    """Hold the stored nodes against the entries, and every root that was signed against the entries below it."""
    roots = {checkpoint.size: checkpoint.root for checkpoint in signed}
    frontier = Frontier()
    start = 0
    for stop in sorted({*range(_PAGE, size, _PAGE), *(n for n in roots if n <= size), size}):
        leaves = [leaf_hash(as_bytes(entry)) for (entry,) in tx.select(_ENTRIES, (start, stop))]
        frontier, nodes = frontier.extend(leaves)
        stored: dict[int, bytes] = dict(tx.select(_NODES, (stored_count(start), stored_count(stop))))
        wrong = next((id_ for id_, node in nodes if stored.get(id_) != node), None)
        if wrong is not None:
            entry = next(n for n in range(start, stop) if wrong < stored_count(n + 1))
            yield Finding(entry, "node_differs", f"node {wrong} of the stored tree is not that of the entries")
        start = stop
        if roots.get(stop, frontier.root()) != frontier.root():
            detail = f"first {stop} entries do not have the root that was signed for that size"
            yield Finding(None, "root_mismatch", detail)
    for checkpoint in signed:
        if checkpoint.size > size:
            detail = f"checkpoint says {checkpoint.size} entries, the log has only {size}"
            yield Finding(size, "inconsistent_checkpoint", detail)
    if head is not None and head.size != size:
        yield Finding(min(size, head.size), "size_mismatch", f"last checkpoint says {head.size} entries, want {size}")


_ENTRIES = 'SELECT bytes FROM entry WHERE "index" >= ? AND "index" < ? ORDER BY "index"'
_NODES = "SELECT id, hash FROM node WHERE id >= ? AND id < ?"


def _hold_times(tx: Transaction) -> Iterator[Finding]:
    """Hold the column that questions about the past are answered by against the entries themselves."""
    start = -1
    sql = 'SELECT "index", recorded_at, bytes FROM entry WHERE "index" > ? ORDER BY "index" LIMIT ?'
    while rows := tx.select(sql, (start, _PAGE)):
        for index, recorded_at, raw in rows:
            start = index
            try:
                entry = decode_entry(as_bytes(raw))
            except MalformedError:
                continue  # found by the walk
            if (entry.index, entry.recorded_at) != (index, recorded_at):
                yield Finding(index, "index_differs", "entry is filed under another number or time than its own")


def _told(pairs: Iterator[Pair], progress: Callable[[int], None]) -> Iterator[Pair]:
    for index, pair in enumerate(pairs):
        yield pair
        if not index & 0xFF:
            progress(index)


def _pairs(tx: Transaction, size: int) -> Iterator[Pair]:
    """Yield every entry below `size` with what the database has of its opening; empty bytes where one is gone."""
    next_ = 0
    for row in stream(tx, 0, size):
        yield from [(b"", None)] * (row.index - next_)
        next_ = row.index + 1
        yield as_bytes(row.entry), as_opening(row.opening) or _erasure_of(tx, row.index, size)
    yield from [(b"", None)] * (size - next_)


def _erasure_of(tx: Transaction, index: int, size: int) -> Erased | None:
    """Return the erasure that names an entry, as the index has it; the walk checks that it does."""
    found = entries_touching(tx, [erasure_key(index)], size)
    return Erased(next(iter(found.values()))[0]) if found else None
