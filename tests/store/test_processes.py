"""Several processes on one ledger, and processes that die."""

import os
import signal
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from consent_ledger.store import log
from consent_ledger.store.engine import open_store
from tests.store.rows import (
    STEPS,
    append_and_die,
    append_and_stand_still,
    append_entries,
    create_and_append,
    findings,
)

# A fork of the test would share its connections; forks of a server that has none are as quick.
processes = get_context("forkserver")
processes.set_forkserver_preload(["tests.store.rows", "consent_ledger.store.postgresql", "alembic.command", "sqlmodel"])


def test_six_processes_make_one_chain(store_url: str) -> None:
    """They also race to create it."""
    writers = [processes.Process(target=create_and_append, args=(store_url, 5)) for _ in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * 6
    with open_store(store_url, read_only=True) as store, store.read() as tx:
        assert log.read_head(tx).size == 6 * 5 * 3
        assert findings(tx) == []


def test_a_process_killed_at_any_step_leaves_all_of_its_write_or_nothing(store_url: str) -> None:
    with open_store(store_url, create=True) as store, store.write() as tx:
        append_entries(tx, 3)
    size = 3
    for step in STEPS:
        victim = processes.Process(target=append_and_die, args=(store_url, step))
        victim.start()
        victim.join(60)
        assert victim.exitcode == -signal.SIGKILL
        size += 6 if step == "committed" else 1
        with open_store(store_url) as store:
            with store.read() as tx:
                assert (step, log.read_head(tx).size) == (step, size)
                assert findings(tx) == []
            with store.write() as tx:
                append_entries(tx, 1)
            size += 1


@pytest.mark.parametrize("times", [3])
def test_a_reader_in_another_process_sees_what_was_committed(store_url: str, times: int) -> None:
    with open_store(store_url, create=True) as store:
        writer = processes.Process(target=create_and_append, args=(store_url, times))
        writer.start()
        writer.join(60)
        with store.read() as tx:
            assert log.read_head(tx).size == times * 3
            assert findings(tx) == []


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("step", ["entry", "checkpoint", "commit"])
def test_a_writer_that_stands_still_is_ended_and_the_others_go_on(store_url: str, step: str) -> None:
    with open_store(store_url, create=True) as store:
        stopped = processes.Process(target=append_and_stand_still, args=(store_url, step))
        stopped.start()
        try:
            wait_until_stopped(stopped.pid)
            with store.write() as tx:  # waits for the lock, no longer than the server gives the other
                append_entries(tx, 3)
        finally:
            os.kill(stopped.pid, signal.SIGCONT)
            stopped.join(60)
        assert stopped.exitcode == 0
        with store.read() as tx:
            assert log.read_head(tx).size == 3 + 1
            assert findings(tx) == []


def wait_until_stopped(pid: int) -> None:
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < deadline
        time.sleep(0.01)
