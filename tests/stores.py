"""Stores for tests: making the tables is done once, so that a thousand ledgers cost no migrations."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from consent_ledger.store.engine import Store, open_store

SQLITE = "sqlite:///"


@cache
def empty_database() -> bytes:
    """Return the file of a database that has the tables and nothing in them."""
    with tempfile.TemporaryDirectory() as place:
        with open_store(f"{SQLITE}{place}/empty.db", create=True):
            pass
        return Path(place, "empty.db").read_bytes()


def new_store(url: str, **how: Any) -> Store:
    """Open a store at the address of a database that holds nothing yet, or of one that is not there yet."""
    if url.startswith(SQLITE):
        path = Path(url.removeprefix(SQLITE))
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(empty_database())
    return open_store(url, create=True, **how)


class EmptyStores:
    """Call it for the next store, which takes the place of the last."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def __call__(self) -> Store:
        for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
            (self._place / name).unlink(missing_ok=True)
        return new_store(f"{SQLITE}{self._place}/ledger.db")
