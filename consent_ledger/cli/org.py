"""`consent-ledger org`: organisations, enrolled by the ledger, and whether they may use the service."""

import click

from consent_ledger.access.callers import SCOPES
from consent_ledger.address_book import LEDGER
from consent_ledger.cli.output import note
from consent_ledger.cli.session import Session, home_options, ledger_options, pass_session
from consent_ledger.cli.token import LONGEST_DAYS, accounts, admit


@click.group()
def org() -> None:
    """Enrol organisations: publishers, broadcasters, studios."""


@org.command(epilog="Example: consent-ledger org enrol studio")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--public-key", metavar="BASE64", help="Its Ed25519 public key, where the private one is kept elsewhere.")
@click.option("--dry-run", is_flag=True, help="Do everything but record it.")
@ledger_options
@pass_session
def enrol(session: Session, names: tuple[str, ...], public_key: str | None, dry_run: bool) -> None:
    """Enrol organisations under local names, each with a new key in a file of its own."""
    from consent_ledger.cli.enrolment import enrol as record

    record(session, names, {"kind": "organisation"}, by=LEDGER, public_key=public_key, dry_run=dry_run)


@org.command(epilog="Example: consent-ledger org admin studio > studio.token; org admin ledger is for the operator")
@click.argument("name", metavar="PARTY")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), default=("admin",), show_default=True,
              help="What the token may do.")  # fmt: skip
@click.option("--expires", type=click.IntRange(1, LONGEST_DAYS), default=90, metavar="DAYS", show_default=True,
              help="After how many days it is over.")  # fmt: skip
@home_options
@pass_session
def admin(session: Session, name: str, scopes: tuple[str, ...], expires: int) -> None:
    """Let an organisation use the HTTP service, and show a token with which it makes all others."""
    admit(session, name, scopes, expires)


@org.command(epilog="Example: consent-ledger org close studio")
@click.argument("name", metavar="PARTY")
@home_options
@pass_session
def close(session: Session, name: str) -> None:
    """End an organisation's use of the HTTP service, with all its tokens and sessions, for good."""
    from consent_ledger.access.organisations import close_account
    from consent_ledger.ledger import system_clock

    with accounts(session) as store:
        closed = close_account(store, session.party_of(name), system_clock())
    note(f"`{closed.label}` uses the service no more; what it said stays recorded")
