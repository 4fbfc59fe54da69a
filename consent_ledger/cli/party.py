"""`consent-ledger party`: people, enrolled by an organisation or by the ledger."""

from typing import Any

import click

from consent_ledger.address_book import LEDGER
from consent_ledger.cli.session import Session, ledger_options, pass_session


@click.group()
def party() -> None:
    """Enrol people, and see who is called what here."""


@party.command(epilog="Example: consent-ledger party add c0001 c0002 --adult")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--adult", is_flag=True, help="They are of age.")
@click.option("--minor-until", metavar="DAY", help="They come of age on this day, YYYY-MM-DD.")
@click.option("--age-unknown", is_flag=True, help="Nobody has established their age.")
@click.option("--by", default=LEDGER, metavar="PARTY", help="The organisation that enrols them [default: the ledger].")
@click.option("--public-key", metavar="BASE64", help="An Ed25519 public key, where the person keeps the private one.")
@click.option("--no-key", is_flag=True, help="They have no key: others sign for them or record what they signed.")
@click.option("--dry-run", is_flag=True, help="Do everything but record it.")
@ledger_options
@pass_session
def add(
    session: Session, names: tuple[str, ...], adult: bool, minor_until: str | None, age_unknown: bool,
    by: str, public_key: str | None, no_key: bool, dry_run: bool,
) -> None:  # fmt: skip
    """Enrol people under local names, which stay in this home; the ledger only ever sees random ids."""
    from consent_ledger.cli.enrolment import enrol

    if public_key is not None and no_key:
        raise click.UsageError("--public-key and --no-key exclude each other")
    fields = {"kind": "person", **_age(adult, minor_until, age_unknown)}
    enrol(session, names, fields, by=by, public_key=public_key, no_key=no_key, dry_run=dry_run)


def _age(adult: bool, minor_until: str | None, age_unknown: bool) -> dict[str, Any]:
    from datetime import date

    if adult + (minor_until is not None) + age_unknown != 1:
        raise click.UsageError("how old are they? give one of --adult, --minor-until DAY and --age-unknown")
    if minor_until is None:
        return {"age": "adult" if adult else "unknown"}
    try:
        if date.fromisoformat(minor_until).isoformat() == minor_until:
            return {"age": "minor", "majority": minor_until}
    except ValueError:
        pass
    raise click.UsageError(f"`{minor_until}` is not a day, want YYYY-MM-DD")


@party.command("list", epilog="Example: consent-ledger party list")
@ledger_options
@pass_session
def list_(session: Session) -> None:
    """List the address book: local name, party id, kind, key file."""
    for contact in session.book.contacts:
        click.echo(f"{contact.name}\t{contact.party}\t{contact.kind}\t{contact.key or 'key kept elsewhere'}")


@party.command(epilog="Example: consent-ledger party show c0001")
@click.argument("name", metavar="PARTY")
@ledger_options
@pass_session
def show(session: Session, name: str) -> None:
    """Show what a party granted, withdrew and paused, as JSON, with the ids that other commands take."""
    from consent_ledger.cli.output import write_json

    contact = session.book.find(name)
    with session.asking() as ledger:
        consent = ledger.find_consent(contact.party)
    withdrawals = [_withdrawal(item) for item in consent.withdrawals]
    write_json({"name": contact.name, "party": contact.party, "grants": consent.grants, "withdrawals": withdrawals})


def _withdrawal(item: Any) -> dict[str, Any]:
    """Say whether every use is withdrawn; which ones else, the statement says."""
    names = ("id", "entry", "effective", "grants", "assets")
    return {**{name: getattr(item, name) for name in names}, "every_use": item.uses is None}
