"""Showing things: names that cannot play tricks, messages, and the formats that programs read."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec


def note(message: str) -> None:
    """Write a message for people: to standard error, one line."""
    click.echo(printable(message), err=True)


def printable(text: str) -> str:
    """Return the text on one line: what a terminal would obey, or cannot show, is written as an escape."""
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    if 0xDC80 <= ord(character) <= 0xDCFF:  # a byte of a file's name that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def shown(path: Path | str) -> str:
    """Return a path as it can be printed on one line."""
    return printable(os.fspath(path))


def write_json(value: Any) -> None:
    """Write a value as indented JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def write_lines(values: Iterable[Any]) -> None:
    """Write values as JSON, one a line."""
    for value in values:
        sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as CSV with a heading."""
    import csv

    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def on_a_terminal() -> bool:
    """Whether people read standard output."""
    return sys.stdout.isatty()
