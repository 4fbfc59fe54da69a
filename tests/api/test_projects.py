"""Projects, templates and what is asked of people, over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from consent_ledger.api.app import create_app
from consent_ledger.issuing import template_ref
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.statements import Prohibition
from consent_ledger.resources import template_root
from consent_ledger.template_files import read_template
from tests.api.asking import JSON, bearer
from tests.world import OFFER, PROJECT, World, hash_of, party_of, template

SHIPPED = read_template(template_root() / "open-video-dataset/1.0")


@pytest.fixture
def studio(world: World) -> Iterator[TestClient]:
    """The organisation whose project it is."""
    with TestClient(create_app(world.ledger), raise_server_exceptions=False) as client:
        client.headers.update(bearer(world.ledger, party_of("studio")))
        yield client


def publication(world: World, document: object) -> bytes:
    assert isinstance(document, type(OFFER))
    return world.say(world.studio, st.Template, template=template_ref(document), action="published", document=document)


def project(world: World, name: str, **fields: object) -> bytes:
    usual: dict[str, object] = {
        "project": name, "controller": world.studio.party, "title": name, "brief": "",
        "templates": [template_ref(OFFER)], "flags": [],
    }  # fmt: skip
    return world.say(world.studio, st.Project, **(usual | fields))


def test_a_template_is_published_read_and_listed_and_never_changes(world: World, studio: TestClient) -> None:
    mine = template("mine", *OFFER.rules)
    told = studio.post("/v1/templates", content=publication(world, mine), headers=JSON)
    assert told.status_code == 201
    digest = template_ref(mine).digest
    read = studio.get(f"/v1/templates/{digest}").json()
    assert (read["digest"], read["document"]["id"], read["events"]) == (digest, "mine", [])
    assert [t["id"] for t in studio.get("/v1/templates").json()["items"]] == ["films", "mine"]

    edited = template("mine", *OFFER.rules[:2])
    refused = studio.post("/v1/templates", content=publication(world, edited), headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (409, "template_exists")

    over = world.say(world.studio, st.Template, template=template_ref(mine), action="superseded")
    assert studio.post("/v1/templates", content=over, headers=JSON).status_code == 201
    assert [e["action"] for e in studio.get(f"/v1/templates/{digest}").json()["events"]] == ["superseded"]
    assert [t["status"] for t in studio.get("/v1/templates").json()["items"]] == ["published", "superseded"]


def test_a_route_takes_its_own_statements_only(world: World, studio: TestClient) -> None:
    size = world.size
    for path in ("/v1/templates", "/v1/assets", "/v1/submissions/accept", "/v1/disputes"):
        refused = studio.post(path, content=project(world, "other"), headers=JSON)
        assert (refused.status_code, refused.json()["code"]) == (422, "wrong_statement"), path
    assert world.size == size
    assert studio.post("/v1/projects", content=project(world, "other"), headers=JSON).status_code == 201


def test_a_template_is_linted_as_the_command_line_does(studio: TestClient) -> None:
    folder = template_root() / "open-video-dataset/1.0"
    toml = (folder / "template.toml").read_text()
    draft = {
        "template_toml": toml,
        "texts": {language: w.raw.decode() for language, w in SHIPPED.texts.items()},
        "summaries": {language: w.raw.decode() for language, w in SHIPPED.summaries.items()},
    }
    told = studio.post("/v1/templates/lint", json=draft).json()
    assert (told["id"], told["publishable"]) == ("open-video-dataset", True)
    assert {f["severity"] for f in told["findings"]} == {"note"}
    broken = {**draft, "template_toml": toml.replace('consent = "any_time"', 'consent = "not_revocable"')}
    found = studio.post("/v1/templates/lint", json=broken).json()
    assert not found["publishable"]
    assert any(f["severity"] == "error" for f in found["findings"])
    lost = studio.post("/v1/templates/lint", json={**draft, "texts": {}})
    assert (lost.status_code, lost.json()["code"]) == (400, "malformed")


def test_two_versions_are_compared_in_every_language_that_is_kept(world: World, studio: TestClient) -> None:
    before = SHIPPED.document(world.studio.party)
    texts = {name: w.raw for name, w in SHIPPED.texts.items()}
    texts["nl"] = texts["nl"].replace(b"video's", b"filmpjes", 1)
    digests = {}
    for raw in texts.values():
        kept = studio.post("/v1/wordings", content=raw, headers={"Content-Type": "text/markdown"})
        assert kept.status_code == 201
        digests[raw] = kept.json()["digest"]
        assert studio.get(kept.headers["location"]).content == raw
    changed = {
        name: type(said)(text=digests[texts[name]], summary=said.summary) for name, said in before.languages.items()
    }
    after = type(before)(**{f: getattr(before, f) for f in before.__struct_fields__} | {
        "version": "1.1", "languages": changed})  # fmt: skip
    for document in (before, after):
        assert studio.post("/v1/templates", content=publication(world, document), headers=JSON).status_code == 201
    query = f"before={template_ref(before).digest}&after={template_ref(after).digest}"
    told = studio.get(f"/v1/templates/diff?{query}")
    assert told.json()["same_terms"]
    assert told.json()["missing"] == []
    assert [c["where"] for c in told.json()["changes"]] == ["rules", "text nl"]
    assert "filmpjes" in told.json()["changes"][1]["after"]
    assert studio.get(f"/v1/templates/diff?{query}", headers={"If-None-Match": told.headers["etag"]}).status_code == 304


def test_a_project_is_read_with_what_it_asks_and_counted(world: World, studio: TestClient) -> None:
    read = studio.get(f"/v1/projects/{PROJECT}").json()
    assert (read["project"], read["controller"], read["title"]) == (PROJECT, party_of("studio"), "films")
    assert read["offers"][0]["always"] == ["inside"]
    assert read["offers"][0]["questions"] == ["release", "faces", "never"]
    told = studio.get(f"/v1/projects/{PROJECT}/progress").json()
    assert (told["signed"], told["registered"], told["size"]) == (2, 3, world.size)
    assert told["invited"] == dict.fromkeys(("total", "created", "opened", "answered", "cancelled", "expired"), 0)
    cleared = {c["purpose"]: (c["allow"], c["deny"], c["undetermined"]) for c in told["cleared"]}
    assert cleared["commercial-training"] == (2, 0, 1)
    assert cleared["open-training"] == (1, 1, 1)
    missing = studio.get("/v1/projects/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "project_unknown")


def test_progress_counts_what_single_questions_say(world: World, studio: TestClient) -> None:
    world.revoke("ada", uses=Prohibition(min_audience="open"))
    world.register(world.operator, st.Dispute, assets=[hash_of("his")], status="open")
    purpose = {
        "activities": ["train"], "aims": ["general"], "context": "commercial", "audience": "open",
        "territories": ["WORLD"], "licence": "CC-BY-4.0",
    }  # fmt: skip
    asked = [
        studio.post("/v1/clearance", json={**purpose, "asset": hash_of(name)}).json()["verdict"]
        for name in ("hers", "his", "theirs")
    ]
    told = studio.get(f"/v1/projects/{PROJECT}/progress").json()
    counted = next(c for c in told["cleared"] if c["purpose"] == "open-training")
    assert [counted[v] for v in ("allow", "deny", "undetermined")] == [
        asked.count(v) for v in ("allow", "deny", "undetermined")
    ]


def test_pages_stay_the_same_while_more_is_recorded(world: World, studio: TestClient) -> None:
    names = [f"p{n}" for n in range(7)]
    for name in names:
        studio.post("/v1/projects", content=project(world, name), headers=JSON)
    seen: list[str] = []
    url: str | None = "/v1/projects?limit=3"
    while url is not None:
        page = studio.get(url)
        seen += [item["project"] for item in page.json()["items"]]
        if len(seen) == 3:
            studio.post("/v1/projects", content=project(world, "late"), headers=JSON)
            studio.post("/v1/projects", content=project(world, names[0], title="anew"), headers=JSON)
        following = page.links.get("next", {}).get("url")
        assert (following is None) == (page.json()["next_cursor"] is None)
        url = following
    assert seen == [PROJECT, *names, "late"]


@pytest.mark.parametrize("cursor", ["AAAA", "x", "====", "a" * 401, "AAAAAAAAIntd", "é"])
def test_a_cursor_that_was_not_given_out_is_refused(studio: TestClient, cursor: str) -> None:
    refused = studio.get("/v1/projects", params={"cursor": cursor})
    assert refused.status_code == 422
    for item in refused.json()["errors"]:
        assert item["pointer"] == "/cursor"


def test_a_cursor_is_of_one_list(world: World, studio: TestClient) -> None:
    for name in ("one", "two"):
        studio.post("/v1/projects", content=project(world, name), headers=JSON)
    cursor = studio.get("/v1/projects?limit=1").json()["next_cursor"]
    refused = studio.get("/v1/templates", params={"cursor": cursor})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_cursor")


def test_what_did_not_change_is_not_sent_again(world: World, studio: TestClient, tmp_path: Path) -> None:
    for path in (f"/v1/projects/{PROJECT}", "/v1/projects", "/v1/templates", f"/v1/assets/{hash_of('hers')}"):
        first = studio.get(path)
        again = studio.get(path, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b""), path
    studio.post("/v1/projects", content=project(world, PROJECT, title="anew"), headers=JSON)
    held = {"If-None-Match": first.headers["etag"]}
    assert studio.get(f"/v1/projects/{PROJECT}", headers=held).json()["title"] == "anew"
