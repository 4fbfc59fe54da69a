"""Verifier processes that are killed: another takes their place, and nobody is refused for it."""

import os
import signal
from pathlib import Path

from consent_ledger.errors import LedgerError
from consent_ledger.ledger import Outcome, Receipt
from consent_ledger.workers import Workers
from tests.stores import new_store
from tests.world import World


def children() -> set[int]:
    """The processes that this one has started and not yet waited for."""
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def told(outcomes: list[Outcome]) -> list[object]:
    return [o.code if isinstance(o, LedgerError) else o.is_new for o in outcomes]


def test_statements_are_registered_although_the_worker_was_killed(tmp_path: Path) -> None:
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store, Workers(1) as workers:
        world = World(store)
        before = children()
        workers.start()
        (first,) = children() - before
        for turn in range(3):
            envelopes = [world.enrolment(f"{turn}/{n}") for n in range(20)]
            envelopes[7] = envelopes[7].replace(b'"sig":"', b'"sig":"AAAA')
            if turn == 1:
                os.kill(first, signal.SIGKILL)
            outcomes = world.ledger.begin(envelopes, workers)()
            assert [isinstance(o, Receipt) for o in outcomes] == [n != 7 for n in range(20)], told(outcomes)
        (second,) = children() - before
        assert second != first
        assert world.findings() == []


def test_a_worker_outlives_a_signal_that_is_meant_for_all_and_ends_with_its_ledger(tmp_path: Path) -> None:
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        world = World(store)
        before = children()
        with Workers(1) as workers:
            assert told(world.ledger.begin([world.enrolment(f"a{n}") for n in range(9)], workers)()) == [True] * 9
            (worker,) = children() - before
            for number in (signal.SIGTERM, signal.SIGINT):
                os.kill(worker, number)
            assert told(world.ledger.begin([world.enrolment(f"b{n}") for n in range(9)], workers)()) == [True] * 9
            assert children() - before == {worker}
        assert children() == before
