"""Two organisations, served with their pages; a witness has cosigned, a verification has run, somebody was erased."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import uvicorn

from consent_ledger.api.app import create_app
from consent_ledger.custody.erasure import Journal, erase
from consent_ledger.custody.holds import Holds
from consent_ledger.signing.instants import SECOND
from consent_ledger.store.witnesses import Cosignature, add_cosignatures
from consent_ledger.verification.runs import verify_and_record
from tests.ledgers.neighbours import Neighbours
from tests.stores import EmptyStores
from tests.world import DAY, party_of


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    folder: Path = tmp_path_factory.mktemp("pages")
    with EmptyStores(folder)() as store:
        world = Neighbours(store)
        for n in range(60):
            world.wait(DAY)
            world.enrol(f"late{n}")
        with store.write() as tx:
            mark = Cosignature(world.size, "witness.example/one+0123abcd", world.now // SECOND, b"-\n")
            add_cosignatures(tx, [mark])
        erase(world.ledger, world.operator, party_of("eve"), "statements", "gdpr_17", Journal(folder / "journal"),
              Holds(folder / "holds"))  # fmt: skip
        verify_and_record(store, world.clock, jobs=1)
        yield world


class Place(NamedTuple):
    """Where the pages are served on loopback."""

    url: str


@pytest.fixture(scope="session")
def place(world: Neighbours) -> Iterator[Place]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(world.ledger), log_level="critical", lifespan="on"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    yield Place(f"http://127.0.0.1:{listening.getsockname()[1]}")
    server.should_exit = True
    thread.join()
