"""One round of publishing: what is new since the published checkpoint, tile by tile, then the checkpoint.

No tile leaves unverified: each is held against the node above it before it is written, from the root that the log
signed down to the entries, as a reader would. What is written can never be taken back.
"""

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from consent_ledger.audit.checkpoint import Checkpoint, open_checkpoint, read_checkpoint_text
from consent_ledger.audit.tiles import (
    ENTRIES,
    FULL_WIDTH,
    Tile,
    check_tile,
    encode_bundle,
    ids_above,
    tile_ids,
    tile_path,
)
from consent_ledger.audit.tree import Frontier, frontier_ids, leaf_hash
from consent_ledger.errors import StaleError, VerificationError
from consent_ledger.publishing.places import Place
from consent_ledger.signing.note import NoteVerifier
from consent_ledger.store.engine import Store
from consent_ledger.store.log import read_entries, read_head, read_nodes
from consent_ledger.store.transaction import Transaction
from consent_ledger.store.witnesses import signed_members

Choose = Callable[[Transaction], bytes | None]
Progress = Callable[[int], None]


class Published(NamedTuple):
    """What is published now: its size (None: nothing yet), how many files are new, and whether the checkpoint is."""

    size: int | None
    files: int
    changed: bool


def publish(
    store: Store,
    place: Place,
    choose: Choose,
    verifiers: Collection[NoteVerifier],
    *,
    progress: Progress = lambda entries: None,
) -> Published:
    """Publish the checkpoint that `choose` returns (None: there is none to publish), and all that it needs.

    `verifiers` are the keys that the log has had. StaleError `published_ahead` or `published_forked` where what is
    published is not a beginning of this log; VerificationError where it is not this log's at all, where a file has
    other bytes, or where the database does not match its own checkpoint.
    """
    with place.alone():
        raw = place.read_checkpoint()
        before = None if raw is None else _open_published(raw, verifiers)
        with store.read() as tx:
            if before is not None:
                _require_beginning(tx, before)
            note = choose(tx)
        old_size = 0 if before is None else before.size
        if note is None or note == raw or read_checkpoint_text(note).size < old_size:
            return Published(None if before is None else before.size, 0, False)
        checkpoint = open_checkpoint(note, verifiers)
        files = _Round(store, place, old_size, checkpoint, progress).write()
        place.sync()
        # Only now: everything that this promises is there for good.
        place.replace_checkpoint(note)
        return Published(checkpoint.size, files, True)


def check_published(store: Store, place: Place, verifiers: Collection[NoteVerifier]) -> None:
    """Raise as `publish` would where what is published is not a beginning of this log, and change nothing."""
    with place.alone():
        raw = place.read_checkpoint()
    if raw is not None:
        before = _open_published(raw, verifiers)
        with store.read() as tx:
            _require_beginning(tx, before)


def _open_published(raw: bytes, verifiers: Collection[NoteVerifier]) -> Checkpoint:
    try:
        return open_checkpoint(raw, verifiers)
    except VerificationError as e:
        detail = "the checkpoint that is published there is not signed by this log"
        raise VerificationError(detail, code="published_by_another") from e


def _require_beginning(tx: Transaction, before: Checkpoint) -> None:
    head = read_head(tx)
    if before.size > head.size:
        detail = f"{before.size} entries are published and the ledger has {head.size}: it was rolled back"
        raise StaleError(detail, code="published_ahead")
    if _root_at(tx, before.size) != before.root:
        detail = f"the first {before.size} entries are not those that are published: it was forked"
        raise StaleError(detail, code="published_forked")


def _root_at(tx: Transaction, size: int) -> bytes:
    return Frontier.load(size, read_nodes(tx, frontier_ids(size))).root()


class _Round:
    """The tiles that are in the tree of `checkpoint` and not in that of `old_size`."""

    def __init__(self, store: Store, place: Place, old_size: int, checkpoint: Checkpoint, progress: Progress) -> None:
        self._store = store
        self._place = place
        self._old_size = old_size
        self._size = checkpoint.size
        self._progress = progress
        with store.read() as tx:
            if _root_at(tx, checkpoint.size) != checkpoint.root:
                raise VerificationError("the log does not match its own checkpoint", code="ledger_integrity_failure")

    def write(self) -> int:
        """Write them, from the top down; return how many files are new."""
        levels = [level for level in range(8) if self._size >> 8 * level]
        return sum(self._write_tile(tile) for level in reversed(levels) for tile in self._new_tiles(level))

    def _new_tiles(self, level: int) -> Iterator[Tile]:
        members, old = self._size >> 8 * level, self._old_size >> 8 * level
        if members > old:
            for index in range(old // FULL_WIDTH, -(-members // FULL_WIDTH)):
                yield Tile(level, index, min(FULL_WIDTH, members - index * FULL_WIDTH))

    def _write_tile(self, tile: Tile) -> int:
        ids, above = tile_ids(tile), ids_above(tile)
        with self._store.read() as tx:
            nodes = read_nodes(tx, [*ids, *above])
            end = tile.start + tile.width
            entries = read_entries(tx, tile.start, end) if tile.level == 0 else []
        if any(id_ not in nodes for id_ in [*ids, *above]):
            raise VerificationError(f"the database lacks nodes of `{tile_path(tile)}`", code="node_missing")
        hashes = [nodes[id_] for id_ in ids]
        check_tile(tile, hashes, [nodes[id_] for id_ in above])
        written = 0
        for width in self._widths(tile):
            written += self._place.add(tile_path(Tile(tile.level, tile.index, width)), b"".join(hashes[:width]))
        if tile.level == 0:
            written += self._write_entries(tile, hashes, entries)
        return written

    def _write_entries(self, tile: Tile, hashes: list[bytes], entries: list[bytes]) -> int:
        if [leaf_hash(entry) for entry in entries] != hashes:
            raise VerificationError(f"entries of `{tile_path(tile)}` are not those of its tree", code="entry_altered")
        written = 0
        for width in self._widths(tile):
            written += self._place.add(tile_path(Tile(ENTRIES, tile.index, width)), encode_bundle(entries[:width]))
        self._progress(tile.start + tile.width)
        return written

    def _widths(self, tile: Tile) -> list[int]:
        """The widths that the tile had at sizes whose checkpoints may be in somebody's hands, then its own."""
        if tile.width == FULL_WIDTH:
            return [tile.width]
        span = FULL_WIDTH**tile.level
        after = max(self._old_size, (tile.start + 1) * span - 1)
        with self._store.read() as tx:
            members = signed_members(tx, span, after, self._size)
        return sorted({tile.width, *(n - tile.start for n in members)})
