"""`consent-ledger statement`: statements as they are, signed elsewhere or recorded here."""

from base64 import b64decode
from typing import Any

import click

from consent_ledger.cli.ledgers import Rehearsed
from consent_ledger.cli.output import note, write_json, write_lines
from consent_ledger.cli.session import Session, ledger_options, pass_session


@click.group()
def statement() -> None:
    """Record statements that were signed elsewhere, and show those that are recorded."""


@statement.command(epilog="Example: consent-ledger statement submit signed.ndjson")
@click.argument("file", metavar="FILE|-", type=click.File("rb"))
@click.option("--ndjson", is_flag=True, help="One JSON object a line: the receipt or the error.")
@click.option("--dry-run", is_flag=True, help="Do everything but record it, each as if it were alone.")
@ledger_options
@pass_session
def submit(session: Session, file: Any, ndjson: bool, dry_run: bool) -> int:
    """Record signed envelopes, one a line, in their order. What is refused takes nothing else with it; a statement that
    is recorded already is found again. Exit code 1 if any was refused."""
    from consent_ledger.errors import LedgerError

    lines = [(number, raw) for number, raw in enumerate(file.read().split(b"\n"), 1) if raw.strip()]
    with session.recording(rehearse=dry_run) as ledger:
        envelopes = [raw.strip() for _, raw in lines]
        outcomes = [_rehearse(ledger, e) for e in envelopes] if dry_run else ledger.register_all(envelopes)
    refused = sum(isinstance(outcome, LedgerError) for outcome in outcomes)
    for (number, _), outcome in zip(lines, outcomes, strict=True):
        if ndjson:
            write_lines([{"line": number, **_described(outcome)}])
        elif isinstance(outcome, LedgerError):
            note(f"line {number}: {outcome}")
        elif outcome is not None:
            click.echo(outcome.id)
    note(f"{'would be ' * dry_run}recorded {len(outcomes) - refused}, refused {refused}")
    return int(refused > 0)


def _rehearse(ledger: Any, envelope: bytes) -> Any:
    try:
        (outcome,) = ledger.register_all([envelope])
    except Rehearsed:
        return None
    return outcome


def _described(outcome: Any) -> dict[str, Any]:
    from consent_ledger.errors import LedgerError
    from consent_ledger.signing.instants import format_time

    if outcome is None:
        return {"would_be_recorded": True}
    if isinstance(outcome, LedgerError):
        errors = [problem._asdict() for problem in outcome.problems]
        return {"error": str(outcome), "code": outcome.code, "errors": errors}
    at = format_time(outcome.recorded_at)
    return {"id": outcome.id, "entry": outcome.entry, "recorded_at": at, "is_new": outcome.is_new}


@statement.command(epilog="Example: consent-ledger statement show sha256:9f86d0...")
@click.argument("id_", metavar="ID")
@click.option("--envelope", is_flag=True, help="The signed envelope itself, as it was recorded.")
@ledger_options
@pass_session
def show(session: Session, id_: str, envelope: bool) -> None:
    """Show a statement that is recorded, as JSON."""
    import msgspec

    from consent_ledger.media import parse_hash

    if parse_hash(id_) is None or not id_.startswith("sha256:"):
        raise click.UsageError(f"`{id_}` is not the id of a statement, want sha256: and 64 digits")
    with session.asking() as ledger:
        raw = ledger.find_envelope(id_)
    if envelope:
        click.echo(raw)
        return
    write_json(msgspec.json.decode(b64decode(msgspec.json.decode(raw)["payload"])))
