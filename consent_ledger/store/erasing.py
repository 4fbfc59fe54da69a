"""Openings that are destroyed: which ones the log says are, and destroying them.

A row `erasing` in `meta` lets the triggers pass, and never outlives its transaction. A row `scrub_due` says that rows
were deleted whose bytes may still be in the database's files.
"""

from collections.abc import Collection, Iterator

from consent_ledger.store.transaction import Transaction

_FIRST, _LAST = b"e", b"f"  # the keys of erased entries are between


def erased_entries(tx: Transaction) -> dict[int, int]:
    """Return the entries that the index says are erased, and the first erasure of each."""
    sql = 'SELECT "key", entry FROM touch WHERE "key" >= ? AND "key" < ? ORDER BY "key", entry DESC'
    return {int.from_bytes(bytes(key[1:])): by for key, by in tx.select(sql, (_FIRST, _LAST))}


def open_among(tx: Transaction, entries: Collection[int]) -> set[int]:
    """Return those of the entries whose openings are here."""
    pages = tx.select_among('SELECT "index" FROM opening WHERE "index" {among}', entries)
    return {index for rows in pages for (index,) in rows}


def destroy(tx: Transaction, entries: Collection[int], certificates: Collection[str] = ()) -> None:
    """Delete the openings of the entries, and the certificates that hold them, for ever."""
    tx.execute("erase", "INSERT INTO meta (name, value) VALUES ('erasing', 'opening')")
    for entry in sorted(entries):
        tx.execute("erase", 'DELETE FROM opening WHERE "index" = ?', (entry,))
    for id_ in sorted(certificates):
        tx.execute("erase", "DELETE FROM decision WHERE id = ?", (id_,))
    tx.execute("erase", "DELETE FROM meta WHERE name IN ('erasing', 'scrub_due')")
    tx.execute("erase", "INSERT INTO meta (name, value) VALUES ('scrub_due', 'opening')")


def scrub_is_due(tx: Transaction) -> bool:
    """Whether something was deleted since the files were scrubbed."""
    return bool(tx.select("SELECT 1 FROM meta WHERE name = 'scrub_due'"))


def scrubbed(tx: Transaction) -> None:
    """Remember that the files are scrubbed."""
    tx.execute("scrubbed", "DELETE FROM meta WHERE name = 'scrub_due'")


def certificates(tx: Transaction) -> Iterator[tuple[str, bytes]]:
    """Yield all certificates of answers that are kept."""
    for (id_,) in tx.select("SELECT id FROM decision ORDER BY id"):
        yield id_, tx.select("SELECT certificate FROM decision WHERE id = ?", (id_,))[0][0]
