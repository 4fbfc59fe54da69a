"""Opening a ledger's database, and the two kinds of transaction on it.

A read is one snapshot. A write is alone: in this process by a lock that lets threads queue, among processes by the
database's own. Both end with the `with` block: committed, or rolled back on any exception. A driver's error leaves the
block as an `UnavailableError` (or `ConflictError`) that says what can be done; corruption and mistakes in SQL are not
caught. One `Store` serves any number of threads; a `Transaction` belongs to one. Open a store after `fork`, not before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from types import TracebackType
from typing import Self

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from consent_ledger.errors import LedgerError, UnavailableError
from consent_ledger.store import schema
from consent_ledger.store.dialect import Dialect
from consent_ledger.store.sqlite import Sqlite
from consent_ledger.store.transaction import Step, Transaction


class Store:
    """An open ledger database. Close it, or use it as a context manager."""

    def __init__(self, dialect: Dialect, *, read_only: bool, lock_timeout: float, step: Step) -> None:
        self._dialect = dialect
        self._read_only = read_only
        self._lock_timeout = lock_timeout
        self._step = step
        self._writing = Lock()

    @property
    def place(self) -> str:
        """Where the ledger is, without a password: for messages."""
        return self._dialect.place

    def version(self) -> int | None:
        """Return a number that is another after every commit to the database, by whatever process; None where that
        cannot be told at once. What was read while it was the same, before and after, is what is there."""
        return self._dialect.version()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Give a snapshot: nothing that is committed after the first statement is seen, however long it lasts."""
        with self._explained(), self._dialect.readers.connect() as connection, connection.begin():
            tx = Transaction(self._dialect, connection, self._step)
            try:
                yield tx
            finally:
                tx.finish()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Give a transaction that is the only one writing, and durable once the block is left without an exception.

        UnavailableError `commit_unknown`: the connection broke while committing; read the head before trying again.
        """
        if self._read_only:
            raise UnavailableError(f"`{self.place}` is opened for reading only", code="read_only")
        # The database's lock is polled, with growing pauses; threads that queue here hand over at once.
        if not self._writing.acquire(timeout=self._lock_timeout):
            raise UnavailableError(f"`{self.place}` is locked by another writer", code="locked")
        try:
            yield from self._write_alone()
        finally:
            self._writing.release()

    def _write_alone(self) -> Iterator[Transaction]:
        committing = False
        try:
            with self._explained(), self._dialect.writers.connect() as connection, connection.begin():
                self._dialect.begin_write(connection)
                tx = Transaction(self._dialect, connection, self._step)
                try:
                    yield tx
                    self._step("commit")
                    tx.require_alive()
                finally:
                    tx.finish()
                committing = True
        except UnavailableError as e:
            if committing and e.code in ("unreachable", "disk_error"):
                raise UnavailableError(f"{e}; whether it was committed is not known", code="commit_unknown") from e
            raise
        self._step("committed")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except LedgerError:
            raise
        except PoolTimeoutError as e:
            raise UnavailableError(f"`{self.place}` has no connection free", code="busy") from e
        except Exception as e:
            cause = e.orig if isinstance(e, DBAPIError) and e.orig is not None else e
            explained = self._dialect.explain(cause)
            if explained is None:
                raise
            raise explained from e

    def scrub(self) -> None:
        """Leave nothing of deleted rows in the database's own files, as far as the database lets it be done.

        Takes as long, and as much room, as writing the tables anew. UnavailableError where others read meanwhile.
        """
        self._step("scrub")
        with self._writing, self._explained():
            self._dialect.scrub()

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._dialect.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_store(
    url: str,
    *,
    create: bool = False,
    read_only: bool = False,
    lock_timeout: float = 30.0,
    idle_timeout: float = 10.0,
    step: Step = lambda name: None,
) -> Store:
    """Open the ledger at `url`: `sqlite:///path` or `postgresql://user:password@host/database`.

    `create` makes the file if there is none (PostgreSQL: the database must exist) and the tables if there are none;
    opening for writing also brings older tables up to date. `lock_timeout`, in seconds, bounds every wait for another
    writer. A writer that stands still for `idle_timeout` between two statements, stopped or cut off, is ended by
    PostgreSQL so that others can go on; should it wake, it fails with `too_slow` or `unreachable`. `step` is told of
    each step of a write (opening for writing is one) before it is taken: the table's name, `commit`, and `committed`
    once it is true; an exception from it is a fault at that step.

    NotFoundError `ledger_missing`; UnavailableError `not_a_ledger`, `newer_version`, `older_version` (read-only),
    `read_only`, `cannot_open`, `locked`, `disk_full`, `unreachable`.
    """
    store = Store(
        _dialect(url, create=create, read_only=read_only, lock_timeout=lock_timeout, idle_timeout=idle_timeout),
        read_only=read_only,
        lock_timeout=lock_timeout,
        step=step,
    )
    try:
        if read_only:
            with store.read() as tx:
                schema.require_current(tx, store.place)
        else:
            with store.write() as tx:
                schema.bring_up_to_date(tx, store.place, create=create)
            with store._explained():
                store._dialect.after_upgrade()
    except BaseException:
        store.close()
        raise
    return store


def _dialect(url: str, *, create: bool, read_only: bool, lock_timeout: float, idle_timeout: float) -> Dialect:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    kind = parsed.drivername.partition("+")[0] if parsed is not None else ""
    if parsed is not None and kind == "sqlite":
        return Sqlite(parsed.database or "", create=create, read_only=read_only, lock_timeout=lock_timeout)
    if parsed is not None and kind in ("postgresql", "postgres"):
        try:
            # Only here: the driver is an extra, and slow to import.
            from consent_ledger.store.postgresql import Postgresql
        except ImportError as e:
            raise UnavailableError("postgresql wants the extra `postgres` installed", code="driver_missing") from e
        return Postgresql(parsed, read_only=read_only, lock_timeout=lock_timeout, idle_timeout=idle_timeout)
    # The url is not quoted: what cannot be parsed may have its password anywhere.
    raise UnavailableError("the database's address is not `sqlite:///...` or `postgresql://...`", code="bad_address")
