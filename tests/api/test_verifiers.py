"""Statements by the thousand: they are verified by other processes, and those may go."""

import os
import signal
from pathlib import Path

from litestar.testing import TestClient

from tests.api.asking import NDJSON
from tests.world import World


def verifiers() -> list[int]:
    """The processes that verify for this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            command = (path.parent / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if parent == os.getpid() and b"consent_ledger.workers" in command:
            found.append(int(path.parent.name))
    return found


def test_a_verifier_that_has_gone_is_replaced_and_order_is_kept(world: World, client: TestClient) -> None:
    for turn in range(2):
        before = world.size
        sent = b"\n".join(world.enrolment(f"p{turn}/{n}") for n in range(250))
        told = client.post("/v1/statements", content=sent, headers=NDJSON).text.splitlines()
        assert [f'"entry":{before + n},' in line for n, line in enumerate(told)] == [True] * 250
        (verifier, *_) = verifiers()
        os.kill(verifier, signal.SIGKILL)
    assert world.findings() == []
