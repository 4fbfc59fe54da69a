"""`consent-ledger asset dispute` and `takedown`: what stops files whatever anybody granted."""

import click

from consent_ledger.address_book import LEDGER
from consent_ledger.cli.options import INSTANT, instant_fields
from consent_ledger.cli.recording import in_parts, record, writing_options
from consent_ledger.cli.session import Session, ledger_options, pass_session


@click.command(epilog="Example: consent-ledger asset dispute photo.jpg --resolved --upheld sha256:9f86d0...")
@click.argument("names", metavar="FILE|HASH...", nargs=-1, required=True)
@click.option("--resolved", is_flag=True, help="It is over [default: it begins].")
@click.option("--upheld", metavar="ID", help="The registration (`asset show`) whose owners are right.")
@writing_options
@ledger_options
@pass_session
def dispute(
    session: Session, names: tuple[str, ...], resolved: bool, upheld: str | None, dry_run: bool, as_json: bool
) -> None:
    """Record that it is contested whose files are, or who is right. The ledger's operator says so."""
    from consent_ledger.licenses.statements import Dispute
    from consent_ledger.media import asset_of

    if upheld is not None and not resolved:
        raise click.UsageError("--upheld goes with --resolved")
    said = {"status": "resolved" if resolved else "open", **({} if upheld is None else {"upheld": upheld})}
    with session.recording(rehearse=dry_run) as ledger:
        operator = session.issuer(ledger, LEDGER)
        for assets in in_parts([asset_of(name) for name in names]):
            envelope = operator.say(Dispute, ledger.clock(), assets=assets, **said)
            record(ledger, envelope, f"dispute about {len(assets)} files is {said['status']}", as_json=as_json)


@click.command(epilog="Example: consent-ledger asset takedown clip.mp4 --by studio --basis court_order")
@click.argument("names", metavar="FILE|HASH...", nargs=-1, required=True)
@click.option("--by", required=True, metavar="ORG", help="Who orders it: an organisation, or `ledger`.")
@click.option("--basis", required=True, metavar="CODE", help="On what legal basis, for example court_order.")
@click.option("--lift", is_flag=True, help="The order does not hold any more.")
@click.option("--effective-at", type=INSTANT, metavar="TIME", help="From then on [default: at once].")
@writing_options
@ledger_options
@pass_session
def takedown(
    session: Session, names: tuple[str, ...], by: str, basis: str, lift: bool, effective_at: int | None, dry_run: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Record that files must not be used whatever was granted, or may be used again."""
    from consent_ledger.licenses.statements import Takedown
    from consent_ledger.media import asset_of

    said = {"action": "lifted" if lift else "ordered", "basis": basis, **instant_fields(effective_at=effective_at)}
    with session.recording(rehearse=dry_run) as ledger:
        issuer = session.issuer(ledger, by)
        for assets in in_parts([asset_of(name) for name in names]):
            envelope = issuer.say(Takedown, ledger.clock(), assets=assets, **said)
            record(ledger, envelope, f"takedown of {len(assets)} files is {said['action']}", as_json=as_json)
