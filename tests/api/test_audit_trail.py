"""The audit trail: who asked what, written behind the answers, and never in their way."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from litestar.testing import TestClient

from consent_ledger.access.callers import Caller
from consent_ledger.api.app import create_app
from consent_ledger.api.audit_trail import AuditTrail, Trail
from consent_ledger.api.exposure import Exposure
from consent_ledger.api.logs import Silent
from consent_ledger.errors import UnavailableError
from consent_ledger.store.request_log import read_requests
from tests.api.asking import JSON, NDJSON, bearer, lines, question
from tests.stores import new_store
from tests.world import World, hash_of, party_of

SOON = Exposure(trail=Trail(seconds=0.01))


def until(condition: Callable[[], Any]) -> Any:
    while not (found := condition()):
        time.sleep(0.01)
    return found


def trail(client: TestClient, count: int, header: dict[str, str]) -> list[Any]:
    """Return the trail once it holds so many requests, the oldest first."""
    found = until(
        lambda: len(items := client.get("/v1/audit-trail", headers=header).json()["items"]) >= count and items
    )
    return list(reversed(found))


def test_acts_and_questions_are_on_the_trail_of_who_asked(world: World) -> None:
    studio = bearer(world.ledger, party_of("studio"))
    said = world.submission(world.medium("new", ["ada"], ["ada"]))
    with TestClient(create_app(world.ledger, exposure=SOON)) as client:
        client.headers.update(studio)
        id_ = client.post("/v1/statements", content=said, headers=JSON).json()["id"]
        client.post("/v1/clearance", json=question(hash_of("hers")), headers={"X-Request-Id": "from-outside"})
        client.post("/v1/clearance/bulk", content=lines(*[question(hash_of("hers"))] * 3), headers=NDJSON)
        client.get(f"/v1/statements/{id_}")
        client.get(f"/v1/receipts/{id_}")
        client.post("/v1/statements", content=world.enrolment("dan"), headers=JSON)
        client.get("/checkpoint")
        found = trail(client, 6, studio)[:6]
        others = client.get("/v1/audit-trail", headers=bearer(world.ledger)).json()["items"]
        all_of_it = client.get(
            f"/v1/audit-trail?organisation={party_of('studio')}", headers=bearer(world.ledger)
        ).json()["items"]
    assert [(row["operation"], row["subject"], row["status"]) for row in found] == [
        ("register_statement", f"statement {id_}", 201),
        ("clear_asset", hash_of("hers"), 200),
        ("clear_assets", "3 lines", 200),
        ("read_statement", f"statement {id_}", 200),
        ("read_receipt", f"statement {id_}", 200),
        ("register_statement", "", 403),
    ]
    token = studio["Authorization"].removeprefix("Bearer ").rpartition("_")[0]
    assert {row["token"] for row in found} == {token}
    assert found[1]["request_id"] == "from-outside"
    assert [row for row in others if row["token"] == token] == []
    assert found[0] in all_of_it


def test_what_waits_is_written_when_the_service_stops(world: World) -> None:
    with TestClient(create_app(world.ledger, exposure=Exposure(trail=Trail(seconds=3600)))) as client:
        client.headers.update(bearer(world.ledger, party_of("studio")))
        for _ in range(5):
            client.get("/v1/tokens")
    with world.store.read() as tx:
        assert len(read_requests(tx, party_of("studio"), 2**53, 10)) == 5


def scope_of(caller: Caller | None) -> Any:
    return {"headers": [], "state": {"caller": caller, "status": 200}}


CALLER = Caller("pty_x", "clt_x", frozenset(), False)


def test_a_full_queue_drops_and_counts(world: World) -> None:
    kept = AuditTrail(world.store, world.clock, Silent(), Trail(longest=3))
    for _ in range(5):
        kept.add(scope_of(CALLER))
    kept.add(scope_of(None))
    assert (kept.waiting, kept.dropped) == (3, 2)
    kept.flush()
    assert kept.waiting == 0


def test_what_cannot_be_written_waits_and_the_thread_goes_on(tmp_path: Path) -> None:
    told, locked = threading.Event(), True

    class Told(Silent):
        def error(self, event: str, **fields: Any) -> None:
            assert fields == {"code": "locked", "waiting": 1}
            told.set()

    def step(name: str) -> None:
        if name == "request_log" and locked:
            raise UnavailableError("locked", code="locked")

    with new_store(f"sqlite:///{tmp_path}/ledger.db", step=step) as store:
        kept = AuditTrail(store, lambda: 0, Told(), Trail(seconds=0.01))
        kept.add(scope_of(CALLER))
        kept.start()
        told.wait()
        locked = False
        until(lambda: kept.waiting == 0)
        kept.stop()
        with store.read() as tx:
            assert len(read_requests(tx, "pty_x", 2**53, 10)) == 1
