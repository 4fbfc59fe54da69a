"""Registering files: whatever stands in a folder, a list or a table, nothing is lost for what is wrong with one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import ROOT, run_process

COMMON = ("--project", "twine", "--by", "studio", "--owner", "anna", "--subject", "anna")


def test_what_is_registered_already_is_left_out(run: Run, place: Path) -> None:
    (place / "media/4.mp4").write_bytes(b"film 4")
    (place / "media/copy.mp4").write_bytes(b"film 4")
    first = run("asset", "register", place / "media", *COMMON)
    assert first.code == 0
    assert [line.split("\t")[1] for line in first.out.splitlines()] == [str(place / "media/4.mp4")]
    assert "registered 1, registered before 4, failed 0" in first.err
    assert "has the same bytes as" in first.err
    again = run("asset", "register", place / "media", *COMMON)
    assert (again.code, again.out) == (0, "")


def test_strange_files_are_named_and_the_others_registered(run: Run, place: Path) -> None:
    folder = place / "strange"
    (folder / "deep").mkdir(parents=True)
    (folder / "empty.mp4").touch()
    (folder / "dangling.mp4").symlink_to("nowhere")
    (folder / "deep/loop").symlink_to(folder)
    (folder / "self").symlink_to("self")
    os.mkfifo(folder / "pipe.mp4")
    good = ["new\nline.mp4", "🎬.mp4", "-rf.mp4", "tab\t.mp4", "'quote\".mp4", "\x1b[31mred.mp4"]
    for name in good:
        (folder / "deep" / name).write_text(name)
    Path(os.fsdecode(os.fsencode(folder) + b"/not utf-8 \xff.mp4")).write_bytes(b"latin")
    ran = run("asset", "register", folder, *COMMON)
    assert ran.code == 1
    assert len(ran.out.splitlines()) == 7
    assert "\x1b" not in ran.out
    assert "new\\nline.mp4" in ran.out
    assert "not utf-8 \\xff.mp4" in ran.out
    for message in (
        "empty.mp4: is empty",
        "dangling.mp4: no such file or directory",
        "self: too many levels of symbolic links",
        "pipe.mp4: is not a file",
        "loop: leads to a folder that was walked already",
        "registered 7, registered before 0, failed 4",
    ):
        assert message in ran.err


def test_a_list_of_files_may_come_from_find(place: Path) -> None:
    (place / "media/a\nb.mp4").write_bytes(b"a newline in its name")
    names = b"\0".join(os.fsencode(path) for path in sorted((place / "media").iterdir())) + b"\0"
    ran = run_process("asset", "register", "--files0", "-", *COMMON, stdin=names)
    assert ran.code == 0
    assert "registered 1, registered before 4, failed 0" in ran.err


@pytest.mark.parametrize(
    "table",
    [
        "path,owner,subjects\n{0},bob,bob\n{1},bob,bob cleo\n{2},bob,nobody\n",
        '{{"path": "{0}", "owners": ["bob"], "subjects": ["bob"]}}\n{{"path": "{1}", "owner": "bob", "subjects": '
        '"bob,cleo"}}\n{{"path": "{2}", "owners": ["bob"], "subjects": []}}\n',
    ],
)
def test_a_table_says_whose_each_file_is_and_who_is_in_it(run: Run, place: Path, table: str) -> None:
    names = ["x.mp4", "y.jpg", "z.wav"]
    for name in names:
        (place / name).write_text(name)
    (place / "table").write_text(table.format(*names))
    assert run("asset", "register", "--manifest", place / "table", "--project", "twine", "--by", "studio").code == 0
    shown = run("asset", "show", place / "y.jpg").out
    assert '"owners": [\n        "bob"\n      ]' in shown
    assert '"subjects": [\n        "bob",\n        "cleo"\n      ]' in shown


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("owner,size\n", "no column `path` or `hash`"),
        ("path,price\nx,1\n", "unknown column `price`"),
        ("path,subjects\nx,nobody\n,nobody\n", "line 3: has to have either `path` or `hash`"),
        ("hash,subjects\n" + "a" * 64 + ",nobody\n", "a `hash` goes with `size` and `media_type`"),
        ('{"path": "x", "colour": 1}\n', "line 1: object contains unknown field `colour`"),
        ("path,owner\nx,anna\n", "does not say who is in it"),
    ],
)
def test_a_table_that_is_wrong_is_refused_as_a_whole(run: Run, place: Path, table: str, message: str) -> None:
    (place / "table").write_text(table)
    (place / "x").write_text("x")
    ran = run("asset", "register", "--manifest", place / "table", "--project", "twine", "--by", "studio")
    assert (ran.code, ran.out) == (1, "")
    assert message in ran.err


def test_files_that_the_ledger_refuses_do_not_take_others_with_them(run: Run, place: Path) -> None:
    for name in ("x", "y"):
        (place / name).write_text(name)
    (place / "table").write_text("path,owner,subject\nx,anna,studio\ny,anna,anna\n")
    ran = run("asset", "register", "--manifest", place / "table", "--project", "twine", "--by", "studio")
    assert ran.code == 1
    assert ran.out.endswith(f"\t{place}/y\n")
    assert "x: `pty_" in ran.err
    assert "is not a person" in ran.err


def test_a_name_that_is_nobody_s_is_one_mistake(run: Run, place: Path) -> None:
    (place / "x").write_text("x")
    typed = run("asset", "register", place / "x", "--project", "twine", "--by", "studio", "--owner", "ana",
                "--no-subjects")  # fmt: skip
    assert (typed.code, typed.out) == (1, "")
    assert typed.err.startswith("error: nobody is called `ana`")
    (place / "y").write_text("y")
    (place / "table").write_text("path,owner,subjects\nx,ana,nobody\ny,anna,nobody\n")
    ran = run("asset", "register", "--manifest", place / "table", "--project", "twine", "--by", "studio")
    assert ran.code == 1
    assert ran.out.endswith(f"\t{place}/y\n")
    assert "x: nobody is called `ana`" in ran.err


def test_more_files_than_fit_into_one_statement(run: Run, place: Path) -> None:
    many = place / "many"
    many.mkdir()
    for number in range(450):
        (many / f"{number}.mp4").write_text(str(number))
    ran = run("asset", "register", many, *COMMON)
    assert ran.code == 0
    assert len(ran.out.splitlines()) == 450


def test_a_run_that_was_killed_is_simply_run_again(run: Run, place: Path) -> None:
    many = place / "many"
    many.mkdir()
    for number in range(1_500):
        (many / f"{number}.mp4").write_text(str(number))
    command = [sys.executable, "-m", "consent_ledger", "asset", "register", str(many), *COMMON]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT) as killed:
        assert killed.stdout is not None
        killed.stdout.readline()
        killed.kill()
    again = run("asset", "register", many, *COMMON)
    assert again.code == 0
    registered, before = (int(n) for n in re.findall(r"(?:registered|before) ([0-9]+)", again.err))
    assert registered + before == 1_500
    assert before >= 150
    assert run("doctor").code == 0


def test_a_dry_run_registers_nothing(run: Run, place: Path) -> None:
    (place / "media/4.mp4").write_bytes(b"film 4")
    dry = run("asset", "register", place / "media", *COMMON, "--dry-run")
    assert dry.out == ""
    assert "would register 1 files" in dry.err
    assert '"registrations": []' in run("asset", "show", place / "media/4.mp4").out


def test_an_unknown_project_is_refused_before_anything_is_hashed(run: Run, place: Path) -> None:
    ran = run("asset", "register", place / "media", "--project", "nylon", "--by", "studio", "--no-subjects")
    assert (ran.code, ran.err) == (1, "error: project `nylon` is not recorded\n")
