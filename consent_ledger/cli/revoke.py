"""`consent-ledger revoke`: a party withdraws, wholly or in part."""

import sys
from pathlib import Path
from typing import Any

import click

from consent_ledger.cli.options import INSTANT, facet_options, instant_fields
from consent_ledger.cli.output import note
from consent_ledger.cli.recording import record, show, writing_options
from consent_ledger.cli.session import Session, ledger_options, pass_session


@click.command(epilog="Example: consent-ledger revoke --party c0001 --audience open --yes")
@click.option("--party", required=True, metavar="PARTY", help="Who withdraws.")
@click.option("--all", "everything", is_flag=True, help="Everything that they ever granted.")
@click.option("--grant", "grants", multiple=True, metavar="ID", help="Only this grant.")
@click.option("--asset", "assets", multiple=True, metavar="FILE|HASH", help="Only for this file.")
@facet_options
@click.option("--effective-at", type=INSTANT, metavar="TIME", help="From then on [default: at once, never earlier].")
@click.option("--by", metavar="PARTY", help="Who signs for them: their guardian, or `ledger` [default: they].")
@click.option("--channel", default="command_line", show_default=True, metavar="CODE", help="How they asked for it.")
@click.option("--key-file", type=click.Path(path_type=Path), help="The key [default: the address book's].")
@click.option("--yes", "-y", is_flag=True, help="Do not ask whether this is meant.")
@writing_options
@ledger_options
@pass_session
def revoke(
    session: Session, /, party: str, everything: bool, grants: tuple[str, ...], assets: tuple[str, ...],
    effective_at: int | None, by: str | None, channel: str, key_file: Path | None, yes: bool, dry_run: bool,
    as_json: bool, **facets: Any,
) -> None:  # fmt: skip
    """Withdraw what a party granted: all of it, or only some grants, files or uses.

    Uses are what the facets say, and a facet left out means all: --audience open withdraws the open release and leaves
    the rest. The same withdrawal again finds the one that stands, and records nothing.
    """
    from consent_ledger.licenses.statements import Revocation
    from consent_ledger.media import asset_of

    part = _part(session, grants, [asset_of(asset) for asset in assets], facets)
    if everything == bool(part):
        raise click.UsageError("say what is withdrawn: --all, or some of --grant, --asset and the facets of a use")
    words = "everything" if everything else _words(part, facets)
    if not (yes or dry_run) and sys.stdin.isatty():
        click.confirm(f"Withdraw {words} of `{party}`?", abort=True, err=True)
    with session.recording(rehearse=dry_run) as ledger:
        party_id = session.party_of(party)
        standing = ledger.find_withdrawal(party_id, **part)
        if standing.withdrawal is not None and effective_at is None:
            show(ledger.find(standing.withdrawal), f"`{party}` had withdrawn {words}", as_json=as_json)
            return
        if standing.grants == 0:
            note(f"`{party}` has granted nothing until now, so there is nothing that this takes back")
        fields = {"party": party_id, "channel": channel, **part, **instant_fields(effective_at=effective_at)}
        envelope = session.issuer(ledger, by or party, key_file).say(Revocation, ledger.clock(), **fields)
        record(ledger, envelope, f"`{party}` withdraws {words}", as_json=as_json)


def _words(part: dict[str, Any], facets: dict[str, Any]) -> str:
    """Return what is withdrawn, for people."""
    given = {name: " ".join(value) if isinstance(value, tuple) else value for name, value in facets.items() if value}
    uses = [f"{name} {value}" for name, value in given.items()]
    words = ["every use" if not uses else "uses with " + ", ".join(uses)]
    for name, what in (("grants", "grant"), ("assets", "file")):
        if name in part:
            words.append(f"of {len(part[name])} {what}{'s' * (len(part[name]) != 1)}")
    return " ".join(words)


def _part(session: Session, grants: tuple[str, ...], assets: list[str], facets: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a withdrawal that say of what it is; none for all."""
    from consent_ledger.licenses.terms import Prohibition

    uses: dict[str, Any] = {
        "activities": list(facets["activity"]),
        "aims": list(facets["aim"]),
        "contexts": [facets["context"]] if facets["context"] else [],
        "min_audience": facets["audience"],
        "territories": list(facets["territory"]),
        "recipients": [session.party_of(facets["recipient"])] if facets["recipient"] else [],
        "licences": [facets["licence"]] if facets["licence"] else [],
    }
    named = {name: value for name, value in uses.items() if value}
    part: dict[str, Any] = {"grants": list(dict.fromkeys(grants)), "assets": list(dict.fromkeys(assets))}
    part = {name: value for name, value in part.items() if value}
    return part | ({"uses": Prohibition(**named)} if named else {})
