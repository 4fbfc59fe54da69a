"""Bundles at the sizes where trees and tiles change their shape, by both verifiers: sealed entries, nothing signed."""

from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

from consent_ledger.audit.checkpoint import Checkpoint, sign_checkpoint
from consent_ledger.audit.entry import NO_PREVIOUS, encode_entry
from consent_ledger.audit.replay import Withheld
from consent_ledger.audit.tiles import ENTRIES, encode_bundle, encode_tile, tile_path, tiles_of
from consent_ledger.audit.tree import Frontier, leaf_hash, stored_count
from consent_ledger.verification import verify_bundle
from consent_ledger.verification.layout import FORMAT, Scope, encode_document, encode_opening, policy
from tests.evidence.forgery import flip
from tests.evidence.second import Second, second
from tests.reference.rfc9162 import mth
from tests.world import LOG_KEY, ORIGIN, START, VKEY

__all__ = ["second"]

LARGEST = 65_537


@cache
def sealed() -> tuple[list[bytes], dict[int, bytes]]:
    """Return entries that nobody can open, and the nodes of the tree over them."""
    entries: list[bytes] = []
    previous = NO_PREVIOUS
    for index in range(LARGEST):
        entries.append(encode_entry(index, START, sha256(b"%d" % index).digest(), previous))
        previous = leaf_hash(entries[-1])
    _, nodes = Frontier().extend([leaf_hash(entry) for entry in entries])
    return entries, dict(nodes)


def bundle_of(folder: Path, size: int) -> Path:
    """Write a bundle whose openings are all withheld."""
    entries, nodes = sealed()
    for tile in tiles_of(size):
        path = folder / tile_path(tile)
        path.parent.mkdir(parents=True, exist_ok=True)
        members = entries[tile.start : tile.start + tile.width]
        path.write_bytes(encode_bundle(members) if tile.level == ENTRIES else encode_tile(tile, nodes))
    frontier = Frontier.load(size, {id_: nodes[id_] for id_ in range(stored_count(size))})
    folder.mkdir(exist_ok=True)
    (folder / "checkpoint").write_bytes(sign_checkpoint(Checkpoint(ORIGIN, size, frontier.root()), LOG_KEY))
    (folder / "keys.txt").write_text(VKEY + "\n")
    (folder / "policy.txt").write_bytes(policy(VKEY, None))
    (folder / "scope.json").write_bytes(encode_document(Scope(FORMAT, "withheld")))
    (folder / "openings.ndjson").write_bytes(b"".join(encode_opening(n, Withheld()) for n in range(size)))
    return folder


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257, 511, 512, 513])
def test_a_log_of_any_shape_verifies_in_both_and_by_the_definition(tmp_path: Path, second: Second, size: int) -> None:
    bundle = bundle_of(tmp_path / "bundle", size)
    report = verify_bundle(bundle, vkey=VKEY, jobs=1)
    assert (report.findings, report.counts.entries) == ((), size)
    assert report.checkpoint is not None
    assert report.checkpoint.root == mth(sealed()[0][:size])
    assert second.bundle(bundle, VKEY).findings == []


def test_a_third_level_of_tiles_begins_at_65536(tmp_path: Path, second: Second) -> None:
    assert not any(tile.level == 2 for tile in tiles_of(65_535))
    assert sum(tile.width for tile in tiles_of(65_536) if tile.level == 2) == 1
    bundle = bundle_of(tmp_path / "bundle", LARGEST)
    flip(bundle / "tile/1/000", 32 * 77)
    report = verify_bundle(bundle, vkey=VKEY, jobs=1)
    assert [finding.entry for finding in report.findings] == [77 * 256]
    assert second.bundle(bundle, VKEY).first_bad == 77 * 256
    assert sum(1 for _ in (bundle / "tile/2").rglob("1")) == 1
