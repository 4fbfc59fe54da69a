"""`consent-ledger suspend` and `resume`: permissions that are paused for a while."""

from pathlib import Path

import click

from consent_ledger.cli.options import INSTANT, instant_fields
from consent_ledger.cli.recording import record, writing_options
from consent_ledger.cli.session import Session, ledger_options, pass_session

GRANTS_HELP = "A grant (`party show`); once for each."


@click.command(epilog="Example: consent-ledger suspend --party c0001 --grant sha256:9f86d0...")
@click.option("--party", required=True, metavar="PARTY", help="Who granted it.")
@click.option("--grant", "grants", multiple=True, required=True, metavar="ID", help=GRANTS_HELP)
@click.option("--effective-at", type=INSTANT, metavar="TIME", help="From then on [default: at once].")
@click.option("--key-file", type=click.Path(path_type=Path), help="The key [default: the address book's].")
@writing_options
@ledger_options
@pass_session
def suspend(
    session: Session, party: str, grants: tuple[str, ...], effective_at: int | None, key_file: Path | None,
    dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Pause grants until they are resumed. What they forbid stays forbidden."""
    _say(session, "suspended", party, grants, effective_at, key_file, dry_run, as_json)


@click.command(epilog="Example: consent-ledger resume --party c0001 --grant sha256:9f86d0...")
@click.option("--party", required=True, metavar="PARTY", help="Who granted it.")
@click.option("--grant", "grants", multiple=True, required=True, metavar="ID", help=GRANTS_HELP)
@click.option("--effective-at", type=INSTANT, metavar="TIME", help="From then on [default: at once].")
@click.option("--key-file", type=click.Path(path_type=Path), help="The key [default: the address book's].")
@writing_options
@ledger_options
@pass_session
def resume(
    session: Session, party: str, grants: tuple[str, ...], effective_at: int | None, key_file: Path | None,
    dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Let grants that were paused hold again; one that was withdrawn stays withdrawn."""
    _say(session, "resumed", party, grants, effective_at, key_file, dry_run, as_json)


def _say(
    session: Session, action: str, party: str, grants: tuple[str, ...], effective_at: int | None,
    key_file: Path | None, dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    from consent_ledger.licenses.statements import Suspension

    with session.recording(rehearse=dry_run) as ledger:
        said = {"action": action, "grants": list(dict.fromkeys(grants)), **instant_fields(effective_at=effective_at)}
        envelope = session.issuer(ledger, party, key_file).say(Suspension, ledger.clock(), **said)
        what = "a grant is" if len(said["grants"]) == 1 else f"{len(said['grants'])} grants are"
        record(ledger, envelope, f"`{party}`: {what} {action}", as_json=as_json)
