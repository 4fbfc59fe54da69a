"""Granting, asking and withdrawing from the command line."""

import csv
import hashlib
import io
import json
import time
from pathlib import Path

import pytest

from consent_ledger.resources import case_files
from tests.cli.conftest import Run
from tests.cli.running import run_process

OPEN = ("--activity", "train", "--aim", "general", "--context", "commercial", "--audience", "open",
        "--licence", "CC-BY-4.0")  # fmt: skip
INSIDE = (*OPEN[:6], "--audience", "internal")


def size_of(run: Run, place: Path) -> int:
    return int(json.loads(run("check", "0" * 64, *OPEN, "--ndjson").out)["size"])


@pytest.fixture
def granted(run: Run, place: Path) -> Path:
    assert run("grant", "--party", "anna", "--project", "twine", "--yes", "open").code == 0
    return place


def test_an_unanswered_question_is_no_grant(run: Run, place: Path) -> None:
    before = size_of(run, place)
    unanswered = run("grant", "--party", "anna", "--project", "twine")
    assert (unanswered.code, unanswered.out) == (1, "")
    assert "optional rule `open` is not answered" in unanswered.err
    assert "--yes RULE or --no RULE" in unanswered.err
    unknown = run("grant", "--party", "anna", "--project", "twine", "--no", "open", "--yes", "world_rule")
    assert (unknown.code, unknown.out) == (1, "")
    assert "`world_rule` is not an optional rule" in unknown.err
    assert size_of(run, place) == before


def test_a_no_is_a_no(run: Run, place: Path) -> None:
    assert run("grant", "--party", "anna", "--project", "twine", "--no", "open").code == 0
    assert run("check", place / "media", *INSIDE).code == 0
    denied = run("check", place / "media", *OPEN)
    assert denied.code == 3
    assert denied.out.endswith("checked 4, allow 0, deny 4, undetermined 0\n")
    assert "anna (owner, subject): " in denied.out


def test_nobody_signs_for_somebody_else(run: Run, place: Path) -> None:
    stolen = ("--key-file", place / "home/keys/bob.key")
    forged = run("grant", "--party", "anna", "--project", "twine", "--yes", "open", *stolen)
    assert (forged.code, forged.out) == (1, "")
    assert "no key of" in forged.err


def test_a_dry_run_says_what_would_be_refused_and_records_nothing(run: Run, place: Path) -> None:
    before = size_of(run, place)
    fine = run("grant", "--party", "anna", "--project", "twine", "--yes", "open", "--dry-run")
    assert (fine.code, fine.out) == (0, "")
    assert "nothing was written" in fine.err
    forged = run("grant", "--party", "anna", "--project", "twine", "--yes", "open", "--dry-run", "--key-file",
                 place / "home/keys/bob.key")  # fmt: skip
    assert forged.code == 1
    assert size_of(run, place) == before


def test_the_exit_code_is_the_worst_verdict(run: Run, granted: Path) -> None:
    (granted / "media/new.mp4").write_bytes(b"nobody registered this")
    known, both = granted / "media/0.mp4", granted / "media"
    assert run("check", known, *OPEN).code == 0
    mixed = run("check", both, *OPEN)
    assert mixed.code == 4
    assert mixed.out.endswith("checked 5, allow 4, deny 0, undetermined 1\n")
    assert run("check", both, *OPEN, "--fail-on", "deny").code == 0
    assert run("check", both, *OPEN[:-1], "CC0-1.0").code == 3
    assert run("check", both, *OPEN[:-1], "CC0-1.0", "--fail-on", "never").code == 0


def test_what_cannot_be_read_is_never_cleared(run: Run, granted: Path) -> None:
    (granted / "media/empty.mp4").touch()
    ran = run("check", granted / "media", *OPEN)
    assert ran.code == 1
    assert "not checked" in ran.err
    (granted / "nothing").mkdir()
    assert run("check", granted / "nothing", *OPEN).code == 1
    assert run("check", granted / "absent", *OPEN).code == 1


def test_the_answer_comes_in_the_form_that_is_wanted(run: Run, granted: Path) -> None:
    media = granted / "media"
    document = json.loads(run("check", media, *OPEN, "--json").out)
    assert (document["checked"], document["allow"]) == (4, 4)
    lines = run("check", media, *OPEN, "--ndjson")
    answers = [json.loads(line) for line in lines.out.splitlines()]
    assert answers == [{**answer, "as_of": answers[n]["as_of"]} for n, answer in enumerate(document["answers"])]
    assert lines.err == "checked 4, allow 4, deny 0, undetermined 0\n"
    rows = list(csv.DictReader(io.StringIO(run("check", media, *OPEN, "--csv").out)))
    assert [row["verdict"] for row in rows] == ["allow"] * 4
    assert rows[0]["file"] == str(media / "0.mp4")


def test_hashes_come_from_standard_input(granted: Path) -> None:
    hashes = [hashlib.sha256(b"film %d" % number).hexdigest() for number in range(3)]
    lines = f"{hashes[0]}\nsha256:{hashes[1]}\n\n{hashes[2]}  some name.mp4\n".encode()
    assert run_process("check", "-", *OPEN, stdin=lines).out.endswith("checked 3, allow 3, deny 0, undetermined 0\n")
    wrong = run_process("check", "-", *OPEN, stdin=lines + b"film.mp4\n")
    assert wrong.code == 1
    assert "not checked: line 5: 'film.mp4' is not a sha-256 hash" in wrong.err
    assert wrong.out.endswith("checked 3, allow 3, deny 0, undetermined 0\n")


def test_the_same_withdrawal_again_is_the_first_one(run: Run, granted: Path) -> None:
    first = run("revoke", "--party", "anna", "--audience", "open")
    size = size_of(run, granted)
    again = run("revoke", "--party", "anna", "--audience", "open")
    assert (first.code, again.code) == (0, 0)
    assert again.out == first.out
    assert size_of(run, granted) == size
    wider = run("revoke", "--party", "anna", "--all")
    assert wider.out not in ("", first.out)
    assert run("revoke", "--party", "anna", "--all").out == wider.out


def test_after_a_new_grant_a_withdrawal_is_a_new_one(run: Run, granted: Path) -> None:
    first = run("revoke", "--party", "anna", "--all")
    assert run("check", granted / "media", *OPEN).code == 3
    assert run("grant", "--party", "anna", "--project", "twine", "--yes", "open").code == 0
    assert run("check", granted / "media", *OPEN).code == 0
    second = run("revoke", "--party", "anna", "--all")
    assert second.out != first.out
    assert run("check", granted / "media", *OPEN).code == 3


def test_a_withdrawal_may_be_of_one_file_or_one_grant(run: Run, granted: Path) -> None:
    assert run("revoke", "--party", "anna", "--asset", granted / "media/0.mp4").code == 0
    assert run("check", granted / "media/0.mp4", *INSIDE).code == 3
    assert run("check", granted / "media/1.mp4", *INSIDE).code == 0
    foreign = run("revoke", "--party", "bob", "--grant", "sha256:" + "0" * 64)
    assert (foreign.code, foreign.out) == (1, "")


def test_the_past_stays_what_it_was(run: Run, granted: Path) -> None:
    file = granted / "media/0.mp4"
    size = size_of(run, granted)
    time.sleep(1.1)  # statements have whole seconds
    before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    time.sleep(1.1)
    run("revoke", "--party", "anna", "--audience", "open")
    assert run("check", file, *OPEN).code == 3
    past = run("check", file, *OPEN, "--at", before, "--ndjson")
    assert past.code == 0
    assert json.loads(past.out)["size"] == size
    assert run("check", file, *OPEN, "--as-of", before, "--size", str(size)).code == 0
    assert run("check", file, *OPEN, "--at", "2020-01-01T00:00:00Z").code == 4
    assert run("check", file, *OPEN, "--size", "9999").code == 1


def test_a_receipt_proves_it_without_the_ledger(run: Run, granted: Path) -> None:
    id_ = run("revoke", "--party", "anna", "--all").out.strip()
    receipt, vkey = granted / "receipt.json", (granted / "home/log.vkey").read_text()
    assert run("receipt", "take", id_, "--output", receipt).code == 0
    assert run("receipt", "take", id_, "--output", receipt).code == 1
    assert run("receipt", "take", id_, "--tlog-proof").out.startswith("c2sp.org/tlog-proof@v1\n")
    (granted / "home").rename(granted / "gone")
    proved = run("receipt", "verify", receipt, "--vkey", vkey)
    assert proved.code == 0
    assert run("receipt", "verify", receipt, "--vkey", granted / "gone/log.vkey") == proved
    assert json.loads(proved.out)["id"] == id_
    other = json.loads((granted / "gone/parties.ndjson").read_text().splitlines()[0])["party"]
    for wrong in (
        receipt.read_text().replace(id_, "sha256:" + "0" * 64),
        receipt.read_text().replace("index", "nidex", 1),
        receipt.read_text()[:-20],
        "{}",
        other,
    ):
        (granted / "wrong.json").write_text(wrong)
        failed = run("receipt", "verify", granted / "wrong.json")
        assert (failed.code, failed.out) == (5, "")
    foreign = "other.example/x+" + vkey.split("+", 1)[1]
    assert run("receipt", "verify", receipt, "--vkey", foreign).code == 5


def test_cases_are_counted_and_what_fails_is_named(run: Run, tmp_path: Path) -> None:
    given, _ = case_files()  # all of both are run by tests/test_conformance.py
    cases = json.loads(given.read_text())
    (tmp_path / "cases.json").write_text(json.dumps({**cases, "cases": cases["cases"][::10]}))
    assert run("conformance", tmp_path / "cases.json").out.splitlines()[-1] == "7 passed, 0 failed"
    wrong = cases["cases"][0]
    wrong["expect"] = {"verdict": "deny", "reasons": ["revoked"]}
    (tmp_path / "cases.json").write_text(json.dumps({**cases, "cases": [wrong]}))
    failed = run("conformance", tmp_path / "cases.json")
    assert failed.code == 5
    assert f"FAIL {wrong['id']}: expected deny revoked, got allow granted" in failed.out
    assert failed.out.endswith("0 passed, 1 failed\n")


def test_purposes_are_listed_with_their_facets_and_ones_own_too(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[ours]\ntitle = "Look"\nactivities = ["display"]\naims = ["general"]\n'
                   'context = "noncommercial"\naudience = "gated"\n')  # fmt: skip
    listed = run("check", "--list-purposes").out
    assert "open-training\n" in listed
    assert "    train for general, commercial, open, under CC-BY-4.0\n" in listed
    assert run("check", "--purposes", own, "--list-purposes").out == (
        listed + "ours\n    Look\n    display for general, noncommercial, gated\n"
    )
