"""A stage for each scenario. The Twine dataset at full size is made once, for all processes, and copied."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from tests.scenarios import twine
from tests.scenarios.playing import Stage, found


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A ledger with nothing in it."""
    return found(Stage(tmp_path))


@pytest.fixture(scope="session")
def twine_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Twine dataset, to be copied and not to be used."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "twine"
    with (shared / "twine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            draft = shared / "twine.draft"
            draft.mkdir()
            twine.play(found(Stage(draft)))
            draft.rename(folder)
    return folder


@pytest.fixture
def twine_read(twine_folder: Path) -> Stage:
    """The Twine dataset, for questions only."""
    return Stage(twine_folder)


@pytest.fixture
def twine_stage(twine_folder: Path, tmp_path: Path) -> Stage:
    """The Twine dataset, to go on with."""
    keys = twine_folder / "home/keys"  # thousands of files, which nothing changes
    shutil.copytree(twine_folder, tmp_path / "stage", ignore=lambda _, names: [n for n in names if n == "keys"])
    (tmp_path / "stage/home/keys").symlink_to(keys)
    return Stage(tmp_path / "stage")
