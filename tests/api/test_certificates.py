"""Certificates over HTTP: asked for with the answer, kept, and read only by whoever asked."""

import json
from base64 import b64decode
from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from consent_ledger.api.app import create_app
from consent_ledger.issuing import key_material
from consent_ledger.signing.envelope import pae
from consent_ledger.signing.keys import verify_signature
from consent_ledger.verification.certificates import verify_certificate
from tests.api.asking import bearer, question
from tests.evidence.certificates import signer
from tests.world import World, hash_of, key_of, party_of

ASK = "/v1/clearance?certificate=true"


@pytest.fixture
def signing(world: World) -> Iterator[TestClient]:
    with TestClient(create_app(world.ledger, signer=signer(world)), raise_server_exceptions=False) as client:
        client.headers.update(bearer(world.ledger))
        yield client


def test_the_answer_is_signed_byte_for_byte_and_kept_with_its_evidence(world: World, signing: TestClient) -> None:
    asked = question(hash_of("hers"))
    plain = signing.post("/v1/clearance", json=asked)
    response = signing.post(ASK, json=asked)
    assert response.status_code == 200
    envelope = response.json()
    payload = b64decode(envelope["payload"])
    assert payload == plain.content
    assert envelope["payloadType"] == "application/vnd.consent-ledger.decision.v1+json"
    (signature,) = envelope["signatures"]
    assert signature["keyid"] == key_of("operator").public_key.keyid
    key = key_material(key_of("operator").public_key).raw
    verify_signature(key, pae(envelope["payloadType"], payload), b64decode(signature["sig"]))
    kept = signing.get(response.headers["location"])
    assert kept.status_code == 200
    proved = verify_certificate(kept.content, world.ledger.vkey)
    assert (proved.answer.verdict, proved.replayed) == ("allow", True)
    assert json.loads(kept.content)["answer"] == envelope
    assert signing.get(response.headers["location"]).content == kept.content


def test_a_certificate_is_for_whoever_asked(world: World, signing: TestClient) -> None:
    world.enrol("rival", kind="organisation")
    studio = bearer(world.ledger, party_of("studio"))
    rival = bearer(world.ledger, party_of("rival"))
    location = signing.post(ASK, json=question(hash_of("hers")), headers=studio).headers["location"]
    assert signing.get(location, headers=studio).status_code == 200
    assert signing.get(location).status_code == 200  # the operator
    refused, unknown = signing.get(location, headers=rival), signing.get(f"/v1/decisions/dec_{0:032}", headers=rival)
    assert (refused.status_code, refused.json()["code"]) == (404, "decision_unknown")
    assert refused.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
    proved = verify_certificate(signing.get(location, headers=studio).content, world.ledger.vkey)
    assert proved.replayed


def test_what_somebody_does_not_see_is_certified_as_unknown(world: World, signing: TestClient) -> None:
    world.enrol("rival", kind="organisation")
    rival = bearer(world.ledger, party_of("rival"))
    response = signing.post(ASK, json=question(hash_of("hers")), headers=rival)
    kept = signing.get(response.headers["location"], headers=rival)
    proved = verify_certificate(kept.content, world.ledger.vkey)
    assert [reason.code for reason in proved.answer.reasons] == ["asset_unknown"]
    assert party_of("ada").encode() not in b64decode(b"".join(kept.content.split(b'"')[1::2]) + b"==", validate=False)


def test_without_a_key_to_sign_with_nothing_is_signed(client: TestClient) -> None:
    response = client.post(ASK, json=question(hash_of("hers")))
    assert (response.status_code, response.json()["code"]) == (503, "no_signer")
    assert client.post("/v1/clearance?certificate=false", json=question(hash_of("hers"))).status_code == 200
    assert client.post("/v1/clearance?certificate=maybe", json=question(hash_of("hers"))).status_code == 422
