"""Services that are killed amid signers who tap twice and send again: what was acknowledged is there, once."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.processes.signers import Place, Server, everything_holds, furnish, signed_through

SIGNERS = int(os.environ.get("KILL_SIGNERS", "16"))
KILLS = int(os.environ.get("KILLS", "1"))
"""How often; what the service must stand, ten times amid 500 signers, is `python -m tests.bench soak`."""
ENDINGS = ["kill", "term", *["kill"] * (KILLS - 1)]


@pytest.fixture
def place(store_url: str, tmp_path: Path) -> Place:
    return furnish(tmp_path / "home", store_url, SIGNERS)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_the_only_process_is_killed_again_and_again(place: Place) -> None:
    with Server(place.home) as server:
        crowd = signed_through(place, [server], ENDINGS, SIGNERS)
        assert server.end("term") == 0
    everything_holds(place, crowd, 2 * SIGNERS * len(ENDINGS))


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_one_of_two_processes_is_killed_again_and_again(place: Place) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(place.home)) for _ in range(2)]
        crowd = signed_through(place, servers, ENDINGS, SIGNERS)
        assert [server.end("term") for server in servers] == [0, 0]
    everything_holds(place, crowd, 2 * SIGNERS * len(ENDINGS))
