"""S8: one photo in two projects, and a second person who says that it is hers."""

import json

import pytest

from tests.scenarios.playing import Stage, media

USE = ("--activity", "train", "--aim", "general", "--context", "commercial", "--audience", "recipient")
PHOTO = media("photo")
PUBLISHERS = ("alpha", "beta")


@pytest.fixture
def both(stage: Stage) -> Stage:
    """Two organisations that may each use the same photo, accepted and paid."""
    stage.do("org", "enrol", *PUBLISHERS)
    stage.do("party", "add", "maker", "claimant", "--adult")
    for org in PUBLISHERS:
        publish = ("template", "publish", "photo-marketplace/1.0", "--by", org, "--parameter", f"recipient={org}")
        template = stage.do(*publish)
        policies = json.loads(stage.do("statement", "show", template))["document"]["policies"]
        assert (policies["compensation"], policies["effect_payment"]) == ("paid", "kept")
        offer = ("--title", org, "--template", "photo-marketplace/1.0")
        stage.do("project", "create", f"{org}-photos", "--by", org, *offer)
        stage.register([{"hash": PHOTO, "owners": ["maker"], "subjects": []}], f"{org}-photos", "maker")
        stage.do("grant", "--party", "maker", "--project", f"{org}-photos")
        stage.do("submission", "accept", PHOTO, "--by", org)
        stage.do("submission", "paid", PHOTO, "--by", org)
    return stage


def verdicts(stage: Stage) -> list[tuple[str, str]]:
    return [stage.verdict(PHOTO, *USE, "--recipient", org) for org in PUBLISHERS]


def test_s8_withdrawing_one_leaves_the_other_and_what_was_paid(both: Stage) -> None:
    assert verdicts(both) == [("allow", "granted")] * 2
    grants = {g["project"]: g["id"] for g in json.loads(both.do("party", "show", "maker"))["grants"]}
    size = both.size()
    both.do("revoke", "--party", "maker", "--grant", grants["alpha-photos"], "--yes")
    (alpha, why), beta = verdicts(both)
    assert (alpha, beta) == ("deny", ("allow", "granted"))
    assert "revoked" in why
    assert both.size() == size + 1


def test_s8_while_it_is_disputed_whose_it_is_nobody_may_use_it(both: Stage) -> None:
    registered = json.loads(both.do("asset", "show", PHOTO))["registrations"][0]["statement"]
    both.register([{"hash": PHOTO, "owners": ["claimant"], "subjects": []}], "alpha-photos", "claimant")
    assert verdicts(both) == [("undetermined", "ownership_disputed")] * 2
    assert both.run("asset", "dispute", PHOTO, "--upheld", registered).code == 2
    both.do("asset", "dispute", PHOTO, "--resolved", "--upheld", registered)
    assert verdicts(both) == [("allow", "granted")] * 2
    both.do("asset", "dispute", PHOTO)
    assert verdicts(both) == [("undetermined", "ownership_disputed")] * 2
