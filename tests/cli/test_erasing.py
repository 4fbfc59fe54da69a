"""`erase`, `hold`, `key rotate-log`: by the command line."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

USE = ("--for", "open-training")


@pytest.fixture
def granted(run: Run, place: Path) -> Path:
    assert run("grant", "--party", "anna", "--project", "twine", "--yes", "open").code == 0
    assert run("check", place / "media/0.mp4", *USE).code == 0
    return place


def test_what_a_person_said_is_erased_and_verifies(run: Run, granted: Path) -> None:
    bundle = granted / "bundle"
    done = run("erase", "--party", "anna", "--level", "statements", "--basis", "request", "--yes", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["is_new"]
    assert "backups" in done.err
    assert run("check", granted / "media/0.mp4", *USE).code == 3
    assert run("bundle", bundle).code == 0
    vkey = (granted / "home/log.vkey").read_text().strip()
    verified = run("verify", bundle, "--vkey", vkey)
    assert verified.code == 0, verified.out
    assert "erased" in verified.out + verified.err
    again = run("erase", "--party", "anna", "--level", "statements", "--basis", "request", "--yes")
    assert again.code == 1
    assert "erased already" in again.err


def test_a_hold_is_shown_and_keeps(run: Run, granted: Path) -> None:
    assert run("hold", "add", "--party", "anna", "--reason", "case 12/345").code == 0
    (shown,) = json.loads(run("hold", "list", "--json").out)
    assert (shown["name"], shown["reason"]) == ("anna", "case 12/345")
    refused = run("erase", "--party", "anna", "--level", "statements", "--basis", "request", "--yes")
    assert refused.code == 1
    assert "legal hold" in refused.err
    assert run("check", granted / "media/0.mp4", *USE).code == 0
    assert run("hold", "lift", "--party", "anna").code == 0
    assert run("hold", "list").out == ""
    assert run("erase", "--party", "anna", "--level", "identity", "--basis", "request", "--yes").code == 0
    assert run("check", granted / "media/0.mp4", *USE).code == 0


def test_the_log_key_is_rotated(run: Run, granted: Path) -> None:
    first = (granted / "home/log.vkey").read_text().strip()
    assert run("key", "rotate-log").code == 0
    assert (granted / "home/log.key.2").stat().st_mode & 0o777 == 0o600
    assert run("key", "rotate-log").code == 1
    assert run("party", "add", "dora", "--adult").code == 0
    assert run("key", "rotate-log", "--retire-old").code == 0
    (granted / "home/log.key").rename(granted / "put away")
    assert run("party", "add", "emil", "--adult").code == 0
    newest, oldest = (granted / "home/log.vkey").read_text().split()
    assert oldest == first
    assert run("bundle", granted / "bundle").code == 0
    for vkey in (first, newest):
        verified = run("verify", granted / "bundle", "--vkey", vkey)
        assert verified.code == 0, verified.out
    assert run("doctor").code == 0
    (granted / "put away").rename(granted / "home/log.key")
    (granted / "home/log.key.2").unlink()
    refused = run("party", "add", "finn", "--adult")
    assert refused.code == 5
    assert "is not here" in refused.err


def test_a_restored_home_with_its_journal_shows_nobody_who_was_erased(run: Run, granted: Path) -> None:
    import shutil

    grant = run("grant", "--party", "bob", "--project", "twine", "--yes", "open").out.strip()
    shutil.copy(granted / "home/ledger.db", granted / "backup.db")
    assert run("receipt", "take", grant).code == 0
    assert run("erase", "--party", "bob", "--level", "statements", "--basis", "request", "--yes").code == 0
    shutil.copy(granted / "backup.db", granted / "home/ledger.db")
    for journal in ("-wal", "-shm"):
        (granted / f"home/ledger.db{journal}").unlink(missing_ok=True)
    taken = run("receipt", "take", grant)
    assert taken.code == 1
    assert "erased" in taken.err
