"""S4: silence is not permission (what registration sees of it)."""

import json
from typing import Any

import pytest

from consent_ledger.keyfile import read_key_file
from consent_ledger.signing.envelope import sign_envelope
from tests.scenarios.playing import INTERNAL, OPEN, Stage, media

FILM = media("film")


@pytest.fixture
def studio(stage: Stage) -> Stage:
    stage.do("org", "enrol", "studio")
    stage.do("party", "add", "anna", "--adult", "--by", "studio")
    stage.do("template", "publish", "open-video-dataset/1.0", "--by", "studio")
    stage.do("project", "create", "films", "--by", "studio", "--title", "Films", "--template", "open-video-dataset/1.0")
    stage.register([{"hash": FILM, "owners": ["anna"], "subjects": ["anna"]}], "films", "studio")
    return stage


def submitted(stage: Stage, signer: str, choices: str = '{"open":false}') -> dict[str, Any]:
    """What becomes of a grant by anna that `signer` signed, whose `choices` are spelled so."""
    granted = stage.do("grant", "--party", "anna", "--project", "films", "--no", "open")
    payload = json.loads(stage.do("statement", "show", granted)) | {"nonce": "0" * 32}
    spelled = json.dumps(payload, sort_keys=True, separators=(",", ":"))
    raw = spelled.replace('"choices":{"open":false}', f'"choices":{choices}').encode()
    envelope = sign_envelope(raw, read_key_file(stage.home / f"keys/{signer}.key")).decode()
    told: dict[str, Any] = json.loads(stage.run("statement", "submit", "-", "--ndjson", stdin=envelope).out)
    return told


def test_s4_an_untouched_question_permits_nothing(studio: Stage) -> None:
    studio.do("grant", "--party", "anna", "--project", "films", "--no", "open")
    assert studio.verdict(FILM, *INTERNAL)[0] == "allow"
    assert studio.verdict(FILM, *OPEN)[0] == "deny"


def test_s4_an_answer_that_is_left_out_is_asked_for(studio: Stage) -> None:
    size = studio.size()
    ran = studio.run("grant", "--party", "anna", "--project", "films")
    assert (ran.code, studio.size()) == (1, size)
    assert "optional rule `open` is not answered" in ran.err
    told = submitted(studio, "anna", "{}")
    assert (told["code"], told["errors"][0]["pointer"]) == ("choice_missing", "/choices/open")


def test_s4_null_is_no_answer(studio: Stage) -> None:
    told = submitted(studio, "anna", '{"open":null}')
    assert told["code"] == "malformed"  # no statement holds null (formats.md 1); what a page sends is tested with it


def test_s4_staff_cannot_sign_for_a_contributor(studio: Stage) -> None:
    size = studio.size()
    staff = studio.home / "keys/studio.key"
    ran = studio.run("grant", "--party", "anna", "--project", "films", "--yes", "open", "--key-file", staff)
    assert (ran.code, studio.size()) == (1, size)
    assert "no key of" in ran.err
    assert submitted(studio, "studio")["code"] == "signer_must_be_grantor"
