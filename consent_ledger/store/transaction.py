"""What may be asked of the database between the beginning and the end of one transaction."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from consent_ledger.errors import UnavailableError
from consent_ledger.store.dialect import Dialect, Row, Table

Step = Callable[[str], None]


class Transaction:
    """One snapshot, or one write; `Store` begins and ends it. SQL has `?` for parameters on both databases."""

    def __init__(self, dialect: Dialect, connection: Connection, step: Step) -> None:
        self._dialect = dialect
        self._driver_connection: Any = connection.connection.driver_connection
        self._step = step
        self.connection = connection
        """For SQLAlchemy, in the same transaction: migrations, and tables where a microsecond does not count."""

    def select(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return all rows; bound them in the SQL."""
        cursor = self._cursor()
        cursor.execute(self._dialect.sql(sql), parameters)
        return cursor.fetchall()  # type: ignore[no-any-return]  # either driver

    def select_among(self, sql: str, values: Collection[Any], *rest: Any) -> Iterator[list[Row]]:
        """Yield the rows for any number of values, in few statements and a list for each.

        `{among}` in `sql` stands for "is one of `values`"; it comes before the parameters in `rest`. The rows of one
        list follow the `ORDER BY` of `sql`; no value has rows in two lists.
        """
        # Sorted, each statement walks one stretch of the table, which is worth more than the sorting costs.
        for rows in self._dialect.select_among(self._cursor(), sql, sorted(set(values)), rest):
            yield rows
            self.require_alive()

    def execute(self, name: str, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement that writes, as the step `name`; return how many rows it changed."""
        self._step(name)
        cursor = self._cursor()
        cursor.execute(self._dialect.sql(sql), parameters)
        return int(cursor.rowcount)

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Append `rows`, some microseconds each; the step is the table's name."""
        if rows:
            self._step(table.name)
            self._dialect.insert(self._cursor(), table, rows)

    def table_names(self) -> set[str]:
        """Return the tables of this database (PostgreSQL: of this schema)."""
        return self._dialect.table_names(self._cursor())

    def require_alive(self) -> None:
        """Raise once the transaction is over: some failed statements end it, and the rest would be committed alone."""
        if self._driver_connection is None or not self._dialect.is_alive(self._driver_connection):
            raise UnavailableError("the transaction is over", code="transaction_over")

    def finish(self) -> None:
        """From here on the driver's connection may be another transaction's."""
        self._driver_connection = None

    def _cursor(self) -> Any:
        self.require_alive()
        return self._dialect.cursor(self._driver_connection)
