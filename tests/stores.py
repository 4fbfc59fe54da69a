"""Empty stores, one after the other: making the tables is done once, so that a thousand ledgers cost no migrations."""

import tempfile
from functools import cache
from pathlib import Path

from consent_ledger.store.engine import Store, open_store


@cache
def empty_database() -> bytes:
    """Return the file of a database that has the tables and nothing in them."""
    with tempfile.TemporaryDirectory() as place:
        with open_store(f"sqlite:///{place}/empty.db", create=True):
            pass
        return Path(place, "empty.db").read_bytes()


class EmptyStores:
    """Call it for the next store, which takes the place of the last."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def __call__(self) -> Store:
        for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
            (self._place / name).unlink(missing_ok=True)
        (self._place / "ledger.db").write_bytes(empty_database())
        return open_store(f"sqlite:///{self._place}/ledger.db")
