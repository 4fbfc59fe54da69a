"""A token of one organisation sees nothing of another (docs/decisions/0006): every route, with another's ids.

The studio asks for what is the rival's, and for what nobody has: it gets the same bytes. A route that is in none of the
three lists below fails the test, so nobody adds one without saying what it shows.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pytest
from litestar.testing import TestClient

from consent_ledger.access.callers import SCOPES
from consent_ledger.api.app import ROUTES, create_app
from consent_ledger.evidence.certificates import Signer
from consent_ledger.issuing import template_ref
from consent_ledger.licenses import statements as st
from tests.api.asking import JSON, NDJSON, bearer, lines, question
from tests.ledgers.neighbours import PROJECTS, Neighbours
from tests.stores import EmptyStores
from tests.world import hash_of, issuer_of, key_of, party_of

ABSENT = "0" * 64
NO_ASSET = "sha256:" + ABSENT
NOBODY = "pty_" + "0" * 32
NO_TOKEN = "clt_" + "0" * 16
NO_DECISION = "dec_" + "0" * 32
NO_INVITATION = "inv_" + "0" * 32
NO_PROJECT = "no-such-film"
INVITES = [{"reference": "panel-1", "language": "en", "expires_at": "2026-03-01T00:00:00Z"}]
IGNORED = {"x-request-id", "date", "ratelimit-remaining", "ratelimit-reset"}


class Ask(NamedTuple):
    """One request, but for who asks."""

    method: str
    url: str
    body: bytes | None = None
    headers: Mapping[str, str] = {}


class Served(NamedTuple):
    """The neighbours, served; who asks is told by the headers."""

    world: Neighbours
    client: TestClient
    studio: dict[str, str]
    rival: dict[str, str]
    invitation: str
    decision: str
    """Of the rival's."""

    def answer(self, ask: Ask, who: dict[str, str]) -> tuple[int, dict[str, str], str]:
        response = self.client.request(ask.method, ask.url, content=ask.body, headers={**who, **ask.headers})
        headers = {name: value for name, value in response.headers.items() if name not in IGNORED}
        body = response.text.replace(response.headers["x-request-id"], "(request id)")
        return response.status_code, headers, body


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with EmptyStores(tmp_path_factory.mktemp("neighbours"))() as store:
        world = Neighbours(store)
        app = create_app(world.ledger, signer=Signer(key_of("operator")))
        with TestClient(app, raise_server_exceptions=False) as client:
            studio, rival = (bearer(world.ledger, party_of(name)) for name in ("studio", "rival"))
            invited = client.post(f"/v1/projects/{PROJECTS['rival']}/invitations", json=INVITES, headers=rival)
            asked = question(hash_of("rival/film"), "internal")
            certified = client.post("/v1/clearance?certificate=true", json=asked, headers=rival)
            decision = certified.headers["location"].rpartition("/")[2]
            world.submit("rival", "rival/contested", ["eve"])
            world.register(world.operator, st.Dispute, assets=[hash_of("rival/contested")], status="open")
            yield Served(world, client, studio, rival, invited.json()["items"][0]["id"], decision)


def of_the_rivals(world: Neighbours) -> set[str]:
    """Every name of something that is the rival's alone."""
    ids = {receipt.id for receipt in world.said["rival"].values()}
    return ids | {
        party_of("rival"),
        party_of("eve"),
        PROJECTS["rival"],
        *(hash_of(f) for f in ("rival/film", "rival/contested")),
    }


Pair = tuple[Ask, Ask]
Pairs = Callable[[Served], Sequence[Pair]]


def by_id(path: str, method: str = "GET", **how: Any) -> Pairs:
    """The route with the id of each of the rival's statements, and with one of no statement."""

    def pairs(served: Served) -> list[Pair]:
        ids = [receipt.id for type_, receipt in served.world.said["rival"].items() if type_ != "template"]
        unknown = Ask(method, path.format("sha256:" + ABSENT), **how)
        return [(Ask(method, path.format(id_), **how), unknown) for id_ in ids]

    return pairs


def with_names(path: str, theirs: Callable[[Served], str], absent: str, method: str = "GET", **how: Any) -> Pairs:
    """The route with one name of the rival's, and with one of nothing."""
    return lambda served: [(Ask(method, path.format(theirs(served)), **how), Ask(method, path.format(absent), **how))]


def film(_: Served) -> str:
    return hash_of("rival/film")


def project(_: Served) -> str:
    return PROJECTS["rival"]


def invitations(served: Served, act: str) -> list[Pair]:
    """The rival's project, with any invitation; and one's own project with the rival's invitation."""
    pairs = []
    for id_ in (served.invitation, NO_INVITATION):
        ask = [_post(f"/v1/projects/{p}/invitations/{act}", {"ids": [id_]}) for p in (PROJECTS["rival"], NO_PROJECT)]
        pairs.append((ask[0], ask[1]))
    own = [_post(f"/v1/projects/{PROJECTS['studio']}/invitations/{act}", {"ids": [id_]})
           for id_ in (served.invitation, NO_INVITATION)]  # fmt: skip
    return [*pairs, (own[0], own[1])]


def _post(url: str, document: Any) -> Ask:
    return Ask("POST", url, json.dumps(document).encode(), JSON)


def explained(served: Served) -> list[Pair]:
    pairs = []
    for how in (
        {"audience": "internal"},
        {"audience": "open"},
        {"audience": "internal", "size": served.world.size - 1},
    ):
        asked = [question(hash_of("own"), **how) for _ in range(2)]  # type: ignore[arg-type]
        for ask, asset in zip(asked, (film(served), "sha256:" + ABSENT), strict=True):
            ask["assets"] = [ask.pop("asset"), asset]
        pairs.append((_post("/v1/clearance/explain", asked[0]), _post("/v1/clearance/explain", asked[1])))
    return pairs


def questions(path: str, headers: dict[str, str]) -> Pairs:
    """The film is asked about for several uses, now and at other points."""

    def pairs(served: Served) -> list[Pair]:
        size = served.world.size
        uses: list[dict[str, Any]] = [
            {"audience": "internal"},
            {"audience": "open"},
            {"audience": "internal", "size": size - 1},
            {"audience": "internal", "as_of": "2026-01-05T09:00:01Z"},
            {"audience": "recipient", "recipient": party_of("studio")},
            {"audience": "recipient", "recipient": party_of("rival")},
        ]
        steady = {"as_of": "2026-01-06T00:00:00Z"}
        bodies = [[lines(question(a, **(steady | u))) for a in (film(served), "sha256:" + ABSENT)] for u in uses]
        return [(Ask("POST", path, a, headers), Ask("POST", path, b, headers)) for a, b in bodies]

    return pairs


def rivals_token(served: Served) -> str:
    return served.rival["Authorization"].removeprefix("Bearer ").rpartition("_")[0]


ALIKE: dict[str, Pairs] = {
    "read_statement": by_id("/v1/statements/{}"),
    "read_receipt": lambda served: [
        pair
        for path, headers in (
            ("/v1/receipts/{}", {}),
            ("/v1/receipts/{}.tlog-proof", {}),
            ("/v1/receipts/{}", {"Accept": "text/plain"}),
        )
        for pair in by_id(path, headers=headers)(served)
    ],
    "clear_asset": questions("/v1/clearance", JSON),
    "clear_assets": questions("/v1/clearance/bulk", NDJSON),
    "explain_assets": explained,
    "read_asset": with_names("/v1/assets/{}", film, "sha256:" + ABSENT),
    "look_up_assets": lambda served: [
        (_post("/v1/assets/lookup", {"assets": [film(served)]}), _post("/v1/assets/lookup", {"assets": [NO_ASSET]}))
    ],
    "read_consent": with_names("/v1/parties/{}/consent", lambda _: party_of("eve"), NOBODY),
    "list_submissions": with_names("/v1/assets/{}/submissions", film, "sha256:" + ABSENT),
    "read_decision": with_names("/v1/decisions/{}", lambda served: served.decision, NO_DECISION),
    "read_project": with_names("/v1/projects/{}", project, NO_PROJECT),
    "count_project": with_names("/v1/projects/{}/progress", project, NO_PROJECT),
    "invite": with_names(
        "/v1/projects/{}/invitations", project, NO_PROJECT, "POST", body=json.dumps(INVITES).encode(), headers=JSON
    ),
    "list_invitations": with_names("/v1/projects/{}/invitations", project, NO_PROJECT),
    "remind": lambda served: invitations(served, "remind"),
    "cancel_invitations": lambda served: invitations(served, "cancel"),
    "revoke_token": with_names("/v1/tokens/{}", rivals_token, NO_TOKEN, "DELETE"),
    "create_token": lambda served: [
        tuple(
            Ask("POST", "/v1/tokens", json.dumps({"scopes": ["admin"], "label": "x", "organisation": o}).encode(), JSON)
            for o in (party_of("rival"), NOBODY)
        )  # type: ignore[list-item]
    ],
    "list_tokens": with_names("/v1/tokens?organisation={}", lambda _: party_of("rival"), NOBODY),
    "read_audit_trail": with_names("/v1/audit-trail?organisation={}", lambda _: party_of("rival"), NOBODY),
    "create_organisation": lambda served: [
        tuple(
            Ask("POST", "/v1/organisations", json.dumps({"party": o, "label": "x"}).encode(), JSON)
            for o in (party_of("rival"), NOBODY)
        )  # type: ignore[list-item]
    ],
    "close_organisation": with_names("/v1/organisations/{}", lambda _: party_of("rival"), NOBODY, "DELETE"),
}
"""What is the rival's, beside what is not there at all: the studio is answered alike."""

LISTS: dict[str, str] = {
    "list_tokens": "/v1/tokens",
    "list_organisations": "/v1/organisations",
    "read_audit_trail": "/v1/audit-trail",
    "list_templates": "/v1/templates",
    "list_projects": "/v1/projects",
    "list_disputes": "/v1/disputes",
}
"""Lists that name nobody: nothing of the rival's stands in what the studio gets."""

PUBLIC = {
    "read_checkpoint", "read_tile", "list_entries", "prove_inclusion", "prove_consistency",
    "health", "readiness", "version", "openapi", "docs", "docs_style", "problem",
}  # fmt: skip
"""For anybody, without a token: the sealed log, and what is about the service."""

OWN = {"read_session", "sign_in", "sign_out"}
"""About whoever asks, and about nobody else."""

OPERATORS = {"metrics"}
"""For the operator alone: tests/api/test_metrics.py."""

BY_DIGEST = {"read_template", "compare_templates", "read_wording", "keep_wording", "lint_template"}
"""What is published is read by whoever has its digest."""

WRITES = {
    "register_statement": "/v1/statements",
    "rehearse_statement": "/v1/rehearsals",
    "register_assets": "/v1/assets",
    "record_project": "/v1/projects",
    "publish_template": "/v1/templates",
    "accept_submissions": "/v1/submissions/accept",
    "reject_submissions": "/v1/submissions/reject",
    "pay_submissions": "/v1/submissions/paid",
    "dispute_assets": "/v1/disputes",
}
"""What is handed in is signed; what another says, no other token hands in."""


def operations() -> list[str]:
    return sorted({str(handler.name) for handler in ROUTES})


@pytest.mark.parametrize("name", operations())
def test_every_route_says_what_it_shows_to_whom(name: str) -> None:
    assert name in {*ALIKE, *LISTS, *PUBLIC, *OWN, *OPERATORS, *BY_DIGEST, *WRITES}


@pytest.mark.parametrize("name", ALIKE)
def test_what_is_anothers_is_answered_as_what_is_not_there(served: Served, name: str) -> None:
    for theirs, absent in ALIKE[name](served):
        status, headers, body = served.answer(theirs, served.studio)
        named, unnamed = _difference(theirs, absent)
        assert (status, headers, body.replace(named, unnamed)) == served.answer(absent, served.studio), theirs


def _difference(theirs: Ask, absent: Ask) -> tuple[str, str]:
    """The name in which two requests differ."""
    one, other = (ask.url + (ask.body or b"").decode() for ask in (theirs, absent))
    known = ("sha256:" + ABSENT, NOBODY, NO_TOKEN, NO_DECISION, NO_PROJECT, NO_INVITATION)
    unnamed = next(name for name in known if name in other)
    start = other.index(unnamed)
    return one[start : len(one) - len(other) + start + len(unnamed)], unnamed


@pytest.mark.parametrize("name", LISTS)
def test_lists_hold_nothing_of_anothers(served: Served, name: str) -> None:
    status, _, body = served.answer(Ask("GET", LISTS[name]), served.studio)
    assert status in (200, 403)
    names = of_the_rivals(served.world) | {rivals_token(served)}
    assert not {secret for secret in names if secret in body}


def test_the_rival_itself_is_answered_otherwise(served: Served) -> None:
    """The tests above would hold of a service that shows nothing to anybody."""
    for name in ("read_statement", "read_receipt", "clear_asset"):
        for theirs, absent in ALIKE[name](served)[:1]:
            assert served.answer(theirs, served.rival)[0] == 200
            assert served.answer(theirs, served.rival) != served.answer(absent, served.rival)


@pytest.mark.parametrize("name", WRITES)
def test_what_another_says_is_not_taken_from_this_token(served: Served, name: str) -> None:
    world = served.world
    said: dict[str, tuple[type[st.Statement], dict[str, Any]]] = {
        "publish_template": (st.Template, {
            "template": template_ref(world.documents["rival"]), "action": "superseded"}),
        "record_project": (st.Project, _project_fields(world, "rival")),
        "register_assets": (st.Asset, {
            "project": PROJECTS["rival"], "media": [world.medium(f"stolen by {name}", ["eve"])]}),
        "dispute_assets": (st.Dispute, {"assets": [film(served)], "status": "open"}),
    }  # fmt: skip
    paid = st.Fulfilment, {"condition": "paid", "status": "met", "assets": [film(served)]}
    kind, fields = said.get(name, paid)
    before = world.size
    envelope = world.say(issuer_of("rival"), kind, **fields)
    status, _, body = served.answer(Ask("POST", WRITES[name], envelope, JSON), served.studio)
    assert (status, json.loads(body)["code"], world.size) == (403, "issuer_not_yours", before)


def test_registering_what_another_registered_is_answered_as_if_nobody_had(served: Served) -> None:
    world = served.world
    for name in ("rival/film", "new"):
        medium = world.medium(name, ["ada"], ["ada"])
        envelope = world.say(issuer_of("studio"), st.Asset, project=PROJECTS["studio"], media=[medium])
        status, _, body = served.answer(Ask("POST", "/v1/statements", envelope, JSON), served.studio)
        assert (status, set(json.loads(body))) == (201, {"id", "entry", "recorded_at", "sealed", "checkpoint"})


def test_an_answer_that_is_held_for_one_is_no_answer_for_another(served: Served) -> None:
    ask = Ask("POST", "/v1/clearance", lines(question(hash_of("rival/late"), "internal")), JSON)
    served.world.submit("rival", "rival/late", ["eve"])
    status, headers, theirs = served.answer(ask, served.rival)
    _, mine, body = served.answer(ask, served.studio)
    assert (status, json.loads(theirs)["verdict"], json.loads(body)["verdict"]) == (200, "allow", "undetermined")
    held = ask._replace(headers=JSON | {"If-None-Match": headers["etag"]})
    absent = held._replace(body=lines(question("sha256:" + ABSENT, "internal")))
    assert served.answer(held, served.studio)[:1] == served.answer(absent, served.studio)[:1]
    assert mine["cache-control"] == "no-store"


def test_an_idempotency_key_of_another_organisation_is_not_there(served: Served) -> None:
    for who, name in ((served.rival, "rival"), (served.studio, "studio")):
        envelope = served.world.say(issuer_of(name), st.Project, **_project_fields(served.world, name))
        ask = Ask("POST", "/v1/statements", envelope, JSON | {"Idempotency-Key": "the-same-key"})
        status, headers, _ = served.answer(ask, who)
        assert (status, headers.get("idempotency-replayed")) == (201, None)


def test_a_cursor_of_anothers_list_shows_nothing_of_it(served: Served) -> None:
    for _ in range(3):
        bearer(served.world.ledger, party_of("rival"), SCOPES)
    _, _, page = served.answer(Ask("GET", "/v1/tokens?limit=1"), served.rival)
    cursor = json.loads(page)["next_cursor"]
    assert cursor is not None
    status, _, body = served.answer(Ask("GET", f"/v1/tokens?limit=1&cursor={cursor}"), served.studio)
    assert status == 422 or party_of("rival") not in body


def _project_fields(world: Neighbours, name: str) -> dict[str, Any]:
    refs = [template_ref(world.documents[name])]
    common = {"title": "again", "brief": "", "flags": [], "templates": refs}
    return {"project": PROJECTS[name], "controller": party_of(name), **common}
