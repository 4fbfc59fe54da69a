import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_ledger.audit.tree import (
    Frontier,
    empty_root,
    fold_right,
    frontier_ids,
    leaf_hash,
    node_hash,
    perfect_subtrees,
    stored_count,
    stored_index,
)
from consent_ledger.errors import MalformedError
from tests.reference import rfc9162 as rfc

MOST = 300
ENTRIES = [b"entry %d" % n for n in range(MOST)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def test_the_root_of_every_size_is_that_of_the_definition() -> None:
    frontier = Frontier()
    for size in range(MOST):
        assert (frontier.size, frontier.root()) == (size, rfc.mth(ENTRIES[:size]))
        frontier, _ = frontier.extend(LEAVES[size : size + 1])


def test_the_roots_published_with_rfc_6962_are_ours() -> None:
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    frontier, _ = Frontier().extend(leaf_hash(bytes.fromhex(leaf)) for leaf in leaves)
    assert frontier.root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert empty_root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_nodes_are_numbered_as_they_are_completed() -> None:
    # golang.org/x/mod/sumdb/tlog: each leaf, then the parents that it completes.
    order = [(0, 0), (0, 1), (1, 0), (0, 2), (0, 3), (1, 1), (2, 0), (0, 4), (0, 5), (1, 2)]
    assert [stored_index(level, n) for level, n in order] == list(range(10))
    assert [stored_count(size) for size in range(7)] == [0, 1, 3, 4, 7, 8, 10]


@given(st.lists(st.integers(0, 40), max_size=8))
def test_appending_in_batches_writes_what_appending_at_once_writes(batches: list[int]) -> None:
    frontier = Frontier()
    written: list[tuple[int, bytes]] = []
    for batch in batches:
        frontier, nodes = frontier.extend(LEAVES[frontier.size % 100 :][:batch])
        written += nodes
    assert [id_ for id_, _ in written] == list(range(stored_count(frontier.size)))
    assert Frontier.load(frontier.size, dict(written)) == frontier


@pytest.mark.parametrize("size", [1, 2, 3, 100, 255, 256, 257, 300])
def test_a_stored_node_is_the_root_of_what_is_below_it(size: int) -> None:
    _, written = Frontier().extend(LEAVES[:size])
    nodes = dict(written)
    for level in range(size.bit_length()):
        for n in range(size >> level):
            assert nodes[stored_index(level, n)] == rfc.mth(ENTRIES[n << level : (n + 1) << level])


def test_a_frontier_is_reloaded_from_the_nodes_that_it_names() -> None:
    frontier, written = Frontier().extend(LEAVES)
    needed = {id_: dict(written)[id_] for id_ in frontier_ids(MOST)}
    assert Frontier.load(MOST, needed) == frontier
    assert len(needed) == MOST.bit_count()


def test_a_frontier_with_a_node_too_few_or_many_is_refused() -> None:
    for nodes in [(), (bytes(32),) * 2]:
        with pytest.raises(MalformedError, match="want 1"):
            Frontier(4, nodes)


@given(st.integers(0, 2**40), st.integers(0, 30))
def test_perfect_subtrees_cover_a_range_from_left_to_right(length: int, shift: int) -> None:
    start = (1 << 40 + shift) if length else 0
    place = start
    for level, n in perfect_subtrees(start, start + length):
        assert n << level == place
        place = (n + 1) << level
    assert place == start + length


def test_a_root_is_folded_from_the_right() -> None:
    a, b, c = LEAVES[:3]
    assert fold_right([a]) == a
    assert fold_right([a, b, c]) == node_hash(a, node_hash(b, c))
