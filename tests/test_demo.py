"""The demo: it plays to its end, and it notices when an answer is not what it should be."""

import subprocess
import sys
from pathlib import Path

import pytest

from consent_ledger.demo import Answer, Event, Scene, play
from consent_ledger.demo.play import flip_a_bit
from consent_ledger.demo.stage import should_be_allowed
from consent_ledger.ledger import system_clock
from tests.cli.conftest import Run, run
from tests.cli.running import ROOT, run_process

__all__ = ["run"]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    folder = tmp_path_factory.mktemp("demo") / "with a space"
    return folder, list(play(folder, system_clock()))


def test_every_answer_is_right(played: tuple[Path, list[Event]]) -> None:
    answers = [event for event in played[1] if isinstance(event, Answer)]
    assert [answer for answer in answers if not answer.right] == []
    assert len(answers) > 20
    assert len([event for event in played[1] if isinstance(event, Scene)]) == 10


def test_the_story_alone_gives_the_numbers() -> None:
    assert len(should_be_allowed("open")) == 224
    assert len(should_be_allowed("open", withdrawn={1})) == 215
    assert should_be_allowed("open") - should_be_allowed("open", withdrawn={1}) == {
        (0, 7), *((1, clip) for clip in range(8)),
    }  # fmt: skip
    assert len(should_be_allowed("open", withdrawn={1}, withdrawn_open={5})) == 207
    assert len(should_be_allowed("internal", withdrawn={1}, withdrawn_open={5})) == 231


def test_what_it_suggests_to_try_works(played: tuple[Path, list[Event]], run: Run) -> None:
    folder = played[0]
    home = ("--home", folder / "home")
    asked = run("check", folder / "media", "--for", "open-training", *home)
    assert asked.code == 3
    assert asked.out.endswith("checked 240, allow 207, deny 33, undetermined 0\n")
    assert run("revoke", "--party", "c0002", "--audience", "open", *home).code == 0
    again = run("check", folder / "media", "--for", "open-training", *home)
    assert again.out.endswith("checked 240, allow 199, deny 41, undetermined 0\n")
    assert run("receipt", "verify", folder / "receipt-c0001.json").code == 0
    assert run("verify", folder / "bundle").code == 0
    forged = run("verify", folder / "bundle-forged")
    assert forged.code == 5
    assert "94" in forged.out + forged.err
    assert run("doctor", *home).code == 0


def test_one_bit_is_flipped_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "openings"
    path.write_bytes(b"first\nsecond,\nthird\n")
    place = flip_a_bit(path, 1)
    changed = path.read_bytes()
    assert changed.split(b"\n")[0::2] == [b"first", b"third"]
    old, new = b"second,"[place - 1], changed.split(b"\n")[1][place - 1]
    assert (old ^ new, len(changed)) == (1, 20)


def test_the_command_says_where_things_are_and_ends_well(tmp_path: Path) -> None:
    ran = run_process("demo", "--dir", str(tmp_path / "a demo"), COLUMNS="300")
    assert (ran.code, ran.err) == (0, "")
    assert "WRONG" not in ran.out
    assert f"Everything is kept in {tmp_path}/a demo" in ran.out
    assert f"check '{tmp_path}/a demo/media' --for open-training" in ran.out


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    refused = run_process("demo", "--dir", str(tmp_path))
    assert (refused.code, refused.out) == (1, "")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_wrong_answer_ends_in_exit_code_1(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rich.console import Console\n"
        "from consent_ledger.cli.demo import Screen; from consent_ledger.demo import Answer\n"
        "screen = Screen(Console(), Path('.')); screen.show(Answer('lines', '1', '2')); screen.close(1)\n"
        "sys.exit(screen.wrong)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert b"WRONG  lines: wanted 1, got 2" in done.stdout
