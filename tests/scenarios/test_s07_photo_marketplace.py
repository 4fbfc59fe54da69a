"""S7: photos that a developer may use once they are accepted and paid."""

import json

import pytest

from consent_ledger.keyfile import read_key_file
from consent_ledger.resources import template_root
from consent_ledger.signing.envelope import sign_envelope
from tests.scenarios.playing import Stage, media

USE = ("--activity", "train", "--aim", "general", "--context", "commercial", "--audience", "recipient")
DEVELOPER = ("--recipient", "developer")
A, B, C, C2 = (media(name) for name in ("A", "B", "C", "C2"))
MARKET = ("--by", "market")


@pytest.fixture
def market(stage: Stage) -> Stage:
    """A maker who submits three photos and has signed for each."""
    stage.do("org", "enrol", "market", "developer", "other")
    stage.do("party", "add", "maker", "--adult", "--by", "market")
    stage.do("template", "publish", "photo-marketplace/1.0", *MARKET, "--parameter", "recipient=developer")
    stage.do("project", "create", "photos", *MARKET, "--title", "Photos", "--template", "photo-marketplace/1.0")
    submit(stage, A, B, C)
    return stage


def submit(stage: Stage, *photos: str, **more: object) -> list[str]:
    """Register photos and sign for each; return the grants."""
    rows = [{"hash": p, "owners": ["maker"], "subjects": [], "media_type": "image/jpeg"} for p in photos]
    stage.register(rows, "photos", "maker")
    return stage.grant_all([{"party": "maker", "assets": [p], **more} for p in photos], "photos")


def test_s7_accepted_and_paid_is_allowed_and_less_is_not(market: Stage) -> None:
    assert market.counts([A, B, C], *USE, *DEVELOPER) == (0, 3, 0)
    market.do("submission", "accept", A, *MARKET)
    assert market.verdict(A, *USE, *DEVELOPER) == ("deny", "precondition_unmet")
    market.do("submission", "paid", A, *MARKET, "--reference", "INV-2026-17")
    market.do("submission", "reject", B, *MARKET, "--reason", "hand_visible")
    assert market.verdict(A, *USE, *DEVELOPER) == ("allow", "granted")
    assert market.verdict(B, *USE, *DEVELOPER) == ("deny", "precondition_unmet")
    other = market.check([A, B, C], *USE, "--recipient", "other")
    assert other.counts == (0, 3, 0)
    assert market.verdict(A, *USE, "--recipient", "other") == ("deny", "recipient_not_granted")


def test_s7_a_photo_that_replaces_another_waits_for_its_payment(market: Stage) -> None:
    signed = json.loads(market.do("party", "show", "maker"))["grants"]
    (replaced,) = (grant["id"] for grant in signed if grant["assets"] == [C])
    submit(market, C2, supersedes=[replaced])
    market.do("submission", "accept", C2, *MARKET)
    assert market.verdict(C2, *USE, *DEVELOPER) == ("deny", "precondition_unmet")
    market.do("submission", "paid", C2, *MARKET, "--reference", "INV-2026-18")
    assert market.verdict(C2, *USE, *DEVELOPER) == ("allow", "granted")
    market.do("submission", "accept", C, *MARKET)
    market.do("submission", "paid", C, *MARKET)
    assert market.verdict(C, *USE, *DEVELOPER) == ("deny", "superseded")


def test_s7_explain_says_what_each_photo_waits_for(market: Stage) -> None:
    market.do("submission", "accept", A, *MARKET)
    market.do("submission", "reject", B, *MARKET, "--reason", "hand_visible")
    assert sorted(market.explain([A, B, C], *USE, *DEVELOPER)) == [
        "1 file waits to be accepted and to be paid for",
        "1 file waits to be paid for",
        "1 file was rejected: accept it after all, or do without",
        "3 checked, 0 cleared",
    ]


def test_s7_nothing_is_rejected_without_a_reason(market: Stage) -> None:
    assert market.run("submission", "reject", B, *MARKET).code == 2
    done = market.do("submission", "reject", B, *MARKET, "--reason", "hand_visible")
    payload = json.loads(market.do("statement", "show", done))
    assert payload.pop("reason") == "hand_visible"
    raw = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
    envelope = sign_envelope(raw, read_key_file(market.home / "keys/market.key")).decode()
    told = json.loads(market.run("statement", "submit", "-", "--ndjson", stdin=envelope).out)
    assert (told["code"], told["errors"][0]["pointer"]) == ("reason_missing", "/reason")


def test_s7_the_maker_reads_first_that_the_photos_stay_hers() -> None:
    summary = (template_root() / "photo-marketplace/1.0/summary.en.md").read_text()
    assert "You still own these photos." in summary
