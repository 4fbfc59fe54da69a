"""The database itself refuses to change what is recorded, whoever asks."""

from collections.abc import Iterator

import pytest
from sqlalchemy.exc import DBAPIError

from consent_ledger.store.engine import Store
from tests.store.rows import CHANGED, append_entries, findings
from tests.stores import new_store

REFUSAL = "is append-only"


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with new_store(store_url) as store:
        with store.write() as tx:
            append_entries(tx, 3)
        yield store
        with store.read() as tx:
            assert findings(tx) == []


def refused(store: Store, sql: str) -> None:
    with pytest.raises(DBAPIError, match=REFUSAL), store.write() as tx:
        tx.connection.exec_driver_sql(sql)


def test_rows_are_never_updated(store: Store) -> None:
    for table, column in CHANGED.items():
        refused(store, f"UPDATE {table} SET {column} = {column}")


def test_rows_are_never_deleted(store: Store) -> None:
    for table in CHANGED:
        refused(store, f"DELETE FROM {table}")


def test_rows_are_never_removed_in_another_way(store: Store) -> None:
    """SQLite replaces rows without a word, PostgreSQL truncates tables."""
    for table in CHANGED:
        if store.place.endswith(".db"):
            refused(store, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
        else:
            refused(store, f"TRUNCATE {table}")
