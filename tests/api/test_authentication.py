"""Who may ask: on every route that there is, and on those that somebody will add."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from consent_ledger.access.callers import SCOPES
from consent_ledger.access.organisations import close_account, operator_of
from consent_ledger.access.tokens import create_token, revoke_token
from consent_ledger.api.app import ROUTES, create_app
from consent_ledger.api.exposure import Exposure
from consent_ledger.api.operations import ANYBODY, operation_of
from consent_ledger.errors import RefusedError
from consent_ledger.portal import routes as pages
from consent_ledger.store.engine import open_store
from tests.api.asking import JSON, bearer, question
from tests.api.calling import UNLIMITED, call, pairs
from tests.stores import new_store
from tests.world import DAY, World, hash_of, party_of

FORMS = {"sign_in", "sign_out"}
"""Whoever is not signed in may sign in, and nobody needs to be, to be signed out."""
GUARDED = [h for h in ROUTES if operation_of(h).scope is not None and h.name not in FORMS]
PAGES = [h for h in pages.ROUTES if operation_of(h).scope is not None]
SCOPED = [h for h in GUARDED if operation_of(h).scope != ANYBODY]
GOOD = "clt_" + "0" * 16 + "_" + "0" * 64
WRONG = [
    [],
    [b"Bearer " + GOOD.encode()],
    [b"Bearer clt_short"],
    [b"Bearer"],
    [b"Bearer "],
    [b"Bearer  " + GOOD.encode()],
    [b" Bearer " + GOOD.encode()],
    [b"Bearer " + GOOD.encode() + b" x"],
    [b"Bearer " + GOOD.upper().encode()],
    [b"Basic dXNlcjpwYXNz"],
    [GOOD.encode()],
    [b""],
    [b"Bearer \xff\xfe\xfd"],
    ["Bearer ключ".encode()],
    [b"Bearer " + b"a" * 100_000],
    [b"Bearer " + GOOD.encode() + b"\r\nX-Admin: 1"],
    [b"Bearer " + GOOD.encode() + b"\x00"],
    [b"Bearer " + GOOD.encode(), b"Bearer " + GOOD.encode()],
]


def spelled(handler: HTTPRouteHandler) -> tuple[str, str]:
    (path,) = handler.paths
    return next(iter(handler.http_methods)), re.sub(r"\{\w+:\w+\}", "x", path)


def named(handlers: list[HTTPRouteHandler]) -> Any:
    return pytest.mark.parametrize("handler", handlers, ids=lambda h: h.name)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which nothing is changed, for walking all routes."""
    with new_store(f"sqlite:///{tmp_path_factory.mktemp('walked')}/ledger.db") as store:
        yield World(store)


@pytest.fixture(scope="module")
def routes(walked: World) -> Litestar:
    return create_app(walked.ledger, exposure=UNLIMITED)


@pytest.fixture
def app(world: World) -> Litestar:
    return create_app(world.ledger)


def test_every_route_of_the_application_is_walked_and_says_what_it_wants(routes: Litestar) -> None:
    walked = (*ROUTES, *pages.ROUTES)
    served = {h.name for r in routes.routes if isinstance(r, HTTPRoute) for h in r.route_handlers}
    assert {name for name in served if not name or not name.startswith("options ")} == {h.name for h in walked}
    assert [type(r) for r in routes.routes if not isinstance(r, HTTPRoute)] == []
    assert {operation_of(h).scope for h in walked} - {None, ANYBODY} <= set(SCOPES)


@named(PAGES)
def test_a_page_is_shown_to_nobody_who_is_not_signed_in(routes: Litestar, handler: HTTPRouteHandler) -> None:
    method, path = spelled(handler)
    for wrong in WRONG:
        answer = call(routes, method, path, [(b"authorization", value) for value in wrong])
        assert answer.status in (303, 401), wrong
        assert GOOD not in answer.body.decode()


def test_what_anybody_may_ask_is_this_and_no_more() -> None:
    assert {h.name for h in ROUTES if operation_of(h).scope is None} <= {
        "list_entries", "prove_inclusion", "prove_consistency", "read_checkpoint", "read_tile", "health", "readiness",
        "version", "openapi", "docs", "docs_style", "problem", "sign_in", "metrics",
    }  # fmt: skip


@named(GUARDED)
def test_without_a_good_token_nothing_is_answered_and_no_body_is_read(
    routes: Litestar, handler: HTTPRouteHandler
) -> None:
    method, path = spelled(handler)
    body = b"{}" if operation_of(handler).scope == ANYBODY else None
    for wrong in WRONG:
        answer = call(routes, method, path, [(b"authorization", value) for value in wrong], body)
        assert (answer.status, answer.json()["status"]) == (401, 401), wrong
        assert answer.headers["www-authenticate"] == ('Bearer error="invalid_token"' if wrong else "Bearer")
        assert GOOD not in answer.body.decode()


@named(SCOPED)
def test_a_token_without_the_scope_is_not_enough(walked: World, routes: Litestar, handler: HTTPRouteHandler) -> None:
    method, path = spelled(handler)
    others = [scope for scope in SCOPES if scope != operation_of(handler).scope]
    answer = call(routes, method, path, pairs(bearer(walked.ledger, scopes=others)))
    assert (answer.status, answer.json()["code"]) == (403, "scope_missing")


@named(GUARDED)
def test_with_its_scope_it_passes(walked: World, routes: Litestar, handler: HTTPRouteHandler) -> None:
    method, path = spelled(handler)
    scope = operation_of(handler).scope
    header = bearer(walked.ledger, scopes=SCOPES if scope == ANYBODY else [scope or ""])
    answer = call(routes, method, path, pairs(header), b"{}")
    assert answer.status not in (403, 500)
    assert (answer.status == 401) == (handler.name == "read_session")  # a token is no session


def test_a_route_that_says_nothing_is_asked_by_nobody(world: World, app: Litestar) -> None:
    @get("/forgotten", name="forgotten")
    async def forgotten() -> str:
        return "secret"

    app.register(forgotten)
    answer = call(app, "GET", "/forgotten", pairs(bearer(world.ledger)))
    assert (answer.status, b"secret" in answer.body) == (403, False)


def test_unknown_paths_and_methods_are_the_same_for_all(world: World, app: Litestar) -> None:
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("PATCH", "/v1/tokens", 405),
        ("OPTIONS", "/v1/tokens", 204),
    ):
        without = call(app, method, path, [(b"x-request-id", b"one-request")])
        with_token = call(app, method, path, [*pairs(bearer(world.ledger)), (b"x-request-id", b"one-request")])
        assert (without.status, without.body, without.headers) == (status, with_token.body, with_token.headers)


def test_a_token_is_over_when_it_says(world: World, app: Litestar) -> None:
    header = pairs(bearer(world.ledger))
    assert call(app, "GET", "/v1/tokens", header).status == 200
    world.wait(90 * DAY - 1)
    assert call(app, "GET", "/v1/tokens", header).status == 200
    world.wait(1)
    assert call(app, "GET", "/v1/tokens", header).json()["code"] == "token_expired"


def test_what_is_revoked_or_closed_is_so_at_once_in_every_process(store_url: str) -> None:
    with new_store(store_url) as here, open_store(store_url) as there:
        world = World(here)
        app = create_app(world.ledger)
        for end in ("revoke", "close"):
            made = create_token_of(world, "studio")
            header = pairs({"Authorization": f"Bearer {made.text}"})
            assert call(app, "GET", "/v1/tokens", header).status == 200
            if end == "revoke":
                revoke_token(there, party_of("studio"), made.record.id, world.now)
            else:
                close_account(there, party_of("studio"), world.now)
            assert call(app, "GET", "/v1/tokens", header).json()["code"] == "token_invalid"
        with pytest.raises(RefusedError, match="closed"):
            create_token(there, party_of("studio"), ["admin"], world.now)


def create_token_of(world: World, name: str, *scopes: str) -> Any:
    bearer(world.ledger, party_of(name))
    return create_token(world.store, party_of(name), scopes or ["admin"], world.now)


def test_of_a_secret_only_the_hash_is_kept(world: World) -> None:
    made = create_token_of(world, "studio")
    with world.store.read() as tx:
        kept = b"|".join(str(column).encode() for row in tx.select("SELECT * FROM token") for column in row)
    assert made.record.id.encode() in kept
    assert made.text.rpartition("_")[2].encode() not in kept
    assert len(made.text.rpartition("_")[2]) == 64


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_token_lives_a_year_at_most(world: World, days: int) -> None:
    bearer(world.ledger, party_of("studio"))
    with pytest.raises(RefusedError, match="want 1 to 366"):
        create_token(world.store, party_of("studio"), ["admin"], world.now, life=days * DAY)


# Tokens and organisations over HTTP ----------------------------------------------------------------------------------


def test_an_administrator_makes_lists_and_revokes_tokens_of_its_own_organisation(
    world: World, client: TestClient
) -> None:
    client.headers.update(bearer(world.ledger, party_of("studio"), ["admin"]))
    made = client.post("/v1/tokens", json={"scopes": ["clearance:read"], "label": "nightly"}).json()
    assert made["organisation"] == party_of("studio")
    user = {"Authorization": f"Bearer {made['token']}"}
    assert client.post("/v1/clearance", json=question(hash_of("hers")), headers=user).status_code == 200
    listed = client.get("/v1/tokens").json()["items"]
    assert [t["label"] for t in listed if t["id"] == made["id"]] == ["nightly"]
    assert "token" not in listed[0]
    first = client.delete(f"/v1/tokens/{made['id']}")
    assert first.json()["revoked_at"] is not None
    world.wait()
    assert client.delete(f"/v1/tokens/{made['id']}").json() == first.json()
    assert client.post("/v1/clearance", json=question(hash_of("hers")), headers=user).status_code == 401


def test_tokens_are_listed_in_pages(world: World, client: TestClient) -> None:
    for _ in range(4):
        bearer(world.ledger)
    found, path = [], "/v1/tokens?limit=2"
    while path:
        response = client.get(path)
        found += [t["id"] for t in response.json()["items"]]
        path = response.links.get("next", {}).get("url", "")
    assert len(found) == len(set(found)) == 5
    assert client.get("/v1/tokens?cursor=AAAA").json()["code"] == "bad_cursor"


def test_another_organisations_tokens_are_not_there(world: World, client: TestClient) -> None:
    operators = client.get("/v1/tokens").json()["items"][0]["id"]
    studio = bearer(world.ledger, party_of("studio"))
    assert client.delete(f"/v1/tokens/{operators}", headers=studio).status_code == 404
    operator = operator_of(world.store)
    for answer in (
        client.get(f"/v1/tokens?organisation={operator}", headers=studio),
        client.post("/v1/tokens", json={"scopes": ["admin"], "label": "x", "organisation": operator}, headers=studio),
        client.delete(f"/v1/tokens/{operators}?organisation={operator}", headers=studio),
        client.get("/v1/organisations", headers=studio),
        client.post("/v1/organisations", json={"party": party_of("studio"), "label": "x"}, headers=studio),
        client.delete(f"/v1/organisations/{party_of('studio')}", headers=studio),
        client.get(f"/v1/audit-trail?organisation={operator}", headers=studio),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "operator_only")
    assert client.get("/v1/tokens").status_code == 200


def test_the_operator_lets_an_organisation_in_and_ends_it(world: World, client: TestClient) -> None:
    world.enrol("lab", kind="organisation")
    request = {"party": party_of("lab"), "label": "Lab"}
    made = client.post("/v1/organisations", json=request)
    assert (made.status_code, client.post("/v1/organisations", json=request).json()) == (201, made.json())
    token = client.post(
        "/v1/tokens", json={"scopes": ["admin"], "label": "first", "organisation": party_of("lab")}
    ).json()["token"]
    lab = {"Authorization": f"Bearer {token}"}
    assert client.get("/v1/tokens", headers=lab).status_code == 200
    assert party_of("lab") in [o["party"] for o in client.get("/v1/organisations").json()["items"]]
    assert client.delete(f"/v1/organisations/{party_of('lab')}").json()["closed_at"] is not None
    assert client.get("/v1/tokens", headers=lab).status_code == 401
    assert client.post("/v1/organisations", json=request).json()["code"] == "organisation_closed"


@pytest.mark.parametrize(("party", "code"), [("ada", "not_an_organisation"), ("nobody", "party_unknown")])
def test_only_an_organisation_of_the_ledger_is_let_in(asking: TestClient, party: str, code: str) -> None:
    assert asking.post("/v1/organisations", json={"party": party_of(party), "label": "x"}).json()["code"] == code


def test_the_operator_does_not_shut_itself_out(world: World, client: TestClient) -> None:
    answer = client.delete(f"/v1/organisations/{operator_of(world.store)}")
    assert (answer.status_code, answer.json()["code"]) == (409, "operator_stays")


# Hosts and addresses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"ledger.example", 200),
        (b"LEDGER.example.:1", 200),
        (b"[::1]:80", 200),
        (b"evil.example", 421),
        (b"ledger.example.evil", 421),
        (b"", 421),
    ],
)
def test_only_hosts_that_are_ours_are_answered_on_any_port(world: World, host: bytes, status: int) -> None:
    app = create_app(world.ledger, exposure=Exposure(hosts=frozenset({"ledger.example", "[::1]"})))
    with TestClient(app) as client:
        assert client.get("/healthz", headers={"Host": host.decode()}).status_code == status


def test_a_withdrawal_wants_no_token_and_everything_else_does(world: World, client: TestClient) -> None:
    del client.headers["Authorization"]
    assert client.post("/v1/statements", content=world.enrolment("dan"), headers=JSON).status_code == 401
    assert client.post("/v1/statements", content=world.withdrawal("ada"), headers=JSON).status_code == 201
    wrong = {**JSON, "Authorization": "Bearer clt_revoked"}
    assert client.post("/v1/statements", content=world.withdrawal("ben"), headers=wrong).status_code == 201
    assert (
        client.post("/v1/statements", content=world.enrolment("dan"), headers=wrong).json()["code"] == "token_invalid"
    )


def test_what_an_organisation_says_comes_through_its_own_token(world: World, client: TestClient) -> None:
    world.enrol("lab", kind="organisation")
    lab, studio = (bearer(world.ledger, party_of(name)) for name in ("lab", "studio"))
    said = world.submission(world.medium("new", ["ada"], ["ada"]))
    for header in (lab, dict(client.headers)):
        answer = client.post("/v1/statements", content=said, headers={**JSON, **header})
        assert (answer.status_code, answer.json()["code"]) == (403, "issuer_not_yours")
    assert client.post("/v1/statements", content=said, headers={**JSON, **studio}).status_code == 201
    persons = world.consent("cas")
    assert client.post("/v1/statements", content=persons, headers={**JSON, **lab}).status_code == 201
    scoped = bearer(world.ledger, party_of("studio"), ["invite:write"])
    again = client.post("/v1/statements", content=said, headers={**JSON, **scoped})
    assert (again.status_code, again.json()["code"]) == (403, "scope_missing")
