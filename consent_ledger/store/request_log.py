"""The audit trail: who asked what, newest first, outside the public log. Old rows go."""

from collections.abc import Sequence
from typing import NamedTuple

from consent_ledger.store.dialect import Table
from consent_ledger.store.transaction import Transaction

REQUEST_LOG = Table(
    "request_log",
    ("at", "organisation", "token", "request_id", "operation", "subject", "status"),
    ("int8", "text", "text", "text", "text", "text", "int8"),
)
_COLUMNS = ", ".join(REQUEST_LOG.columns)


class Asked(NamedTuple):
    """One request: when (microseconds), by which organisation and token, for what, about what, and the status."""

    at: int
    organisation: str
    token: str
    request_id: str
    operation: str
    subject: str
    status: int


class AskedRow(NamedTuple):
    """A recorded request under its number."""

    id: int
    asked: Asked


def insert_requests(tx: Transaction, requests: Sequence[Asked]) -> None:
    """Add requests, in the order in which they were answered."""
    tx.insert(REQUEST_LOG, requests)


def read_requests(tx: Transaction, organisation: str, before: int, limit: int) -> list[AskedRow]:
    """Return requests of an organisation, newest first, those with a number below `before`."""
    sql = f"SELECT id, {_COLUMNS} FROM request_log WHERE organisation = ? AND id < ? ORDER BY id DESC LIMIT ?"
    return [AskedRow(row[0], Asked(*row[1:])) for row in tx.select(sql, [organisation, before, limit])]


def delete_oldest(tx: Transaction, before: int, limit: int) -> int:
    """Delete up to `limit` of the oldest requests that are older than an instant; return how many."""
    first = tx.select("SELECT id FROM request_log ORDER BY id LIMIT 1")
    if not first:
        return 0
    # They are numbered in the order of time: walking from the first one finds the old ones without an index on time.
    sql = "DELETE FROM request_log WHERE id >= ? AND id < ? AND at < ?"
    return tx.execute("request_log", sql, [first[0][0], first[0][0] + limit, before])
