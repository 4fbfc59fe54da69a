"""Rows as the ledger would write them, and writers that run in processes of their own."""

import os
import signal
from hashlib import sha256

import pytest

from consent_ledger.audit.entry import commit, encode_entry
from consent_ledger.audit.replay import Finding, Replay
from consent_ledger.audit.tree import leaf_hash
from consent_ledger.errors import UnavailableError
from consent_ledger.store.engine import open_store
from consent_ledger.store.index import all_touches
from consent_ledger.store.log import Head, append, read_head, stream
from consent_ledger.store.transaction import Transaction

SECOND = 1_000_000
START = 1_780_000_000 * SECOND
STEPS = ("entry", "opening", "node", "touch", "checkpoint", "commit", "committed")
CHANGED = {
    "entry": "bytes",
    "opening": "envelope",
    "node": "hash",
    "checkpoint": "note",
    "touch": "key",
}


def salt_of(index: int) -> bytes:
    return sha256(b"salt %d" % index).digest()


def envelope_of(index: int) -> bytes:
    return b"envelope %d" % index


def keys_of(index: int) -> list[bytes]:
    return [b"asset%d" % index, b"party%d" % (index % 3)]


def note_of(size: int, root: bytes) -> bytes:
    return b"note %d\n" % size + root


def append_entries(tx: Transaction, count: int, *, recorded_at: int | None = None) -> Head:
    """Append `count` entries to whatever is there, a second apart, and return the head before them."""
    head = read_head(tx)
    entries, openings, leaves, touches = [], [], [], []
    previous = head.last_leaf
    for index in range(head.size, head.size + count):
        instant = START + index * SECOND if recorded_at is None else recorded_at
        entry = encode_entry(index, instant, commit(salt_of(index), envelope_of(index)), previous)
        previous = leaf_hash(entry)
        entries.append((index, instant, entry))
        openings.append((index, salt_of(index), envelope_of(index)))
        leaves.append(previous)
        touches += [(key, index) for key in keys_of(index)]
    frontier, nodes = head.frontier.extend(leaves)
    checkpoint = (frontier.size, note_of(frontier.size, frontier.root()))
    append(tx, entries=entries, openings=openings, nodes=nodes, checkpoint=checkpoint, touches=touches)
    return head


def create_and_append(url: str, times: int) -> None:
    """What one of several writers does: each append is a transaction of its own."""
    with open_store(url, create=True) as store:
        for _ in range(times):
            with store.write() as tx:
                append_entries(tx, 3)


def append_and_die(url: str, at: str) -> None:
    """Append, and be killed (-9) just before the step `at`."""

    def step(name: str) -> None:
        if armed and name == at:
            os.kill(os.getpid(), signal.SIGKILL)

    armed = False
    with open_store(url, step=step) as store:
        with store.write() as tx:
            append_entries(tx, 1)
        armed = True
        with store.write() as tx:
            append_entries(tx, 5)


def append_and_stand_still(url: str, at: str) -> None:
    """Append, and be stopped (as by Ctrl-Z) just before the step `at`; once woken, be told that it failed."""

    def step(name: str) -> None:
        if armed and name == at:
            os.kill(os.getpid(), signal.SIGSTOP)

    armed = False
    with open_store(url, idle_timeout=0.5, step=step) as store:
        armed = True
        with pytest.raises(UnavailableError) as caught, store.write() as tx:
            append_entries(tx, 5)
        assert caught.value.code in ("too_slow", "unreachable")
        armed = False
        with store.write() as tx:
            append_entries(tx, 1)


def findings(tx: Transaction) -> list[Finding]:
    """Replay the whole log and compare it with everything that is stored beside it."""
    head = read_head(tx)
    replay = Replay()
    pairs = ((recorded.entry, recorded.opening) for recorded in stream(tx, 0, head.size + 1))
    found = [step for step in replay.run(pairs) if isinstance(step, Finding)]
    root = replay.root()
    assert (head.size, head.frontier.root()) == (replay.size, root)
    assert head.checkpoint == (note_of(head.size, root) if head.size else None)
    assert list(all_touches(tx)) == sorted((key, index) for index in range(head.size) for key in keys_of(index))
    return found
