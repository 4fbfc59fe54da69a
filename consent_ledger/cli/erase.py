"""`consent-ledger erase` and `hold`: destroying what a person said, and when that must not be."""

import sys
from typing import Any

import click

from consent_ledger.cli.output import note, write_json
from consent_ledger.cli.recording import show
from consent_ledger.cli.session import Session, home_options, pass_session


@click.command(epilog="Example: consent-ledger erase --party anna --level statements --basis request --yes")
@click.option("--party", required=True, metavar="PARTY", help="Who asked for it.")
@click.option(
    "--level", type=click.Choice(["statements", "identity"]), required=True,
    help="Everything they said, or only who they are.",
)  # fmt: skip
@click.option("--basis", required=True, metavar="CODE", help="Why, as a short code: request, court_order, ...")
@click.option("--yes", "-y", is_flag=True, help="Do not ask whether this is meant.")
@click.option("--json", "as_json", is_flag=True, help="Write more than the ids, as JSON.")
@home_options
@pass_session
def erase(session: Session, party: str, level: Any, basis: str, yes: bool, as_json: bool) -> None:
    """Destroy what a person said, for ever. That it was said, and when, stays provable; what, nobody can tell.

    Whatever rested on it is not permitted any more, nor are past answers shown to have been. With --level identity only
    the record is made.
    """
    from consent_ledger.address_book import LEDGER
    from consent_ledger.custody.erasure import Journal
    from consent_ledger.custody.erasure import erase as destroy
    from consent_ledger.custody.holds import Holds

    id_ = session.party_of(party)
    if level == "statements" and not yes and sys.stdin.isatty():
        click.confirm(f"Destroy everything that `{party}` said, for good?", abort=True, err=True)
    settings = session.settings
    journal, holds = Journal(settings.erasures), Holds(settings.holds)
    with session.ledger() as ledger:
        receipts = destroy(ledger, session.issuer(ledger, LEDGER), id_, level, basis, journal, holds)
    for receipt in receipts:
        show(receipt, f"`{party}` is erased: {level}", as_json=as_json)
    if level == "statements":
        note(f"backups made until now still hold it; keep `{settings.erasures}` apart from them: see docs/restore.md")


@click.group()
def hold() -> None:
    """Legal holds: whose statements must not be erased now."""


@hold.command(epilog='Example: consent-ledger hold add --party anna --reason "case 12/345"')
@click.option("--party", required=True, metavar="PARTY", help="Whose statements are to be kept.")
@click.option("--reason", required=True, metavar="TEXT", help="Why, for whoever finds the hold later.")
@home_options
@pass_session
def add(session: Session, party: str, reason: str) -> None:
    """Let nothing of a party be erased until the hold is lifted. The ledger does not show it."""
    from consent_ledger.custody.holds import Hold, Holds
    from consent_ledger.ledger import system_clock

    Holds(session.settings.holds).add(Hold(session.party_of(party), reason, system_clock()))
    note(f"`{party}` is on hold")


@hold.command(epilog="Example: consent-ledger hold lift --party anna")
@click.option("--party", required=True, metavar="PARTY", help="Whose statements need not be kept any more.")
@home_options
@pass_session
def lift(session: Session, party: str) -> None:
    """End a hold."""
    from consent_ledger.custody.holds import Holds

    Holds(session.settings.holds).lift(session.party_of(party))
    note(f"`{party}` is not on hold any more")


@hold.command("list", epilog="Example: consent-ledger hold list --json")
@click.option("--party", metavar="PARTY", help="Only the hold on this party.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@home_options
@pass_session
def list_(session: Session, party: str | None, as_json: bool) -> None:
    """Show the holds that there are."""
    from consent_ledger.custody.holds import Holds
    from consent_ledger.signing.instants import format_time

    wanted = None if party is None else session.party_of(party)
    found = [h for h in Holds(session.settings.holds).read().values() if wanted in (None, h.party)]
    rows = [{"party": h.party, "name": session.book.name_of(h.party), "reason": h.reason,
             "since": format_time(h.since)} for h in found]  # fmt: skip
    if as_json:
        write_json(rows)
        return
    for row in rows:
        click.echo(f"{row['name']}\t{row['since']}\t{row['reason']}")
