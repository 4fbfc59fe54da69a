"""A small world, served."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from consent_ledger.api.app import create_app
from consent_ledger.store.engine import open_store
from tests.api.asking import bearer
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Three people; `ada` allows training inside and an open release, `ben` only inside, `cas` nothing."""
    with open_store(f"sqlite:///{tmp_path}/ledger.db", create=True) as store:
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


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    """One who asks as the operator, with every scope."""
    with TestClient(create_app(world.ledger), raise_server_exceptions=False) as client:
        client.headers.update(bearer(world.ledger))
        yield client
