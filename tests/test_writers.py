"""Six writers at once, as threads and as processes, on both databases: one chain, and everybody's receipts are true."""

import threading
from typing import Any

import pytest

from consent_ledger.audit.checkpoint import open_checkpoint
from consent_ledger.audit.receipt import verify_receipt
from consent_ledger.ledger import Ledger, Receipt
from consent_ledger.store.engine import open_store
from tests.processes import writers
from tests.stores import new_store
from tests.world import LOG_KEY, World, findings, index_is_right

WRITERS = 6
TIMES = 12


def everything_holds(url: str, receipts: list[Receipt], before: int) -> None:
    with writers.opened(url) as ledger:
        assert findings(ledger.store) == []
        assert index_is_right(ledger.store)
        new = [r.entry for r in receipts if r.is_new]
        assert sorted(new) == list(range(before, before + len(new)))
        roots: dict[int, bytes] = {}
        for receipt in receipts:
            checkpoint = open_checkpoint(receipt.checkpoint, [ledger.verifier])
            assert roots.setdefault(checkpoint.size, checkpoint.root) == checkpoint.root, "two roots for one size"
            verify_receipt(ledger.prove(receipt), receipt.entry_bytes, [ledger.verifier])
            assert ledger.find(receipt.id) == receipt._replace(is_new=False)


@pytest.fixture
def before(store_url: str) -> int:
    with new_store(store_url) as store:
        return World(store).size


def in_threads(ledger_of: Any, store_url: str) -> list[Receipt]:
    receipts: list[list[Receipt]] = [[] for _ in range(WRITERS)]
    everybodys = writers.enrolment("everybody")
    start = threading.Barrier(WRITERS)

    def write(n: int) -> None:
        ledger = ledger_of(n)
        start.wait(30)
        receipts[n] += [ledger.register(writers.enrolment(f"{n}/{time}")) for time in range(TIMES)]
        receipts[n] += map(
            writers.receipt_of, ledger.register_all(writers.enrolment(f"{n}/batch{time}") for time in range(TIMES))
        )
        receipts[n].append(ledger.register(everybodys))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [len(r) for r in receipts] == [2 * TIMES + 1] * WRITERS
    shared = [r[-1] for r in receipts]
    assert len({r._replace(is_new=False) for r in shared}) == 1
    assert sum(r.is_new for r in shared) == 1
    return [r for rs in receipts for r in rs]


def test_six_threads_share_a_ledger(store_url: str, before: int) -> None:
    with writers.opened(store_url) as ledger:
        receipts = in_threads(lambda n: ledger, store_url)
    everything_holds(store_url, receipts, before)


def test_six_threads_have_a_ledger_each(store_url: str, before: int) -> None:
    with open_store(store_url) as store:
        ledgers = [Ledger.open(store, LOG_KEY) for _ in range(WRITERS)]
        receipts = in_threads(lambda n: ledgers[n], store_url)
    everything_holds(store_url, receipts, before)


def test_six_processes_write_at_once(store_url: str, before: int) -> None:
    started = [writers.start(writers.register_some, store_url, f"process {n}", TIMES) for n in range(WRITERS)]
    receipts: list[Receipt] = []
    for process, told in started:
        assert told.poll(60)
        receipts += told.recv()
        process.join(60)
        assert process.exitcode == 0
    assert len(receipts) == WRITERS * 2 * TIMES
    everything_holds(store_url, receipts, before)


def test_readers_never_see_half_a_batch(store_url: str, before: int) -> None:
    batch, sizes = 5, []
    done = threading.Event()

    def write() -> None:
        with writers.opened(store_url) as ledger:
            for n in range(TIMES):
                ledger.register_all(writers.enrolment(f"{n}/{m}") for m in range(batch))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    with writers.opened(store_url) as ledger:
        while not done.is_set():
            assert findings(ledger.store) == []
            with ledger.store.read() as tx:
                sizes.append(tx.select("SELECT count(*) FROM entry")[0][0])
    writer.join(60)
    assert all((size - before) % batch == 0 for size in sizes)
    assert sizes == sorted(sizes)
