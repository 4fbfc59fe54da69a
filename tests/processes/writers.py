"""Processes that write to a ledger: some of several, some that are killed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from consent_ledger.ledger import Ledger, Receipt
from consent_ledger.licenses import statements as st
from consent_ledger.store.engine import open_store
from tests.world import LOG_KEY, ORIGIN, START, issuer_of, party_of

# A fork of the test would share its connections; forks of a server that has none are as quick.
processes = get_context("forkserver")
processes.set_forkserver_preload(
    ["tests.processes.writers", "consent_ledger.store.postgresql", "alembic.command", "sqlmodel"]
)


def enrolment(name: str) -> bytes:
    """The operator's enrolment of a person; every process can write it."""
    fields: dict[str, Any] = {"party": party_of(name), "kind": "person", "age": "adult"}
    return issuer_of("operator", ORIGIN).say(st.Party, START, **fields)


@contextmanager
def opened(url: str) -> Iterator[Ledger]:
    with open_store(url) as store:
        yield Ledger.open(store, LOG_KEY)


def register_stream(url: str, name: str, acknowledged: Connection) -> None:
    """Register people for ever, in batches of different sizes, and tell of each batch once it has its receipts."""
    with opened(url) as ledger:
        number = 0
        while True:
            batch = [enrolment(f"{name}/{number + n}") for n in range(1 + number % 7)]
            number += len(batch)
            acknowledged.send([receipt_of(outcome) for outcome in ledger.register_all(batch)])


def register_some(url: str, name: str, times: int, told: Connection) -> None:
    """One of several writers: singles and batches, and one statement that all of them send."""
    with opened(url) as ledger:
        receipts = [ledger.register(envelope) for envelope in (enrolment(f"{name}/{n}") for n in range(times))]
        receipts += map(receipt_of, ledger.register_all(enrolment(f"{name}/batch{n}") for n in range(times)))
        told.send(receipts)


def receipt_of(outcome: Any) -> Receipt:
    if not isinstance(outcome, Receipt):
        raise outcome
    return outcome


def start(work: Callable[..., None], *arguments: Any) -> tuple[Any, Connection]:
    """Start a process that does the work and tells of it; return it and where it tells."""
    receiver, sender = processes.Pipe(duplex=False)
    process = processes.Process(target=work, args=(*arguments, sender))
    process.start()
    sender.close()
    return process, receiver
