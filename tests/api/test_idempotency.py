"""Idempotency-Key: the first answer again, for good, whatever broke on the way."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from litestar.testing import TestClient

from consent_ledger.api.app import create_app
from consent_ledger.api.keys import LEASE
from consent_ledger.store.engine import open_store
from consent_ledger.store.idempotency import Claim, Held, Kept, Release, Reused, Running, key_id, serve
from tests.api.asking import JSON, NDJSON, bearer
from tests.stores import new_store
from tests.world import World, party_of

SECOND = 1_000_000


@pytest.fixture
def key() -> dict[str, str]:
    return {**JSON, "Idempotency-Key": "order/17"}


def lose_the_answers(world: World) -> None:
    """As after a crash between the act and the answer: the claim is there, and runs out."""
    with world.store.write() as tx:
        tx.execute("lose", "DELETE FROM kept_answer")
    world.wait(LEASE + SECOND)


def test_the_first_answer_is_given_again_for_good(world: World, client: TestClient, key: dict[str, str]) -> None:
    envelope = world.enrolment("dan")
    first = client.post("/v1/statements", content=envelope, headers=key)
    world.wait(400 * 24 * 3600 * SECOND)
    again = client.post("/v1/statements", content=envelope, headers=key | bearer(world.ledger))
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    unkeyed = client.post("/v1/statements", content=envelope, headers=JSON | bearer(world.ledger))
    assert (unkeyed.status_code, unkeyed.content) == (200, first.content)


def test_after_a_lost_answer_the_retry_is_answered_as_the_first_would_have_been(
    world: World, client: TestClient, key: dict[str, str]
) -> None:
    known, new = world.enrolment("ann"), world.enrolment("dan")
    client.post("/v1/statements", content=known, headers=JSON)
    other = {**JSON, "Idempotency-Key": "order/18"}
    first = client.post("/v1/statements", content=new, headers=key)
    assert client.post("/v1/statements", content=known, headers=other).status_code == 200
    size = world.size
    lose_the_answers(world)
    retried = client.post("/v1/statements", content=new, headers=key | bearer(world.ledger))
    assert (retried.status_code, retried.content) == (201, first.content)
    assert "idempotency-replayed" not in retried.headers
    assert client.post("/v1/statements", content=known, headers=other | bearer(world.ledger)).status_code == 200
    assert world.size == size


def test_another_request_under_the_key_is_refused(world: World, client: TestClient, key: dict[str, str]) -> None:
    envelope = world.enrolment("dan")
    client.post("/v1/statements", content=envelope, headers=key)
    others = [
        ("/v1/statements", world.enrolment("eve"), key),
        ("/v1/statements", envelope + b" ", key),
        ("/v1/statements?x=1", envelope, key),
        ("/v1/projects", envelope, key),
        ("/v1/statements", envelope, key | NDJSON),
    ]
    size = world.size
    for path, body, headers in others:
        refused = client.post(path, content=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused"), path
    assert world.size == size


def test_a_refusal_is_an_answer_and_what_may_change_is_not(world: World, client: TestClient) -> None:
    def twice(envelope: bytes, name: str, **headers: str) -> list[Any]:
        sent = {**JSON, "Idempotency-Key": name, **headers}
        return [client.post("/v1/statements", content=envelope, headers=sent) for _ in range(2)]

    refused, again = twice(b'{"payload": ""}', "bad")
    assert (refused.status_code, again.status_code, again.content) == (422, 422, refused.content)
    assert again.headers["idempotency-replayed"] == "true"
    scopeless = bearer(world.ledger, scopes=["audit:read"])
    for answer in twice(world.enrolment("dan"), "forbidden", **scopeless):
        assert (answer.status_code, answer.headers.get("idempotency-replayed")) == (403, None)
    sent = {**JSON, "Idempotency-Key": "forbidden"}
    assert client.post("/v1/statements", content=world.enrolment("dan"), headers=sent).status_code == 201


@pytest.mark.parametrize("keys", [["a b"], [""], ["x" * 256], ["é"], ["a", "b"], ["a", "a"], ["tab\t"]])
def test_what_is_no_key_is_malformed(world: World, client: TestClient, keys: list[str]) -> None:
    headers = [(k, v) for k, v in {**client.headers, **JSON}.items()]
    sent = [*headers, *(("Idempotency-Key", k.encode("latin-1")) for k in keys)]
    size = world.size
    refused = client.post("/v1/statements", content=world.enrolment("dan"), headers=sent)  # type: ignore[arg-type]
    assert (refused.status_code, refused.json()["code"], world.size) == (400, "bad_idempotency_key", size)


def test_a_withdrawal_without_a_token_needs_no_key_to_be_one(world: World, key: dict[str, str]) -> None:
    envelope = world.withdrawal("ada")
    with TestClient(create_app(world.ledger)) as stranger:
        first, again = (stranger.post("/v1/statements", content=envelope, headers=key) for _ in range(2))
        other = stranger.post("/v1/statements", content=world.withdrawal("ben"), headers=key)
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 201)
    assert first.content == again.content


def test_lines_with_a_key_are_recorded_once_and_get_the_same_receipts(world: World, client: TestClient) -> None:
    sent = {**NDJSON, "Idempotency-Key": "batch"}
    body = b"\n".join([world.enrolment("p1"), b"{", world.enrolment("p2")])
    first = client.post("/v1/statements", content=body, headers=sent)
    size = world.size
    again = client.post("/v1/statements", content=body, headers=sent)
    lose_the_answers(world)
    retried = client.post("/v1/statements", content=body, headers=sent | bearer(world.ledger))
    receipts = [[line for line in a.text.splitlines() if "error" not in line] for a in (first, again, retried)]
    assert len(receipts[0]) == 2
    assert receipts[0] == receipts[1] == receipts[2]
    assert [a.headers.get("idempotency-replayed") for a in (first, again, retried)] == [None, "true", None]
    refused = client.post("/v1/statements", content=body + b"\n", headers=sent | bearer(world.ledger))
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert world.size == size


def test_everybody_taps_twice_and_some_lose_the_reply(world: World, client: TestClient) -> None:
    before = world.size
    envelopes = [world.enrolment(f"p{n}") for n in range(60)]

    def sign(n: int) -> list[Any]:
        sent = {**JSON, "Idempotency-Key": f"tap-{n}"}
        answers = [client.post("/v1/statements", content=envelopes[n], headers=sent) for _ in range(2 + n % 2)]
        return [a for a in answers if a.status_code != 409]

    with ThreadPoolExecutor(24) as threads:
        taps = list(threads.map(sign, [n for n in range(60) for _ in range(2)]))
    by_person = [taps[2 * n] + taps[2 * n + 1] for n in range(60)]
    assert all({(a.status_code, a.content) for a in answers} == {(201, answers[0].content)} for answers in by_person)
    assert {answers[0].json()["entry"] for answers in by_person} == set(range(before, before + 60))


# Among processes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def two(store_url: str) -> Iterator[Callable[..., Any]]:
    """Two stores on one database, as two processes have them; call it with the number of one and some tasks."""
    with new_store(store_url) as one, open_store(store_url) as other:
        World(one)
        yield lambda n, *tasks, now=0: serve((one, other)[n], tasks, now, LEASE)


def test_a_key_is_held_by_one_process_until_its_lease_is_over(two: Callable[..., Any]) -> None:
    id_ = key_id("pty_a", "k")
    claim, other = Claim(id_, "pty_a", b"request"), Claim(id_, "pty_a", b"another")
    assert two(0, claim, claim) == [Held(4), Running(LEASE)]
    assert two(1, claim, other, now=1) == [Running(LEASE), Reused()]
    assert two(0, Release(id_, 2 * LEASE), now=LEASE - 1) == [None]
    assert two(1, claim, now=LEASE + 1) == [Running(2 * LEASE)]
    assert two(1, claim, now=2 * LEASE) == [Held(4)]
    mine, late = Kept(id_, 201, "[]", b"mine"), Kept(id_, 201, "[]", b"late")
    assert two(1, mine, late) == [None, None]
    assert two(0, late, claim, other) == [None, mine, Reused()]
    assert two(0, Claim(key_id("pty_b", "k"), "pty_b", b"request")) == [Held(4)]


def test_of_many_at_once_one_holds_the_key(two: Callable[..., Any]) -> None:
    claim = Claim(key_id("pty_a", "k"), "pty_a", b"request")
    together = threading.Barrier(8)

    def ask(n: int) -> Any:
        together.wait()
        return two(n % 2, claim)[0]

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(ask, range(8)))
    assert [type(o) for o in outcomes].count(Held) == 1
    assert {type(o) for o in outcomes} == {Held, Running}


def test_a_running_request_is_told_to_come_back(world: World, client: TestClient, key: dict[str, str]) -> None:
    envelope = world.enrolment("dan")
    client.post("/v1/statements", content=envelope, headers=key)
    with world.store.write() as tx:
        tx.execute("lose", "DELETE FROM kept_answer")
    running = client.post("/v1/statements", content=envelope, headers=key)
    assert (running.status_code, running.json()["code"]) == (409, "idempotency_running")
    assert int(running.headers["retry-after"]) >= 1


def test_keys_are_kept_as_digests(world: World, client: TestClient, key: dict[str, str]) -> None:
    client.post("/v1/statements", content=world.enrolment("dan"), headers=key)
    with world.store.read() as tx:
        rows = tx.select("SELECT * FROM idempotency")
    assert key["Idempotency-Key"] not in json.dumps([str(row) for row in rows])
    assert party_of("dan") not in str(rows)
