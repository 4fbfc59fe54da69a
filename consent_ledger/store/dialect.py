"""What differs between the two databases, and no more: opening, locking, bulk rows, sets of keys, error codes."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Engine

from consent_ledger.errors import LedgerError

Row = tuple[Any, ...]


class Table(NamedTuple):
    """A table that rows are appended to: its columns in the order of the tuples, and their PostgreSQL types."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]


class Dialect(Protocol):
    """One database. A cursor is the driver's own: per-row work is done by it in C, never by SQLAlchemy."""

    place: str
    """The database without its password, for messages."""
    readers: Engine
    writers: Engine

    def begin_write(self, connection: Connection) -> None:
        """Wait to be the only writer; what is read from here on is what the last writer left."""

    def is_alive(self, driver_connection: Any) -> bool:
        """Whether the transaction is still open: some errors end it on the way."""

    def cursor(self, driver_connection: Any) -> Any: ...

    def sql(self, sql: str) -> str:
        """Return `sql` with each `?` as this driver wants it."""

    def insert(self, cursor: Any, table: Table, rows: Sequence[Row]) -> None: ...

    def select_among(self, cursor: Any, sql: str, values: Sequence[Any], rest: Sequence[Any]) -> Iterator[list[Row]]:
        """Run `sql`, whose `{among}` stands for "is one of `values`" and comes before its other parameters."""

    def table_names(self, cursor: Any) -> set[str]: ...

    def version(self) -> int | None:
        """Return a number that is another after every commit, by whatever process; None where it cannot be told at
        once, without waiting for anything."""

    def close(self) -> None:
        """Close the connections that are not in use."""

    def after_upgrade(self) -> None:
        """Settings that a ledger's file keeps, made only once it is known to be a ledger's."""

    def scrub(self) -> None:
        """Leave nothing of deleted rows in the database's own files."""

    def explain(self, error: BaseException) -> LedgerError | None:
        """Return what a caller can do about the driver's `error`; None for a mistake in the code or corruption."""
