"""S1, S3 and S11 over HTTP, on the Twine dataset: one story for each database, and every verdict of it beside what the
command line says of the same ledger.

PostgreSQL has it at full size, 3,000 people with 24,000 videos. SQLite has a tenth: at full size it is asked, through
the same reading of the facts, by the scenarios of the command line.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from litestar.testing import TestClient

from consent_ledger.api.app import create_app
from consent_ledger.api.exposure import Exposure
from consent_ledger.api.limits import Limits, Rate
from consent_ledger.issuing import grant_fields, template_ref
from consent_ledger.ledger import Ledger
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.templates import parse_template
from consent_ledger.licenses.terms import Prohibition, TemplateDocument
from consent_ledger.resources import template_root
from consent_ledger.settings import write_settings
from consent_ledger.signing.instants import SECOND, format_time, parse_time
from tests.api.asking import JSON, NDJSON, bearer
from tests.ledgers import twine
from tests.ledgers.twine import PROJECT, Twine, key_for
from tests.scenarios.new_terms import ANSWERS, INFER, QUESTIONS, RULE, TEXTS
from tests.scenarios.playing import OPEN, Stage
from tests.stores import new_store

UNLIMITED = Exposure(limits=Limits(*[Rate(0, 0)] * len(Limits._fields)))
FOLDER = template_root() / "open-video-dataset/1.0"
USE = {"activities": ["train"], "aims": ["general"], "context": "commercial", "territories": ["WORLD"]}
OPEN_USE = {**USE, "audience": "open", "licence": "CC-BY-4.0"}
INTERNAL_USE = {**USE, "audience": "internal"}
VERDICTS = ("allow", "deny", "undetermined")
PEOPLE = {"postgresql": 3_000, "sqlite": 300}


def template(version: str, publisher: str) -> tuple[TemplateDocument, list[bytes]]:
    """The shipped template in a version: 1.1 without a typo, 2.0 with one more question. And its wordings."""
    toml = (FOLDER / "template.toml").read_text().replace('version = "1.0"', f'version = "{version}"')
    wordings: dict[str, dict[str, bytes]] = {"text": {}, "summary": {}}
    for path in FOLDER.glob("*.md"):
        kind, language, _ = path.name.split(".")
        said = path.read_text()
        if version == "1.1" and kind == "text":
            said = said.replace("their pictures, their sound", "their images, their sound")
        if version == "2.0":
            said += {"text": TEXTS, "summary": QUESTIONS}[kind][language]
        wordings[kind][language] = said.encode()
    files = parse_template((toml + (RULE if version == "2.0" else "")).encode(), wordings["text"], wordings["summary"])
    return files.document(publisher), [raw for by_language in wordings.values() for raw in by_language.values()]


class Shipped(Twine):
    """The dataset under the template that comes with the program."""

    def document(self) -> TemplateDocument:
        return template("1.0", self.organisation.party)[0]


class Twined(NamedTuple):
    """The dataset, served to its organisation."""

    dataset: Shipped
    client: TestClient
    stage: Stage
    now: list[int]

    @property
    def people(self) -> int:
        return self.dataset.contributors

    @property
    def everything(self) -> list[tuple[int, int, int]]:
        """Of open release, and of training inside: one in twenty does not permit the first."""
        return [(8 * self.people * 19 // 20, 8 * self.people // 20, 0), (8 * self.people, 0, 0)]

    def verdicts(self, use: dict[str, Any], assets: Sequence[str]) -> list[dict[str, Any]]:
        rest = json.dumps(use)[1:]
        body = "".join(f'{{"asset":"{asset}",{rest}\n' for asset in assets)
        answered = self.client.post("/v1/clearance/bulk", content=body, headers=NDJSON)
        found: list[dict[str, Any]] = [msgspec.json.decode(line) for line in answered.content.splitlines()]
        assert [one["asset"] for one in found] == list(assets)
        return found

    def counts(self, use: dict[str, Any], words: Sequence[str]) -> tuple[int, ...]:
        """How many allow, deny and are undetermined; each asset as the command line says."""
        assets = self.dataset.assets()
        told = [one["verdict"] for one in self.verdicts(use, assets)]
        assert told == [row["verdict"] for row in self.stage.check(assets, *words).rows]
        counted = Counter(told)
        return tuple(counted[verdict] for verdict in VERDICTS)

    def cleared(self) -> list[tuple[int, ...]]:
        """What the board says of the project: open and commercial training."""
        told = self.client.get(f"/v1/projects/{PROJECT}/progress").json()
        assert (told["signed"], told["registered"]) == (self.people, 8 * self.people)
        found = {c["purpose"]: tuple(c[verdict] for verdict in VERDICTS) for c in told["cleared"]}
        return [found["open-training"], found["commercial-training"]]

    def ask(self, use: dict[str, Any], asset: str, **point: Any) -> tuple[str, set[str], int]:
        told = self.client.post("/v1/clearance", json={**use, "asset": asset, **point}).json()
        return told["verdict"], {reason["code"] for reason in told["reasons"]}, told["size"]

    def say(self, envelopes: Sequence[bytes], **headers: str) -> list[dict[str, Any]]:
        """Register them, one a line, and return their receipts."""
        answered = self.client.post("/v1/statements", content=b"\n".join(envelopes), headers=NDJSON | headers)
        told = [json.loads(line) for line in answered.text.splitlines()]
        assert len(told) == len(envelopes)
        assert not [line for line in told if "error" in line][:3]
        return told

    def wait(self) -> int:
        self.now[0] += 10 * SECOND
        return self.now[0]


@pytest.fixture
def twined(store_url: str, tmp_path: Path) -> Iterator[Twined]:
    dataset, now = Shipped(PEOPLE[store_url.partition(":")[0]]), [twine.START]
    home = tmp_path / "stage/home"
    home.mkdir(parents=True)
    write_settings(home, store_url)
    with new_store(store_url) as store:
        ledger = Ledger.create(store, dataset.genesis(), key_for("operator"), key_for("log"), clock=lambda: now[0])
        with TestClient(create_app(ledger, exposure=UNLIMITED)) as client:
            organisation, *setting = dataset.setting()
            told = client.post("/v1/statements", content=organisation, headers=JSON | bearer(ledger))
            assert told.status_code == 201
            client.headers.update(bearer(ledger, dataset.organisation.party))
            served = Twined(dataset, client, Stage(tmp_path / "stage"), now)
            served.say([*setting, *dataset.enrolments()])
            media = list(dataset.registrations())
            answered = client.post("/v1/assets", content=b"\n".join(media), headers=NDJSON)
            assert (answered.text.count('"sealed"'), answered.text.count('"error"')) == (dataset.contributors, 0)
            served.say(list(dataset.grants()))
            yield served


def test_s1_s3_and_s11_over_http(twined: Twined) -> None:
    first_release(twined)
    partial_withdrawal(twined)
    new_terms(twined)


def first_release(twined: Twined) -> None:
    """S1: everything is allowed but what somebody did not permit."""
    dataset = twined.dataset
    assert twined.counts(OPEN_USE, OPEN) == twined.everything[0]
    makers = {dataset.video(i, k): dataset.issuer(i).party for i in range(twined.people) for k in range(8)}
    asked = dataset.assets()[:4_000]
    denied = [one for one in twined.verdicts(OPEN_USE, asked) if one["verdict"] == "deny"]
    assert len(denied) == len(asked) // 20
    assert all({r["party"] for r in one["reasons"]} == {makers[one["asset"]]} for one in denied)

    assert twined.cleared() == twined.everything
    asked = dataset.assets()[:8_000]
    told = twined.client.post("/v1/clearance/explain", json={**OPEN_USE, "assets": asked}).json()
    (want,) = told["wants"]
    assert (told["checked"], told["cleared"]) == (len(asked), len(asked) * 19 // 20)
    assert (want["assets"], want["parties"]) == (len(asked) // 20, len(asked) // 160)
    assert (want["template"], want["questions"]) == ("open-video-dataset 1.0", ["open"])


def partial_withdrawal(twined: Twined) -> None:
    """S3: somebody withdraws open release alone, and the past stays as it was."""
    i = twined.people // 6
    person, asset = twined.dataset.issuer(i), twined.dataset.video(i, 0)
    at = twined.wait()
    withdrawal = person.say(st.Revocation, at, party=person.party, channel="key", uses=Prohibition(min_audience="open"))
    told = twined.client.post("/v1/statements", content=withdrawal, headers=JSON)
    assert told.status_code == 201
    entry = told.json()["entry"]
    before = format_time(parse_time(told.json()["recorded_at"]) - SECOND)
    assert twined.ask(INTERNAL_USE, asset) == ("allow", {"granted"}, entry + 1)
    assert twined.ask(OPEN_USE, asset) == ("deny", {"revoked"}, entry + 1)
    assert twined.ask(OPEN_USE, asset, as_of=before) == ("allow", {"granted"}, entry + 1)
    assert twined.ask(OPEN_USE, asset, known_at=before)[::2] == ("allow", entry)
    assert twined.stage.verdict(asset, *OPEN) == ("deny", "revoked")

    again = twined.client.post("/v1/statements", content=withdrawal, headers=JSON)
    assert (again.status_code, again.content) == (200, told.content)
    twined.wait()
    granted = twined.dataset.grant(i, grant_fields(twined.dataset.document(), "en", {"open": True}))
    assert twined.client.post("/v1/statements", content=granted, headers=JSON).json()["entry"] == entry + 1
    assert twined.ask(OPEN_USE, asset) == ("allow", {"granted"}, entry + 2)


def new_terms(twined: Twined) -> None:
    """S11: a corrected typo asks nobody again; a new use is asked of everybody apart; a version never changes."""
    organisation, now = twined.dataset.organisation, twined.wait()
    documents = {}
    for version in ("1.0", "1.1", "2.0"):
        documents[version], wordings = template(version, organisation.party)
        for raw in wordings:
            sent = twined.client.post("/v1/wordings", content=raw, headers={"Content-Type": "text/markdown"})
            assert sent.status_code == 201
    publish(twined, documents["1.1"], now)
    offer(twined, documents["1.1"], now)
    ref = template_ref(documents["1.0"])
    twined.say([organisation.say(st.Template, now, template=ref, action="superseded")])
    assert twined.cleared() == twined.everything

    edited = msgspec.structs.replace(documents["1.1"], obligations=["attribution", "another"])
    size = twined.ask(OPEN_USE, twined.dataset.video(0, 0))[2]
    refused = twined.client.post("/v1/templates", content=publication(twined, edited, now), headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (409, "template_exists")
    assert twined.ask(OPEN_USE, twined.dataset.video(0, 0))[2] == size

    publish(twined, documents["2.0"], now)
    offer(twined, documents["2.0"], now)
    asked = [i for i in range(twined.people) if i % 20 != 7]
    choices = {"yes": {"open": True, "answers": True}, "no": {"open": True, "answers": False}}
    fields = {word: grant_fields(documents["2.0"], "en", choice) for word, choice in choices.items()}
    answers = [(i, ANSWERS[i % 20]) for i in asked if i % 20 in ANSWERS]
    groups = twined.people // 20
    assert (len(asked), Counter(word for _, word in answers)) == (19 * groups, {"yes": 11 * groups, "no": 4 * groups})
    twined.say([twined.dataset.grant(i, fields[word]) for i, word in answers])
    assert twined.counts({**OPEN_USE, "activities": ["infer"]}, INFER) == (88 * groups, 72 * groups, 0)
    assert twined.cleared() == twined.everything

    typo, new = (difference(twined, documents["1.0"], documents[version]) for version in ("1.1", "2.0"))
    assert (typo["same_terms"], typo["missing"], new["same_terms"], new["missing"]) == (True, [], False, [])
    assert {change["where"] for change in typo["changes"]} == {"rules", "text en"}
    said = {change["where"]: change["after"] for change in new["changes"]}
    assert "Finished models" in said["text en"]
    assert "Kant-en-klare modellen" in said["text nl"]


def publication(twined: Twined, document: TemplateDocument, now: int) -> bytes:
    ref = template_ref(document)
    return twined.dataset.organisation.say(st.Template, now, template=ref, action="published", document=document)


def publish(twined: Twined, document: TemplateDocument, now: int) -> None:
    sent = twined.client.post("/v1/templates", content=publication(twined, document, now), headers=JSON)
    assert sent.status_code == 201


def offer(twined: Twined, document: TemplateDocument, now: int) -> None:
    organisation = twined.dataset.organisation
    envelope = organisation.say(
        st.Project, now, project=PROJECT, controller=organisation.party, title="Twine", brief="",
        templates=[template_ref(document)], flags=[],
    )  # fmt: skip
    assert twined.client.post("/v1/projects", content=envelope, headers=JSON).status_code == 201


def difference(twined: Twined, before: TemplateDocument, after: TemplateDocument) -> dict[str, Any]:
    digests = {"before": template_ref(before).digest, "after": template_ref(after).digest}
    told: dict[str, Any] = twined.client.get("/v1/templates/diff", params=digests).json()
    return told
