"""Opening a ledger, and what a transaction promises."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy.exc import DBAPIError

from consent_ledger.errors import NotFoundError, UnavailableError
from consent_ledger.store import log
from consent_ledger.store.engine import Store, open_store
from consent_ledger.store.transaction import Transaction
from tests.store.rows import STEPS, append_entries, findings

NOBODY = 65534


class Fault(Exception):
    """What the test makes happen."""


def unavailable(code: str) -> pytest.RaisesExc[UnavailableError]:
    return pytest.raises(UnavailableError, check=lambda e: e.code == code)


def size_of(store: Store) -> int:
    with store.read() as tx:
        return log.read_head(tx).size


# --- opening


def test_a_ledger_is_created_once_and_opened_again(store_url: str) -> None:
    with open_store(store_url, create=True) as store, store.write() as tx:
        append_entries(tx, 2)
    for store in (open_store(store_url), open_store(store_url, create=True), open_store(store_url, read_only=True)):
        assert size_of(store) == 2
        store.close()


def test_an_empty_database_is_not_a_ledger_until_it_is_created(store_url: str) -> None:
    for read_only in (False, True):
        with pytest.raises(NotFoundError, match="no ledger"):
            open_store(store_url, read_only=read_only)
    with pytest.raises(NotFoundError, match="no ledger"):
        open_store(store_url, read_only=True, create=True)


def test_opening_never_makes_a_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no ledger at `.*/typo.db`"):
        open_store(f"sqlite:///{tmp_path}/typo.db")
    assert list(tmp_path.iterdir()) == []


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()
    before = path.read_bytes()
    for create in (False, True):
        with unavailable("not_a_ledger"):
            open_store(f"sqlite:///{path}", create=create)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"Dear sir or madam, " * 100)
    for read_only in (False, True):
        with unavailable("not_a_ledger"):
            open_store(f"sqlite:///{path}", read_only=read_only)
    assert path.read_bytes() == b"Dear sir or madam, " * 100


def test_a_later_programs_ledger_is_refused(store_url: str) -> None:
    with open_store(store_url, create=True) as store, store.write() as tx:
        tx.execute("version", "UPDATE consent_ledger_version SET version_num = '9999'")
    for read_only in (False, True):
        with unavailable("newer_version"):
            open_store(store_url, read_only=read_only)


def test_an_older_ledger_is_not_brought_up_to_date_by_a_reader(store_url: str) -> None:
    with open_store(store_url, create=True) as store, store.write() as tx:
        tx.execute("version", "UPDATE consent_ledger_version SET version_num = '0000'")
    with unavailable("older_version"):
        open_store(store_url, read_only=True)


def test_a_creation_that_fails_leaves_nothing_and_can_be_tried_again(store_url: str) -> None:
    def fail(name: str) -> None:
        raise Fault(name)

    with pytest.raises(Fault, match="commit"):
        open_store(store_url, create=True, step=fail)
    with pytest.raises(NotFoundError):
        open_store(store_url)
    open_store(store_url, create=True).close()


@pytest.mark.parametrize(
    "url",
    ["", "ledger.db", "mysql://root:hunter2@db/x", "postgresql://u:hunter2@h:port/x", "://hunter2", "sqlite+nothing"],
)
def test_an_address_that_is_not_understood_is_not_repeated(url: str) -> None:
    with unavailable("bad_address") as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
def test_a_ledger_is_never_in_memory(url: str) -> None:
    with pytest.raises(NotFoundError, match="wants the path of a file"):
        open_store(url, create=True)


def test_an_unreachable_server_is_named_without_the_password() -> None:
    for url in (
        "postgresql://u:hunter2@127.0.0.1:1/x",
        "postgresql:///x?host=127.0.0.1&port=1&user=u&password=hunter2",
    ):
        with unavailable("unreachable") as caught:
            open_store(url)
        assert "127.0.0.1/x" in str(caught.value)
        assert "hunter2" not in str(caught.value)


def test_the_file_is_synced_logged_ahead_and_private(tmp_path: Path) -> None:
    path = tmp_path / "led ger?#%41.db"
    with open_store(f"sqlite:///{quote(str(path))}", create=True) as store:
        with store.write() as tx:
            pragma = {
                name: tx.select(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous", "foreign_keys")
            }
            append_entries(tx, 1)
        assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        modes = {file.name.removeprefix(path.name): file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
        assert modes == {"": 0o600, "-wal": 0o600, "-shm": 0o600}


def test_a_file_that_was_taken_out_of_wal_is_put_back(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch()
    open_store(f"sqlite:///{path}", create=True).close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    connection.close()
    with open_store(f"sqlite:///{path}") as store:
        assert path.read_bytes()[18:20] == b"\x02\x02"  # the file's own word; a connection says what it saw last
        with store.write() as tx:
            append_entries(tx, 3)
            assert tx.select("PRAGMA journal_mode") == [("wal",)]


# --- reading only


@contextmanager
def as_nobody() -> Iterator[None]:
    """Permissions mean nothing to root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shared_ledger(tmp_path: Path) -> Iterator[Path]:
    """A ledger of two entries that anyone may read and nobody may write."""
    path = tmp_path / "shared" / "ledger.db"
    path.parent.mkdir()
    with open_store(f"sqlite:///{path}", create=True) as store, store.write() as tx:
        append_entries(tx, 2)
    path.chmod(0o444)
    modes = {directory: directory.stat().st_mode for directory in (path.parent, *tmp_path.parents[:3], tmp_path)}
    for directory in modes:
        if directory.stat().st_uid == os.geteuid() and directory != Path("/tmp"):
            directory.chmod(0o555)
    yield path
    for directory, mode in modes.items():
        if directory.stat().st_uid == os.geteuid() and directory != Path("/tmp"):
            directory.chmod(mode)


def test_a_read_only_store_does_not_write(store_url: str) -> None:
    open_store(store_url, create=True).close()
    with open_store(store_url, read_only=True) as store, unavailable("read_only"), store.write():
        raise Fault


def test_a_snapshot_cannot_be_written(store_url: str) -> None:
    with open_store(store_url, create=True) as store:
        with unavailable("read_only"), store.read() as tx:
            append_entries(tx, 1)
        with store.write() as tx:
            append_entries(tx, 1)
        assert size_of(store) == 1


def test_a_ledger_on_a_read_only_medium_can_be_read(shared_ledger: Path) -> None:
    with as_nobody(), open_store(f"sqlite:///{shared_ledger}", read_only=True) as store, store.read() as tx:
        assert log.read_head(tx).size == 2
        assert findings(tx) == []


def test_a_ledger_on_a_read_only_medium_is_not_opened_for_writing(shared_ledger: Path) -> None:
    with as_nobody(), pytest.raises(UnavailableError, check=lambda e: e.code in ("read_only", "cannot_open")):
        open_store(f"sqlite:///{shared_ledger}")
    with as_nobody(), unavailable("cannot_open"):
        open_store(f"sqlite:///{shared_ledger.parent}/new.db", create=True)


# --- transactions


@pytest.mark.parametrize("at", [step for step in STEPS if step != "committed"])
def test_a_write_that_fails_at_any_step_leaves_nothing(store_url: str, at: str) -> None:
    def step(name: str) -> None:
        if armed and name == at:
            raise Fault

    armed = False
    with open_store(store_url, create=True, step=step) as store:
        with store.write() as tx:
            append_entries(tx, 3)
        armed = True
        with pytest.raises(Fault), store.write() as tx:
            append_entries(tx, 4)
        armed = False
        with store.read() as tx:
            assert log.read_head(tx).size == 3
            assert findings(tx) == []
        with store.write() as tx:
            append_entries(tx, 1)
        assert size_of(store) == 4


def test_every_step_is_announced_before_it_is_taken(store_url: str) -> None:
    steps: list[str] = []
    with open_store(store_url, create=True, step=steps.append) as store:
        steps.clear()
        with store.write() as tx:
            append_entries(tx, 1)
    assert tuple(steps) == STEPS


def test_what_happened_before_an_exception_is_undone(store_url: str) -> None:
    def append_and_fail(tx: Transaction) -> None:
        append_entries(tx, 3)
        raise Fault

    with open_store(store_url, create=True) as store:
        with pytest.raises(Fault), store.write() as tx:
            append_and_fail(tx)
        assert size_of(store) == 0


def test_a_snapshot_does_not_move(store_url: str) -> None:
    with open_store(store_url, create=True) as store:
        with store.write() as tx:
            append_entries(tx, 3)
        with store.read() as tx:
            before = log.read_head(tx)
            with store.write() as other:
                append_entries(other, 2)
            assert log.read_head(tx) == before
            assert len(list(log.stream(tx, 0, 10))) == 3
            assert findings(tx) == []
        assert size_of(store) == 5


def test_going_on_after_a_failed_statement_commits_nothing(store_url: str) -> None:
    def swallow(tx: Transaction) -> None:
        append_entries(tx, 2)
        if tx.table_names() and store.place.endswith(".db"):
            tx.connection.exec_driver_sql("ROLLBACK")  # as SQLite does by itself when a disk is full
        else:
            with pytest.raises(Exception, match="no_such_table"):
                tx.select("SELECT * FROM no_such_table")

    with open_store(store_url, create=True) as store:
        with unavailable("transaction_over"), store.write() as tx:
            swallow(tx)
            append_entries(tx, 1)
        with unavailable("transaction_over"), store.write() as tx:
            swallow(tx)
        assert size_of(store) == 0


def test_a_transaction_ends_with_its_block(store_url: str) -> None:
    with open_store(store_url, create=True) as store:
        with store.write() as tx:
            append_entries(tx, 2)
        with unavailable("transaction_over"):
            append_entries(tx, 1)
        with store.read() as tx:
            rest = log.stream(tx, 0, 2)
            lists = tx.select_among("SELECT id FROM node WHERE id {among}", range(30_000))
            next(lists)
        for late in (rest, lists):
            with unavailable("transaction_over"):
                next(late)


def test_a_second_writer_gives_up_after_its_time(store_url: str) -> None:
    with open_store(store_url, create=True) as first:
        second = open_store(store_url, lock_timeout=0.1)
        with first.write() as tx:
            append_entries(tx, 1)
            with unavailable("locked"), second.write():
                raise Fault
            with unavailable("locked"):
                open_store(store_url, lock_timeout=0.1)
            assert size_of(second) == 0
        with second.write() as tx:
            append_entries(tx, 1)
        with second.write(), unavailable("locked"), second.write():
            raise Fault
        assert size_of(second) == 2
        second.close()


def test_a_full_disk_leaves_nothing_half_done(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/ledger.db", create=True) as store:
        with store.write() as tx:
            append_entries(tx, 3)
        with unavailable("disk_full"), store.write() as tx:
            pages = tx.select("PRAGMA page_count")[0][0]
            tx.select(f"PRAGMA max_page_count = {pages + 2}")
            append_entries(tx, 3000)
        with store.write() as tx:
            tx.select("PRAGMA max_page_count = 1000000")
            append_entries(tx, 3000)
        with store.read() as tx:
            assert log.read_head(tx).size == 3003
            assert findings(tx) == []


def test_a_mistake_in_sql_is_not_taken_for_weather(store_url: str) -> None:
    with (
        open_store(store_url, create=True) as store,
        pytest.raises(Exception, match="nonsense") as caught,
        store.read() as tx,
    ):
        tx.select("SELECT nonsense")
    assert not isinstance(caught.value, UnavailableError)


def test_errors_never_quote_what_was_to_be_stored(store_url: str) -> None:
    with open_store(store_url, create=True) as store, pytest.raises(DBAPIError) as caught, store.write() as tx:
        tx.connection.exec_driver_sql("INSERT INTO opening VALUES (NULL, NULL, 'secret')")
    assert "secret" not in str(caught.value).replace(caught.value.statement or "", "")


def test_threads_share_a_store(store_url: str) -> None:
    """Four write and four read, all at once; every snapshot is whole."""
    problems: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            for _ in range(10):
                work()
        except BaseException as e:
            problems.append(e)

    with open_store(store_url, create=True) as store:

        def write() -> None:
            with store.write() as tx:
                append_entries(tx, 2)

        def read() -> None:
            with store.read() as tx:
                assert findings(tx) == []

        threads = [threading.Thread(target=run, args=(work,)) for work in (write, read) * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert size_of(store) == 80
