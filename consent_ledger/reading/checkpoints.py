"""What an auditor sees of checkpoints: how the log grew, which were signed last, and who besides the log signed."""

from typing import NamedTuple

import msgspec

from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.signing.instants import SECOND
from consent_ledger.store.auditing import (
    Mark,
    read_checkpoints,
    read_marks,
    read_times,
    summarise_authorities,
    summarise_witnesses,
)
from consent_ledger.store.log import read_size
from consent_ledger.store.transaction import Transaction

POINTS = 200
MARKS = 500


class Grown(msgspec.Struct, frozen=True):
    """The log had `size` entries from an instant on (microseconds)."""

    at: int
    size: int


class Cosigned(msgspec.Struct, frozen=True):
    """A witness cosigned the checkpoint of `size`, at an instant (microseconds)."""

    at: int
    size: int
    witness: str


class Signatory(msgspec.Struct, frozen=True):
    """All that a witness or an authority of time signed; instants are microseconds."""

    name: str
    count: int
    first_at: int
    last_at: int
    size: int


class Signed(NamedTuple):
    """A checkpoint: its size, the instant of its last entry, its root, and the witnesses that cosigned it."""

    size: int
    at: int
    root: bytes
    note: bytes
    witnesses: list[str]


class Growth(msgspec.Struct, frozen=True):
    """How the log grew, at some points, and who signed what; `marks` are the latest cosignatures."""

    size: int
    points: list[Grown]
    marks: list[Cosigned]
    witnesses: list[Signatory]
    authorities: list[Signatory]


def read_growth(tx: Transaction) -> Growth:
    """Return how the log grew."""
    size = read_size(tx)
    indexes = {size * n // POINTS for n in range(POINTS)} | {size - 1} if size else set()
    marks = [Cosigned(m.signed_at * SECOND, m.size, m.witness) for m in read_marks(tx, MARKS)]
    witnesses = [Signatory(w.name, w.times, w.first_at * SECOND, w.last_at * SECOND, w.size)
                 for w in summarise_witnesses(tx)]  # fmt: skip
    authorities = [Signatory(*authority) for authority in summarise_authorities(tx)]
    points = [Grown(at, index + 1) for index, at in read_times(tx, indexes)]
    return Growth(size, points, marks, witnesses, authorities)


def latest_checkpoints(tx: Transaction, limit: int) -> list[Signed]:
    """Return the checkpoints that were signed last, newest first."""
    notes = read_checkpoints(tx, limit)
    times = dict(read_times(tx, [size - 1 for size, _ in notes if size]))
    marks = read_marks(tx, MARKS)
    return [
        Signed(size, times.get(size - 1, 0), read_checkpoint_text(note).root, note, _of_size(marks, size))
        for size, note in notes
    ]


def _of_size(marks: list[Mark], size: int) -> list[str]:
    return sorted({mark.witness for mark in marks if mark.size == size})


def witness_name(witness: str) -> str:
    """Return the name in a witness's `name+id`."""
    return witness.partition("+")[0]
