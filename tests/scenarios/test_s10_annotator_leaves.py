"""S10: an annotator leaves (the ledger's part: the labels stay, the thank-you does not)."""

import json
import re
import shutil
from pathlib import Path

import pytest

from consent_ledger.resources import template_root
from tests.scenarios.playing import OPEN, Stage, media

LABELS = [media(f"label {n}") for n in range(1_940)]
CREDITS = media("credits")
USE = ("--activity", "train", "--aim", "general", "--context", "commercial", "--audience", "internal")
SHOW = ("--activity", "display", *OPEN[2:])


@pytest.fixture
def work(stage: Stage) -> Stage:
    """Somebody who assigned 1,940 labels and let herself be thanked by name, apart from it."""
    stage.do("org", "enrol", "lab")
    stage.do("party", "add", "annotator", "--adult", "--by", "lab")
    stage.do("template", "publish", "annotation-agreement/1.0", "--by", "lab")
    offer = ("--template", "annotation-agreement/1.0")
    stage.do("project", "create", "labels", "--by", "lab", "--title", "Labels", *offer)
    stage.do("grant", "--party", "annotator", "--project", "labels", "--language", "nl", "--yes", "thanks")
    kind = {"media_type": "application/json"}
    stage.register([{"hash": label, "subjects": [], **kind} for label in LABELS], "labels", "annotator")
    stage.register([{"hash": CREDITS, "subjects": ["annotator"], **kind}], "labels", "annotator")
    return stage


def test_s10_the_labels_stay_and_the_thank_you_does_not(work: Stage) -> None:
    (granted,) = json.loads(work.do("party", "show", "annotator"))["grants"]
    signed = json.loads(work.do("statement", "show", granted["id"]))
    assert (signed["language"], signed["choices"]) == ("nl", {"thanks": True})
    assert work.counts(LABELS, *USE) == (1_940, 0, 0)
    assert work.verdict(CREDITS, *SHOW) == ("allow", "granted")
    work.do("revoke", "--party", "annotator", "--all", "--by", "ledger", "--channel", "erasure_request", "--yes")
    assert work.counts(LABELS, *USE) == (1_940, 0, 0)
    assert work.counts(LABELS, *OPEN) == (1_940, 0, 0)
    assert work.verdict(CREDITS, *SHOW) == ("deny", "revoked")


def test_s10_consent_of_workers_of_a_public_body_wants_an_override(stage: Stage, tmp_path: Path) -> None:
    public = ("--flag", "public_body_involved", "--json")
    shipped = json.loads(stage.do("template", "lint", "annotation-agreement", *public))[0]["findings"]
    assert [f["code"] for f in shipped if f["severity"] != "note"] == []
    assert "voluntary_thanks_apart_from_the_work" in shipped[0]["problem"]

    shutil.copytree(template_root() / "annotation-agreement/1.0", tmp_path / "own")
    toml = tmp_path / "own/template.toml"
    without = re.sub(r"\[overrides\]\nworker_consent = .*\n", "", toml.read_text())
    toml.write_text(without)
    ran = stage.run("template", "lint", tmp_path / "own", *public)
    found = json.loads(ran.out)[0]["findings"]
    assert ran.code == 1
    assert [f["code"] for f in found if f["severity"] == "error"] == ["worker_consent"]
