"""Empty stores, one after the other: making the tables is done once, so that a thousand ledgers cost no migrations."""

from pathlib import Path

from consent_ledger.store.engine import Store, open_store


class EmptyStores:
    """Call it for the next store, which takes the place of the last."""

    def __init__(self, place: Path) -> None:
        self._place = place
        with open_store(f"sqlite:///{place}/empty.db", create=True):
            pass
        self._tables = (place / "empty.db").read_bytes()

    def __call__(self) -> Store:
        for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
            (self._place / name).unlink(missing_ok=True)
        (self._place / "ledger.db").write_bytes(self._tables)
        return open_store(f"sqlite:///{self._place}/ledger.db")
