"""The ledger is verified while it is served, once in a while, by one process, and what is found is kept."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consent_ledger.store.engine import Store, open_store
from consent_ledger.verification.runs import last_run, verify_and_record
from consent_ledger.verification.watching import Watch, command
from tests.cli.running import run_process
from tests.stores import new_store
from tests.world import HOUR, World


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        yield store


class Said:
    """What was said, and that something was."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.heard = threading.Event()

    def __call__(self, event: str, **fields: Any) -> None:
        self.events.append((event, fields))
        self.heard.set()


def watched(world: World, said: Said, script: str, hours: int = 24) -> Watch:
    return Watch(world.store, world.clock, hours * 3600, [sys.executable, "-c", script], said, look_seconds=0.02)


@pytest.mark.parametrize(("code", "event"), [(0, "verified"), (5, "not_verified")])
def test_a_ledger_that_nobody_verified_is_verified_and_the_outcome_said(store: Store, code: int, event: str) -> None:
    said = Said()
    with watched(World(store), said, f"raise SystemExit({code})"):
        assert said.heard.wait(30)
    assert said.events[0] == (event, {"exit_code": code})


def test_it_is_due_only_after_its_time_and_for_one_process(store: Store) -> None:
    world, said, other = World(store), Said(), Said()
    verify_and_record(store, world.clock, jobs=1)
    watch = watched(world, said, "pass", hours=2)
    assert not watch._is_due()
    world.wait(2 * HOUR)
    assert watch._is_due()
    assert not watched(world, other, "pass", hours=2)._is_due()


def test_leaving_ends_a_verification_that_is_under_way(store: Store, tmp_path: Path) -> None:
    said, began = Said(), tmp_path / "began"
    with watched(World(store), said, f"open({str(began)!r}, 'w'); import time; time.sleep(600)"):
        while not began.exists():
            threading.Event().wait(0.01)
    assert said.events == []


def test_the_command_that_is_run_keeps_what_it_finds(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run_process("init", "--home", str(home), "--origin", "ledger.example/watched").code == 0
    verify = command(home)[3:]
    assert run_process(*verify).code == 0
    with open_store(f"sqlite:///{home}/ledger.db") as store:
        kept = last_run(store)
        assert kept is not None
        assert (kept.verified, kept.size) == (True, 1)
        # What fails by what somebody brought along says nothing of the ledger.
        other = tmp_path / "other"
        other.write_bytes(b"ledger.example/other\n1\n" + b"A" * 43 + b"=\n\n")
        assert run_process(*verify, "--checkpoint", str(other)).code == 5
        assert last_run(store) == kept
