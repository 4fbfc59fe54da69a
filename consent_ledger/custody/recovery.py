"""The way forward for a database that was restored from a backup: what it has forgotten is appended again, verbatim.

The source is a bundle, or the log as it was published with the openings from elsewhere. It is verified as a whole
first, against the log's key and the anchor. Then the entries that are missing, their openings, nodes and index rows and
the very checkpoint that was published are appended in one transaction: nothing is signed, so no size ever gets a second
root. An entry whose opening nobody has any more stops it, as the ledger could not say what it recorded.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.audit.entry import decode_entry
from consent_ledger.audit.replay import Opening
from consent_ledger.audit.tree import Frontier, leaf_hash
from consent_ledger.custody.anchor import Anchor
from consent_ledger.errors import MalformedError, RefusedError, StaleError, VerificationError
from consent_ledger.evidence.receipts import decode_receipt_file
from consent_ledger.licenses.keys import touched_keys
from consent_ledger.licenses.records import Registered
from consent_ledger.licenses.signed import signers_of, skim_signed
from consent_ledger.signing.note import MAX_NOTE, split_note
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.index import insert_touches
from consent_ledger.store.log import CHECKPOINT, ENTRY, NODE, OPENING, Head, read_head, stream
from consent_ledger.store.transaction import Transaction
from consent_ledger.verification import layout
from consent_ledger.verification.bundles import verify_source
from consent_ledger.verification.files import LogFiles, openings
from consent_ledger.verification.report import Report
from consent_ledger.verification.source import Source, open_source

Progress = Callable[[int], None]
_BATCH = 1_000
_NO_OPENING = frozenset({"opening_missing", "opening_withheld"})
_ANY_SIZE = 2**50


class Recovered(NamedTuple):
    """How many entries the ledger had, and has now."""

    before: int
    size: int


def recover(
    store: Store, place: Path, *, vkey: str, anchor: Anchor, further: Sequence[Path] = (),
    progress: Progress = lambda entries: None,
) -> Recovered:  # fmt: skip
    """Append what `store` lacks of the log at `place`, a bundle or a folder of published tiles.

    `vkey` has the log's verifier keys, one a line; `further` are files with openings: `openings.ndjson`, or receipts.
    VerificationError `source_not_verified`; RefusedError `openings_missing`, `source_too_short`; StaleError `forked`
    where the database is not the beginning of that log. Then nothing was changed.
    """
    published = anchor.read()
    notes = [] if published.note is None else [published.note]
    with closing(open_source(place)) as plain:
        source = _Supplemented(plain, store, _read_further(further))
        report = verify_source(source, vkey=vkey, checkpoints=notes, progress=progress)
        size = _require_whole(report, 0 if published.checkpoint is None else published.checkpoint.size)
        head = plain.read(layout.CHECKPOINT, MAX_NOTE) or b""
        with store.write() as tx:
            before = _append(tx, source, head, size)
    anchor.advance(_own_lines(head))
    anchor.go_on(size)
    return Recovered(before, size)


def _require_whole(report: Report, published: int) -> int:
    """Return the size of a source in which nothing is wrong and nothing is missing."""
    lacking = [f.entry for f in report.findings if f.code in _NO_OPENING and f.entry is not None]
    if lacking:
        detail = f"the source lacks the openings of {len(lacking)} entries, the first is {lacking[0]}"
        raise RefusedError(f"{detail}: want them from receipts or another bundle, --openings", code="openings_missing")
    if report.checkpoint is not None and report.checkpoint.size < published:
        detail = f"the source has {report.checkpoint.size} entries, and {published} were published"
        raise RefusedError(f"{detail}: want a later one", code="source_too_short")
    if report.findings or report.checkpoint is None:
        what = report.findings[0].detail if report.findings else "it has no checkpoint"
        raise VerificationError(f"the source does not verify: {what}", code="source_not_verified")
    if report.counts.withheld:
        detail = f"the source withholds {report.counts.withheld} openings, want a bundle of everything"
        raise RefusedError(detail, code="openings_missing")
    return report.checkpoint.size


# Appending ----------------------------------------------------------------------------------------------------------


def _append(tx: Transaction, source: Source, note: bytes, size: int) -> int:
    """Append the entries from the head on; return how many there were before."""
    head = read_head(tx)
    if head.size > size:
        detail = f"the database has {head.size} entries, more than the {size} of the source: nothing to recover"
        raise RefusedError(detail, code="source_too_short")
    frontier = _same_beginning(head, source, size)
    reader = FactsReader(tx, 0)
    reader.follow(tx, head.size)
    rows = zip(LogFiles(source, size, []).entries(), openings(source, size, []), strict=True)
    pending = islice(enumerate(rows), head.size, None)
    while page := list(islice(pending, _BATCH)):
        frontier, nodes = frontier.extend([leaf_hash(entry) for _, (entry, _) in page])
        shown = [(index, entry, opening) for index, (entry, opening) in page]
        tx.insert(ENTRY, [(index, decode_entry(entry).recorded_at, entry) for index, entry, _ in shown])
        opened = [(index, entry, o) for index, entry, o in shown if isinstance(o, Opening)]
        tx.insert(OPENING, [(index, o.salt, o.envelope) for index, _, o in opened])
        tx.insert(NODE, nodes)
        insert_touches(tx, [touch for index, entry, o in opened for touch in _touches(reader, index, entry, o)])
    kept = {read_checkpoint_text(raw).size: _own_lines(raw) for raw in (*_handovers(source), note)}
    tx.insert(CHECKPOINT, sorted((at, raw) for at, raw in kept.items() if at > head.size))
    return head.size


def _same_beginning(head: Head, source: Source, size: int) -> Frontier:
    """Return the frontier of the database; StaleError `forked` unless the source begins with just its entries."""
    leaves = [leaf_hash(entry) for entry in islice(LogFiles(source, size, []).entries(), head.size)]
    frontier, _ = Frontier().extend(leaves)
    if frontier.root() != head.frontier.root():
        detail = f"the {head.size} entries of the database are not the beginning of the source"
        raise StaleError(f"{detail}: want another backup, or an empty database", code="forked")
    return frontier


def _touches(reader: FactsReader, index: int, entry: bytes, opening: Opening) -> list[tuple[bytes, int]]:
    signed = skim_signed(opening.envelope)
    signers = signers_of(signed.envelope)
    found = [(key, index) for key in dict.fromkeys(touched_keys(signed.id, signed.statement, reader.facts))]
    where = Registered(index, decode_entry(entry).recorded_at, signed.id, signers.keyids, signers.time)
    reader.add(where, signed.statement)
    return found


def _handovers(source: Source) -> Iterator[bytes]:
    """Yield the checkpoints by which one log key vouches for the next; a bundle always has them."""
    for name in source.names():
        if name.startswith(f"{layout.HANDOVERS}/"):
            yield source.read(name, MAX_NOTE) or b""


def _own_lines(note: bytes) -> bytes:
    """Return a checkpoint with the log's own signatures, as it was signed: cosignatures are kept apart."""
    text, lines = split_note(note)
    own = "— ".encode() + text.partition(b"\n")[0] + b" "
    return text + b"\n" + b"".join(line + b"\n" for line in lines if line.startswith(own))


# Openings from elsewhere --------------------------------------------------------------------------------------------


def _read_further(files: Sequence[Path]) -> dict[int, bytes]:
    """Return the lines of openings that the files hold, by entry."""
    found: dict[int, bytes] = {}
    for file in files:
        raw = file.read_bytes()
        try:
            receipt = decode_receipt_file(raw)
        except VerificationError:
            found |= _lines_of(file, raw)
        else:
            index = decode_entry(receipt.entry.encode()).index
            found[index] = layout.encode_opening(index, Opening(receipt.opening.salt, receipt.opening.envelope))
    return found


def _lines_of(file: Path, raw: bytes) -> dict[int, bytes]:
    found = {}
    for line in raw.splitlines(keepends=True):
        try:
            index, shown = layout.decode_opening(line)
        except MalformedError as e:
            detail = f"`{file}` is neither the `{layout.OPENINGS}` of a bundle nor a receipt"
            raise MalformedError(detail, code="openings_malformed") from e
        if isinstance(shown, Opening):
            found[index] = line
    return found


class _Supplemented:
    """A source whose openings are completed: by further files, then by what the database itself still has."""

    def __init__(self, source: Source, store: Store, further: Mapping[int, bytes]) -> None:
        self.defects = source.defects
        self._source = source
        self._store = store
        self._further = further

    def read(self, name: str, limit: int) -> bytes | None:
        return self._source.read(name, limit)

    def size(self, name: str) -> int:
        return _ANY_SIZE if name == layout.OPENINGS else self._source.size(name)

    def lines(self, name: str, limit: int) -> Iterator[bytes]:
        return self._openings(limit) if name == layout.OPENINGS else self._source.lines(name, limit)

    def names(self) -> Iterator[str]:
        return self._source.names()

    def close(self) -> None:
        self._source.close()

    def _openings(self, limit: int) -> Iterator[bytes]:
        """Yield the source's lines; in the place of one that is missing or withheld, what is known from elsewhere."""
        own = self._own(limit)
        others = self._others()
        place, line = next(own, (_ANY_SIZE, b""))
        other, supplement = next(others, (_ANY_SIZE, b""))
        while min(place, other) < _ANY_SIZE:
            if other < place or (other == place and b'"withheld"' in line):
                yield supplement
            else:
                yield line
            taken = min(place, other)
            if place == taken:
                place, line = next(own, (_ANY_SIZE, b""))
            if other == taken:
                other, supplement = next(others, (_ANY_SIZE, b""))

    def _own(self, limit: int) -> Iterator[tuple[int, bytes]]:
        expected = 0
        for line in self._source.lines(layout.OPENINGS, limit):
            with suppress(MalformedError):  # which the verification says
                expected, _ = layout.decode_opening(line)
            yield expected, line
            expected += 1

    def _others(self) -> Iterator[tuple[int, bytes]]:
        further = sorted(self._further.items())
        with self._store.read() as tx:
            size = read_head(tx).size
            for row in stream(tx, 0, size):
                if row.index in self._further:
                    yield row.index, self._further[row.index]
                elif row.opening is not None:
                    yield row.index, layout.encode_opening(row.index, row.opening)
        yield from (item for item in further if item[0] >= size)
