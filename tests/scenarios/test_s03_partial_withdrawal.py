"""S3: somebody withdraws open release alone, and the past stays as it was."""

import json
from datetime import UTC, datetime, timedelta

from tests.scenarios.playing import INTERNAL, OPEN, Stage
from tests.scenarios.twine import video

REVOKE = ("revoke", "--party", "c0500", "--audience", "open", "--yes", "--json")


def test_s3_a_partial_withdrawal_leaves_the_rest_and_the_past(twine_stage: Stage) -> None:
    asset = video(500, 0)
    told = json.loads(twine_stage.do(*REVOKE))
    second_before = datetime.fromisoformat(told["recorded_at"]).astimezone(UTC) - timedelta(seconds=1)
    before = f"{second_before:%Y-%m-%dT%H:%M:%SZ}"

    assert twine_stage.verdict(asset, *INTERNAL) == ("allow", "granted")
    assert twine_stage.verdict(asset, *OPEN) == ("deny", "revoked")
    assert twine_stage.verdict(asset, *OPEN, "--at", before) == ("allow", "granted")
    assert int(twine_stage.check([asset], *OPEN, "--at", before).rows[0]["size"]) <= told["entry"]
    assert twine_stage.verdict(asset, *OPEN, "--as-of", before) == ("allow", "granted")


def test_s3_the_same_withdrawal_is_the_first_and_a_new_grant_is_a_new_one(twine_stage: Stage) -> None:
    first = json.loads(twine_stage.do(*REVOKE))
    size = twine_stage.size()
    again = json.loads(twine_stage.do(*REVOKE))
    assert (again, twine_stage.size()) == ({**first, "is_new": False}, size)

    shown = json.loads(twine_stage.do("party", "show", "c0500"))
    assert [withdrawal["id"] for withdrawal in shown["withdrawals"]] == [again["id"]]
    granted = twine_stage.do("grant", "--party", "c0500", "--project", "twine", "--yes", "open")
    assert granted not in {grant["id"] for grant in shown["grants"]}
    assert twine_stage.verdict(video(500, 0), *OPEN) == ("allow", "granted")
    assert twine_stage.size() == size + 1
