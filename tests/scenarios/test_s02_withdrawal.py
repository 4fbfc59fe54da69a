"""S2: somebody withdraws after a release (the ledger's part: what is still permitted, and what stays as it was)."""

from tests.scenarios.playing import INTERNAL, OPEN, Stage
from tests.scenarios.twine import ASSETS, video

REVOKE = ("revoke", "--party", "c0001", "--all", "--by", "ledger", "--channel", "mail_code", "--yes")


def test_s2_one_entry_takes_nine_videos_no_others_and_not_the_past(twine_stage: Stage) -> None:
    before = {row["asset"] for row in twine_stage.check(ASSETS, *OPEN).of("allow")}
    size = twine_stage.size()
    withdrawal = twine_stage.do(*REVOKE)

    assert twine_stage.size() == size + 1
    answers = twine_stage.check(ASSETS, *OPEN)
    assert answers.counts == (22_791, 1_209, 0)
    gone = before - {row["asset"] for row in answers.of("allow")}
    assert gone == {*(video(1, k) for k in range(8)), video(0, 7)}
    revoked = [row for row in answers.of("deny") if row["reasons"] == "revoked"]
    assert {row["asset"] for row in revoked} == gone
    assert {row["parties"] for row in revoked} == {"c0001"}
    assert twine_stage.counts([video(0, k) for k in range(7)], *OPEN) == (7, 0, 0)
    assert twine_stage.counts(gone, *INTERNAL) == (0, 9, 0)

    assert (twine_stage.do(*REVOKE), twine_stage.size()) == (withdrawal, size + 1)

    past = twine_stage.check(gone, *OPEN, "--size", size)
    assert (past.counts, {row["size"] for row in past.rows}) == ((9, 0, 0), {str(size)})
