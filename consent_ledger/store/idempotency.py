"""Idempotency-Keys: which request came with a key first, who is working on it, and the answer that it got.

Rows are only added, but for the instant until which a key is held. Many requests are claimed, and many answers kept, in
one transaction: with a key on every request, each would else wait for two more commits of its own.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from consent_ledger.store.dialect import Table
from consent_ledger.store.engine import Store
from consent_ledger.store.log import read_size
from consent_ledger.store.transaction import Transaction

CLAIM = Table(
    "idempotency",
    ("id", "organisation", "request", "size", "held_until"),
    ("bytea", "text", "bytea", "int8", "int8"),
)
ANSWER = Table("kept_answer", ("id", "status", "headers", "body"), ("bytea", "int8", "text", "bytea"))


class Claim(NamedTuple):
    """A request asks to be worked on: the key's id, whose it is, and the digest of the request."""

    id: bytes
    organisation: str
    request: bytes


class Kept(NamedTuple):
    """The answer to a request, as it is to be given again; `headers` is JSON."""

    id: bytes
    status: int
    headers: str
    body: bytes


class Held(NamedTuple):
    """The request may be worked on. When its key came first, the ledger had `size` entries."""

    size: int


class Reused(NamedTuple):
    """The key came with another request before."""


class Running(NamedTuple):
    """Somebody is working on the request, until an instant (microseconds) at the latest."""

    until: int


class Release(NamedTuple):
    """From an instant on nobody is taken to work on the request: now, or later than was said before."""

    id: bytes
    held_until: int


Task = Claim | Kept | Release
Outcome = Held | Kept | Reused | Running | None


def key_id(organisation: str, key: str) -> bytes:
    """Return the id of an organisation's key. The key itself is not stored: nobody knows what clients put in it."""
    return hashlib.sha256(f"{organisation}\n{key}".encode()).digest()


def serve(store: Store, tasks: Sequence[Task], now: int, lease: int) -> list[Outcome]:
    """Do all tasks in one transaction, each in its turn: claims are answered, the rest gets None. Instants and the
    lease are in microseconds."""
    with store.write() as tx:
        return _Round(tx, tasks, now, lease).run(tasks)


def keep(tx: Transaction, answer: Kept) -> bool:
    """Keep an answer in the transaction that does what it tells of; False if there was one before."""
    if tx.select("SELECT id FROM kept_answer WHERE id = ?", (answer.id,)):
        return False
    tx.insert(ANSWER, [answer])
    return True


class _Round:
    """What is known about the keys of some tasks, and what will be written."""

    def __init__(self, tx: Transaction, tasks: Sequence[Task], now: int, lease: int) -> None:
        self._tx, self._now, self._lease = tx, now, lease
        ids = {task.id for task in tasks}
        claims = tx.select_among("SELECT id, organisation, request, size, held_until FROM idempotency "
                                 "WHERE id {among}", ids)  # fmt: skip
        answers = tx.select_among("SELECT id, status, headers, body FROM kept_answer WHERE id {among}", ids)
        self._claims = {row[0]: row for rows in claims for row in rows}
        self._answers = {row[0]: Kept(*row) for rows in answers for row in rows}
        self._size = read_size(tx)
        self._new_claims: dict[bytes, tuple[object, ...]] = {}
        self._new_answers: dict[bytes, Kept] = {}

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        outcomes = [self._do(task) for task in tasks]
        self._tx.insert(CLAIM, list(self._new_claims.values()))
        self._tx.insert(ANSWER, list(self._new_answers.values()))
        return outcomes

    def _do(self, task: Task) -> Outcome:
        match task:
            case Claim():
                return self._claim(task)
            case Kept():
                if task.id not in self._answers:
                    self._answers[task.id] = self._new_answers[task.id] = task
            case Release():
                self._hold(task.id, task.held_until)
        return None

    def _claim(self, claim: Claim) -> Outcome:
        known = self._claims.get(claim.id)
        if known is None:
            row = (*claim, self._size, self._now + self._lease)
            self._claims[claim.id] = self._new_claims[claim.id] = row
            return Held(self._size)
        _, _, request, size, held_until = known
        if request != claim.request:
            return Reused()
        if claim.id in self._answers:
            return self._answers[claim.id]
        if held_until > self._now:
            return Running(held_until)
        self._hold(claim.id, self._now + self._lease)
        return Held(size)

    def _hold(self, id_: bytes, until: int) -> None:
        known = self._claims.get(id_)
        if known is None:
            return
        row = self._claims[id_] = (*known[:4], until)
        if id_ in self._new_claims:
            self._new_claims[id_] = row
        else:
            self._tx.execute("hold", "UPDATE idempotency SET held_until = ? WHERE id = ?", (until, id_))
