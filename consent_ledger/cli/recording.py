"""Recording a statement: what every command that writes has in common."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from consent_ledger.batch import Receipt
from consent_ledger.cli.ledgers import Recording, Rehearsed
from consent_ledger.cli.output import note, write_json
from consent_ledger.licenses.statements import MAX_SCOPE_ASSETS
from consent_ledger.signing.instants import format_time

Command = TypeVar("Command", bound=Callable[..., Any])


def writing_options(command: Command) -> Command:
    """Give a command --dry-run and --json."""
    command = click.option("--json", "as_json", is_flag=True, help="Write more than the id, as JSON.")(command)
    return click.option("--dry-run", is_flag=True, help="Do everything but record it.")(command)


def record(ledger: Recording, envelope: bytes, what: str, *, as_json: bool = False) -> Receipt | None:
    """Record a statement and show its receipt; None where it was rehearsed only. `what` says it in the past tense."""
    try:
        receipt = ledger.register(envelope)
    except Rehearsed:
        note(f"would be recorded: {what} (nothing was written)")
        return None
    show(receipt, what, as_json=as_json)
    return receipt


def show(receipt: Receipt, what: str, *, as_json: bool = False) -> None:
    """Write the id, or all of a receipt, and say in words what it is."""
    at = format_time(receipt.recorded_at)
    if as_json:
        write_json({"id": receipt.id, "entry": receipt.entry, "recorded_at": at, "is_new": receipt.is_new})
    else:
        click.echo(receipt.id)
    note(f"{what}: entry {receipt.entry}, recorded {at}" + ("" if receipt.is_new else ", as before"))


def in_parts(assets: list[str]) -> Iterator[list[str]]:
    """Yield the assets in lists that one statement can name."""
    for start in range(0, len(assets), MAX_SCOPE_ASSETS):
        yield assets[start : start + MAX_SCOPE_ASSETS]
