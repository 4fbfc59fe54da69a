"""What a stranger's first two commands rest on: the locks, and the files that the package ships."""

import re
import tomllib
from pathlib import Path

import pytest

from consent_ledger.resources import template_root

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"^([a-z0-9-]+)==[^ ]+( ; .+)? \\$", re.MULTILINE)
REQUIREMENT = re.compile(r"[A-Za-z0-9-]+")


def pins(lock: str) -> dict[str, str]:
    """Return each pinned name and its block: version, marker and hashes."""
    text = (ROOT / lock).read_text()
    starts = [*PIN.finditer(text)]
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return {start[1]: text[start.start() : end] for start, end in zip(starts, ends, strict=True)}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-demo.lock"])
def test_every_line_of_a_lock_is_a_pin_or_a_hash(lock: str) -> None:
    hashed = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    lines = [line for line in (ROOT / lock).read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not (PIN.fullmatch(line) or hashed.fullmatch(line))] == []


def test_the_locks_hold_everything_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    core = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    extras = [line for extra in project["project"]["optional-dependencies"].values() for line in extra]

    def names(lines: list[str]) -> set[str]:
        return {match[0].lower() for line in lines if (match := REQUIREMENT.match(line))}

    assert names(core) - pins("requirements-demo.lock").keys() == set()
    assert names(core + extras) - pins("requirements.lock").keys() == set()


def test_the_demo_installs_what_is_tested() -> None:
    def exact(lock: str) -> dict[str, list[str]]:
        """Return version and hashes; a marker may differ, as more may be asked for on some platform."""
        return {name: re.findall(r"==[^ ]+|sha256:[0-9a-f]+", pin) for name, pin in pins(lock).items()}

    full = exact("requirements.lock")
    assert {name: pin for name, pin in exact("requirements-demo.lock").items() if pin != full[name]} == {}


def test_a_checkout_reads_its_own_licence_templates() -> None:
    assert template_root() == ROOT / "license_templates"
