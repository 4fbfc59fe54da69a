"""The index: which entries touch a subject (formats.md section 8).

A key is opaque here: whoever builds the index says what stands for an asset, a grant, a party. Rows are only added and
carry the entry that made them, so the answer at any past size is the same rows with `entry < size`.
"""

from collections.abc import Collection, Iterator, Sequence

from consent_ledger.store.dialect import Table
from consent_ledger.store.transaction import Transaction

TOUCH = Table("touch", ("key", "entry"), ("bytea", "int8"))
_PAGE = 10_000


def insert_touches(tx: Transaction, touches: Sequence[tuple[bytes, int]]) -> None:
    """Add (key, entry) pairs, each once. Sorted first: neighbours in the tree are then written together."""
    tx.insert(TOUCH, sorted(touches))


def entries_touching(tx: Transaction, keys: Collection[bytes], size: int) -> dict[bytes, list[int]]:
    """Return, for each of `keys` that any entry before `size` touches, those entries in ascending order."""
    sql = 'SELECT "key", entry FROM touch WHERE "key" {among} AND entry < ? ORDER BY "key", entry'
    touching: dict[bytes, list[int]] = {}
    last = None
    entries: list[int] = []
    for rows in tx.select_among(sql, keys, size):
        for key, entry in rows:
            if key != last:
                last, entries = key, []
                touching[key] = entries
            entries.append(entry)
    return touching


def keys_under(tx: Transaction, prefix: bytes, size: int, after: int, limit: int) -> list[tuple[bytes, int, int]]:
    """Return keys that begin with `prefix`, each with the first and the last entry before `size` that touches it.

    In the order of their first entries, from the first one behind `after`: what is added meanwhile comes last.
    """
    sql = """
        SELECT "key", MIN(entry), MAX(entry) FROM touch WHERE "key" >= ? AND "key" < ? AND entry < ?
        GROUP BY "key" HAVING MIN(entry) > ? ORDER BY MIN(entry) LIMIT ?
    """
    behind = (int.from_bytes(prefix) + 1).to_bytes(len(prefix))
    return [(key, first, last) for key, first, last in tx.select(sql, (prefix, behind, size, after, limit))]


def all_touches(tx: Transaction) -> Iterator[tuple[bytes, int]]:
    """Yield every pair in order of key, then entry, in bounded memory: to compare with a replay of the log."""
    sql = 'SELECT "key", entry FROM touch WHERE ("key", entry) > (?, ?) ORDER BY "key", entry LIMIT ?'
    key, entry = b"", -1
    while rows := tx.select(sql, (key, entry, _PAGE)):
        for key, entry in rows:
            yield key, entry


def clear_index(tx: Transaction) -> None:
    """Remove every pair, to fill the index again in this same transaction; the log itself cannot be cleared."""
    tx.execute("clear", "INSERT INTO meta (name, value) VALUES ('rebuilding', 'touch')")
    tx.execute("clear", "DELETE FROM touch")
    tx.execute("clear", "DELETE FROM meta WHERE name = 'rebuilding'")
