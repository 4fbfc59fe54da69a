"""docs/restore.md, followed by the letter."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run

DOCUMENT = Path(__file__).parents[2] / "docs" / "restore.md"
USE = ("--for", "open-training")


def commands(**names: Path) -> list[list[str]]:
    """The commands of the document, for these files."""
    found = re.findall(r"```sh\n(.*?)\n```", DOCUMENT.read_text(), re.DOTALL)
    lines = [line for block in found for line in block.splitlines()]
    spelled = [re.sub(r"[A-Z]{4,}", lambda m: str(names[m[0].lower()]), line) for line in lines]
    return [shlex.split(line.replace("receipt.json", str(names["receipt"])))[1:] for line in spelled]


@pytest.fixture
def names(run: Run, place: Path) -> dict[str, Path]:
    """A home that was restored, and what was kept elsewhere."""
    film = place / "media/0.mp4"
    names = {k: place / k for k in ("bundle", "older", "published", "receipt", "home")}
    shutil.copy(place / "home/ledger.db", place / "backup.db")
    assert run("bundle", names["older"]).code == 0
    granted = run("grant", "--party", "anna", "--project", "twine", "--yes", "open")
    assert granted.code == 0, granted.err
    grant = granted.out.strip()
    names["receipt"].write_text(run("receipt", "take", grant).out)
    assert run("bundle", names["bundle"]).code == 0
    names["published"].mkdir()
    shutil.copy(names["bundle"] / "checkpoint", names["published"])
    shutil.copytree(names["bundle"] / "tile", names["published"] / "tile")
    assert run("check", film, *USE).code == 0
    shutil.copy(place / "backup.db", place / "home/ledger.db")
    for journal in ("-wal", "-shm"):
        (place / f"home/ledger.db{journal}").unlink(missing_ok=True)
    return names


def test_a_restored_home_refuses_to_write_and_says_what_to_do(run: Run, place: Path, names: dict[str, Path]) -> None:
    assert run("revoke", "--party", "anna", "--all").code == 6
    refused = run("party", "add", "dora", "--adult")
    assert (refused.code, refused.out) == (6, "")
    assert len(refused.err.splitlines()) == 1
    assert "consent-ledger recover" in refused.err
    asked = run("check", place / "media/0.mp4", *USE)
    assert asked.code == 4
    assert "ledger_integrity_failure" in run("check", place / "media/0.mp4", *USE, "--json").out


@pytest.mark.parametrize("way", ["BUNDLE", "PUBLISHED"])
def test_the_document_brings_it_back(run: Run, place: Path, names: dict[str, Path], way: str) -> None:
    doctor, bundled, published, verified = commands(**names)
    run(*doctor)
    recovered = run(*(bundled if way == "BUNDLE" else published))
    assert recovered.code == 0, recovered.err
    assert run("check", place / "media/0.mp4", *USE).code == 0
    assert run("receipt", "verify", names["receipt"]).code == 0
    assert run("revoke", "--party", "anna", "--all").code == 0
    assert run("check", place / "media/0.mp4", *USE).code == 3
    checked = run(*verified)
    assert checked.code == 0, checked.out + checked.err


def test_what_holds_no_openings_is_named_and_the_key_may_be_in_a_file(run: Run, names: dict[str, Path]) -> None:
    strange = names["home"] / "settings.toml"
    ran = run("recover", names["published"], "--openings", strange, "--vkey", names["home"] / "log.vkey")
    assert ran.code == 1
    assert f"`{strange}` is neither the `openings.ndjson` of a bundle nor a receipt" in ran.err
