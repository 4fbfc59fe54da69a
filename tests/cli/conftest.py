"""A ledger's home with an organisation, three people, a project and four files, made once and copied for each test."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from consent_ledger.cli import main
from tests.cli.running import Ran

Run = Callable[..., Ran]


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run the command line in this process, as typed."""

    def run(*arguments: str | Path) -> Ran:
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return Ran(int(stopped.value.code or 0), out.decode(), err.decode())

    return run


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `home` and `media`, to be copied and not to be used."""
    folder = tmp_path_factory.mktemp("furnished")
    home = folder / "home"
    media = folder / "media"
    media.mkdir()
    for number in range(4):
        (media / f"{number}.mp4").write_bytes(b"film %d" % number)
    both = ("--owner", "anna", "--subject", "anna")
    for arguments in (
        ("init", "--origin", "ledger.example/cli", "--no-passphrase"),
        ("org", "enrol", "studio"),
        ("party", "add", "anna", "bob", "cleo", "--adult"),
        ("template", "publish", "open-video-dataset/1.0", "--by", "studio"),
        ("project", "create", "twine", "--by", "studio", "--title", "Twine", "--template", "open-video-dataset/1.0"),
        ("asset", "register", str(media), "--project", "twine", "--by", "studio", *both),
    ):
        with pytest.raises(SystemExit) as stopped:
            main([arguments[0], *arguments[1:], "--home", str(home)])
        assert stopped.value.code == 0, arguments
    return folder


@pytest.fixture
def place(furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A furnished folder of one's own; its home is the one that commands use."""
    folder = tmp_path / "place"
    shutil.copytree(furnished, folder)
    monkeypatch.setenv("CONSENT_LEDGER_HOME", str(folder / "home"))
    return folder
