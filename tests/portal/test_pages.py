"""The auditor's pages: what they show to whom, without a browser."""

import io
import json
import re
import tarfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from litestar.testing import TestClient

from consent_ledger.api.app import create_app
from consent_ledger.audit.proofs import inclusion_ids, prove_inclusion
from consent_ledger.audit.receipt import verify_receipt
from consent_ledger.audit.tree import Frontier, leaf_hash, node_hash
from consent_ledger.portal.browsing import sides
from consent_ledger.portal.routes import ROUTES
from consent_ledger.verification import verify_bundle
from tests.api.asking import bearer
from tests.ledgers.neighbours import Neighbours
from tests.world import hash_of, party_of

PAGES = (
    "/audit", "/audit/log", "/audit/log?before=5", "/audit/log/0", "/audit/log/30", "/audit/checkpoints",
    "/audit/erasures", "/audit/verifications", "/audit/verifications/1", "/audit/take",
)  # fmt: skip


@pytest.fixture(scope="module")
def client(world: Neighbours) -> Iterator[TestClient]:
    with TestClient(create_app(world.ledger), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def operator(world: Neighbours) -> dict[str, str]:
    return bearer(world.ledger, None, ["audit:read"])


@pytest.fixture(scope="module")
def studio(world: Neighbours) -> dict[str, str]:
    return bearer(world.ledger, party_of("studio"), ["audit:read"])


class Outline(HTMLParser):
    """What a page is made of: tags that are open, ids, heading levels, and all that a reader of it may trip on."""

    VOID = frozenset({"meta", "link", "input", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.levels: list[int] = []
        self.labelled: set[str] = set()
        self.inputs: list[str] = []
        self.wrong: list[str] = []
        self.language = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in self.VOID and tag not in ("path", "circle", "rect"):
            self.open.append(tag)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.wrong += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        self.wrong += ["inline script"] if tag == "script" and "src" not in given else []
        self.wrong += ["inline style"] if tag == "style" else []
        self.wrong += [f"{tag} from elsewhere" for name in ("src", "href") if "//" in (given.get(name) or "")]
        if tag in ("h1", "h2", "h3"):
            self.levels.append(int(tag[1]))
        if tag == "html":
            self.language = given.get("lang") or ""
        if tag == "label":
            self.labelled.add(given.get("for") or "")
        if tag == "input" and given.get("type") != "hidden":
            self.inputs.append(given.get("id") or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in ("path", "circle", "rect"):
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"stray </{tag}>")


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_sound_in_both_languages(
    client: TestClient, operator: dict[str, str], studio: dict[str, str], path: str, language: str
) -> None:
    for who in (operator, studio):
        response = client.get(path, headers={**who, "Accept-Language": language})
        assert response.status_code == 200
        outline = Outline(response.text)
        assert (outline.wrong, outline.open, outline.language) == ([], [], language)
        assert len(set(outline.ids)) == len(outline.ids)
        assert set(outline.inputs) <= outline.labelled
        assert outline.levels[0] == 1
        assert outline.levels.count(1) == 1
        assert all(after - before <= 1 for before, after in zip(outline.levels, outline.levels[1:], strict=False))
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'")
        assert "unsafe" not in policy
        assert response.headers["cache-control"] == "no-store"


def test_the_language_that_is_asked_for_stays_in_every_link(client: TestClient, operator: dict[str, str]) -> None:
    html = client.get("/audit/log?before=40&lang=nl", headers=operator).text
    assert '<html lang="nl">' in html
    assert 'href="/audit/log/39?lang=nl"' in html
    assert 'href="/audit/log?before=40&amp;lang=en"' in html
    assert client.get("/audit/log?entry=7&lang=nl", headers=operator, follow_redirects=False).headers["location"] == (
        "/audit/log/7?lang=nl"
    )


def test_an_organisations_auditor_sees_nothing_of_another(
    client: TestClient, world: Neighbours, studio: dict[str, str], operator: dict[str, str]
) -> None:
    own, secrets = {party_of("studio")}, {party_of("rival"), party_of("eve"), hash_of("rival/film"), "gdpr_17"}
    secrets |= {receipt.id for receipt in world.said["rival"].values()} - {world.said["rival"]["template"].id}
    paths = [*PAGES, "/audit/log?before=50", "/audit/report.json", *(f"/audit/log/{n}" for n in range(world.size))]
    for path in paths:
        text = client.get(path, headers=studio).text
        assert [secret for secret in secrets - own if secret in text.replace(_published(world), "")] == [], path
    assert party_of("rival") in client.get("/audit/log/5", headers=operator).text + "".join(
        client.get(f"/audit/log/{n}", headers=operator).text for n in range(12, 20)
    )


def _published(world: Neighbours) -> str:
    """The rival as the issuer of its template, which is for everybody to read."""
    return f"<dt>Said by</dt><dd><code>{party_of('rival')}</code></dd>"


def test_no_page_shows_what_a_statement_says(client: TestClient, operator: dict[str, str], world: Neighbours) -> None:
    texts = "".join(client.get(f"/audit/log/{n}", headers=operator).text for n in range(world.size))
    for said in (hash_of("studio/film"), "what studio does", "video/mp4", "own_key"):
        assert said not in texts


@pytest.mark.parametrize("path", [*PAGES, "/audit/report.pdf", "/audit/bundle/withheld.tar", "/audit/log/3/tlog-proof"])
def test_who_may_not_look_gets_a_page_that_says_so(client: TestClient, world: Neighbours, path: str) -> None:
    nobody = client.get(path)
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert nobody.headers["content-type"] == "text/html; charset=utf-8"
    assert 'href="/audit/sign-in"' in nobody.text
    other = client.get(path, headers=bearer(world.ledger, None, ["clearance:read"]))
    assert (other.status_code, "scope_missing" in other.text) == (403, True)
    assert Outline(other.text).wrong == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/audit/log/99999", 404), ("/audit/log/x", 422), ("/audit/log/01", 422), ("/audit/log/" + "9" * 400, 422),
        ("/audit?x=1", 422), ("/audit?lang=fr", 422), ("/audit/log?before=-1", 422), ("/audit/verifications/7", 404),
        ("/audit/verifications/x", 422), ("/audit/bundle/other.tar", 403), ("/audit/log/1?lang=%3Cscript%3E", 422),
    ],
)  # fmt: skip
def test_what_is_not_there_is_a_page_too(client: TestClient, operator: dict[str, str], path: str, status: int) -> None:
    response = client.get(path, headers=operator)
    assert (response.status_code, response.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert Outline(response.text).wrong == []
    assert "<script>" not in response.text


def test_the_proof_that_is_taken_away_verifies(client: TestClient, operator: dict[str, str], world: Neighbours) -> None:
    for index in (0, 17, world.size - 1):
        proof = client.get(f"/audit/log/{index}/tlog-proof", headers=operator)
        sealed = client.get(f"/v1/log/entries?start={index}&end={index + 1}").json()["items"][0]["sealed"].encode()
        entry, checkpoint = verify_receipt(proof.content, sealed, [world.ledger.verifier])
        assert (entry.index, checkpoint.size) == (index, world.size)
        assert sealed.decode().replace('"', "&#34;") in client.get(f"/audit/log/{index}", headers=operator).text


def test_the_sides_that_are_shown_lead_to_the_root() -> None:
    leaves = [leaf_hash(b"%d" % n) for n in range(40)]
    for size in range(1, 41):
        frontier, nodes = Frontier().extend(leaves[:size])
        stored = dict(nodes)
        for index in range(size):
            assert stored.keys() >= set(inclusion_ids(index, size))
            found = leaves[index]
            for left, value in zip(sides(index, size), prove_inclusion(index, size, stored), strict=True):
                found = node_hash(value, found) if left else node_hash(found, value)
            assert found == frontier.root()


def test_bundles_are_for_those_who_may_have_them_and_verify(
    client: TestClient, world: Neighbours, operator: dict[str, str], studio: dict[str, str], tmp_path: Path
) -> None:
    for who, what in ((operator, "all"), (operator, "withheld"), (studio, "own"), (studio, "withheld")):
        response = client.get(f"/audit/bundle/{what}.tar", headers=who)
        assert (response.status_code, response.headers["content-type"]) == (200, "application/x-tar")
        place = tmp_path / f"{what}-{len(response.content)}.tar"
        place.write_bytes(response.content)
        report = verify_bundle(place, vkey=world.ledger.vkey, jobs=1)
        assert (report.findings, report.counts.entries) == ((), world.size)
    assert client.get("/audit/bundle/all.tar", headers=studio).status_code == 403
    assert client.get("/audit/bundle/own.tar", headers=operator).status_code == 403
    with tarfile.open(fileobj=io.BytesIO(response.content)) as tar:
        names = tar.getnames()
    assert {"checkpoint", "openings.ndjson"} <= {name.rpartition("/")[2] for name in names}


def test_the_report_is_served_as_it_is_made(
    client: TestClient, studio: dict[str, str], operator: dict[str, str]
) -> None:
    data = client.get("/audit/report.json", headers=studio)
    assert json.loads(data.content)["viewer"] == party_of("studio")
    pdf = client.get("/audit/report.pdf?lang=nl", headers=operator)
    assert (pdf.status_code, pdf.headers["content-type"], pdf.content[:5]) == (200, "application/pdf", b"%PDF-")


def test_style_and_script_are_kept_for_good_under_their_digest(client: TestClient, operator: dict[str, str]) -> None:
    html = client.get("/audit/log/3", headers=operator).text
    for name in ("portal.css", "proof.js"):
        path = next(part for part in html.split('"') if part.endswith(name))
        response = client.get(path)
        assert "immutable" in response.headers["cache-control"]
        assert client.get(path.replace(path.split("/")[2], "0" * 16)).status_code == 404


def test_every_page_is_in_the_tests_above() -> None:
    tested = {*PAGES, "/audit/log/7/tlog-proof", "/audit/report.pdf", "/audit/report.json", "/audit/bundle/own.tar"}
    spelled = {re.sub(r"/\d+|(?<=bundle/)\w+\.tar", lambda m: "/{}" if m[0][0] == "/" else "{}", p.partition("?")[0])
               for p in tested}  # fmt: skip
    paths = {re.sub(r"\{\w+:\w+\}", "{}", path) for handler in ROUTES for path in handler.paths}
    assert paths - spelled == {"/audit/sign-in", "/assets/{}/{}"}


def test_every_page_wants_a_scope_but_the_sign_in_and_the_files() -> None:
    free = {handler.name for handler in ROUTES if handler.opt["operation"].scope is None}
    assert free == {"sign_in_page", "asset"}
    assert {handler.opt["operation"].scope for handler in ROUTES} == {None, "audit:read"}
