"""`consent-ledger org`: organisations, enrolled by the ledger."""

import click

from consent_ledger.address_book import LEDGER
from consent_ledger.cli.session import Session, ledger_options, pass_session


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
