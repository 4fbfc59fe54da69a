"""One question over HTTP."""

import json

import pytest
from litestar.testing import TestClient

from consent_ledger.issuing import whole_second
from consent_ledger.signing.instants import SECOND, format_time
from tests.api.asking import JSON, question
from tests.world import HOUR, OPEN, World, hash_of, party_of


@pytest.mark.parametrize(
    ("film", "audience", "verdict", "codes"),
    [
        ("hers", "open", "allow", ["granted"]),
        ("his", "open", "deny", ["audience_exceeds_grant", "licence_not_granted"]),
        ("his", "internal", "allow", ["granted"]),
        ("theirs", "internal", "undetermined", ["no_valid_grant"]),
        ("lost", "internal", "undetermined", ["asset_unknown"]),
    ],
)
def test_the_answer_is_200_whatever_its_verdict(
    asking: TestClient, film: str, audience: str, verdict: str, codes: list[str]
) -> None:
    response = asking.post("/v1/clearance", json=question(hash_of(film), audience))
    assert response.status_code == 200
    answer = response.json()
    assert (answer["verdict"], sorted({r["code"] for r in answer["reasons"]})) == (verdict, codes)
    assert answer["asset"] == hash_of(film)
    assert answer["query"] == {k: v for k, v in question(hash_of(film), audience).items() if k != "asset"}
    assert response.headers["etag"] == f'"{answer["size"]}-{answer["policy"]}"'


def test_a_withdrawal_is_seen_by_the_next_question_and_not_by_one_about_before(
    world: World, client: TestClient
) -> None:
    asked = question(hash_of("hers"))
    before = client.post("/v1/clearance", json=asked).json()
    world.wait(HOUR)
    world.revoke("ada")
    world.wait()
    after = client.post("/v1/clearance", json=asked).json()
    earlier = format_time(world.now - 10 * SECOND)
    then = client.post("/v1/clearance", json=asked | {"as_of": earlier, "known_at": earlier}).json()
    by_size = client.post("/v1/clearance", json=asked | {"size": before["size"]}).json()
    assert [a["verdict"] for a in (before, after, then, by_size)] == ["allow", "deny", "allow", "allow"]
    assert [a["size"] for a in (after, then, by_size)] == [before["size"] + 1, before["size"], before["size"]]


def test_304_while_nothing_changed(world: World, client: TestClient) -> None:
    asked = question(hash_of("hers"))
    etag = client.post("/v1/clearance", json=asked).headers["etag"]
    world.wait(HOUR)
    same = client.post("/v1/clearance", json=asked, headers={"If-None-Match": f'"0-1", W/{etag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    world.revoke("ada")
    changed = client.post("/v1/clearance", json=asked, headers={"If-None-Match": etag})
    assert (changed.status_code, changed.json()["verdict"]) == (200, "deny")


def test_no_304_once_time_alone_has_changed_the_answer(world: World, client: TestClient) -> None:
    world.grant("cas", ends=whole_second(world.now + HOUR), assets=[hash_of("theirs")])
    asked = question(hash_of("theirs"), "internal")
    first = client.post("/v1/clearance", json=asked)
    assert first.json()["verdict"] == "allow"
    held = {"If-None-Match": first.headers["etag"]}
    assert client.post("/v1/clearance", json=asked, headers=held).status_code == 304
    world.wait(2 * HOUR)
    later = client.post("/v1/clearance", json=asked, headers=held)
    assert (later.status_code, later.json()["verdict"], later.headers["etag"]) == (200, "deny", first.headers["etag"])


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"surprise": 1}, {"/surprise": "unknown_field"}),
        ({"a/b~c": 1}, {"/a~1b~0c": "unknown_field"}),
        ({"activities": ["train", "paint"], "aims": []}, {"/activities/1": "invalid_value", "/aims": "invalid_value"}),
        ({"asset": "sha256:0", "audience": None}, {"/asset": "invalid_value", "/audience": "invalid_value"}),
        ({"as_of": "yesterday", "known_at": "2026-13-01T00:00:00Z"}, {"/as_of": "bad_time", "/known_at": "bad_time"}),
        ({"size": -1}, {"/size": "invalid_value"}),
        ({"size": 1.5}, {"/size": "invalid_value"}),
    ],
)
def test_everything_that_is_wrong_is_listed(
    asking: TestClient, change: dict[str, object], pointers: dict[str, str]
) -> None:
    response = asking.post("/v1/clearance", json=question(hash_of("hers")) | change)
    assert response.status_code == 422
    assert {e["pointer"]: e["code"] for e in response.json()["errors"]} == pointers


def test_a_size_that_the_ledger_does_not_have_is_not_found(world: World, client: TestClient) -> None:
    response = client.post("/v1/clearance", json=question(hash_of("hers"), size=world.size + 1))
    assert (response.status_code, response.json()["code"]) == (404, "size_unknown")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "not_json"),
        (b"[" * 200_000, 400, "too_deep"),
        (b'{"asset":' * 20_000, 400, "too_deep"),
        (b"\xff\xfe{}", 400, "not_json"),
        (b'{"asset": "\\ud800"}', 400, "not_json"),
        (b"[]", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b"1e999", 400, "not_json"),
        (b" " * 300_000, 413, "too_large"),
    ],
)
def test_hostile_bodies_are_refused_in_order(asking: TestClient, body: bytes, status: int, code: str) -> None:
    response = asking.post("/v1/clearance", content=body, headers=JSON)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"


def test_answers_over_http_are_those_of_the_ledger(world: World, client: TestClient) -> None:
    answer = client.post("/v1/clearance", content=json.dumps(question(hash_of("his"))), headers=JSON).json()
    decision = world.ask(hash_of("his"), OPEN)
    assert answer["verdict"] == decision.verdict.name
    assert {r["party"] for r in answer["reasons"]} == {party_of("ben")} == {r.party for r in decision.reasons}
