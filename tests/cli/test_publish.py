"""`publish` and `witness`: as an operator of a ledger and one of a witness would use them, as processes."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from consent_ledger.signing.note import NoteVerifier
from tests.cli.conftest import Run
from tests.cli.running import ROOT
from tests.publishing.authority import time_stamping
from tests.publishing.published import folder, read_published

NAME = "witness.example/w1"


@contextmanager
def process(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Run the command line as a process of its own, and end it if it did not end itself."""
    command = [sys.executable, "-u", "-m", "consent_ledger", *map(str, arguments)]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def ended(running: subprocess.Popen[str]) -> int:
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=30)
    return running.returncode


def read(home: Path, site: Path) -> int:
    return read_published(folder(site), NoteVerifier.from_vkey((home / "log.vkey").read_text().strip()))


@contextmanager
def witness(run: Run, place: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A witness for the ledger at `place`: give the policy file that names it, and its process."""
    vkey = run("witness", "new-key", "--dir", place / "w", "--name", NAME).out
    assert run("witness", "vkey", "--dir", place / "w", "--name", NAME).out == vkey
    log = (place / "home" / "log.vkey").read_text().strip()
    with process("witness", "serve", "--dir", place / "w", "--name", NAME, "--log", log, "--port", "0") as running:
        assert running.stdout is not None
        said = running.stdout.readline()
        address = re.search(r"http://\S+", said)
        assert address, said
        policy = place / "policy.txt"
        policy.write_text(f"log {log}\nwitness w1 {vkey.strip()} {address[0]}\nquorum w1\n")
        yield policy, running


def test_a_ledger_is_published_and_only_what_is_new_is_written(run: Run, place: Path) -> None:
    site = place / "site"
    first = run("publish", site, "--json")
    assert first.code == 0
    report = msgspec.json.decode(first.out)
    assert report["published"] == report["size"] == read(place / "home", site)
    assert report["quorum"]
    run("org", "enrol", "other")
    again = run("publish", site)
    assert (again.code, again.out) == (0, "")
    assert f"{report['size'] + 1} of {report['size'] + 1} entries are published, 2 files are new" in again.err
    assert read(place / "home", site) == report["size"] + 1


def test_witnesses_cosign_and_without_them_it_fails_closed_or_open(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = place / "site"
    with witness(run, place) as (policy, running):
        assert run("publish", site, "--policy", policy).code == 0
        assert NAME in (site / "checkpoint").read_text()
        assert ended(running) == 0
    size = read(place / "home", site)
    run("org", "enrol", "other")
    monkeypatch.setenv("CONSENT_LEDGER_WITNESS_POLICY", str(policy))
    closed = run("publish", site)
    assert closed.code == 6
    assert "fails closed: it is kept back" in closed.err
    assert "witness `w1` cannot be reached" in closed.err
    assert read(place / "home", site) == size
    is_open = run("publish", site, "--fail", "open")
    assert is_open.code == 0
    assert "fails open: it is shown all the same" in is_open.err
    assert read(place / "home", site) == size + 1


def test_the_service_asks_its_witnesses_as_well(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with witness(run, place) as (policy, _):
        monkeypatch.setenv("CONSENT_LEDGER_WITNESS_POLICY", str(policy))
        with process("serve", "--port", "0", "--home", place / "home") as running:
            assert running.stdout is not None
            assert running.stderr is not None
            address = re.search(r"http://[^,]+", running.stdout.readline())
            assert address
            while '"witness_asked"' not in (said := running.stderr.readline()):
                assert said
            assert msgspec.json.decode(said)["error"] is None
            ready = httpx.get(f"{address[0]}/readyz").json()
            assert (ready["quorum"], ready["fail"]) == ("cosigned", "closed")
            assert NAME in httpx.get(f"{address[0]}/checkpoint").text
            assert ended(running) == 0


def test_a_restored_backup_is_found_out_by_a_witness_and_nothing_is_recorded_any_more(run: Run, place: Path) -> None:
    backup = place / "backup"
    shutil.copytree(place / "home", backup)
    with witness(run, place) as (policy, _):
        run("org", "enrol", "other")
        assert run("publish", place / "site", "--policy", policy).code == 0
        shutil.rmtree(place / "home")
        backup.rename(place / "home")
        stale = run("publish", place / "elsewhere", "--policy", policy)
    assert stale.code == 6
    assert "witness `w1` has seen" in stale.err
    assert not (place / "elsewhere" / "checkpoint").exists()
    assert run("org", "enrol", "another").code == 6
    assert run("publish", place / "site").code == 6


def test_what_is_published_elsewhere_is_not_taken_back(run: Run, place: Path) -> None:
    shutil.copytree(place / "home", place / "backup")
    run("org", "enrol", "other")
    assert run("publish", place / "site").code == 0
    stale = run("publish", place / "site", "--home", place / "backup")
    assert stale.code == 6
    assert "rolled back" in stale.err
    assert run("org", "enrol", "another", "--home", place / "backup").code == 6


def test_what_forked_from_what_is_published_is_stopped(run: Run, place: Path) -> None:
    shutil.copytree(place / "home", place / "backup")
    run("org", "enrol", "other")
    assert run("publish", place / "site").code == 0
    assert run("org", "enrol", "another", "--home", place / "backup").code == 0
    forked = run("publish", place / "site", "--home", place / "backup")
    assert forked.code == 6
    assert "forked" in forked.err
    assert run("org", "enrol", "a-third", "--home", place / "backup").code == 6


def test_it_watches_until_it_is_told_to_stop(run: Run, place: Path) -> None:
    with process("publish", place / "site", "--watch", "0.1", "--home", place / "home") as running:
        assert running.stderr is not None
        running.stderr.readline()
        size = read(place / "home", place / "site")
        run("org", "enrol", "other")
        assert f"{size + 1} of {size + 1}" in running.stderr.readline()
        assert ended(running) == 0
    assert read(place / "home", place / "site") == size + 1


def test_checkpoints_are_stamped_and_a_missing_stamp_keeps_nothing_back(run: Run, place: Path) -> None:
    with time_stamping(place / "authority") as authority:
        options = ("--timestamp-authority", authority.url, "--timestamp-root", authority.root)
        assert run("publish", place / "site", *options).code == 0
        run("org", "enrol", "other")
        (authority.root.parent / "tsa.key").unlink()
        without = run("publish", place / "site", *options)
    assert without.code == 0
    assert "authority answers 500" in without.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("publish", "site", "--timestamp-authority", "http://127.0.0.1:9"),
        ("publish", "site", "--endpoint", "http://127.0.0.1:9"),
        ("witness", "serve", "--dir", "w", "--name", NAME),
        ("witness", "serve", "--dir", "w", "--name", NAME, "--log", "nonsense"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_done(
    run: Run, place: Path, arguments: tuple[str, ...]
) -> None:
    assert run(*arguments).code == 2
    assert not (place / "site").exists()


@pytest.mark.parametrize("policy", ["", "quorum nobody\n", "quorum none"])
def test_a_policy_that_is_not_understood_stops_it(run: Run, place: Path, policy: str) -> None:
    (place / "policy.txt").write_text(policy)
    assert run("publish", place / "site", "--policy", place / "policy.txt").code == 1
    assert not (place / "site").exists()


def test_a_bundle_takes_cosignatures_and_stamps_along_and_they_verify(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vkey = place / "home" / "log.vkey"
    with witness(run, place) as (policy, _), time_stamping(place / "authority") as authority:
        monkeypatch.setenv("CONSENT_LEDGER_WITNESS_POLICY", str(policy))
        stamp = ("--timestamp-authority", authority.url, "--timestamp-root", authority.root)
        assert run("publish", place / "site", *stamp).code == 0
    assert run("bundle", place / "bundle").code == 0
    trusting = ("verify", place / "bundle", "--vkey", vkey, "--json")
    bare = run(*trusting)
    assert bare.code == 0
    told = msgspec.json.decode(bare.out)
    assert (told["anchored"], told["stamped_at"]) == (False, None)
    assert any("time-stamps" in sentence for sentence in told["not_checked"])
    full = run(*trusting, "--policy", policy, "--timestamp-root", authority.root)
    told = msgspec.json.decode(full.out)
    assert (full.code, told["anchored"], told["cosigned"]) == (0, True, ["w1"])
    assert told["stamped_at"]
    (stamp_file,) = (place / "bundle" / "timestamps").iterdir()
    stamp_file.write_bytes(stamp_file.read_bytes().replace(b"\x02\x01", b"\x02\x02", 1))
    forged = run(*trusting, "--timestamp-root", authority.root)
    assert forged.code == 5
    assert [finding["code"] for finding in msgspec.json.decode(forged.out)["findings"]] == ["timestamp_invalid"]
