"""`consent-ledger receipt`: a proof to take away, and its verification by anybody."""

from pathlib import Path

import click

from consent_ledger.cli.anchors import read_key
from consent_ledger.cli.output import note, write_json
from consent_ledger.cli.session import Session, ledger_options, pass_session


@click.group()
def receipt() -> None:
    """Take a proof away that a statement is recorded, and verify one."""


@receipt.command(epilog="Example: consent-ledger receipt take sha256:9f86d0... --output receipt.json")
@click.argument("id_", metavar="STATEMENT-ID")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="A new file to write it to.")
@click.option("--tlog-proof", is_flag=True, help="Only the proof, as c2sp.org/tlog-proof has it.")
@ledger_options
@pass_session
def take(session: Session, id_: str, output: Path | None, tlog_proof: bool) -> None:
    """Write a receipt: JSON with the statement, its entry, the proof and the log's key, to be verified offline."""
    from consent_ledger.evidence.receipts import encode_receipt_file

    with session.asking() as ledger:
        taken = ledger.take_receipt(id_)
    raw = taken.proof.encode() if tlog_proof else encode_receipt_file(taken)
    if output is None:
        click.echo(raw, nl=False)
        return
    try:
        with output.open("xb") as file:
            file.write(raw)
    except FileExistsError as e:
        raise click.ClickException(f"`{output}` exists and is not overwritten") from e
    note(f"wrote `{output}`; verify it with `consent-ledger receipt verify {output}`")


@receipt.command(epilog="Example: consent-ledger receipt verify receipt.json --vkey log.vkey")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--vkey", metavar="KEY|FILE", help="The log's verifier key, where you know it from elsewhere.")
def verify(file: Path, vkey: str | None) -> None:
    """Verify a receipt with nothing but this file: no ledger, no network. Exit code 5 if it proves nothing."""
    from consent_ledger.evidence.receipts import MAX_FILE, decode_receipt_file, verify_receipt_file
    from consent_ledger.signing.instants import format_time

    with file.open("rb") as stream:
        proved = verify_receipt_file(decode_receipt_file(stream.read(MAX_FILE + 1)), read_key(vkey))
    at = format_time(proved.entry.recorded_at)
    write_json(
        {
            "verified": True,
            "ledger": proved.checkpoint.origin,
            "entry": proved.entry.index,
            "recorded_at": at,
            "id": proved.signed.id,
            "statement": proved.signed.statement,
        }
    )
    note(f"verified: recorded {at} as entry {proved.entry.index} of `{proved.checkpoint.origin}`, and unaltered")
    if vkey is None:
        note("not checked: whose log this is. Its key was taken from the receipt itself; want --vkey")
