from functools import cache

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_ledger.audit.proofs import (
    consistency_ids,
    inclusion_ids,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from consent_ledger.audit.tree import Frontier, empty_root, leaf_hash
from consent_ledger.errors import MalformedError, VerificationError
from tests.reference import rfc9162 as rfc

MOST = 300
ENTRIES = [b"entry %d" % n for n in range(MOST)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
NODES = dict(Frontier().extend(LEAVES)[1])
ROOTS = [Frontier().extend(LEAVES[:size])[0].root() for size in range(MOST + 1)]

sizes = st.integers(1, MOST)


PLACES = {entry: n for n, entry in enumerate(ENTRIES)}


@cache
def defined_root(first: int, count: int) -> bytes:
    return rfc.mth(ENTRIES[first : first + count])


def remembered(entries: list[bytes]) -> bytes:
    """The root by its definition: every proof of every size needs the same ones."""
    return defined_root(PLACES[entries[0]], len(entries))


def test_every_inclusion_proof_is_that_of_the_definition() -> None:
    for size in range(1, MOST + 1):
        for index in range(size):
            proof = prove_inclusion(index, size, NODES)
            assert list(proof) == rfc.path(index, ENTRIES[:size], remembered)
            verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])


def test_every_consistency_proof_is_that_of_the_definition() -> None:
    for second in range(1, MOST + 1):
        for first in range(1, second + 1):
            proof = prove_consistency(first, second, NODES)
            assert list(proof) == rfc.proof(first, ENTRIES[:second], remembered)
            verify_consistency(first, second, ROOTS[first], ROOTS[second], proof)


@given(st.data())
def test_a_proof_needs_the_nodes_that_it_names_and_no_other(data: st.DataObject) -> None:
    size = data.draw(sizes)
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    for ids, proof in [
        (inclusion_ids(index, size), lambda nodes: prove_inclusion(index, size, nodes)),
        (consistency_ids(first, size), lambda nodes: prove_consistency(first, size, nodes)),
    ]:
        assert len(set(ids)) == len(ids)
        assert proof({id_: NODES[id_] for id_ in ids}) == proof(NODES)


@pytest.mark.parametrize("size", [1, 2, 7, 8, 100])
def test_another_implementation_makes_and_accepts_the_same_proofs(size: int) -> None:
    other = pymerkle.InmemoryTree()
    for entry in ENTRIES[:size]:
        other.append_entry(entry)
    assert other.get_root() == ROOTS[size]
    for index in range(size):
        # Its path begins with the leaf itself.
        assert tuple(other.prove_inclusion(index + 1, size).path[1:]) == prove_inclusion(index, size, NODES)


@given(st.data())
def test_a_flipped_bit_breaks_an_inclusion_proof(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, MOST))
    index = data.draw(st.integers(0, size - 1))
    proof = prove_inclusion(index, size, NODES)
    changed = data.draw(flipped(proof))
    with pytest.raises(VerificationError):
        verify_inclusion(LEAVES[index], index, size, changed, ROOTS[size])
    for other_index, other_size, leaf, root in [
        (index ^ 1, size, LEAVES[index], ROOTS[size]),
        (index, size, LEAVES[index - 1], ROOTS[size]),
        (index, size, LEAVES[index], ROOTS[size - 1]),
    ]:
        with pytest.raises(VerificationError):
            verify_inclusion(leaf, other_index, other_size, proof, root)


@given(st.data())
def test_a_flipped_bit_breaks_a_consistency_proof(data: st.DataObject) -> None:
    second = data.draw(st.integers(2, MOST))
    first = data.draw(st.integers(1, second - 1))
    proof = prove_consistency(first, second, NODES)
    with pytest.raises(VerificationError):
        verify_consistency(first, second, ROOTS[first], ROOTS[second], data.draw(flipped(proof)))
    for old, new in [(ROOTS[first - 1], ROOTS[second]), (ROOTS[first], ROOTS[second - 1])]:
        with pytest.raises(VerificationError):
            verify_consistency(first, second, old, new, proof)


@st.composite
def flipped(draw: st.DrawFn, proof: tuple[bytes, ...]) -> list[bytes]:
    at, bit = draw(st.integers(0, len(proof) - 1)), draw(st.integers(0, 255))
    changed = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
    return [*proof[:at], changed, *proof[at + 1 :]]


@given(st.data())
def test_a_proof_of_another_length_is_refused_by_its_count(data: st.DataObject) -> None:
    size = data.draw(st.integers(3, MOST))
    proof = prove_inclusion(0, size, NODES)
    for wrong in (proof[:-1], (*proof, bytes(32))):
        with pytest.raises(VerificationError, match=f"has {len(wrong)} hashes, want {len(proof)}"):
            verify_inclusion(LEAVES[0], 0, size, wrong, ROOTS[size])
    proof = prove_consistency(1, size, NODES)
    for wrong in (proof[:-1], (*proof, bytes(32))):
        with pytest.raises(VerificationError, match=f"has {len(wrong)} hashes, want {len(proof)}"):
            verify_consistency(1, size, ROOTS[1], ROOTS[size], wrong)


def test_a_hash_of_another_length_is_refused() -> None:
    proof = prove_inclusion(0, 2, NODES)
    with pytest.raises(VerificationError, match="32 bytes"):
        verify_inclusion(LEAVES[0], 0, 2, [proof[0] + b"x"], ROOTS[2])
    with pytest.raises(VerificationError, match="32 bytes"):
        verify_inclusion(b"", 0, 1, [], b"")


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (5, 4)])
def test_an_entry_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(MalformedError):
        prove_inclusion(index, size, NODES)
    with pytest.raises(VerificationError):
        verify_inclusion(LEAVES[0], index, size, [], ROOTS[size])


def test_a_log_does_not_shrink_or_have_two_roots() -> None:
    with pytest.raises(MalformedError):
        prove_consistency(3, 2, NODES)
    with pytest.raises(VerificationError):
        verify_consistency(3, 2, ROOTS[3], ROOTS[2], [])
    with pytest.raises(VerificationError, match="two roots"):
        verify_consistency(3, 3, ROOTS[3], ROOTS[2], [])


def test_nothing_is_shown_from_the_empty_tree() -> None:
    assert prove_consistency(0, 9, NODES) == ()
    verify_consistency(0, 0, empty_root(), empty_root(), [])
    with pytest.raises(VerificationError):
        verify_consistency(0, 9, empty_root(), ROOTS[9], [])
    with pytest.raises(VerificationError):
        verify_consistency(0, 0, ROOTS[1], ROOTS[1], [])
