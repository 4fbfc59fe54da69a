"""What holds for every route: problem documents, ids, headers, methods, limits, and what the log says."""

import io
import json
import re
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from consent_ledger.api.app import ROUTES, create_app
from consent_ledger.api.decoding import problems_in
from consent_ledger.api.logs import json_logger
from tests.api.asking import JSON, bearer, question
from tests.world import World, hash_of, party_of

PATHS = [
    ("GET", "/nowhere", 404),
    ("GET", "/v1/clearance", 405),
    ("DELETE", "/v1/statements", 405),
    ("POST", "/checkpoint", 405),
    ("POST", "/v1/statements", 415),
    ("POST", "/v1/clearance/bulk", 415),
    ("GET", "/problems/nothing", 404),
]


@pytest.mark.parametrize(("method", "path", "status"), PATHS)
def test_every_error_is_a_problem_document_with_a_page(asking: TestClient, method: str, path: str, status: int) -> None:
    response = asking.request(method, path, headers={"X-Request-Id": "trace-12345"})
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "detail", "code", "errors", "request_id"}
    assert (problem["status"], problem["request_id"]) == (status, "trace-12345")
    page = asking.get(problem["type"])
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    if status == 405:
        assert response.headers["allow"]


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/v1/clearance", "/docs", "/checkpoint"])
def test_every_response_has_security_headers_and_a_request_id(asking: TestClient, path: str) -> None:
    headers = asking.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["referrer-policy"] == "no-referrer"
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
    assert "server" not in headers


@pytest.mark.parametrize("id_", ["short", "a b c d e f g", "x" * 65, "<b>bold</b>", "-leading-", "a\tbcdef"])
def test_a_request_id_that_is_not_plain_is_replaced(asking: TestClient, id_: str) -> None:
    assert re.fullmatch("[0-9a-f]{32}", asking.get("/healthz", headers={"X-Request-Id": id_}).headers["x-request-id"])


def test_head_is_answered_where_get_is(asking: TestClient) -> None:
    assert asking.head("/version").status_code == 200
    assert asking.head("/v1/clearance").status_code == 405


def test_a_mistake_of_the_service_is_told_without_its_innards(world: World) -> None:
    log = io.BytesIO()
    app = create_app(world.ledger, logger=json_logger(log))
    with TestClient(app, raise_server_exceptions=False) as client:
        with world.store.write() as tx:
            tx.execute("break", "DROP TABLE checkpoint")
        response = client.get("/checkpoint", headers={"X-Request-Id": "mistake-1"})
    problem = response.json()
    assert (response.status_code, problem["code"], problem["request_id"]) == (500, "internal_error", "mistake-1")
    assert "checkpoint" not in problem["detail"]
    (line,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["event"], line["status"], line["error"]) == ("request_failed", 500, "OperationalError")
    assert any("read_checkpoint" in frame for frame in line["at"])


def test_the_log_names_routes_and_ids_and_nothing_that_was_sent(world: World) -> None:
    log = io.BytesIO()
    with TestClient(create_app(world.ledger, logger=json_logger(log))) as client:
        client.headers.update(bearer(world.ledger))
        client.post("/v1/statements", content=world.enrolment("dan"), headers=JSON)
        client.post("/v1/clearance", json=question(hash_of("hers"), recipient=party_of("ben")))
        client.get(f"/v1/statements/{hash_of('secret')}?name=Alice")
        client.get("/nobody/Alice")
    written = log.getvalue().decode()
    assert [json.loads(line)["route"] for line in written.splitlines()] == [
        "/v1/statements", "/v1/clearance", "/v1/statements/{id}", None,
    ]  # fmt: skip
    for sent in (party_of("dan"), party_of("ben"), hash_of("hers"), hash_of("secret"), "Alice", "testclient"):
        assert sent not in written


def test_every_route_is_described_and_nothing_else(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    described = {(path, method) for path, item in document["paths"].items() for method in item}
    served = {
        (re.sub(r":\w+}", "}", path), next(iter(handler.http_methods)).lower())
        for handler in ROUTES
        for path in handler.paths
    }
    assert described == served
    assert document["openapi"] == "3.1.0"


def test_schemas_are_those_that_requests_are_checked_by(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert schemas["ClearanceRequest"]["additionalProperties"] is False
    assert schemas["ClearanceRequest"]["properties"]["asset"]["pattern"] == "^sha256:[0-9a-f]{64}$"
    assert "(?!" not in json.dumps(schemas)


def test_the_page_asks_nobody_else_for_anything(client: TestClient) -> None:
    page = client.get("/docs").text
    links = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert links
    assert all(link.startswith(("#", "/")) for link in links)
    assert "<script" not in page
    for link in {link for link in links if link.startswith("/")}:
        assert client.get(link).status_code == 200
    ids = set(re.findall(r'id="([^"]*)"', page))
    assert {link[1:] for link in links if link.startswith("#")} <= ids


class Inner(msgspec.Struct, tag="inner", forbid_unknown_fields=True):
    n: int


class Other(msgspec.Struct, tag="other", forbid_unknown_fields=True):
    s: str


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    items: list[Inner | Other]
    name: str | msgspec.UnsetType = msgspec.UNSET


@pytest.mark.parametrize(
    ("value", "pointers"),
    [
        ({"items": []}, []),
        ({"items": [{"type": "inner", "n": "x"}, {"type": "other", "s": "x", "t": 1}]}, ["/items/0/n", "/items/1/t"]),
        ({"items": [{"type": "neither"}, 4]}, ["/items/0", "/items/1"]),
        ({"name": 3}, ["/items", "/name"]),
        ("text", [""]),
    ],
)
def test_problems_are_found_wherever_they_are(value: Any, pointers: list[str]) -> None:
    assert sorted(p.pointer for p in problems_in(value, Outer)) == pointers


def test_nothing_is_cached_that_can_change(client: TestClient) -> None:
    for path in ("/checkpoint", "/readyz", "/v1/log/entries", "/nowhere"):
        assert client.get(path).headers["cache-control"] == "no-store"


def test_the_package_itself_logs_to_nobody_until_it_is_told_to(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    with TestClient(create_app(world.ledger)) as client:
        client.get("/healthz")
    assert capfd.readouterr() == ("", "")


def test_an_application_that_was_stopped_can_be_started_again(world: World) -> None:
    app = create_app(world.ledger)
    for _ in range(2):
        with TestClient(app) as client:
            client.headers.update(bearer(world.ledger))
            assert client.post("/v1/clearance", json=question(hash_of("hers"))).json()["verdict"] == "allow"
