"""Files made from other files: whose word they need, and that a registration may say more than an earlier one."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

INSIDE = ("--activity", "train", "--aim", "general", "--context", "commercial", "--audience", "internal")
STUDIO = ("--project", "twine", "--by", "studio")


@pytest.fixture
def granted(run: Run, place: Path) -> Path:
    assert run("grant", "--party", "anna", "--project", "twine", "--no", "open").code == 0
    (place / "blurred.mp4").write_bytes(b"film 0, blurred")
    return place


def test_what_an_organisation_derived_is_owned_by_those_whom_the_original_is_owned_by(run: Run, granted: Path) -> None:
    made = ("--derived-from", granted / "media/0.mp4", "--transform", "face_blur", "--no-subjects")
    assert run("asset", "register", granted / "blurred.mp4", *STUDIO, *made).code == 0
    shown = json.loads(run("asset", "show", granted / "blurred.mp4").out)["registrations"][0]
    assert (shown["owners"], shown["derived_from"][0]["transform"]) == ([], "face_blur")
    assert run("check", granted / "blurred.mp4", *INSIDE).code == 0
    run("revoke", "--party", "anna", "--all")
    assert run("check", granted / "blurred.mp4", *INSIDE).code == 3


def test_a_table_says_what_each_file_was_made_from_and_who_is_gone(run: Run, granted: Path) -> None:
    (granted / "both.mp4").write_bytes(b"anna and bob")
    both = ("--owner", "anna", "--subject", "anna", "--subject", "bob")
    assert run("asset", "register", granted / "both.mp4", *STUDIO, *both).code == 0
    assert run("check", granted / "both.mp4", *INSIDE).code == 4
    table = "path,subjects,derived_from,transform,absent_subjects\nblurred.mp4,nobody,both.mp4,crop,bob\n"
    (granted / "table.csv").write_text(table)
    assert run("asset", "register", "--manifest", granted / "table.csv", *STUDIO).code == 0
    assert run("check", granted / "blurred.mp4", *INSIDE).code == 0


def test_how_it_was_made_has_to_be_said(run: Run, granted: Path) -> None:
    made = ("--derived-from", granted / "media/0.mp4", "--no-subjects")
    assert run("asset", "register", granted / "blurred.mp4", *STUDIO, *made).code == 2
    (granted / "table.csv").write_text("path,subjects,derived_from\nblurred.mp4,nobody,media/0.mp4\n")
    wrong = run("asset", "register", "--manifest", granted / "table.csv", *STUDIO)
    assert wrong.code == 1
    assert "`derived_from` goes with `transform`" in wrong.err


def test_what_nobody_had_looked_at_can_be_registered_again_by_somebody_who_has(run: Run, granted: Path) -> None:
    register = ("asset", "register", granted / "blurred.mp4", *STUDIO, "--owner", "anna")
    assert "registered 1," in run(*register, "--subjects-unverified").err
    assert run("check", granted / "blurred.mp4", *INSIDE).code == 4
    assert "registered 0, registered before 1," in run(*register, "--subjects-unverified").err
    assert "registered 1, registered before 0," in run(*register, "--subject", "anna").err
    assert run("check", granted / "blurred.mp4", *INSIDE).code == 0
