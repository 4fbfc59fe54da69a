"""The Merkle tree of RFC 9162 section 2.1, grown from its right edge.

A node (level, n) is the root of the perfect subtree over entries n * 2**level to (n + 1) * 2**level. Nodes are stored
under the post-order numbering of golang.org/x/mod/sumdb/tlog, in which an append writes consecutive ids and nothing
written ever changes; a tree of `size` has `stored_count(size)` of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

import msgspec

from consent_ledger.errors import MalformedError

HASH_BYTES = 32


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry as a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def empty_root() -> bytes:
    """Return the root of the tree without entries."""
    return sha256(b"").digest()


def stored_index(level: int, n: int) -> int:
    """Return the id under which node (level, n) is stored."""
    last_leaf = ((n + 1) << level) - 1
    return 2 * last_leaf - last_leaf.bit_count() + level  # stored_count(last_leaf), then up to this level


def stored_count(size: int) -> int:
    """Return how many nodes a tree of `size` entries stores: ids run from 0 to this."""
    return 2 * size - size.bit_count()


def perfect_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the nodes (level, n), left to right, that cover the entries from `start` to `end`.

    `start` must be a multiple of the smallest power of two that is not below `end - start`.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def frontier_ids(size: int) -> list[int]:
    """Return the ids of the nodes that a frontier of `size` is reloaded from, left to right."""
    return [stored_index(level, n) for level, n in perfect_subtrees(0, size)]


def fold_right(nodes: Sequence[bytes]) -> bytes:
    """Return the root over adjoining perfect subtrees, given left to right and largest first; at least one."""
    root = nodes[-1]
    for node in reversed(nodes[:-1]):
        root = sha256(b"\x01" + node + root).digest()
    return root


class Frontier(msgspec.Struct, frozen=True):
    """The right edge of a tree: its size, and the roots of its perfect subtrees from left (largest) to right."""

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    @classmethod
    def load(cls, size: int, stored: Mapping[int, bytes]) -> "Frontier":
        """Return the frontier of `size` from stored nodes, which must include those of `frontier_ids(size)`."""
        return cls(size, tuple(stored[id_] for id_ in frontier_ids(size)))

    def __post_init__(self) -> None:
        want = self.size.bit_count()
        if len(self.nodes) != want:
            raise MalformedError(f"frontier of size {self.size} has {len(self.nodes)} nodes, want {want}")

    def extend(self, leaf_hashes: Iterable[bytes]) -> tuple["Frontier", list[tuple[int, bytes]]]:
        """Return the frontier after these leaves, and every node that they completed, as (stored id, hash) in order."""
        size = self.size
        stack = list(self.nodes)
        completed: list[bytes] = []
        for node in leaf_hashes:
            completed.append(node)
            # Each trailing one bit of the size is a perfect subtree that waits for its right sibling.
            carry = size
            while carry & 1:
                node = sha256(b"\x01" + stack.pop() + node).digest()
                completed.append(node)
                carry >>= 1
            stack.append(node)
            size += 1
        return Frontier(size, tuple(stack)), list(enumerate(completed, stored_count(self.size)))

    def root(self) -> bytes:
        """Return the root of the tree."""
        return fold_right(self.nodes) if self.nodes else empty_root()
