"""A forger's workshop: an honest bundle taken apart, altered, and put together again so that its arithmetic agrees.

What a forger can make depends on what she holds: `sign_with` is the log's own key for a cheating operator, another one
for a stranger, and None leaves the checkpoint as it was signed.
"""

import shutil
from pathlib import Path
from typing import NamedTuple

from consent_ledger.audit.checkpoint import Checkpoint, sign_checkpoint
from consent_ledger.audit.entry import NO_PREVIOUS, commit, decode_entry, encode_entry
from consent_ledger.audit.replay import Erased, Opening, Withheld
from consent_ledger.audit.tiles import (
    ENTRIES,
    FULL_WIDTH,
    Tile,
    decode_bundle,
    encode_bundle,
    encode_tile,
    tile_path,
    tiles_of,
)
from consent_ledger.audit.tree import Frontier, leaf_hash
from consent_ledger.signing.keys import SigningKey
from consent_ledger.verification.layout import OPENINGS, decode_opening, encode_opening
from tests.world import ORIGIN

SALT = bytes(range(32))
Shown = Opening | Withheld | Erased | None


class Leaf(NamedTuple):
    """One entry to be made: when, what it commits to, and what is shown of it."""

    recorded_at: int
    commitment: bytes
    shown: Shown

    @classmethod
    def of(cls, recorded_at: int, envelope: bytes) -> "Leaf":
        return cls(recorded_at, commit(SALT, envelope), Opening(SALT, envelope))


def edit_line(bundle: Path, index: int, line: bytes | None) -> None:
    """Put `line` where that of an entry is, or nothing."""
    path = bundle / OPENINGS
    lines = path.read_bytes().splitlines(keepends=True)
    lines[index : index + 1] = [] if line is None else [line]
    path.write_bytes(b"".join(lines))


def lines_of(bundle: Path) -> list[bytes]:
    return (bundle / OPENINGS).read_bytes().splitlines(keepends=True)


def flip(path: Path, at: int, mask: int = 1) -> None:
    """Change a bit of one byte of a file; a negative place counts from the end."""
    raw = bytearray(path.read_bytes())
    raw[at] ^= mask
    path.write_bytes(raw)


def entry_bundle(bundle: Path, number: int, size: int) -> Path:
    return bundle / tile_path(Tile(ENTRIES, number, min(FULL_WIDTH, size - number * FULL_WIDTH)))


def read_entries(bundle: Path, size: int) -> list[bytes]:
    entries: list[bytes] = []
    for number in range(-(-size // FULL_WIDTH)):
        path = entry_bundle(bundle, number, size)
        entries += decode_bundle(path.read_bytes(), min(FULL_WIDTH, size - number * FULL_WIDTH))
    return entries


def leaves_of(bundle: Path, size: int) -> list[Leaf]:
    """Take a bundle apart."""
    leaves = []
    for raw, line in zip(read_entries(bundle, size), lines_of(bundle), strict=True):
        entry = decode_entry(raw)
        leaves.append(Leaf(entry.recorded_at, entry.commitment, decode_opening(line)[1]))
    return leaves


def seal(leaves: list[Leaf], *, numbers: list[int] | None = None) -> list[bytes]:
    """Make entries of leaves: numbered, linked and sound."""
    entries: list[bytes] = []
    previous = NO_PREVIOUS
    for place, leaf in enumerate(leaves):
        entries.append(
            encode_entry(place if numbers is None else numbers[place], leaf.recorded_at, leaf.commitment, previous)
        )
        previous = leaf_hash(entries[-1])
    return entries


def put_together(bundle: Path, entries: list[bytes], shown: list[Shown], sign_with: SigningKey | None) -> None:
    """Write the log of a bundle anew."""
    shutil.rmtree(bundle / "tile")
    frontier, nodes = Frontier().extend([leaf_hash(entry) for entry in entries])
    hashes = dict(nodes)
    for tile in tiles_of(len(entries)):
        path = bundle / tile_path(tile)
        path.parent.mkdir(parents=True, exist_ok=True)
        members = entries[tile.start : tile.start + tile.width]
        path.write_bytes(encode_bundle(members) if tile.level == ENTRIES else encode_tile(tile, hashes))
    lines = [encode_opening(index, what) for index, what in enumerate(shown) if what is not None]
    (bundle / OPENINGS).write_bytes(b"".join(lines))
    if sign_with is not None:
        checkpoint = Checkpoint(ORIGIN, len(entries), frontier.root())
        (bundle / "checkpoint").write_bytes(sign_checkpoint(checkpoint, sign_with))


def rewrite(bundle: Path, leaves: list[Leaf], sign_with: SigningKey | None) -> None:
    """Write the log of a bundle anew, so that everything in it agrees with everything else."""
    put_together(bundle, seal(leaves), [leaf.shown for leaf in leaves], sign_with)
