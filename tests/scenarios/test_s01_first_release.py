"""S1: the first open release of a consented video dataset (the questions; releases are tested with releases)."""

import csv
import io

from consent_ledger.licenses.masks import compile_use
from tests.scenarios.playing import INTERNAL, OPEN, Stage
from tests.scenarios.twine import ASSETS, PEOPLE, grants_open, maker_of, name, video


def test_s1_everything_is_allowed_but_what_somebody_did_not_permit(twine_read: Stage) -> None:
    answers = twine_read.check(ASSETS, *OPEN)
    assert (answers.code, answers.counts) == (3, (22_800, 1_200, 0))
    assert twine_read.counts(ASSETS, *INTERNAL) == (24_000, 0, 0)
    makers = maker_of()
    denied = answers.of("deny")
    assert [row["parties"] for row in denied] == [makers[row["asset"]] for row in denied]
    assert answers.reasons("deny") == {"audience_exceeds_grant licence_not_granted"}


def test_s1_the_same_answer_for_one_and_for_all(twine_read: Stage) -> None:
    use = compile_use(["train"], ["general"], "commercial", "open", licence="CC-BY-4.0")
    twine_read.assert_bulk_is_single([*ASSETS[::97], video(7, 0), video(10, 7)], use)


def test_s1_explain_says_whom_to_ask_for_what(twine_read: Stage) -> None:
    assert twine_read.explain(ASSETS, *OPEN) == [
        "24000 checked, 22800 cleared",
        "1,200 files lack a yes to `open` of open-video-dataset 1.0 from 150 people, who so far permit it to fewer "
        "people than this",
    ]
    requests = list(csv.DictReader(io.StringIO(twine_read.do("explain", "-", *OPEN, "--csv", stdin="\n".join(ASSETS)))))
    assert {row["name"] for row in requests} == {name(i) for i in range(PEOPLE) if not grants_open(i)}
    assert {(row["template"], row["questions"], row["files"]) for row in requests} == {
        ("open-video-dataset 1.0", "open", "8")
    }
