"""SQLite: one file, WAL, synced at every commit, one writer at a time.

The driver's own transactions are switched off (`isolation_level=None`): they begin too late, as deferred ones, and two
writers that both read before they write then chain to the same entry. Writers say BEGIN IMMEDIATE instead.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from tempfile import mkstemp
from threading import Lock
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

from consent_ledger.errors import ConflictError, LedgerError, NotFoundError, UnavailableError
from consent_ledger.store.dialect import Row, Table

CHUNK = 2_048  # SQLite refuses more than 32,766 parameters; beyond some hundreds there is nothing left to gain
REACTIONS = {
    "SQLITE_BUSY": ("locked", "is locked by another writer"),
    "SQLITE_LOCKED": ("locked", "is locked by another writer"),
    "SQLITE_FULL": ("disk_full", "has no room left on its disk"),
    "SQLITE_READONLY": (
        "read_only",
        "cannot be written: it is opened for reading, or its file or directory is read-only",
    ),
    "SQLITE_CANTOPEN": (
        "cannot_open",
        "cannot be opened: its file or directory is missing, read-only or not accessible",
    ),
    "SQLITE_PERM": ("cannot_open", "cannot be opened: its file or directory is not accessible"),
    "SQLITE_IOERR": ("disk_error", "cannot be read or written: its disk reports an error"),
    "SQLITE_NOTADB": ("not_a_ledger", "is not a ledger's database"),
}


class Sqlite:
    """A ledger in one SQLite file; see `Dialect`."""

    def __init__(self, path: str, *, create: bool, read_only: bool, lock_timeout: float) -> None:
        if not path or path == ":memory:" or path.startswith("file:"):
            raise NotFoundError("a ledger on sqlite wants the path of a file", code="ledger_missing")
        self.place = path
        self._path = Path(path).absolute()
        self._read_only = read_only
        self._lock_timeout = lock_timeout
        self._watch: sqlite3.Connection | None = None
        self._watching = Lock()
        if not self._path.exists():
            if read_only or not create:
                raise NotFoundError(f"no ledger at `{path}`", code="ledger_missing")
            self._create_file()
        # Apart, and never changed from one to the other: every PRAGMA has SQLite prepare all statements anew.
        self.readers = self._pool("BEGIN")
        self.writers = self._pool("BEGIN IMMEDIATE")

    def _pool(self, begin: str) -> Engine:
        """Return connections whose transactions begin in that way; those of readers cannot write, as they would take
        the lock behind the back of those who queue for it."""
        # A reader never waits for another, so there is no reason to bound their number.
        engine = create_engine(
            "sqlite://",
            creator=partial(self._connect, query_only=begin == "BEGIN"),
            poolclass=QueuePool,
            max_overflow=-1,
            hide_parameters=True,
        )

        def begin_in_earnest(connection: Connection) -> None:
            driver_connection: Any = connection.connection.driver_connection
            driver_connection.execute(begin)

        event.listen(engine, "begin", begin_in_earnest)
        return engine

    def _create_file(self) -> None:
        """Make a database without tables that only its owner may read; SQLite gives its journals the same mode.

        It is switched to WAL under another name and then linked: nobody ever opens it in two modes at once, which
        SQLite answers with errors and long waits.
        """
        try:
            handle, name = mkstemp(prefix=f"{self._path.name}.", dir=self._path.parent)
            os.close(handle)
            try:
                with closing(sqlite3.connect(name)) as connection:
                    connection.execute("PRAGMA journal_mode = WAL")
                with suppress(FileExistsError):
                    os.link(name, self._path)
            finally:
                os.unlink(name)
        except (OSError, sqlite3.OperationalError) as e:
            reason = str(getattr(e, "strerror", None) or e).lower()
            raise UnavailableError(f"`{self.place}` cannot be created: {reason}", code="cannot_open") from e

    def _connect(self, *, query_only: bool = True) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?{self._mode()}",
            uri=True,
            timeout=self._lock_timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA query_only = {query_only}")
            connection.execute("PRAGMA secure_delete = ON")
            # Without this, INSERT OR REPLACE deletes rows behind the back of the delete triggers.
            connection.execute("PRAGMA recursive_triggers = ON")
            connection.execute("PRAGMA cache_size = -32768")
            # The index is written in random places: a longer log writes a page back once for several changes to it.
            connection.execute("PRAGMA wal_autocheckpoint = 4000")
        except BaseException:
            connection.close()
            raise
        return connection

    def _mode(self) -> str:
        """Never create. A WAL file on a medium that cannot be written is readable only as one that nobody changes."""
        if not self._read_only:
            return "mode=rw"
        wal = self._path.with_name(self._path.name + "-wal")
        writable = os.access(self._path.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
        frozen = not writable and not wal.exists()
        return "mode=ro&immutable=1" if frozen else "mode=ro"

    def begin_write(self, connection: Connection) -> None:
        """Nothing: BEGIN IMMEDIATE took the lock."""

    def is_alive(self, driver_connection: Any) -> bool:
        return bool(driver_connection.in_transaction)

    def cursor(self, driver_connection: Any) -> Any:
        return driver_connection.cursor()

    def sql(self, sql: str) -> str:
        return sql

    def insert(self, cursor: Any, table: Table, rows: Sequence[Row]) -> None:
        columns = ", ".join(f'"{name}"' for name in table.columns)
        marks = ", ".join("?" * len(table.columns))
        cursor.executemany(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", rows)

    def select_among(self, cursor: Any, sql: str, values: Sequence[Any], rest: Sequence[Any]) -> Iterator[list[Row]]:
        for start in range(0, len(values), CHUNK):
            chunk = values[start : start + CHUNK]
            # Filled up with the last one to a power of two: few statements then, which SQLite prepares once.
            chunk = [*chunk, *[chunk[-1]] * ((1 << (len(chunk) - 1).bit_length()) - len(chunk))]
            marks = ",".join("?" * len(chunk))
            yield cursor.execute(sql.replace("{among}", f"IN ({marks})"), (*chunk, *rest)).fetchall()

    def table_names(self, cursor: Any) -> set[str]:
        return {name for (name,) in cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def version(self) -> int | None:
        with self._watching:
            try:
                if self._watch is None:
                    self._watch = self._connect()
                    self._watch.execute("PRAGMA busy_timeout = 0")
                number: int = self._watch.execute("PRAGMA data_version").fetchone()[0]
            except (sqlite3.Error, TypeError):  # whoever reads or writes will say what it is
                return None
            return number

    def close(self) -> None:
        with self._watching:
            if self._watch is not None:
                self._watch.close()
                self._watch = None
        self.readers.dispose()
        self.writers.dispose()

    def after_upgrade(self) -> None:
        """WAL is a property of the file, which another tool may have changed, and is not chosen in a transaction."""
        with closing(self._connect(query_only=False)) as connection:
            if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
                return
            if connection.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
                raise UnavailableError(f"`{self.place}` is on a disk without write-ahead logging", code="cannot_open")

    def scrub(self) -> None:
        """Write the whole file anew, as pages may hold copies of rows that moved, and empty the write-ahead log."""
        with closing(self._connect(query_only=False)) as connection:
            connection.execute("VACUUM")
            (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise UnavailableError(f"`{self.place}` is being read, so that it cannot be scrubbed now", code="locked")

    def explain(self, error: BaseException) -> LedgerError | None:
        name = getattr(error, "sqlite_errorname", None) or ""
        if name in ("SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE"):
            return ConflictError("what is appended is already recorded", code="already_recorded")
        for prefix, (code, reason) in REACTIONS.items():
            if name.startswith(prefix):
                return UnavailableError(f"`{self.place}` {reason}", code=code)
        return None
