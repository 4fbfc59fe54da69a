"""Media over HTTP: registered as lines, read back, accepted, rejected, paid, contested, and what would clear them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from consent_ledger.api.app import create_app
from consent_ledger.clearance import Engine
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.explanation import group_wants
from consent_ledger.licenses.sentences import sentence
from tests.api.asking import JSON, NDJSON, bearer, question
from tests.world import OPEN, World, hash_of, party_of

HERS = hash_of("hers")


@pytest.fixture
def studio(world: World) -> Iterator[TestClient]:
    """The organisation whose project it is."""
    with TestClient(create_app(world.ledger), raise_server_exceptions=False) as client:
        client.headers.update(bearer(world.ledger, party_of("studio")))
        yield client


def fulfilment(world: World, condition: str, status: str, **fields: Any) -> bytes:
    return world.say(world.studio, st.Fulfilment, condition=condition, status=status, assets=[HERS], **fields)


def test_media_are_registered_one_a_line_and_read_back_as_recorded(world: World, studio: TestClient) -> None:
    medium = world.medium("new", ["ada"], ["ada", "ben"])
    sent = [
        world.submission(medium), b"", world.submission(world.medium("newer", ["ben"], ["ben"])),
        world.say(world.studio, st.Takedown, assets=[HERS], action="ordered", basis="court"), b"{",
    ]  # fmt: skip
    told = [
        json.loads(line) for line in studio.post("/v1/assets", content=b"\n".join(sent), headers=NDJSON).iter_lines()
    ]
    assert [line.get("entry") for line in told] == [world.size - 2, world.size - 1, None, None]
    assert [(line["line"], line["error"]["code"]) for line in told[2:]] == [(4, "wrong_statement"), (5, "malformed")]
    read = studio.get(f"/v1/assets/{hash_of('new')}").json()
    (registration,) = read["registrations"]
    assert (registration["statement"], registration["entry"]) == (told[0]["id"], told[0]["entry"])
    assert registration["medium"]["subjects"] == [party_of("ada"), party_of("ben")]
    again = studio.post("/v1/assets", content=sent[0], headers=JSON)
    assert (again.status_code, again.json()) == (200, told[0])
    assert studio.get(f"/v1/assets/{hash_of('nothing')}").json()["code"] == "asset_unknown"
    assert studio.get("/v1/assets/sha256:1").json()["code"] == "bad_id"


def test_submissions_are_accepted_rejected_and_paid(world: World, studio: TestClient) -> None:
    rejected = studio.post("/v1/submissions/reject", content=fulfilment(world, "accepted", "unmet"), headers=JSON)
    assert (rejected.status_code, rejected.json()["code"]) == (422, "reason_missing")
    said = [
        ("reject", fulfilment(world, "accepted", "unmet", reason="hand_visible")),
        ("accept", fulfilment(world, "accepted", "met")),
        ("paid", fulfilment(world, "paid", "met", payment_reference="INV-2026-17")),
    ]
    for verb, envelope in said:
        assert studio.post(f"/v1/submissions/{verb}", content=envelope, headers=JSON).status_code == 201
    wrong = studio.post("/v1/submissions/accept", content=fulfilment(world, "paid", "met"), headers=JSON)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_statement")
    first = studio.get(f"/v1/assets/{HERS}/submissions?limit=2")
    rest = studio.get(first.links["next"]["url"]).json()["items"]
    items = [*first.json()["items"], *rest]
    assert [(i["condition"], i["status"], i["reason"], i["payment_reference"]) for i in items] == [
        ("accepted", "unmet", "hand_visible", None),
        ("accepted", "met", None, None),
        ("paid", "met", None, "INV-2026-17"),
    ]


def test_contested_assets_are_listed_until_it_is_settled(world: World, client: TestClient, studio: TestClient) -> None:
    def dispute(*names: str, **fields: Any) -> int:
        said = world.say(world.operator, st.Dispute, assets=[hash_of(n) for n in names], **fields)
        return int(client.post("/v1/disputes", content=said, headers=JSON).json()["entry"])

    opened = dispute("his", "theirs", status="open")
    world.film("hers", ["ben"], ["ben"])  # somebody else claims it
    claimed = world.size - 1
    expected = [*((asset, [opened]) for asset in sorted([hash_of("his"), hash_of("theirs")])), (HERS, [claimed])]
    for asking in (client, studio):
        pages = asking.get("/v1/disputes?limit=2")
        found = [*pages.json()["items"], *asking.get(pages.links["next"]["url"]).json()["items"]]
        assert [(i["asset"], i["entries"]) for i in found] == expected
    dispute("his", status="resolved")
    assert {i["asset"] for i in studio.get("/v1/disputes").json()["items"]} == {hash_of("theirs"), HERS}


def test_explain_says_what_the_command_line_says(world: World, studio: TestClient) -> None:
    assets = [hash_of(name) for name in ("hers", "his", "theirs", "nothing")]
    asked = {name: value for name, value in question("").items() if name != "asset"}
    told = studio.post("/v1/clearance/explain", json={**asked, "assets": [*assets, assets[0]]}).json()
    found = Engine(world.store, world.clock).explain(assets, OPEN)
    groups = group_wants(dict(zip(assets, found, strict=True)))
    assert (told["checked"], told["cleared"]) == (4, 1)
    assert [group["sentence"] for group in told["wants"]] == [sentence(group) for group in groups]
    assert [[w["action"] for w in one["wants"]] for one in told["assets"]] == [[w.action for w in f] for f in found]
    wrong = studio.post("/v1/clearance/explain", json={**asked, "assets": ["x"], "as_of": "never"}).json()
    assert [e["pointer"] for e in wrong["errors"]] == ["/assets/0"]
