"""Homes, keys and passphrases: what is made is private, and what cannot be opened says why."""

import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def lines_of(ran_error: str) -> list[str]:
    return ran_error.strip().split("\n")


def test_all_that_is_secret_in_a_home_is_for_its_owner_only(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = run("init", "--home", home, "--origin", "a.example/b")
    assert made.code == 0
    assert made.out == (home / "log.vkey").read_text()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
    assert {name for name, mode in modes.items() if mode & 0o077} == {"log.vkey"}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_second_init_changes_nothing(run: Run, place: Path) -> None:
    before = {path: path.read_bytes() for path in (place / "home").rglob("*") if path.is_file()}
    again = run("init", "--origin", "b.example/c")
    assert (again.code, again.out) == (1, "")
    assert "exists already" in again.err
    assert {path: path.read_bytes() for path in (place / "home").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("arguments", [("--origin", "No Name"), ("--database", "mysql://u:secret@h/d")])
def test_an_init_that_fails_leaves_nothing_behind(run: Run, tmp_path: Path, arguments: tuple[str, str]) -> None:
    failed = run("init", "--home", tmp_path / "home", *arguments)
    assert failed.code == 1
    assert "secret" not in failed.err
    assert list(tmp_path.iterdir()) == []


def test_keys_under_a_passphrase_want_it(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, right, wrong = tmp_path / "home", tmp_path / "right", tmp_path / "wrong"
    right.write_text("correct horse\n")
    wrong.write_text("wrong horse\n")
    assert run("init", "--home", home, "--passphrase-file", right).code == 0
    assert b"seed" not in (home / "log.key").read_bytes()
    none = run("org", "enrol", "studio", "--home", home)
    assert (none.code, none.out) == (1, "")
    assert "want --passphrase-file" in none.err or "use --passphrase-file" in none.err
    refused = run("org", "enrol", "studio", "--home", home, "--passphrase-file", wrong)
    assert (refused.code, refused.out) == (1, "")
    assert "passphrase does not open" in refused.err
    monkeypatch.setenv("CONSENT_LEDGER_PASSPHRASE", "correct horse")
    assert run("org", "enrol", "studio", "--home", home).code == 0
    assert b"seed" not in (home / "keys" / "studio.key").read_bytes()


def test_a_name_is_enrolled_once_and_a_dry_run_enrols_nobody(run: Run, place: Path) -> None:
    twice = run("party", "add", "anna", "--adult")
    assert (twice.code, twice.out) == (1, "")
    dry = run("party", "add", "dora", "--minor-until", "2040-02-29", "--dry-run")
    assert (dry.code, dry.out) == (0, "")
    assert not (place / "home/keys/dora.key").exists()
    assert "dora" not in run("party", "list").out


def test_a_party_that_the_ledger_refuses_leaves_no_key_behind(run: Run, place: Path) -> None:
    refused = run("party", "add", "dora", "--adult", "--by", "anna")
    assert (refused.code, refused.out) == (1, "")
    assert "enrolled by an organisation" in refused.err
    assert not (place / "home/keys/dora.key").exists()


def test_somebody_may_keep_her_key_elsewhere(run: Run, place: Path) -> None:
    made = run("key", "new", place / "dora.key")
    public = made.out.split('"public_key": "')[1].split('"')[0]
    assert run("party", "add", "dora", "--adult", "--public-key", public).code == 0
    without = run("grant", "--party", "dora", "--project", "twine", "--yes", "open")
    assert (without.code, without.out) == (1, "")
    assert "want --key-file" in without.err
    with_key = ("--key-file", place / "dora.key")
    assert run("grant", "--party", "dora", "--project", "twine", "--yes", "open", *with_key).code == 0


def test_a_key_is_added_used_and_reported(run: Run, place: Path) -> None:
    run("key", "new", place / "phone.key")
    assert run("key", "add", "anna", place / "phone.key", "--use").code == 0
    shown = run("key", "show", "anna").out
    assert shown == run("key", "show", place / "phone.key").out
    assert "seed" not in shown
    keyid = shown.split('"keyid": "')[1].split('"')[0]
    assert run("key", "compromised", "anna", keyid, "--since", "2026-01-01T00:00:00Z").code == 0
    refused = run("grant", "--party", "anna", "--project", "twine", "--yes", "open")
    assert (refused.code, refused.out) == (1, "")
    assert "retired or compromised" in refused.err


def break_home(kind: str, home: Path) -> None:
    database = home / "ledger.db"
    match kind:
        case "no home":
            shutil.rmtree(home)
        case "no database":
            database.unlink()
        case "another program's database":
            database.unlink()
            sqlite3.connect(database).execute("CREATE TABLE recipe (id)").connection.commit()
        case "not a database":
            database.write_bytes(b"not a database, but long enough to be looked at as one" * 100)
        case "a newer version":
            connection = sqlite3.connect(database)
            connection.execute("UPDATE consent_ledger_version SET version_num = '9999'")
            connection.commit()
        case "another ledger's key":
            (home / "log.key").unlink()
            shutil.copy(home / "keys/anna.key", home / "log.key")
        case "a key open to others":
            (home / "log.key").chmod(0o644)
        case "settings that are none":
            (home / "settings.toml").write_text("database = 3\n")


@pytest.mark.parametrize(
    ("kind", "code", "message"),
    [
        ("no home", 1, "want one made by `consent-ledger init`"),
        ("no database", 1, "no ledger at"),
        ("another program's database", 1, "tables that are not a ledger's"),
        ("not a database", 1, "is not a ledger's database"),
        ("a newer version", 1, "has schema version `9999`"),
        ("another ledger's key", 5, "which signs now, is not here"),
        ("a key open to others", 1, "is open to others (mode 0644), want 0600"),
        ("settings that are none", 1, "cannot be understood"),
    ],
)
def test_what_is_wrong_with_a_home_is_said_in_one_line(
    run: Run, place: Path, kind: str, code: int, message: str
) -> None:
    break_home(kind, place / "home")
    failed = run("grant", "--party", "anna", "--project", "twine", "--yes", "open")
    assert (failed.code, failed.out) == (code, "")
    assert message in failed.err
    assert len(lines_of(failed.err)) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=520k", "tmpfs", disk], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("a small disk wants the right to mount one")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_said_and_nothing_is_half_done(run: Run, small_disk: Path) -> None:
    home = small_disk / "home"
    assert run("init", "--home", home).code == 0
    names = [f"p{number:03d}" for number in range(60)]
    full = run("party", "add", *names, "--adult", "--home", home)
    assert (full.code, full.out) == (1, "")
    assert "no room left" in full.err or "no space left" in full.err
    assert len(lines_of(full.err)) == 1
    assert list((small_disk / "home/keys").iterdir()) == []
    assert run("party", "add", "anna", "--adult", "--home", home).code == 0
    assert run("doctor", "--home", home).code == 0


def test_a_disk_that_cannot_be_written_can_be_asked(run: Run, small_disk: Path) -> None:
    home = ("--home", small_disk / "home")
    assert run("init", *home).code == 0
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    asked = run("check", "0" * 64, "--for", "open-training", *home)
    assert (asked.code, asked.err) == (4, "")
    refused = run("org", "enrol", "studio", *home)
    assert (refused.code, refused.out) == (1, "")
    assert "read-only" in refused.err
    assert len(lines_of(refused.err)) == 1


def test_the_doctor_finds_each_thing_and_says_what_to_do(run: Run, place: Path) -> None:
    healthy = run("doctor")
    assert healthy.code == 0
    assert "NOT" not in healthy.out
    (place / "home/keys/bob.key").chmod(0o640)
    ill = run("doctor")
    assert ill.code == 1
    assert f"-> chmod 600 {place}/home/keys/bob.key" in ill.out
    assert ill.out.count("NOT") == 1


def test_a_ledger_may_be_on_either_database(run: Run, tmp_path: Path, store_url: str) -> None:
    home = ("--home", tmp_path / "home")
    assert run("init", *home, "--origin", "ledger.example/x", "--database", store_url).code == 0
    assert run("org", "enrol", "studio", *home).code == 0
    assert run("party", "add", "anna", "bob", "--adult", *home).code == 0
    assert run("revoke", "--party", "anna", "--all", *home).code == 0
    assert "ok   log           5 entries" in run("doctor", *home).out
    second = run("init", "--home", tmp_path / "other", "--origin", "ledger.example/y", "--database", store_url)
    assert (second.code, second.out) == (1, "")
    assert "has its genesis entry already" in second.err
    assert not (tmp_path / "other").exists()
