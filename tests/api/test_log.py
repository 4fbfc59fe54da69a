"""The log over HTTP: everything verifies with the client's own code."""

import json

import pytest
from litestar.testing import TestClient

from consent_ledger.audit.checkpoint import open_checkpoint
from consent_ledger.audit.entry import decode_entry
from consent_ledger.audit.proofs import verify_consistency, verify_inclusion
from consent_ledger.audit.tiles import ENTRIES, decode_bundle, decode_tile, tile_path, tiles_of
from consent_ledger.audit.tree import Frontier, leaf_hash
from tests.world import World


def raw(hashes: list[str]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(h) for h in hashes)


def test_entries_come_in_pages_and_make_the_root_of_the_checkpoint(world: World, client: TestClient) -> None:
    page = client.get("/v1/log/entries", params={"end": 5}).json()
    rest = client.get("/v1/log/entries", params={"start": 5}).json()
    entries = [item["sealed"].encode() for item in page["items"] + rest["items"]]
    assert [decode_entry(e).index for e in entries] == list(range(world.size))
    frontier, _ = Frontier().extend([leaf_hash(e) for e in entries])
    checkpoint = open_checkpoint(client.get("/checkpoint").content, [world.ledger.verifier])
    assert (checkpoint.size, checkpoint.root) == (world.size, frontier.root())
    assert page["next_cursor"] is None


def test_a_long_range_names_its_next_page(world: World, client: TestClient) -> None:
    world.ledger.register_all([world.enrolment(f"p{n}") for n in range(1000)])
    first = client.get("/v1/log/entries?end=1005")
    assert len(first.json()["items"]) == 1000
    assert first.json()["next_cursor"] == "1000"
    assert first.headers["link"] == '</v1/log/entries?start=1000&end=1005>; rel="next"'
    second = client.get("/v1/log/entries?start=1000&end=1005")
    assert [item["index"] for item in second.json()["items"]] == [1000, 1001, 1002, 1003, 1004]
    assert "link" not in second.headers


def test_every_proof_verifies(world: World, client: TestClient) -> None:
    size = world.size
    for at in (1, 2, size - 1, size):
        for index in range(at):
            proof = client.get("/v1/log/proof/inclusion", params={"index": index, "size": at}).json()
            verify_inclusion(bytes.fromhex(proof["leaf"]), index, at, raw(proof["proof"]), bytes.fromhex(proof["root"]))
        grown = client.get("/v1/log/proof/consistency", params={"first": at}).json()
        roots = bytes.fromhex(grown["first_root"]), bytes.fromhex(grown["second_root"])
        verify_consistency(at, grown["second"], *roots, raw(grown["proof"]))


def test_tiles_are_the_whole_log(world: World, client: TestClient) -> None:
    world.ledger.register_all([world.enrolment(f"p{n}") for n in range(300)])
    leaves: list[bytes] = []
    entries: list[bytes] = []
    for tile in tiles_of(world.size):
        response = client.get(f"/{tile_path(tile)}")
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
        if tile.level == ENTRIES:
            entries += decode_bundle(response.content, tile.width)
        elif tile.level == 0:
            leaves += decode_tile(response.content, tile.width)
    assert [leaf_hash(e) for e in entries] == leaves
    assert len(leaves) == world.size


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/log/entries?start=-1", 422),
        ("/v1/log/entries?start=x", 422),
        ("/v1/log/entries?start=1&start=2", 422),
        ("/v1/log/entries?from=1", 422),
        ("/v1/log/entries?start=99999999999999999999999", 422),
        ("/v1/log/entries?start=9007199254740991", 200),
        ("/v1/log/proof/inclusion", 422),
        ("/v1/log/proof/inclusion?index=0&size=0", 404),
        ("/v1/log/proof/inclusion?index=0&size=99999", 404),
        ("/v1/log/proof/inclusion?index=9007199254740991", 404),
        ("/v1/log/proof/consistency?first=3&second=2", 404),
        ("/v1/log/proof/consistency?first=0", 200),
        ("/tile/0/001", 404),
        ("/tile/0/000", 404),
        ("/tile/9/000.p/1", 404),
        ("/tile/../ledger.db", 404),
        ("/tile/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/tile/entries/x1/000", 404),
    ],
)
def test_what_is_not_there_or_not_a_number_is_said_to_be_so(asking: TestClient, path: str, status: int) -> None:
    assert asking.get(path).status_code == status


def test_readiness_fails_when_the_head_does_not_match_its_checkpoint(world: World, client: TestClient) -> None:
    assert client.get("/readyz").json() == {"status": "ready", "size": world.size, "quorum": "none", "fail": "open"}
    with world.store.write() as tx:
        tx.execute("break", "DROP TRIGGER entry_update")
        tx.execute("break", 'UPDATE entry SET bytes = ? WHERE "index" = ?', (b"{}", world.size - 1))
    response = client.get("/readyz")
    assert (response.status_code, response.json()["code"]) == (503, "ledger_integrity_failure")
    assert client.get("/healthz").json() == {"status": "ok"}


def test_the_version_names_the_ledger_and_its_key(world: World, client: TestClient) -> None:
    version = json.loads(client.get("/version").content)
    assert (version["origin"], version["vkey"]) == (world.ledger.origin, world.ledger.vkey)
