"""The one-file verifier stands alone: short, sharing no code, and a program of its own.

What it finds is held against the first verifier beside every tampering, in `test_tampering` and `test_certificates`.
"""

import subprocess
import sys
from pathlib import Path

from consent_ledger.evidence.bundle import write_bundle
from tests.evidence.certificates import certificate_on, small_story
from tests.evidence.second import FILE
from tests.stores import new_store
from tests.world import VKEY, World


def test_it_is_short_and_imports_nothing_of_ours() -> None:
    source = FILE.read_text()
    assert source.count("\n") <= 500
    assert "import consent_ledger" not in source
    assert "from consent_ledger" not in source


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it as an auditor does, with nothing of ours to import."""
    command = [sys.executable, "-I", str(FILE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_verifies_folders_tars_and_certificates_as_a_program(tmp_path: Path) -> None:
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        world = World(store)
        film = small_story(world)
        certificate = tmp_path / "certificate.json"
        certificate.write_bytes(certificate_on(world, film))
        for name in ("bundle", "bundle.tar"):
            write_bundle(store, tmp_path / name)
    older, vkey = tmp_path / "bundle/checkpoint", tmp_path / "bundle/keys.txt"
    for place in ("bundle", "bundle.tar", "certificate.json"):
        ran = run(tmp_path / place, "--vkey", vkey, "--checkpoint", older)
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
        assert ran.stdout.endswith("verified: everything that was checked is as it was recorded\n")
        assert "not checked: decisions" in ran.stdout
    (tmp_path / "bundle/openings.ndjson").unlink()
    ran = run(tmp_path / "bundle", "--vkey", VKEY)
    assert ran.returncode == 5
    assert ran.stdout.endswith("NOT VERIFIED: the first bad entry is 0\n")
    assert run(tmp_path / "bundle", "--vkey", "nonsense").returncode == 5
    assert run(tmp_path / "nothing", "--vkey", VKEY).returncode == 5
    assert run().returncode == 2
