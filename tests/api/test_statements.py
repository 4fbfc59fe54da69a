"""Registering over HTTP, and reading back."""

import json
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor

import pytest
from litestar.testing import TestClient

from consent_ledger.audit.entry import commit
from consent_ledger.audit.receipt import verify_receipt
from consent_ledger.signing.canonical import encode_canonical
from consent_ledger.signing.envelope import decode_envelope, sign_envelope
from tests.api.asking import JSON
from tests.world import World, party_of


def test_a_statement_is_recorded_once_and_the_same_receipt_given_again(world: World, client: TestClient) -> None:
    envelope = world.enrolment("dan")
    first = client.post("/v1/statements", content=envelope, headers=JSON)
    again = client.post("/v1/statements", content=envelope, headers=JSON)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content
    assert first.headers["location"] == f"/v1/statements/{first.json()['id']}"
    assert first.json()["entry"] == world.size - 1


def test_what_is_read_back_is_what_was_sent_byte_for_byte(world: World, client: TestClient) -> None:
    envelope = json.dumps(json.loads(world.enrolment("dan")), indent=3).encode()
    id_ = client.post("/v1/statements", content=envelope, headers=JSON).json()["id"]
    response = client.get(f"/v1/statements/{id_}")
    assert response.status_code == 200
    assert envelope in response.content
    assert response.json()["statement"] == json.loads(decode_envelope(envelope).payload)


def test_the_receipt_that_is_taken_away_verifies_offline(world: World, client: TestClient) -> None:
    envelope = world.enrolment("dan")
    id_ = client.post("/v1/statements", content=envelope, headers=JSON).json()["id"]
    receipt = client.get(f"/v1/receipts/{id_}").json()
    for response in (
        client.get(f"/v1/receipts/{id_}.tlog-proof"),
        client.get(f"/v1/receipts/{id_}", headers={"Accept": "text/plain, application/json"}),
    ):
        entry, checkpoint = verify_receipt(response.content, receipt["sealed"].encode(), [world.ledger.verifier])
        assert (entry.index, checkpoint.size) == (receipt["entry"], receipt["entry"] + 1)
    opening = commit(bytes.fromhex(receipt["salt"]), b64decode(receipt["envelope"]))
    assert (b64decode(receipt["envelope"]), opening) == (envelope, entry.commitment)
    assert receipt["vkey"] == world.ledger.vkey


def test_many_who_sign_at_once_get_a_receipt_each_and_one_sequence(world: World, client: TestClient) -> None:
    before = world.size
    envelopes = [world.enrolment(f"p{n}") for n in range(60)]
    twice = [e for e in envelopes for _ in range(2)]
    with ThreadPoolExecutor(24) as threads:
        answers = list(threads.map(lambda e: client.post("/v1/statements", content=e, headers=JSON), twice))
    assert sorted(a.status_code for a in answers) == [200] * 60 + [201] * 60
    assert all(a.content == b.content for a, b in zip(answers[::2], answers[1::2], strict=True))
    assert {a.json()["entry"] for a in answers} == set(range(before, before + 60))
    assert world.findings() == []


def test_a_refused_statement_fails_alone(world: World, client: TestClient) -> None:
    good = [world.enrolment(f"p{n}") for n in range(20)]
    bad = world.withdrawal("dan")
    mixed = [e for pair in zip(good, [bad] * 20, strict=True) for e in pair]
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda e: client.post("/v1/statements", content=e, headers=JSON), mixed))
    assert [a.status_code for a in answers[::2]] == [201] * 20
    assert {a.status_code for a in answers[1::2]} <= {403, 422}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/statements/sha256:" + "0" * 64, 404, "statement_unknown"),
        ("/v1/statements/sha256:0", 422, "bad_id"),
        ("/v1/receipts/sha256:" + "0" * 64, 404, "statement_unknown"),
        ("/v1/receipts/sha256:" + "0" * 64 + ".pdf", 422, "bad_id"),
    ],
)
def test_what_is_not_recorded_is_not_found(asking: TestClient, path: str, status: int, code: str) -> None:
    response = asking.get(path)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_an_altered_payload_is_refused_and_nothing_is_recorded(world: World, client: TestClient) -> None:
    before = world.size
    envelope = json.loads(world.enrolment("dan"))
    payload = b64decode(envelope["payload"]).replace(party_of("dan").encode(), party_of("eve").encode())
    envelope["payload"] = b64encode(payload).decode()
    response = client.post("/v1/statements", content=json.dumps(envelope), headers=JSON)
    assert (response.status_code, response.json()["code"]) == (422, "signature_invalid")
    assert world.size == before


def test_everything_that_is_wrong_with_a_statement_is_listed(world: World, client: TestClient) -> None:
    statement = {"type": "party", "party": "x", "kind": "robot", "surname": "y"}
    envelope = sign_envelope(encode_canonical(statement), world.operator.key)
    response = client.post("/v1/statements", content=envelope, headers=JSON)
    assert response.status_code == 422
    pointers = {error["pointer"]: error["code"] for error in response.json()["errors"]}
    assert pointers == {
        "/payload/surname": "unknown_field",
        "/payload/party": "invalid_value",
        "/payload/kind": "invalid_value",
        "/payload/ledger": "missing_field",
        "/payload/issuer": "missing_field",
        "/payload/issued_at": "missing_field",
        "/payload/nonce": "missing_field",
    }


def test_an_erased_opening_is_gone_and_a_damaged_one_is_not_served(world: World, client: TestClient) -> None:
    id_ = world.grant("cas").id
    entry = world.size - 1
    with world.store.write() as tx:
        tx.execute("break", "DROP TRIGGER opening_update")
        tx.execute("break", 'UPDATE opening SET envelope = ? WHERE "index" = ?', (b"{}", entry))
    response = client.get(f"/v1/statements/{id_}")
    assert (response.status_code, response.json()["code"]) == (503, "ledger_integrity_failure")
    assert "retry-after" in response.headers
    with world.store.write() as tx:
        tx.execute("break", "DROP TRIGGER opening_delete")
        tx.execute("break", 'DELETE FROM opening WHERE "index" = ?', (entry,))
    response = client.get(f"/v1/statements/{id_}")
    assert (response.status_code, response.json()["code"]) == (410, "erased")
