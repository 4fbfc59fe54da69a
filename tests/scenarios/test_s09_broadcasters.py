"""S9: three broadcasters, their clips, and labels that need the licensor and the annotator."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from consent_ledger.licenses.masks import compile_use
from tests.scenarios.playing import OPEN, Stage, media

BROADCASTERS = ("rtl", "npo", "bg")
USE = ("--activity", "train", "--aim", "general", "--context", "commercial", "--audience", "recipient")
CLIPS = {org: [media(f"{org} clip {n}") for n in range(100)] for org in BROADCASTERS}
LABELS = [media(f"labels of {clip}") for clips in CLIPS.values() for clip in clips]
LICENSEES = {"rtl": BROADCASTERS, "npo": ("npo", "bg"), "bg": BROADCASTERS}


@pytest.fixture
def pool(stage: Stage) -> Stage:
    """300 clips, licensed by those who own them, and labelled by somebody who assigned her labels."""
    stage.do("org", "enrol", "pool", *BROADCASTERS)
    stage.do("party", "add", "annotator", "--adult", "--by", "pool")
    stage.do("template", "publish", "annotation-agreement/1.0", "--by", "pool")
    offers = ["annotation-agreement/1.0"]
    for id_, to in (("to-all", BROADCASTERS), ("to-npo-and-bg", ("npo", "bg"))):
        parameters = [word for org in to for word in ("--parameter", f"recipient={org}")]
        stage.do("template", "publish", "broadcaster-licence/1.0", "--by", "pool", "--as", id_, *parameters)
        offers.append(f"{id_}/1.0")
    named = [word for offer in offers for word in ("--template", offer)]
    stage.do("project", "create", "pool", "--by", "pool", "--title", "Pool", *named)
    for org, clips in CLIPS.items():
        own = {"owners": [org], "organisations": [org], "subjects": []}
        stage.register([{"hash": clip, **own} for clip in clips], "pool", org)
        licence = "to-all" if LICENSEES[org] == BROADCASTERS else "to-npo-and-bg"
        stage.do("grant", "--party", org, "--project", "pool", "--template", licence)
    clips = [clip for of in CLIPS.values() for clip in of]
    made = {"transform": "annotation", "subjects": [], "media_type": "application/json"}
    stage.register([{"hash": media(f"labels of {c}"), "derived_from": [c], **made} for c in clips], "pool", "annotator")
    annotation = ("--template", "annotation-agreement", "--language", "nl", "--no", "thanks")
    stage.do("grant", "--party", "annotator", "--project", "pool", *annotation)
    return stage


def labels(stage: Stage, org: str, *when: str) -> tuple[int, int, int]:
    return stage.counts(LABELS, *USE, "--recipient", org, *when)


def test_s9_each_may_use_what_was_licensed_to_it(pool: Stage) -> None:
    assert {org: labels(pool, org) for org in BROADCASTERS} == {
        "rtl": (200, 100, 0), "npo": (300, 0, 0), "bg": (300, 0, 0),
    }  # fmt: skip
    assert pool.check(LABELS, *USE, "--recipient", "rtl").reasons("deny") == {"recipient_not_granted"}
    assert pool.counts(LABELS, *OPEN) == (0, 300, 0)
    use = compile_use(["train"], ["general"], "commercial", "recipient", recipient=pool.book("rtl"))
    pool.assert_bulk_is_single(LABELS, use)


def test_s9_a_licence_is_widened_and_another_ends_and_the_past_stays(pool: Stage) -> None:
    pool.do("grant", "--party", "npo", "--project", "pool", "--template", "to-all")
    assert labels(pool, "rtl") == (300, 0, 0)
    time.sleep(1.1)  # an answer about the past is about a whole second
    told = json.loads(pool.do("revoke", "--party", "rtl", "--recipient", "npo", "--yes", "--json"))
    before = datetime.fromisoformat(told["recorded_at"]).astimezone(UTC) - timedelta(microseconds=1)
    assert {org: labels(pool, org) for org in BROADCASTERS} == {
        "rtl": (300, 0, 0), "npo": (200, 100, 0), "bg": (300, 0, 0),
    }  # fmt: skip
    assert labels(pool, "npo", "--at", before.isoformat()) == (300, 0, 0)


def test_s9_explain_says_which_broadcaster_to_ask(pool: Stage) -> None:
    assert pool.explain(LABELS, *USE, "--recipient", "rtl") == [
        "300 checked, 200 cleared",
        "100 files lack a signature under to-all 1.0 from 1 organisation, which permits it to other recipients and not "
        "to this one",
    ]
    assert pool.explain(LABELS, *OPEN) == [
        "300 checked, 0 cleared",
        "300 files lack a permission (which no template of the project asks for) from 3 organisations, which so far "
        "permit it to fewer people than this",
    ]
