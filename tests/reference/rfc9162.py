"""RFC 9162 section 2.1 as it is written there: recursive, slow, and short enough to check by eye."""

from collections.abc import Callable
from hashlib import sha256


def mth(leaves: list[bytes]) -> bytes:
    """Merkle tree hash of a list of leaf inputs (2.1.1)."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes], mth: Callable[[list[bytes]], bytes] = mth) -> list[bytes]:
    """Inclusion proof of leaf m (2.1.3.1); `mth` may be one that remembers."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k], mth), mth(leaves[k:])]
    return [*path(m - k, leaves[k:], mth), mth(leaves[:k])]


def proof(m: int, leaves: list[bytes], mth: Callable[[list[bytes]], bytes] = mth) -> list[bytes]:
    """Consistency proof from the first m leaves (2.1.4.1); `mth` may be one that remembers."""
    return subproof(m, leaves, True, mth)


def subproof(m: int, leaves: list[bytes], complete: bool, mth: Callable[[list[bytes]], bytes]) -> list[bytes]:
    if m == len(leaves):
        return [] if complete else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], complete, mth), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False, mth), mth(leaves[:k])]


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    return 1 << ((n - 1).bit_length() - 1)
