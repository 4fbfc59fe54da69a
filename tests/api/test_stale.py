"""A service on a database that has forgotten what was published: it can be asked, and writes nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from consent_ledger.api.app import create_app
from consent_ledger.audit.checkpoint import Checkpoint, sign_checkpoint
from consent_ledger.custody.anchor import Anchor
from tests.api.asking import bearer, question
from tests.world import LOG_KEY, ORIGIN, World, hash_of

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def behind(world: World, tmp_path: Path) -> Iterator[TestClient]:
    """Its anchor has seen one entry more than there are."""
    anchor = Anchor(tmp_path / "anchor")
    anchor.begin(sign_checkpoint(Checkpoint(ORIGIN, world.size + 1, bytes(32)), LOG_KEY))
    world.ledger.anchor = anchor
    with TestClient(create_app(world.ledger), raise_server_exceptions=False) as client:
        client.headers.update(bearer(world.ledger))
        yield client


def test_writing_is_refused_with_a_clear_code(world: World, behind: TestClient) -> None:
    size = world.size
    answer = behind.post("/v1/statements", content=world.enrolment("new"), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (503, "behind_published")
    assert "consent-ledger recover" in answer.json()["detail"]
    assert world.size == size


def test_it_says_that_it_is_not_ready_and_answers_about_the_log(world: World, behind: TestClient) -> None:
    ready = behind.get("/readyz")
    assert (ready.status_code, ready.json()["code"]) == (503, "behind_published")
    assert behind.get("/healthz").status_code == 200
    assert behind.get("/checkpoint").status_code == 200


def test_nothing_is_cleared(world: World, behind: TestClient) -> None:
    asked = question(hash_of("his"), "internal")
    answer = behind.post("/v1/clearance", json=asked)
    assert answer.status_code == 200
    assert answer.json()["verdict"] == "undetermined"
    assert [r["code"] for r in answer.json()["reasons"]] == ["ledger_integrity_failure"]


def test_an_answer_from_before_does_not_still_hold(world: World, behind: TestClient) -> None:
    asked = question(hash_of("his"), "internal")
    anchor, world.ledger.anchor = world.ledger.anchor, None
    etag = behind.post("/v1/clearance", json=asked).headers["etag"]
    assert behind.post("/v1/clearance", json=asked, headers={"If-None-Match": etag}).status_code == 304
    world.ledger.anchor = anchor
    answer = behind.post("/v1/clearance", json=asked, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.json()["verdict"]) == (200, "undetermined")
