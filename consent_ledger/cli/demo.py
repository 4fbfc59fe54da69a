"""`consent-ledger demo`: a small dataset, played through the whole service."""

import os
import shlex
import shutil
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

import click


@click.command(epilog="Example: consent-ledger demo --dir demo")
@click.option("--dir", "directory", type=click.Path(path_type=Path, file_okay=False),
              help="A new or empty folder to keep everything in [default: a temporary one].")  # fmt: skip
def demo(directory: Path | None) -> int:
    """Play a small dataset through the whole service, on this machine and without a network.

    Thirty people, 240 media files, consent, questions, two withdrawals, an audit and a fraud. Every answer is held
    against what it should be; the exit code is 1 if any is not.
    """
    from rich.console import Console

    from consent_ledger.demo import play
    from consent_ledger.ledger import system_clock

    if directory is None:
        directory = Path(tempfile.mkdtemp(prefix="consent-ledger-demo-"))
    elif directory.exists() and any(directory.iterdir()):
        raise click.ClickException(f"`{directory}` is not empty, want a new folder for the demo")
    began = time.monotonic()
    screen = Screen(Console(highlight=False, soft_wrap=False), directory)
    screen.open()
    for event in play(directory, system_clock()):
        screen.show(event)
    screen.close(time.monotonic() - began)
    return 1 if screen.wrong else 0


VERBATIM = ("...", '"$(cat "$CONSENT_LEDGER_HOME/log.vkey")"')
"""Words of a command that the shell is to read as they are."""


class Screen:
    """Shows the events of the play on a terminal, or as plain text elsewhere."""

    def __init__(self, console: Any, directory: Path) -> None:
        self._console = console
        self._directory = directory
        self._program = program_name()
        self._scene = self._answers = self.wrong = 0

    def open(self) -> None:
        """Say what will be seen."""
        self._line("consent_ledger: may these bytes be used for this purpose, and can you prove it?", "bold")
        self._line("")
        self._paragraph(
            "Thirty people film themselves for a dataset. Each says what may be done with her films. Later two change "
            "their minds. You will see what the ledger answers before and after, and how an outsider finds out when "
            "somebody cheats. All of it happens on this machine, without a network. The demo turns its own clock, so "
            "that two months pass in a few seconds."
        )
        self._line("")
        self._line("  ok   an answer is what it should be")
        self._line("  $    what you would type to do the same by hand")
        self._line("")
        self._line(f"  $ {self._export()}", "dim")

    def show(self, event: Any) -> None:
        """Show one event."""
        from consent_ledger.demo import Answer, Command, Scene, Table, Text

        match event:
            case Scene(title=title):
                self._scene += 1
                self._line("")
                self._line(f"{self._scene}. {title}", "bold cyan")
            case Text(text=text):
                self._paragraph(text)
            case Command(words=words):
                self._command("  $ ", words, "dim")
            case Table(columns=columns, rows=rows):
                self._table(columns, rows)
            case Answer():
                self._answer(event)

    def _answer(self, answer: Any) -> None:
        self._answers += 1
        if answer.right:
            self._hanging(f"  ok   {answer.what}: {answer.got}", 7, "green")
            return
        self.wrong += 1
        self._hanging(f"  WRONG  {answer.what}: wanted {answer.expected}, got {answer.got}", 9, "bold red")

    def close(self, seconds: float) -> None:
        """Say how it went, where everything is and what to try."""
        self._line("")
        right = self._answers - self.wrong
        if self.wrong:
            self._line(f"{self.wrong} of {self._answers} answers were wrong.", "bold red")
        else:
            self._line(f"All {right} answers were as they should be, in {seconds:.1f} seconds.", "bold green")
        self._line("")
        self._line("Everything is kept in " + os.fspath(self._directory), "bold")
        for name, what in (
            ("home/", "the ledger, its keys, and the address book"),
            ("media/", "the 240 files"),
            ("bundle/", "what the auditor got"),
            ("bundle-forged/", "the same with one bit changed"),
            ("receipt-c0001.json", "what c0001 took home"),
        ):
            self._line(f"  {name:<20} {what}")
        self._line("")
        self._line("Try next:", "bold")
        self._line("  " + self._export(), "cyan")
        for what, words in self._suggestions():
            if what:
                self._line(f"  # {what}", "dim")
            self._command("  ", words, "cyan")

    def _suggestions(self) -> list[tuple[str, tuple[str, ...]]]:
        def path(*parts: str) -> str:
            return os.fspath(self._directory.joinpath(*parts))

        return [
            ("ask about all files, or about one folder", ("check", path("media"), "--for", "open-training")),
            ("let somebody else withdraw, then ask again", ("revoke", "--party", "c0002", "--audience", "open")),
            ("check a receipt, with nothing but the file", ("receipt", "verify", path("receipt-c0001.json"))),
            ("verify the evidence, and then the forged one", ("verify", path("bundle"))),
            ("", ("verify", path("bundle-forged"))),
            ("see whether everything is in order", ("doctor",)),
        ]

    def _export(self) -> str:
        return "export CONSENT_LEDGER_HOME=" + shlex.quote(os.fspath((self._directory / "home").absolute()))

    def _line(self, text: str, style: str = "") -> None:
        # Never wrapped: a command has to be one that can be copied.
        self._console.print(text, style=style, markup=False, soft_wrap=True)

    def _hanging(self, text: str, indent: int, style: str) -> None:
        """Show a line that, where it is too long, goes on below its own words."""
        wrapped = textwrap.wrap(text, self._console.width - 1, subsequent_indent=" " * indent, break_on_hyphens=False)
        self._line("\n".join(wrapped), style)

    def _command(self, lead: str, words: tuple[str, ...], style: str) -> None:
        """Show a command that can be copied: too long for a line, it goes on behind a backslash."""
        quoted = [word if word in VERBATIM else shlex.quote(word) for word in (self._program, *words)]
        first, *options = " ".join(quoted).split(" --")  # an option stays beside its value
        lines = [lead + first]
        for word in ("--" + option for option in options):
            if len(lines[-1]) + len(word) + 3 > self._console.width:
                lines[-1] += " \\"
                lines.append(" " * (len(lead) + 4) + word)
            else:
                lines[-1] += " " + word
        self._line("\n".join(lines), style)

    def _paragraph(self, text: str) -> None:
        width = min(self._console.width, 100) - 2
        self._line(textwrap.fill(text, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False))

    def _table(self, columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> None:
        from rich import box
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            numbers = all(row[columns.index(column)].isdigit() for row in rows)
            table.add_column(Text(column), justify="right" if numbers else "left")
        for row in rows:
            table.add_row(*(Text(cell, style=_style(cell)) for cell in row))
        self._console.print(Padding(table, (0, 0, 0, 2)))


def _style(cell: str) -> str:
    first = cell.split(" ")[0]
    return {"allow": "green", "deny": "red", "undetermined": "yellow"}.get(first, "")


def program_name() -> str:
    """Return what to type to run this program again from here."""
    found = shutil.which("consent-ledger")
    ran = Path(sys.argv[0])
    if ran.name == "__main__.py":
        return "consent-ledger"
    if found is not None and Path(found).resolve() == ran.resolve():
        return "consent-ledger"
    return os.path.relpath(ran) if ran.is_absolute() else os.fspath(ran)
