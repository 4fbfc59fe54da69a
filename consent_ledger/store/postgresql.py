"""PostgreSQL through psycopg: readers see one snapshot, writers queue on an advisory lock.

A writer runs at READ COMMITTED on purpose: under REPEATABLE READ its snapshot would be taken while it still waits for
the lock, and it would append behind the writer it waited for.

The lock is the transaction's. A writer that is killed lets go of it with its connection; one that is stopped, or whose
machine is gone, is ended by the server after `idle_timeout`, since all that it does is sent whole: between two
statements it is idle, and there is no moment (as COPY would have) at which the server waits for it within one.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine

from consent_ledger.errors import ConflictError, LedgerError, UnavailableError
from consent_ledger.store.dialect import Row, Table

WRITER_LOCK = 0x636F6E73656E74  # "consent"; advisory locks are apart for each database
CHUNK = 10_000
ROWS = 250  # in one statement that appends: PostgreSQL takes longer for a row of a larger one
# A server that is gone without a word is noticed by the client in some 25 seconds, not in Linux's two hours.
NETWORK = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
# From left to right: the wait for the lock is already bounded, and the commit will be durable whatever the default is.
BEGIN_WRITE = """
    SELECT set_config('lock_timeout', %s, true),
           set_config('idle_in_transaction_session_timeout', %s, true),
           set_config('synchronous_commit', CASE current_setting('synchronous_commit')
               WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true),
           pg_advisory_xact_lock(%s)
"""
REACTIONS = {
    "25006": ("read_only", "cannot be written: it is read-only"),
    "42501": ("not_permitted", "does not permit this to its user"),
    "55P03": ("locked", "is locked by another writer"),
    "40001": ("locked", "is locked by another writer"),
    "40P01": ("locked", "is locked by another writer"),
    "53100": ("disk_full", "has no room left on its disk"),
    "53300": ("unreachable", "has too many connections"),
    "25P03": ("too_slow", "ended this write, which had stood still"),
    "58030": ("disk_error", "cannot be read or written: its disk reports an error"),
}
CONNECTION_CLASSES = ("08", "28", "3D", "57")


class Postgresql:
    """A ledger in one schema of an existing PostgreSQL database; see `Dialect`."""

    def __init__(self, url: URL, *, read_only: bool, lock_timeout: float, idle_timeout: float) -> None:
        self._secrets = [str(s) for s in (url.password, url.query.get("password")) if s]
        self.place = f"{url.host or url.query.get('host', '')}/{url.database or ''}"
        self._timeouts = _milliseconds(lock_timeout), _milliseconds(idle_timeout)
        # A server that was restarted leaves dead connections in the pool: ask before use.
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=8,
            max_overflow=24,
            pool_timeout=lock_timeout,
            pool_pre_ping=True,
            connect_args={name: value for name, value in NETWORK.items() if name not in url.query},
            hide_parameters=True,
        )
        self.readers: Engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.writers: Engine = engine.execution_options(isolation_level="READ COMMITTED")

    def begin_write(self, connection: Connection) -> None:
        connection.connection.cursor().execute(BEGIN_WRITE, (*self._timeouts, WRITER_LOCK))

    def is_alive(self, driver_connection: Any) -> bool:
        """The driver begins at the first statement, so a transaction in which nothing was asked yet is idle."""
        status = driver_connection.info.transaction_status
        return status in (psycopg.pq.TransactionStatus.IDLE, psycopg.pq.TransactionStatus.INTRANS)

    def cursor(self, driver_connection: Any) -> Any:
        return driver_connection.cursor(binary=True)

    def sql(self, sql: str) -> str:
        return sql.replace("?", "%b")

    def insert(self, cursor: Any, table: Table, rows: Sequence[Row]) -> None:
        columns = ", ".join(f'"{name}"' for name in table.columns)
        arrays = ", ".join(f"%b::{type_}[]" for type_ in table.types)
        statement = f"INSERT INTO {table.name} ({columns}) SELECT * FROM unnest({arrays})"
        for start in range(0, len(rows), ROWS):
            cursor.execute(statement, [list(column) for column in zip(*rows[start : start + ROWS], strict=True)])

    def select_among(self, cursor: Any, sql: str, values: Sequence[Any], rest: Sequence[Any]) -> Iterator[list[Row]]:
        statement = self.sql(sql.replace("{among}", "= ANY(?)"))
        for start in range(0, len(values), CHUNK):
            yield cursor.execute(statement, (values[start : start + CHUNK], *rest)).fetchall()

    def table_names(self, cursor: Any) -> set[str]:
        cursor.execute("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()")
        return {name for (name,) in cursor}

    def version(self) -> int | None:
        """It takes as long to ask for it as for what one wants to know."""
        return None

    def close(self) -> None:
        self.readers.dispose()

    def after_upgrade(self) -> None:
        """Nothing: what a ledger needs is asked for in each transaction."""

    def scrub(self) -> None:
        """Write the tables that held what was erased anew; the old files go with the next checkpoint."""
        # A connection of its own: tables are not written anew inside a transaction.
        with closing(self.writers.raw_connection()) as pooled:
            connection: Any = pooled.driver_connection
            pooled.detach()
            connection.autocommit = True
            for table in ("opening", "decision"):
                connection.execute(f"VACUUM (FULL) {table}")
            if connection.execute("SELECT pg_has_role('pg_checkpoint', 'usage')").fetchone()[0]:
                connection.execute("CHECKPOINT")

    def explain(self, error: BaseException) -> LedgerError | None:
        if not isinstance(error, psycopg.Error):
            return None
        if error.sqlstate == "23505":
            return ConflictError("what is appended is already recorded", code="already_recorded")
        if error.sqlstate in REACTIONS:
            code, reason = REACTIONS[error.sqlstate]
            return UnavailableError(f"`{self.place}` {reason}", code=code)
        lost = isinstance(error, psycopg.OperationalError) and error.sqlstate is None
        if lost or (error.sqlstate or "").startswith(CONNECTION_CLASSES):
            return UnavailableError(f"`{self.place}` cannot be reached: {self._scrub(str(error))}", code="unreachable")
        return None

    def _scrub(self, text: str) -> str:
        """The driver's words on one line, without a password should they ever quote one."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return " ".join(text.split())


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"
