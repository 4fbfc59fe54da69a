"""What outsiders signed for the log's checkpoints: cosignatures of witnesses, and time-stamps.

None of it is part of the log: it is evidence beside it, and can be asked for again. A witness goes by the first two
parts of its verifier key, name and id; times of cosignatures are POSIX seconds, other instants microseconds.
"""

from collections.abc import Sequence
from typing import NamedTuple

from consent_ledger.store.dialect import Table
from consent_ledger.store.transaction import Transaction

COSIGNATURE = Table("cosignature", ("size", "witness", "signed_at", "line"), ("int8", "text", "int8", "bytea"))
STAMP = Table("timestamp_token", ("size", "authority", "signed_at", "token"), ("int8", "text", "int8", "bytea"))
META = Table("meta", ("name", "value"), ("text", "text"))
_WITNESSED = "witnessed"


class Cosignature(NamedTuple):
    """A witness's signature line for a checkpoint, with its line feed, and the POSIX second that it states."""

    size: int
    witness: str
    signed_at: int
    line: bytes


class Stamp(NamedTuple):
    """A time-stamp token (RFC 3161, DER) for a checkpoint, its authority's address, and its instant."""

    size: int
    authority: str
    signed_at: int
    token: bytes


def add_cosignatures(tx: Transaction, cosignatures: Sequence[Cosignature]) -> None:
    """Remember cosignatures; those that are there are passed over."""
    tx.insert(COSIGNATURE, [c for c in cosignatures if not _is_there(tx, c)])


def _is_there(tx: Transaction, cosignature: Cosignature) -> bool:
    sql = "SELECT 1 FROM cosignature WHERE size = ? AND witness = ? AND signed_at = ?"
    return bool(tx.select(sql, cosignature[:3]))


def newest_cosignatures(tx: Transaction, size: int) -> list[Cosignature]:
    """Return, of each witness that cosigned the checkpoint of `size`, its newest cosignature."""
    sql = "SELECT size, witness, signed_at, line FROM cosignature WHERE size = ? ORDER BY witness, signed_at"
    newest = {row[1]: Cosignature(*row) for row in tx.select(sql, (size,))}
    return list(newest.values())


def cosigned_sizes(tx: Transaction, limit: int) -> list[int]:
    """Return the largest sizes that anybody cosigned, largest first."""
    sql = "SELECT DISTINCT size FROM cosignature ORDER BY size DESC LIMIT ?"
    return [size for (size,) in tx.select(sql, (limit,))]


def last_cosigned(tx: Transaction, witness: str) -> tuple[int, int]:
    """Return the largest size that a witness cosigned, and the time of its newest cosignature for it; zeros if none."""
    sql = "SELECT size, signed_at FROM cosignature WHERE witness = ? ORDER BY size DESC, signed_at DESC LIMIT 1"
    rows = tx.select(sql, (witness,))
    return (rows[0][0], rows[0][1]) if rows else (0, 0)


def read_witnessed(tx: Transaction) -> int | None:
    """Return the largest size whose checkpoint a quorum had cosigned, when that was looked at last."""
    rows = tx.select("SELECT value FROM meta WHERE name = ?", (_WITNESSED,))
    return int(rows[0][0]) if rows else None


def set_witnessed(tx: Transaction, size: int) -> None:
    """Remember that a quorum has cosigned the checkpoint of `size`."""
    _set(tx, _WITNESSED, str(size))


def take_lease(tx: Transaction, name: str, holder: str, now: int, until: int) -> bool:
    """Return whether `holder` may do the work `name` until then: nobody else's lease for it is running at `now`."""
    key = f"lease:{name}"
    rows = tx.select("SELECT value FROM meta WHERE name = ?", (key,))
    if rows:
        other, _, end = rows[0][0].rpartition(" ")
        if other != holder and int(end) > now:
            return False
    _set(tx, key, f"{holder} {until}")
    return True


def release_lease(tx: Transaction, name: str, holder: str) -> None:
    """Let others do the work `name`, if `holder` has the lease for it."""
    tx.execute(META.name, "DELETE FROM meta WHERE name = ? AND value LIKE ?", (f"lease:{name}", f"{holder} %"))


def _set(tx: Transaction, name: str, value: str) -> None:
    if not tx.execute(META.name, "UPDATE meta SET value = ? WHERE name = ?", (value, name)):
        tx.insert(META, [(name, value)])


def add_stamp(tx: Transaction, stamp: Stamp) -> None:
    """Remember a time-stamp, unless that authority has stamped the checkpoint before."""
    sql = "SELECT 1 FROM timestamp_token WHERE size = ? AND authority = ?"
    if not tx.select(sql, (stamp.size, stamp.authority)):
        tx.insert(STAMP, [stamp])


def read_stamps(tx: Transaction, size: int) -> list[Stamp]:
    """Return the time-stamps of the checkpoint of `size`."""
    sql = "SELECT size, authority, signed_at, token FROM timestamp_token WHERE size = ? ORDER BY authority"
    return [Stamp(*row) for row in tx.select(sql, (size,))]


def newest_stamp(tx: Transaction, authority: str) -> Stamp | None:
    """Return the time-stamp of the largest size that an authority stamped."""
    sql = "SELECT size, authority, signed_at, token FROM timestamp_token WHERE authority = ? ORDER BY size DESC LIMIT 1"
    rows = tx.select(sql, (authority,))
    return Stamp(*rows[0]) if rows else None


def signed_members(tx: Transaction, span: int, after: int, size: int) -> list[int]:
    """Return size // span of every checkpoint signed for more than `after` and at most `size` entries, each once."""
    sql = "SELECT DISTINCT size / ? FROM checkpoint WHERE size > ? AND size <= ?"
    return [members for (members,) in tx.select(sql, (span, after, size))]
