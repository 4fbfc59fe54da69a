"""Whatever fails, and whenever: what was acknowledged is there, and a replay of the whole log finds nothing."""

import os
import signal
import sqlite3
from pathlib import Path

import pytest

from consent_ledger.audit.receipt import verify_receipt
from consent_ledger.errors import LedgerError
from consent_ledger.ledger import Ledger, Receipt
from consent_ledger.licenses import statements as st
from consent_ledger.store.engine import open_store
from tests.processes import writers
from tests.stores import new_store
from tests.world import INTERNAL, LOG_KEY, World, findings, hash_of, index_is_right

STEPS = ("entry", "opening", "node", "touch", "checkpoint", "commit", "committed")


class Broken(Exception):
    """No error that the store knows."""


class Fault:
    """Told of every step of a write, it lets one of them fail."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.at: int | None = None
        self.error: Exception = Broken()

    def __call__(self, step: str) -> None:
        self.seen.append(step)
        if len(self.seen) - 1 == self.at:
            raise self.error


def story(world: World) -> list[list[bytes]]:
    """Batches of statements that rest on each other."""
    return [
        [world.enrolment("ada"), world.enrolment("ben")],
        [world.submission(world.medium("clip", ["ada"], ["ben"]))],
        [world.consent("ada"), world.consent("ben", capacities=["subject"]), b"not a statement"],
        [world.withdrawal("ben", uses=st.Prohibition(min_audience="open"))],
        [world.enrolment("cas")],
    ]


def tell(ledger: Ledger, batches: list[list[bytes]]) -> tuple[list[Receipt], int]:
    """Register batch after batch; each that fails is sent again, once. Return the receipts and how many failed."""
    receipts, failures = [], 0
    for batch in batches:
        try:
            outcomes = ledger.register_all(batch)
        except (LedgerError, Broken, sqlite3.Error, OSError):
            failures += 1
            outcomes = ledger.register_all(batch)
        receipts += [o for o in outcomes if isinstance(o, Receipt)]
    return receipts, failures


def everything_holds(world: World, receipts: list[Receipt]) -> None:
    assert world.findings() == []
    assert index_is_right(world.store)
    for receipt in receipts:
        assert world.ledger.find(receipt.id) == receipt._replace(is_new=False)
        verify_receipt(world.ledger.prove(receipt), receipt.entry_bytes, [world.ledger.verifier])


@pytest.mark.parametrize(
    "error",
    [Broken("no idea"), sqlite3.OperationalError("database or disk is full"), OSError(28, "No space left on device")],
    ids=["unknown", "disk_full", "no_space"],
)
def test_each_step_of_each_write_may_fail(tmp_path: Path, error: Exception) -> None:
    fault = Fault()
    fault.error = error
    with new_store(f"sqlite:///{tmp_path}/whole.db", step=fault) as store:
        world = World(store)
        fault.seen.clear()
        expected, _ = tell(world.ledger, story(world))
    steps = list(fault.seen)
    assert set(STEPS) <= set(steps)
    for at in range(len(steps)):
        fault.at = None
        with new_store(f"sqlite:///{tmp_path}/{at}.db", step=fault) as store:
            world = World(store)
            fault.seen.clear()
            fault.at = at
            receipts, failures = tell(world.ledger, story(world))
            fault.at = None
            assert (at, failures) == (at, 1)
            assert [r.entry for r in receipts] == [r.entry for r in expected]
            # Only after the commit is a statement there although nobody was told so.
            told_late = [r for r in receipts if not r.is_new]
            assert bool(told_late) == (steps[at] == "committed")
            everything_holds(world, receipts)
            assert world.verdict(hash_of("clip"), INTERNAL) == "allow"


@pytest.mark.parametrize("step", STEPS)
def test_a_fault_while_the_ledger_is_made_leaves_none_or_all(tmp_path: Path, step: str) -> None:
    fault = Fault()
    with new_store(f"sqlite:///{tmp_path}/ledger.db", step=fault) as store:
        fault.seen.clear()
        fault.at = STEPS.index(step)
        with pytest.raises(Broken):
            World(store)
        assert fault.seen[-1] == step
        fault.at = None
        if step == "committed":
            ledger = Ledger.open(store, LOG_KEY)
            assert ledger.register(writers.enrolment("ada")).entry == 1
        else:
            assert World(store).findings() == []


def test_a_fault_takes_no_memory_of_what_was_not_recorded(tmp_path: Path) -> None:
    """A ledger that is kept must not believe a statement that a failed commit took back."""
    fault = Fault()
    with new_store(f"sqlite:///{tmp_path}/ledger.db", step=fault) as store:
        world = World(store)
        for step in STEPS[:-1]:
            fault.seen.clear()
            fault.at = STEPS.index(step)
            with pytest.raises(Broken):
                world.enrol("ada")
            fault.at = None
            (refused,) = world.ledger.register_all([world.consent("ada")])
            assert isinstance(refused, LedgerError)
            assert refused.code == "party_unknown"
        world.enrol("ada")
        assert world.grant("ada").is_new
        everything_holds(world, [])


def test_when_a_later_batch_fails_the_batches_before_it_stay(tmp_path: Path) -> None:
    fault = Fault()
    with new_store(f"sqlite:///{tmp_path}/ledger.db", step=fault) as store:
        world = World(store)
        people = [world.enrolment(f"p{n}") for n in range(1500)]  # two transactions
        size = world.size
        fault.seen.clear()
        fault.at = len(STEPS) + STEPS.index("commit")
        with pytest.raises(Broken):
            world.ledger.register_all(people)
        fault.at = None
        assert world.size == size + 1000
        assert world.findings() == []
        outcomes = world.ledger.register_all(people)
        assert [isinstance(o, Receipt) and o.is_new for o in outcomes] == [False] * 1000 + [True] * 500


def kill_while(url: str, name: str, batches: int) -> list[Receipt]:
    """Let a process register, kill it (-9) after some acknowledgements, and return all that it was told."""
    process, told = writers.start(writers.register_stream, url, name)
    receipts: list[Receipt] = []
    for _ in range(batches):
        assert told.poll(60)
        receipts += told.recv()
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    while told.poll():
        try:
            receipts += told.recv()
        except (EOFError, OSError):
            break  # killed while it told
    return receipts


def test_a_killed_process_leaves_all_that_it_acknowledged(store_url: str) -> None:
    with new_store(store_url) as store:
        World(store)
    acknowledged: list[Receipt] = []
    for n in range(10):
        acknowledged += kill_while(store_url, f"run {n}", 1 + 3 * n)
        with open_store(store_url) as store:
            assert findings(store) == []
    with writers.opened(store_url) as ledger:
        assert index_is_right(ledger.store)
        for receipt in acknowledged:
            assert ledger.find(receipt.id) == receipt._replace(is_new=False)
            verify_receipt(ledger.prove(receipt), receipt.entry_bytes, [ledger.verifier])
        entries = [receipt.entry for receipt in acknowledged]
        assert len(set(entries)) == len(entries)
        # Each client's retry gets one answer, whether its statement was recorded before the kill or not.
        last = writers.enrolment("last")
        assert [ledger.register(last).is_new for _ in range(2)] == [True, False]
