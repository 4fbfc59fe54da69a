"""Tiles (c2sp.org/tlog-tiles): the whole log as a finite set of files that never change.

A hash tile holds up to 256 consecutive nodes of tree level 8 * L; an entry bundle the up to 256 entries below a tile of
level 0, each with its length before it. Full tiles are 256 wide; a partial one carries its width in its path.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from consent_ledger.audit.tree import HASH_BYTES, node_hash, perfect_subtrees, stored_index
from consent_ledger.errors import MalformedError, NotFoundError, VerificationError

FULL_WIDTH = 256
ENTRIES = -1  # the level of an entry bundle
MAX_ENTRY = 2**16 - 1

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9]|[1-5][0-9]|6[0-3])/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class Tile(msgspec.Struct, frozen=True):
    """The first `width` members of tile `index` at `level`; level `ENTRIES` is that of entry bundles."""

    level: int
    index: int
    width: int = FULL_WIDTH

    @property
    def start(self) -> int:
        """The number, within its level, of the first member: for a bundle, its first entry."""
        return self.index * FULL_WIDTH

    @property
    def least_size(self) -> int:
        """The smallest tree that has this tile."""
        return (self.start + self.width) << 8 * max(self.level, 0)


def tile_path(tile: Tile) -> str:
    """Return the path below the log's prefix, without a leading slash."""
    digits = f"{tile.index % 1000:03d}"
    rest = tile.index // 1000
    while rest:
        digits = f"x{rest % 1000:03d}/{digits}"
        rest //= 1000
    level = "entries" if tile.level == ENTRIES else str(tile.level)
    partial = "" if tile.width == FULL_WIDTH else f".p/{tile.width}"
    return f"tile/{level}/{digits}{partial}"


def parse_tile_path(path: str) -> Tile:
    """Return the tile at `path`; raise MalformedError unless it is spelled as `tile_path` would."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise MalformedError(f"`{path[:100]!a}` is not the path of a tile")
    level = ENTRIES if match["level"] == "entries" else int(match["level"])
    index = int(match["index"].replace("x", "").replace("/", ""))
    tile = Tile(level, index, int(match["width"]) if match["width"] else FULL_WIDTH)
    if tile_path(tile) != path:  # a leading `x000`, a width of 256 or more
        raise MalformedError(f"`{path}` is not the path of a tile")
    return tile


def check_tile_exists(tile: Tile, size: int) -> None:
    """Raise NotFoundError unless a log of `size` entries has all of `tile`."""
    if tile.least_size > size:
        raise NotFoundError(f"tile `{tile_path(tile)}` needs {tile.least_size} entries, the log has {size}")


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every hash tile and entry bundle of a log of `size` entries; the partial ones only at full width for it."""
    yield from _row(ENTRIES, size)
    level = 0
    while size:
        yield from _row(level, size)
        level, size = level + 1, size // FULL_WIDTH


def tile_ids(tile: Tile) -> list[int]:
    """Return the stored nodes (see `tree`) that a hash tile is made of."""
    return [stored_index(8 * tile.level, n) for n in range(tile.start, tile.start + tile.width)]


def encode_tile(tile: Tile, nodes: Mapping[int, bytes]) -> bytes:
    """Return the bytes of a hash tile, from the nodes that `tile_ids` names."""
    return b"".join([nodes[id_] for id_ in tile_ids(tile)])


def ids_above(tile: Tile) -> list[int]:
    """Return the stored nodes that the members of a hash tile hash up to: one for a full tile, else a few."""
    subtrees = perfect_subtrees(tile.start, tile.start + tile.width)
    return [stored_index(8 * tile.level + level, n) for level, n in subtrees]


def check_tile(tile: Tile, hashes: Sequence[bytes], above: Sequence[bytes]) -> None:
    """Raise VerificationError unless the members of a hash tile lead to the nodes that `ids_above` names."""
    subtrees = perfect_subtrees(tile.start, tile.start + tile.width)
    for (level, n), want in zip(subtrees, above, strict=True):
        first = (n << level) - tile.start
        if _perfect_root(hashes[first : first + (1 << level)]) != want:
            raise VerificationError(f"`{tile_path(tile)}` does not lead to the nodes above it", code="tile_altered")


def _perfect_root(hashes: Sequence[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def decode_tile(raw: bytes, width: int) -> list[bytes]:
    """Return the `width` hashes of a hash tile."""
    if len(raw) != width * HASH_BYTES:
        raise MalformedError(f"hash tile has {len(raw)} bytes, want {width * HASH_BYTES}")
    return [raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bytes of an entry bundle: each entry with its length in two bytes, big-endian, before it."""
    if any(len(entry) > MAX_ENTRY for entry in entries):
        raise MalformedError(f"entry is longer than {MAX_ENTRY} bytes")
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def decode_bundle(raw: bytes, width: int) -> list[bytes]:
    """Return the `width` entries of an entry bundle; raise MalformedError if it holds more, fewer, or half of one."""
    entries: list[bytes] = []
    at = 0
    while at < len(raw):
        start = at + 2
        at = start + int.from_bytes(raw[at:start], "big")
        if start > len(raw) or at > len(raw):
            raise MalformedError(f"entry bundle ends within its entry {len(entries)}")
        entries.append(raw[start:at])
    if len(entries) != width:
        raise MalformedError(f"entry bundle has {len(entries)} entries, want {width}")
    return entries


def _row(level: int, members: int) -> Iterator[Tile]:
    full, partial = divmod(members, FULL_WIDTH)
    for index in range(full):
        yield Tile(level, index)
    if partial:
        yield Tile(level, full, partial)
