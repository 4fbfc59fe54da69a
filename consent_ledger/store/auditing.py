"""What an auditor looks at besides the entries: when the log grew, which checkpoints it signed, and who else did."""

from collections.abc import Collection
from typing import NamedTuple

from consent_ledger.store.transaction import Transaction


class Mark(NamedTuple):
    """A witness cosigned the checkpoint of `size`, at an instant (POSIX seconds)."""

    size: int
    witness: str
    signed_at: int


class Summary(NamedTuple):
    """All that one witness, or one authority of time, signed: how often, when first and last, and the largest size.

    Of witnesses the instants are POSIX seconds, of authorities microseconds."""

    name: str
    times: int
    first_at: int
    last_at: int
    size: int


def read_times(tx: Transaction, indexes: Collection[int]) -> list[tuple[int, int]]:
    """Return those entries that there are, in order, each with its instant (microseconds)."""
    sql = 'SELECT "index", recorded_at FROM entry WHERE "index" {among} ORDER BY "index"'
    return [(index, at) for rows in tx.select_among(sql, indexes) for index, at in rows]


def read_checkpoints(tx: Transaction, limit: int) -> list[tuple[int, bytes]]:
    """Return the latest checkpoints as (size, signed note), newest first."""
    return [(size, note) for size, note in tx.select(
        "SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT ?", (limit,)
    )]  # fmt: skip


def read_marks(tx: Transaction, limit: int) -> list[Mark]:
    """Return the latest cosignatures, the oldest of them first."""
    sql = "SELECT size, witness, signed_at FROM cosignature ORDER BY signed_at DESC, size DESC, witness LIMIT ?"
    return [Mark(*row) for row in reversed(tx.select(sql, (limit,)))]


def summarise_witnesses(tx: Transaction) -> list[Summary]:
    """Return what each witness signed."""
    sql = """
        SELECT witness, COUNT(*), MIN(signed_at), MAX(signed_at), MAX(size) FROM cosignature
        GROUP BY witness ORDER BY witness
    """
    return [Summary(*row) for row in tx.select(sql)]


def summarise_authorities(tx: Transaction) -> list[Summary]:
    """Return what each authority of time stamped."""
    sql = """
        SELECT authority, COUNT(*), MIN(signed_at), MAX(signed_at), MAX(size) FROM timestamp_token
        GROUP BY authority ORDER BY authority
    """
    return [Summary(*row) for row in tx.select(sql)]
