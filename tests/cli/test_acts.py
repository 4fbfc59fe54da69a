"""What people do after a grant: pausing, accepting, paying, contesting; and many at once."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

INSIDE = ("--activity", "train", "--aim", "general", "--context", "commercial", "--audience", "internal")


@pytest.fixture
def granted(run: Run, place: Path) -> Path:
    assert run("grant", "--party", "anna", "--project", "twine", "--yes", "open").code == 0
    return place


def shown(run: Run, *arguments: str | Path) -> dict[str, list[dict[str, object]]]:
    document: dict[str, list[dict[str, object]]] = json.loads(run(*arguments).out)
    return document


def test_a_table_of_people_signs_at_once_and_nothing_is_lost_for_one_line(run: Run, place: Path) -> None:
    table = place / "grants.csv"
    table.write_text("party,yes,no,language\nanna,open,,nl\nbob,,open,\ncleo,,,\n")
    ran = run("grant", "--from", table, "--project", "twine")
    assert ran.code == 1
    assert [line.split("\t")[1] for line in ran.out.splitlines()] == ["anna", "bob"]
    assert "line 4: `cleo`: optional rule `open` is not answered" in ran.err
    assert ran.err.endswith("granted 2, refused 1\n")
    signed = json.loads(run("statement", "show", ran.out.split("\t")[0]).out)
    assert (signed["language"], signed["choices"]) == ("nl", {"open": True})


def test_what_a_row_leaves_out_is_as_the_options_say(run: Run, place: Path) -> None:
    table = place / "grants.ndjson"
    table.write_text('{"party": "anna", "no": ["open"]}\n{"party": "bob"}\n')
    ran = run("grant", "--from", table, "--project", "twine", "--yes", "open", "--json", "--ends",
              "2099-01-01T00:00:00Z")  # fmt: skip
    assert ran.code == 0
    ids = [json.loads(line)["id"] for line in ran.out.splitlines()]
    signed = [json.loads(run("statement", "show", id_).out) for id_ in ids]
    assert [statement["choices"]["open"] for statement in signed] == [False, True]
    assert {statement["ends"] for statement in signed} == {"2099-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("party\nanna\nnobody\n", "line 3: nobody is called `nobody`"),
        ("who\nanna\n", "unknown column `who`"),
        ("party,yes,no\nanna,open,open\n", "line 2: `open` is answered with yes and with no"),
    ],
)
def test_a_mistake_in_the_table_is_found_before_anybody_signs(run: Run, place: Path, table: str, message: str) -> None:
    (place / "grants.csv").write_text(table)
    ran = run("grant", "--from", place / "grants.csv", "--project", "twine", "--no", "open")
    assert (ran.code, ran.out) == (1, "")
    assert message in ran.err
    assert shown(run, "party", "show", "anna")["grants"] == []


def test_a_rehearsed_table_writes_nothing(run: Run, place: Path) -> None:
    (place / "grants.csv").write_text("party,yes\nanna,open\nbob,\n")
    ran = run("grant", "--from", place / "grants.csv", "--project", "twine", "--dry-run")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("would be granted 1, refused 1\n")
    assert shown(run, "party", "show", "anna")["grants"] == []


def test_a_paused_grant_holds_again_when_it_is_resumed(run: Run, granted: Path) -> None:
    grant = str(shown(run, "party", "show", "anna")["grants"][0]["id"])
    verdicts = []
    for act in ("suspend", "resume"):
        assert run(act, "--party", "anna", "--grant", grant).code == 0
        verdicts.append(run("check", granted / "media", *INSIDE).code)
        assert shown(run, "party", "show", "anna")["grants"][0]["paused"] is (act == "suspend")
    assert verdicts == [3, 0]
    assert run("suspend", "--party", "bob", "--grant", grant).code == 1


def test_a_takedown_stops_a_file_until_it_is_lifted(run: Run, granted: Path) -> None:
    file = granted / "media/0.mp4"
    order = ("asset", "takedown", file, "--by", "studio", "--basis", "court_order")
    assert run(*order).code == 0
    assert run("check", file, *INSIDE).code == 3
    assert run(*order, "--lift").code == 0
    assert run("check", file, *INSIDE).code == 0


def test_a_version_that_is_superseded_holds_and_one_that_is_invalidated_does_not(run: Run, granted: Path) -> None:
    version = ("open-video-dataset/1.0", "--by", "studio")
    assert run("template", "supersede", *version).code == 0
    assert run("check", granted / "media", *INSIDE).code == 0
    assert run("template", "invalidate", *version, "--dry-run").code == 0
    assert run("check", granted / "media", *INSIDE).code == 0
    assert run("template", "invalidate", *version, "--yes").code == 0
    assert run("check", granted / "media", *INSIDE).code != 0


def test_statements_that_were_signed_elsewhere_are_recorded_in_their_order(run: Run, granted: Path) -> None:
    grant = str(shown(run, "party", "show", "anna")["grants"][0]["id"])
    envelope = run("statement", "show", grant, "--envelope").out
    (granted / "signed.ndjson").write_text(envelope + "{}\n\n" + envelope)
    ran = run("statement", "submit", granted / "signed.ndjson", "--ndjson")
    assert ran.code == 1
    first, wrong, again = (json.loads(line) for line in ran.out.splitlines())
    assert (first["id"], first["is_new"]) == (grant, False)
    assert (wrong["line"], wrong["code"]) == (2, "malformed")
    assert again == {**first, "line": 4}
    assert run("statement", "show", "sha256:" + "0" * 64).code == 1


def test_a_rejection_says_why(run: Run, granted: Path) -> None:
    assert run("submission", "reject", granted / "media/0.mp4", "--by", "studio").code == 2
    done = run("submission", "reject", granted / "media/0.mp4", "--by", "studio", "--reason", "hand_visible")
    assert json.loads(run("statement", "show", done.out.strip()).out)["reason"] == "hand_visible"
    assert run("submission", "accept", granted / "nothing.mp4", "--by", "studio").code == 1
