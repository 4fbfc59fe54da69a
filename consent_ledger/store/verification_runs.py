"""What verifications of the whole ledger found, kept beside it: news for its operators, and evidence for nobody."""

from typing import NamedTuple

from consent_ledger.store.dialect import Table
from consent_ledger.store.transaction import Transaction

RUN = Table("verification_run", ("at", "size", "report"), ("int8", "int8", "bytea"))


class RunRow(NamedTuple):
    """One verification: when it began (microseconds), the size that it looked at, and its report as JSON."""

    id: int
    at: int
    size: int
    report: bytes


def add_run(tx: Transaction, at: int, size: int, report: bytes) -> None:
    """Keep a report."""
    tx.insert(RUN, [(at, size, report)])


def read_runs(tx: Transaction, before: int, limit: int) -> list[RunRow]:
    """Return the reports with smaller ids than `before`, newest first."""
    sql = "SELECT id, at, size, report FROM verification_run WHERE id < ? ORDER BY id DESC LIMIT ?"
    return [RunRow(*row) for row in tx.select(sql, (before, limit))]


def read_run(tx: Transaction, id_: int) -> RunRow | None:
    """Return the report with that id."""
    rows = tx.select("SELECT id, at, size, report FROM verification_run WHERE id = ?", (id_,))
    return RunRow(*rows[0]) if rows else None
