import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_ledger.audit.tiles import (
    ENTRIES,
    Tile,
    check_tile_exists,
    decode_bundle,
    decode_tile,
    encode_bundle,
    encode_tile,
    parse_tile_path,
    tile_path,
    tiles_of,
)
from consent_ledger.audit.tree import Frontier, leaf_hash
from consent_ledger.errors import MalformedError, NotFoundError
from tests.reference import rfc9162 as rfc

LEAVES = [b"%d" % n for n in range(70_000)]

tiles = st.builds(Tile, st.integers(ENTRIES, 63), st.integers(0, 10**18), st.integers(1, 256))


@given(tiles)
def test_a_path_is_read_back_as_it_was_written(tile: Tile) -> None:
    assert parse_tile_path(tile_path(tile)) == tile


def test_paths_are_those_of_the_specification() -> None:
    assert tile_path(Tile(0, 1234067)) == "tile/0/x001/x234/067"
    assert tile_path(Tile(1, 0, 17)) == "tile/1/000.p/17"
    assert tile_path(Tile(ENTRIES, 273, 112)) == "tile/entries/273.p/112"
    assert tile_path(Tile(63, 1000, 1)) == "tile/63/x001/000.p/1"


@pytest.mark.parametrize(
    "path",
    ["", "tile", "tile/0", "tile/0/1", "tile/0/01", "tile/0/0001", "tile/00/000", "tile/64/000", "tile/-1/000",
     "tile/0/x000/001", "tile/0/001/002", "tile/0/x001", "tile/0/x001/x002", "tile/0/000.p/0", "tile/0/000.p/256",
     "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p", "tile/0/000/", "/tile/0/000", "tile/0/000\n", "tile/0/../000",
     "tile/entry/000", "tile/0/٠٠٠", "tile/0/x001/" + "x000/" * 6 + "000"],
)  # fmt: skip
def test_another_path_is_refused(path: str) -> None:
    with pytest.raises(MalformedError):
        parse_tile_path(path)


def test_the_tiles_of_a_log_are_those_of_the_specification() -> None:
    # tlog-tiles gives this example: a log of 70,000 entries.
    listed = list(tiles_of(70_000))
    assert [tile for tile in listed if tile.level == 0] == [Tile(0, n) for n in range(273)] + [Tile(0, 273, 112)]
    assert [tile for tile in listed if tile.level > 0] == [Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert sum(tile.width for tile in listed if tile.level == ENTRIES) == 70_000
    assert list(tiles_of(256)) == [Tile(ENTRIES, 0), Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


@pytest.mark.parametrize("size", [1, 255, 256, 257, 70_000])
def test_a_log_has_its_tiles_and_no_wider_ones(size: int) -> None:
    for tile in tiles_of(size):
        check_tile_exists(tile, size)
        if tile.width < 256:
            with pytest.raises(NotFoundError):
                check_tile_exists(Tile(tile.level, tile.index, tile.width + 1), size)


def test_a_hash_tile_holds_the_roots_of_the_tiles_below_it() -> None:
    frontier, written = Frontier().extend(leaf_hash(leaf) for leaf in LEAVES)
    nodes = dict(written)
    level_0 = decode_tile(encode_tile(Tile(0, 273, 112), nodes), 112)
    assert level_0 == [leaf_hash(leaf) for leaf in LEAVES[69_888:]]
    level_1 = decode_tile(encode_tile(Tile(1, 1, 17), nodes), 17)
    assert level_1[16] == rfc.mth(LEAVES[272 * 256 : 273 * 256])
    (top,) = decode_tile(encode_tile(Tile(2, 0, 1), nodes), 1)
    assert top == frontier.nodes[0] == rfc.mth(LEAVES[:65_536])


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=9))
def test_a_bundle_is_read_back_as_it_was_written(entries: list[bytes]) -> None:
    raw = encode_bundle(entries)
    assert decode_bundle(raw, len(entries)) == entries
    for wrong, width in [(raw[:-1], len(entries)), (raw + b"\0", len(entries)), (raw, len(entries) + 1)]:
        with pytest.raises(MalformedError, match="entry bundle"):
            decode_bundle(wrong, width)


def test_an_entry_that_is_too_long_has_no_bundle() -> None:
    assert decode_bundle(encode_bundle([bytes(65_535)]), 1) == [bytes(65_535)]
    with pytest.raises(MalformedError, match="longer than 65535"):
        encode_bundle([bytes(65_536)])


def test_a_hash_tile_of_another_length_is_refused() -> None:
    with pytest.raises(MalformedError, match="64 bytes, want 96"):
        decode_tile(bytes(64), 3)
