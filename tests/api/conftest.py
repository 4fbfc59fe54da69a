"""A small world, served."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from litestar.testing import TestClient

from consent_ledger.api.app import create_app
from consent_ledger.ledger import system_clock
from tests.api.asking import bearer
from tests.api.stranger import GET, SECRET, Served, statuses, until
from tests.client.serving import MAIN
from tests.stores import new_store
from tests.world import World, party_of


@contextmanager
def three_people(folder: Path) -> Iterator[World]:
    """`ada` allows training inside and an open release, `ben` only inside, `cas` nothing."""
    with new_store(f"sqlite:///{folder}/ledger.db") as store:
        world = World(store)
        world.people("ada", "ben", "cas")
        world.wait()
        world.grant("ada", choices={"release": True})
        world.grant("ben")
        world.film("hers", ["ada"], ["ada"])
        world.film("his", ["ben"], ["ben"])
        world.film("theirs", ["ada"], ["ada", "cas"])
        world.wait()
        yield world


@contextmanager
def served_to_the_operator(world: World) -> Iterator[TestClient]:
    with TestClient(create_app(world.ledger), raise_server_exceptions=False) as client:
        client.headers.update(bearer(world.ledger))
        yield client


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Three people, to do with as one likes."""
    with three_people(tmp_path) as world:
        yield world


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    """One who asks as the operator, with every scope."""
    with served_to_the_operator(world) as client:
        yield client


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The same, of a world that a module shares: for what changes nothing."""
    with three_people(tmp_path_factory.mktemp("shared")) as world, served_to_the_operator(world) as client:
        size = world.size
        yield client
        assert world.size == size


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("hostile")
    url = f"sqlite:///{folder}/ledger.db"
    with new_store(url) as store:
        world = World(store)
        world.enrol("rival", kind="organisation")
        world.people("ada")
        world.grant("ada", choices={"release": True})
        world.film("hers", ["ada"], ["ada"])
        now = system_clock()
        tokens = [
            bearer(world.ledger, party_of(who), now=now)["Authorization"] for who in ("studio", "rival", "operator")
        ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", MAIN, url], stdout=subprocess.PIPE, stderr=log)
    assert process.stdout is not None
    place = process.stdout.readline().decode()
    port = int(place.rpartition(":")[2])
    studio, rival, operator = (b"Authorization: " + token.encode() for token in tokens)
    served = Served(process, port, studio, rival, operator, [])
    assert statuses(served.send(GET + b"Connection: close\r\n\r\n")) == [200]
    yield served
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    for connection in served.left:
        connection.close()
    process.stdout.close()
    said = (folder / "log").read_bytes()
    for secret in (SECRET, *[token.rpartition("_")[2].encode() for token in tokens]):
        assert secret not in said
    assert b'"level":"error"' not in said.partition(b'"message":"Cancel ')[0]  # what was left to the end


@pytest.fixture
def served(running: Served) -> Iterator[Served]:
    """The server, which has to be as it was once the test is over."""
    held = running.held()
    yield running
    for path in (b"/healthz", b"/readyz"):
        assert running.send(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(
            b"HTTP/1.1 200 "
        )
    until(lambda: running.held() <= held)
