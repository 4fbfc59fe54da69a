"""Services that are killed amid signers who tap twice and send again: what was acknowledged is there, once."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from consent_ledger.ledger import Ledger
from consent_ledger.store.engine import open_store
from tests.signers import Crowd, Place, Server, furnish, signed_through
from tests.world import LOG_KEY, findings, index_is_right

SIGNERS = int(os.environ.get("KILL_SIGNERS", "12"))
KILLS = int(os.environ.get("KILLS", "2"))
"""How often; `KILLS=10 KILL_SIGNERS=500` is what the service must stand."""
ENDINGS = ["kill", "term", *["kill"] * (KILLS - 1)]


def everything_holds(place: Place, crowd: Crowd) -> None:
    """All that was told is true, and nothing else was recorded."""
    for told in crowd.answers.values():
        assert len(told) == 2
        assert told[0].body == told[1].body, "one client got two answers"
    receipts = [told[0].receipt for told in crowd.answers.values()]
    with open_store(place.url) as store:
        ledger = Ledger.open(store, LOG_KEY)
        assert findings(store) == []
        assert index_is_right(store)
        for receipt in receipts:
            found = ledger.find(receipt["id"])
            recorded = found.entry, found.entry_bytes.decode(), found.checkpoint.decode()
            assert recorded == (receipt["entry"], receipt["sealed"], receipt["checkpoint"])
    entries = sorted(receipt["entry"] for receipt in receipts)
    assert entries == list(range(place.before, place.before + len(receipts)))
    assert len(receipts) == 2 * SIGNERS * len(ENDINGS)


@pytest.fixture
def place(store_url: str, tmp_path: Path) -> Place:
    return furnish(tmp_path / "home", store_url, SIGNERS)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_the_only_process_is_killed_again_and_again(place: Place) -> None:
    with Server(place.home) as server:
        crowd = signed_through(place, [server], ENDINGS, SIGNERS)
        assert server.end("term") == 0
    everything_holds(place, crowd)


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_one_of_two_processes_is_killed_again_and_again(place: Place) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(place.home)) for _ in range(2)]
        crowd = signed_through(place, servers, ENDINGS, SIGNERS)
        assert [server.end("term") for server in servers] == [0, 0]
    everything_holds(place, crowd)
