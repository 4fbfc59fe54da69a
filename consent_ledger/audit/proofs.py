"""Inclusion and consistency proofs, RFC 9162 sections 2.1.3 and 2.1.4: plan, read, fold.

`…_ids` says which stored nodes (see `tree`) a proof is made from, `prove_…` folds them, `verify_…` needs no store. A
proof is a tuple of 32-byte hashes, from the leaf's end to the root's.
"""

from collections.abc import Mapping, Sequence

from consent_ledger.audit.tree import HASH_BYTES, empty_root, fold_right, node_hash, perfect_subtrees, stored_index
from consent_ledger.errors import MalformedError, VerificationError

# One hash of a proof: the id of a stored node, or those of the perfect subtrees to fold at the ragged right edge.
_Part = int | list[int]


def inclusion_ids(index: int, size: int) -> list[int]:
    """Return the stored nodes that `prove_inclusion` needs."""
    return _ids(_inclusion_parts(index, size))


def consistency_ids(first: int, second: int) -> list[int]:
    """Return the stored nodes that `prove_consistency` needs."""
    return _ids(_consistency_parts(first, second))


def prove_inclusion(index: int, size: int, nodes: Mapping[int, bytes]) -> tuple[bytes, ...]:
    """Return the proof that entry `index` is in the tree of `size`."""
    return _fold(_inclusion_parts(index, size), nodes)


def prove_consistency(first: int, second: int, nodes: Mapping[int, bytes]) -> tuple[bytes, ...]:
    """Return the proof that the tree of size `second` extends that of size `first`; an empty one from size 0."""
    return _fold(_consistency_parts(first, second), nodes)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise VerificationError unless `proof` shows the leaf hash at `index` of the tree with this size and root."""
    if not 0 <= index < size:
        raise VerificationError(f"inclusion proof is for entry {index} of {size}, want an index below the size")
    inner, border = _path_lengths(index, size)
    _check_count("inclusion", proof, inner + border)
    _check_hashes("leaf and root", (leaf, root))
    computed = _chain(leaf, proof, inner, index)
    if computed != root:
        raise VerificationError(f"inclusion proof of entry {index} leads to another root than that of size {size}")


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise VerificationError unless `proof` shows that the second tree begins with all of the first.

    A proof from size 0 is refused: every tree begins with the empty one, so it would show nothing of either root.
    """
    if not 0 <= first <= second or (first == 0 and second != 0):
        raise VerificationError(f"consistency proof goes from size {first} to {second}, want 1 to a size not smaller")
    if first == second:
        _check_count("consistency", proof, 0)
        if first_root != second_root:
            raise VerificationError(f"two roots for one size, {first}")
        if first == 0 and first_root != empty_root():
            raise VerificationError("root of size 0 is not that of the empty tree")
        return
    _check_hashes("roots", (first_root, second_root))
    # The proof starts at the largest perfect subtree that ends where the first tree ends: node `n` at `level`.
    level = _trailing_zeros(first)
    n = (first - 1) >> level
    inner, border = _path_lengths(first - 1, second)
    inner -= level
    if n == 0:  # that subtree is all of the first tree, whose root the verifier has
        _check_count("consistency", proof, inner + border)
        seed, path = first_root, proof
    else:
        _check_count("consistency", proof, 1 + inner + border)
        seed, path = proof[0], proof[1:]
    old = seed
    for height, sibling in enumerate(path):
        if height >= inner or n >> height & 1:
            old = node_hash(sibling, old)
    if old != first_root:
        raise VerificationError(f"consistency proof leads to another root than that of size {first}")
    if _chain(seed, path, inner, n) != second_root:
        raise VerificationError(f"consistency proof leads to another root than that of size {second}")


def _inclusion_parts(index: int, size: int) -> list[_Part]:
    if not 0 <= index < size:
        raise MalformedError(f"entry {index} is not in the tree of size {size}")
    return _path_parts(0, index, size)


def _consistency_parts(first: int, second: int) -> list[_Part]:
    if not 0 <= first <= second:
        raise MalformedError(f"size {first} is not a size before {second}")
    if first in (0, second):
        return []
    level = _trailing_zeros(first)
    n = (first - 1) >> level
    path = _path_parts(level, n, second)
    return path if n == 0 else [stored_index(level, n), *path]


def _path_parts(level: int, n: int, size: int) -> list[_Part]:
    """Return the parts of the siblings on the way from node (level, n) to the root of the tree of `size`."""
    parts: list[_Part] = []
    while n > 1 or (n ^ 1) << level < size:
        sibling = n ^ 1
        if (sibling + 1) << level <= size:
            parts.append(stored_index(level, sibling))
        elif sibling << level < size:
            parts.append([stored_index(*node) for node in perfect_subtrees(sibling << level, size)])
        level, n = level + 1, n >> 1
    return parts


def _ids(parts: list[_Part]) -> list[int]:
    return [id_ for part in parts for id_ in ([part] if isinstance(part, int) else part)]


def _fold(parts: list[_Part], nodes: Mapping[int, bytes]) -> tuple[bytes, ...]:
    return tuple([nodes[part] if isinstance(part, int) else fold_right([nodes[id_] for id_ in part]) for part in parts])


def _path_lengths(index: int, size: int) -> tuple[int, int]:
    """Return how many siblings lie below where the paths of `index` and of the last entry meet, and how many above."""
    inner = (index ^ (size - 1)).bit_length()
    return inner, (index >> inner).bit_count()


def _chain(seed: bytes, path: Sequence[bytes], inner: int, n: int) -> bytes:
    """Return the root that `path` leads to from `seed`: above the first `inner` siblings all are on the left."""
    node = seed
    for height, sibling in enumerate(path):
        on_right = height < inner and not n >> height & 1
        node = node_hash(node, sibling) if on_right else node_hash(sibling, node)
    return node


def _check_count(kind: str, proof: Sequence[bytes], want: int) -> None:
    if len(proof) != want:
        raise VerificationError(f"{kind} proof has {len(proof)} hashes, want {want}")
    _check_hashes(f"{kind} proof", proof)


def _check_hashes(what: str, hashes: Sequence[bytes]) -> None:
    if any(len(hash_) != HASH_BYTES for hash_ in hashes):
        raise VerificationError(f"{what} must be hashes of {HASH_BYTES} bytes")


def _trailing_zeros(n: int) -> int:
    return (n & -n).bit_length() - 1
