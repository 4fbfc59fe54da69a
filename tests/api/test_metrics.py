"""What Prometheus is told, read by its own parser."""

import secrets

from litestar.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families

from consent_ledger.verification.runs import verify_and_record
from tests.api.asking import JSON, bearer, question
from tests.world import World, hash_of


def figures(client: TestClient) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and the values of its labels."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_what_became_of_statements_and_questions_is_counted(client: TestClient, world: World) -> None:
    envelope = world.enrolment("dan")
    for _ in range(2):
        client.post("/v1/statements", content=envelope, headers=JSON)
    client.post("/v1/statements", content=world.enrolment("ada"), headers=JSON)
    for name in ("hers", "hers", "his"):
        client.post("/v1/clearance", json=question(hash_of(name)))
    found = figures(client)
    assert found["consent_ledger_registrations_total", "recorded"] == 1
    assert found["consent_ledger_registrations_total", "repeated"] == 1
    assert found["consent_ledger_registrations_total", "refused"] == 1
    assert sum(value for (name, *_), value in found.items() if name == "consent_ledger_verdicts_total") == 3
    assert found["consent_ledger_request_seconds_count", "POST", "/v1/clearance", "200"] == 3


def test_the_ledger_says_how_it_stands(client: TestClient, world: World) -> None:
    with world.ledger.store.read() as tx:
        (size,) = tx.select("SELECT count(*) FROM entry")[0]
    found = figures(client)
    assert found["consent_ledger_up",] == 1
    assert found["consent_ledger_head_size",] == size
    assert found["consent_ledger_head_age_seconds",] >= 0
    assert found["consent_ledger_queue_length", "registrations"] == 0
    assert ("consent_ledger_verified",) not in found
    verify_and_record(world.ledger.store, world.ledger.clock)
    found = figures(client)
    assert found["consent_ledger_verified",] == 1
    assert found["consent_ledger_verified_size",] == size


def test_paths_and_methods_that_a_client_makes_up_are_one_figure(client: TestClient) -> None:
    for _ in range(3):
        name = secrets.token_hex(8)
        client.get(f"/{name}")
        client.get(f"/v1/statements/sha256:{name * 4}")
        client.request(name.upper(), "/readyz")
    text = client.get("/metrics").text
    assert name not in text.lower()
    assert 'route="/v1/statements/{id' in text
    assert 'method="other"' in text


def test_the_figures_are_the_operators(client: TestClient, world: World) -> None:
    client.headers.pop("authorization")
    assert client.get("/metrics").status_code == 401
    client.headers.update(bearer(world.ledger, scopes=("clearance:read",)))
    assert client.get("/metrics").status_code == 403
