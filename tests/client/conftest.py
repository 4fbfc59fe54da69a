"""A small world, served by a process of its own, and a client of it."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from consent_ledger.access.callers import SCOPES
from consent_ledger.client import Client
from consent_ledger.ledger import system_clock
from tests.api.asking import bearer
from tests.client.serving import serving
from tests.stores import new_store
from tests.world import World


class Served(NamedTuple):
    """Where a ledger is served, tokens of its operator, its verifier key, and statements that are still unsaid."""

    place: str
    token: str
    reading_only: str
    vkey: str
    unsaid: list[bytes]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`ada` allows training inside and an open release, `ben` only inside."""
    folder = tmp_path_factory.mktemp("served")
    url = f"sqlite:///{folder}/ledger.db"
    with new_store(url) as store:
        world = World(store)
        world.people("ada", "ben")
        world.grant("ada", choices={"release": True})
        world.grant("ben")
        world.film("hers", ["ada"], ["ada"])
        world.film("his", ["ben"], ["ben"])
        tokens = [
            bearer(world.ledger, scopes=scopes, now=system_clock())["Authorization"].removeprefix("Bearer ")
            for scopes in (SCOPES, ["clearance:read"])
        ]
        unsaid = [world.enrolment(f"p{n}") for n in range(40)]
        vkey = world.ledger.vkey
    with serving(url, folder / "log") as place:
        yield Served(place, *tokens, vkey, unsaid)


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with Client(served.place, served.token, vkey=served.vkey) as client:
        yield client
