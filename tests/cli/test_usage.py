"""The command line as a whole: help, start-up, completion, and how mistakes are answered."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from consent_ledger.cli import COMMANDS, cli
from tests.cli.conftest import Run
from tests.cli.running import ROOT, run_process


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    """Return all commands that do something, with their names."""
    if not isinstance(command, click.Group):
        return [(path, command)]
    context = click.Context(command)
    found = []
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child is not None
        found += leaves(child, (*path, name))
    return found


def test_every_command_has_an_example_that_is_a_command() -> None:
    for path, command in leaves(cli):
        assert command.epilog is not None, path
        assert f"consent-ledger {' '.join(path)}" in command.epilog, path
        assert command.help, path


def test_the_help_lists_every_command(run: Run) -> None:
    shown = run("--help")
    assert shown.code == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in shown.out] == []


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["receipt", "verify", "--help"]])
def test_help_does_not_wait_for_the_database_or_the_web(arguments: list[str]) -> None:
    code = (
        "import sys; from consent_ledger.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        "print(sorted({'litestar', 'sqlmodel', 'alembic', 'rich'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60, check=True)
    assert done.stderr.decode().strip() == "[]"


def test_the_shell_completes_commands_and_named_purposes() -> None:
    variables = {"_CONSENT_LEDGER_COMPLETE": "bash_complete", "COMP_CWORD": "1", "COMP_WORDS": "consent-ledger tem"}
    assert "plain,template" in run_process(**variables).out
    variables |= {"COMP_CWORD": "3", "COMP_WORDS": "consent-ledger check --for open-t"}
    assert "plain,open-training" in run_process(**variables).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chekc"], "there is no command `chekc`, did you mean `check`?"),
        (["grant"], "missing option '--project'"),
        (["grant", "--project", "p"], "say who signs"),
        (["check", "x", "--audience", "opne"], "'opne'"),
        (["check", "x", "--activity", "train"], "a use is not complete without --aim, --context, --audience"),
        (["check", "x", "--for", "open-training", "--at", "yesterday"], "want for example 2026-06-01T12:00:00Z"),
        (["party", "add", "dora"], "how old are they?"),
        (["revoke", "--party", "anna"], "say what is withdrawn"),
        (["grant", "--party", "a", "--project", "p", "--yes", "open", "--no", "open"], "with --yes and with --no"),
        (["asset", "register", "x", "--project", "twine", "--by", "studio"], "who is in them?"),
    ],
)
def test_a_mistake_in_the_usage_is_one_line_and_exit_code_2(
    run: Run, place: Path, arguments: list[str], message: str
) -> None:
    mistaken = run(*arguments)
    assert (mistaken.code, mistaken.out) == (2, "")
    assert message in mistaken.err
    assert mistaken.err.startswith("error: ")
    assert mistaken.err.count("\n") == 1


def test_a_closed_pipe_is_no_crash(place: Path) -> None:
    command = f"'{sys.executable}' -m consent_ledger party list | true"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, timeout=60, check=True)
    assert b"Traceback" not in done.stderr
