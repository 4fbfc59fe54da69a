"""Invitations over HTTP: made once, opaque, with links that are shown once."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from consent_ledger.api.app import create_app
from consent_ledger.signing.instants import format_time
from tests.api.asking import NDJSON, bearer, lines
from tests.world import DAY, PROJECT, World, party_of

PATH = f"/v1/projects/{PROJECT}/invitations"


@pytest.fixture
def studio(world: World) -> Iterator[TestClient]:
    """The organisation whose project it is."""
    with TestClient(create_app(world.ledger), raise_server_exceptions=False) as client:
        client.headers.update(bearer(world.ledger, party_of("studio")))
        yield client


def invites(world: World, *references: str, **fields: Any) -> list[dict[str, Any]]:
    usual = {"language": "en", "expires_at": format_time(world.now + DAY)}
    return [{"reference": reference, **usual, **fields} for reference in references]


def secrets_kept(world: World) -> set[bytes]:
    with world.store.read() as tx:
        return {row[0] for row in tx.select("SELECT secret_hash FROM invitation")}


def states(client: TestClient, **query: str) -> dict[str, str]:
    return {i["reference"]: i["state"] for i in client.get(PATH, params=query).json()["items"]}


def test_links_are_shown_once_and_kept_as_hashes(world: World, studio: TestClient) -> None:
    made = studio.post(PATH, json=invites(world, "panel-1", "panel-2"))
    assert made.status_code == 201
    items = made.json()["items"]
    assert [i["reference"] for i in items] == ["panel-1", "panel-2"]
    assert [i["link"] for i in items] == [f"/sign/{i['token']}" for i in items]
    assert secrets_kept(world) == {hashlib.sha256(i["token"].encode()).digest() for i in items}
    listed = studio.get(PATH)
    assert states(studio) == {"panel-1": "created", "panel-2": "created"}
    assert all(i["token"] not in listed.text for i in items)
    assert studio.get(f"/v1/projects/{PROJECT}/progress").json()["invited"]["total"] == 2


def test_lines_are_answered_by_lines(world: World, studio: TestClient) -> None:
    made = studio.post(PATH, content=lines(*invites(world, "a", "b", "c")), headers=NDJSON)
    assert (made.status_code, made.headers["content-type"]) == (201, "application/x-ndjson")
    assert [json.loads(line)["reference"] for line in made.text.splitlines()] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("reference", "ada@example.org", "invalid_value"),
        ("reference", "Ada Lovelace", "invalid_value"),
        ("reference", "x" * 81, "invalid_value"),
        ("reference", "a b", "invalid_value"),
        ("email", "ada@example.org", "unknown_field"),
        ("phone", "+31 6", "unknown_field"),
        ("language", "fr", "language_unknown"),
        ("expires_at", "2020-01-01T00:00:00Z", "bad_expiry"),
        ("expires_at", "2999-01-01T00:00:00Z", "bad_expiry"),
        ("expires_at", "tomorrow", "bad_time"),
    ],
)
def test_nobody_is_invited_where_one_is_wrong(
    world: World, studio: TestClient, field: str, value: str, code: str
) -> None:
    bad = {**invites(world, "good")[0], "reference": "bad", field: value}
    refused = studio.post(PATH, json=[*invites(world, "good"), bad])
    assert refused.status_code == 422
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [(f"/1/{field}", code)]
    assert f"`{value}`" not in refused.text or code == "language_unknown"
    assert states(studio) == {}


def test_a_reference_is_invited_once(world: World, studio: TestClient) -> None:
    studio.post(PATH, json=invites(world, "a"))
    refused = studio.post(PATH, json=invites(world, "b", "a", "b"))
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [
        ("/1/reference", "already_invited"), ("/2/reference", "already_invited"),
    ]  # fmt: skip
    assert states(studio) == {"a": "created"}


def test_a_reminder_has_a_new_link_and_the_old_one_is_dead(world: World, studio: TestClient) -> None:
    (first,) = studio.post(PATH, json=invites(world, "a")).json()["items"]
    (again,) = studio.post(f"{PATH}/remind", json={"ids": [first["id"]]}).json()["items"]
    assert again["token"] != first["token"]
    assert secrets_kept(world) == {hashlib.sha256(again["token"].encode()).digest()}
    (listed,) = studio.get(PATH).json()["items"]
    assert (listed["reminders"], listed["reminded_at"]) == (1, format_time(world.now))


def test_each_state_is_told_and_counted(world: World, studio: TestClient) -> None:
    names = ("created", "opened", "answered", "cancelled", "expired")
    made = studio.post(PATH, json=invites(world, *names[:4])).json()["items"]
    (late,) = studio.post(PATH, json=invites(world, "expired", expires_at=format_time(world.now + 1_000_000))).json()[
        "items"
    ]
    with world.store.write() as tx:
        tx.execute("act", "UPDATE invitation SET opened_at = 1 WHERE reference IN ('opened', 'answered')")
        tx.execute("act", "UPDATE invitation SET answered_at = 1 WHERE reference = 'answered'")
    assert studio.post(f"{PATH}/cancel", json={"ids": [made[3]["id"]]}).json()["items"][0]["state"] == "cancelled"
    world.wait(2_000_000)
    assert states(studio) == {name: name for name in names}
    assert all(states(studio, state=name) == {name: name} for name in names)
    assert studio.get(f"/v1/projects/{PROJECT}/progress").json()["invited"] == {"total": 5, **dict.fromkeys(names, 1)}

    ids = [i["id"] for i in made]
    refused = studio.post(f"{PATH}/remind", json={"ids": [*ids, late["id"]]})
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [
        ("/ids/2", "invitation_answered"), ("/ids/3", "invitation_cancelled"), ("/ids/4", "invitation_expired"),
    ]  # fmt: skip
    until = format_time(world.now + DAY)
    assert studio.post(f"{PATH}/remind", json={"ids": [late["id"]], "expires_at": until}).status_code == 200
    refused = studio.post(f"{PATH}/cancel", json={"ids": [ids[0], ids[2]]})
    assert refused.json()["code"] == "invitation_answered"
    assert states(studio) == {**{name: name for name in names}, "expired": "created"}


def test_pages_of_invitations_meet_new_ones_last(world: World, studio: TestClient) -> None:
    references = [f"r{n}" for n in range(5)]
    studio.post(PATH, json=invites(world, *references))
    seen: list[str] = []
    url: str | None = f"{PATH}?limit=2"
    while url is not None:
        page = studio.get(url)
        seen += [i["reference"] for i in page.json()["items"]]
        if len(seen) == 2:
            studio.post(PATH, json=invites(world, "late"))
        url = page.links.get("next", {}).get("url")
    assert seen == [*references, "late"]


def test_a_repeated_request_gets_the_same_links_and_they_are_sealed_at_rest(world: World, studio: TestClient) -> None:
    key = {"Idempotency-Key": "first-round"}
    wanted = invites(world, "a", "b")
    first = studio.post(PATH, json=wanted, headers=key)
    again = studio.post(PATH, json=wanted, headers=key)
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert states(studio) == {"a": "created", "b": "created"}
    with world.store.read() as tx:
        ((kept,),) = tx.select("SELECT body FROM kept_answer")
    assert first.json()["items"][0]["token"].encode() not in kept

    other = bearer(world.ledger, party_of("studio"))
    refused = studio.post(PATH, json=wanted, headers=key | other)
    assert (refused.status_code, refused.json()["code"]) == (409, "answer_sealed")


def test_only_the_controller_invites(world: World, client: TestClient) -> None:
    refused = client.post(PATH, json=invites(world, "a"))
    assert (refused.status_code, refused.json()["code"]) == (404, "project_unknown")
    assert client.get(PATH).status_code == 404
