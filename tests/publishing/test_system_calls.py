"""Publishing, seen from the system: calls fail, one after the other, and the order of all others is looked at."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROUNDS = 8
CALL = re.compile(r'\d+ +(write|fsync|rename)\((?:\d+<([^>]*)>|"([^"]*)"(?:, "([^"]*)")?).*\) += (-?\d+)')


@pytest.fixture(autouse=True)
def _strace() -> None:
    tried = (
        shutil.which("strace") and subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode == 0
    )
    if not tried:
        pytest.skip("NOT TESTED: faults of system calls want the program `strace`, and leave to trace")


def run(tmp_path: Path, *faults: str) -> tuple[list[list[str]], str]:
    """Return what came of each attempt, and the trace."""
    site = tmp_path / "site"
    folders = (
        "",
        "tile",
        *(f"tile/{level}{rest}" for level in ("entries", "0", "1") for rest in ("", "/000.p", "/001.p")),
    )
    watched = [site / ".publishing.draft", *(site / name for name in folders)]
    done = subprocess.run(
        ["strace", "-f", "-y", "-s", "0", "-e", "trace=write,fsync,rename", "-o", tmp_path / "trace",
         *(f"-P{path}" for path in watched), *(f"--inject={fault}" for fault in faults),
         sys.executable, "-m", "tests.publishing.under_strace", site, str(ROUNDS)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()], (tmp_path / "trace").read_text()


def check_order(site: str, trace: str) -> int:
    """Return how often the checkpoint was replaced; each time, everything before was on the disk.

    A name counts only once its folder was synced after it, a file only once it was synced after its last byte.
    """
    unsynced_names: set[str] = set()
    draft_is_synced, replaced = False, 0
    for name, descriptor, path, target, result in CALL.findall(trace):
        if name == "write":
            draft_is_synced = False
        elif name == "fsync" and result == "0":
            draft_is_synced |= descriptor.endswith(".publishing.draft")
            unsynced_names.discard(descriptor)
        elif name == "rename" and result == "0":
            assert draft_is_synced
            if target.endswith("/checkpoint"):
                assert not unsynced_names
                replaced += 1
            unsynced_names.add(target.rpartition("/")[0])
            assert path == f"{site}/.publishing.draft"
    return replaced


def test_whatever_call_fails_what_is_published_verifies_and_the_next_attempt_goes_on(tmp_path: Path) -> None:
    # The periods have no common factor with the number of calls of a round, so that the faults wander over all of them.
    faults = ("write:error=ENOSPC:when=2+7", "fsync:error=EIO:when=3+13", "rename:error=EIO:when=4+11")
    attempts, trace = run(tmp_path, *faults)
    failed = [attempt for attempt in attempts if attempt[0] == "failed"]
    assert len(failed) == trace.count("(INJECTED)") > ROUNDS
    assert {name for name in ("write", "fsync", "rename") if re.search(rf"{name}\(.*INJECTED", trace)} == {
        "write", "fsync", "rename"
    }  # fmt: skip
    for kind, size, found in attempts:
        assert found == size if kind == "published" else found in (size, str(int(size) - 1), "0")
    assert attempts[-1] == ["published", str(249 + ROUNDS), str(249 + ROUNDS)]
    assert check_order(str(tmp_path / "site"), trace) >= ROUNDS
