"""The log: entries, their openings, the nodes of the Merkle tree and the signed checkpoints, as they were written.

Indexes and sizes are the log's own: entry 0 is the first, and a log of size n holds the entries 0 to n-1. Instants are
microseconds since 1970 in UTC. Nothing is rebuilt from columns: what is returned is what was appended, byte for byte.
"""

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct

from consent_ledger.audit.replay import Opening
from consent_ledger.audit.tree import Frontier, frontier_ids, stored_index
from consent_ledger.store.dialect import Table
from consent_ledger.store.index import insert_touches
from consent_ledger.store.transaction import Transaction

ENTRY = Table("entry", ("index", "recorded_at", "bytes"), ("int8", "int8", "bytea"))
OPENING = Table("opening", ("index", "salt", "envelope"), ("int8", "bytea", "bytea"))
NODE = Table("node", ("id", "hash"), ("int8", "bytea"))
CHECKPOINT = Table("checkpoint", ("size", "note"), ("int8", "bytea"))
NO_LEAF = bytes(32)
LONGEST = 2**40  # no log has twice as many entries; a power of two, to be halved
_PAGE = 1_000


class Head(Struct, frozen=True):
    """Where the log ends, and all that the next append needs.

    `last_leaf` is the hash of the last entry (32 zeros when there is none), `recorded_at` its instant (0 when none),
    `frontier` the tree's right edge, and `checkpoint` the latest signed note.
    """

    size: int
    last_leaf: bytes
    recorded_at: int
    frontier: Frontier
    checkpoint: bytes | None


class Recorded(Struct, frozen=True, gc=False):
    """One entry and its opening, None when it was erased or is missing."""

    index: int
    entry: bytes
    opening: Opening | None


def read_head(tx: Transaction) -> Head:
    """Return the end of the log as this transaction sees it."""
    last = tx.select('SELECT "index", recorded_at FROM entry ORDER BY "index" DESC LIMIT 1')
    checkpoint = read_checkpoint(tx)
    if not last:
        return Head(0, NO_LEAF, 0, Frontier(), checkpoint)
    index, recorded_at = last[0]
    size, leaf = index + 1, stored_index(0, index)
    nodes = read_nodes(tx, [*frontier_ids(size), leaf])
    return Head(size, nodes[leaf], recorded_at, Frontier.load(size, nodes), checkpoint)


def read_size(tx: Transaction) -> int:
    """Return how many entries the log has, as this transaction sees it."""
    return int(tx.select('SELECT COALESCE(MAX("index"), -1) + 1 FROM entry')[0][0])


def append(
    tx: Transaction,
    *,
    entries: Sequence[tuple[int, int, bytes]],
    openings: Sequence[tuple[int, bytes, bytes]],
    nodes: Sequence[tuple[int, bytes]],
    checkpoint: tuple[int, bytes],
    touches: Sequence[tuple[bytes, int]] = (),
) -> None:
    """Append rows as they are; all of them or, with the transaction, none.

    `entries` are (index, recorded_at, bytes), `openings` (index, salt, envelope), `nodes` (stored id, hash),
    `checkpoint` (size, note), `touches` (key, entry). ConflictError `already_recorded` when any is there already.
    """
    tx.insert(ENTRY, entries)
    tx.insert(OPENING, openings)
    tx.insert(NODE, nodes)
    insert_touches(tx, touches)
    tx.insert(CHECKPOINT, [checkpoint])


def read_entries(tx: Transaction, start: int, end: int) -> list[bytes]:
    """Return the bytes of the entries `start` to `end - 1`, or to the last; for long ranges see `stream`."""
    sql = 'SELECT bytes FROM entry WHERE "index" >= ? AND "index" < ? ORDER BY "index"'
    return [entry for (entry,) in tx.select(sql, (start, end))]


def read_openings(tx: Transaction, indexes: Collection[int]) -> dict[int, Opening]:
    """Return the openings of those entries that have one, any number of them; envelopes are up to 128 KiB each."""
    sql = 'SELECT "index", salt, envelope FROM opening WHERE "index" {among}'
    pages = tx.select_among(sql, indexes)
    return {index: Opening(salt, envelope) for rows in pages for index, salt, envelope in rows}


def stream(tx: Transaction, start: int, end: int) -> Iterator[Recorded]:
    """Yield the entries `start` to `end - 1`, or to the last, in order, with openings: a page of them in memory.

    An index that has no entry is passed over; the next one's number shows it.
    """
    entries = 'SELECT "index", bytes FROM entry WHERE "index" >= ? AND "index" < ? ORDER BY "index" LIMIT ?'
    openings = 'SELECT "index", salt, envelope FROM opening WHERE "index" >= ? AND "index" <= ?'
    # Two queries a page, not a join: PostgreSQL joins the whole tables when it knows nothing about them yet.
    while rows := tx.select(entries, (start, end, _PAGE)):
        last = rows[-1][0]
        opened = {index: Opening(salt, envelope) for index, salt, envelope in tx.select(openings, (start, last))}
        for index, entry in rows:
            yield Recorded(index, entry, opened.get(index))
        start = last + 1


def read_nodes(tx: Transaction, ids: Collection[int]) -> dict[int, bytes]:
    """Return the hashes stored under `ids`; ids that are not stored are left out."""
    pages = tx.select_among("SELECT id, hash FROM node WHERE id {among}", ids)
    return {id_: hash_ for rows in pages for id_, hash_ in rows}


def read_checkpoint(tx: Transaction, size: int | None = None) -> bytes | None:
    """Return the note that was signed for exactly `size`, or the latest; None when there is none."""
    if size is None:
        rows = tx.select("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")
    else:
        rows = tx.select("SELECT note FROM checkpoint WHERE size = ?", (size,))
    return rows[0][0] if rows else None


def read_covering_checkpoint(tx: Transaction, index: int) -> bytes:
    """Return the first note that was signed for a log with entry `index` in it, which must be there."""
    rows = tx.select("SELECT note FROM checkpoint WHERE size > ? ORDER BY size LIMIT 1", (index,))
    note: bytes = rows[0][0]
    return note


def size_at(tx: Transaction, instant: int) -> int:
    """Return how many entries were recorded at or before `instant`.

    `recorded_at` never goes backwards, so a bisection by the primary key finds it and no index is kept for it.
    """
    sql = """
        WITH RECURSIVE bisection (size, step) AS (
            SELECT CAST(0 AS BIGINT), CAST(? AS BIGINT)
            UNION ALL
            SELECT CASE WHEN (SELECT recorded_at FROM entry WHERE "index" = size + step - 1) <= ?
                   THEN size + step ELSE size END, step / 2
            FROM bisection WHERE step > 0
        )
        SELECT size FROM bisection WHERE step = 0
    """
    return int(tx.select(sql, (LONGEST, instant))[0][0])
