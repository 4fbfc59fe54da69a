"""`consent-ledger explain`: what would clear these files?"""

from pathlib import Path
from typing import Any

import click

from consent_ledger.cli.options import INSTANT, use_options, use_request
from consent_ledger.cli.session import Session, ledger_options, pass_session


@click.command(epilog="Example: consent-ledger explain clips/ --for open-dataset")
@click.argument("paths", metavar="FILE|FOLDER|HASH|-...", nargs=-1, required=True)
@use_options
@click.option("--as-of", type=INSTANT, metavar="TIME", help="As of TIME, by all that is known now, or at --size.")
@click.option("--size", type=click.IntRange(min=0), help="By what the ledger knew when it had so many entries.")
@click.option("--json", "form", flag_value="json", default=None, help="The groups, as one JSON document.")
@click.option("--ndjson", "form", flag_value="ndjson", help="What each file wants, one JSON object a line.")
@click.option("--csv", "form", flag_value="csv", help="Whom to ask for what, and for how many files.")
@ledger_options
@pass_session
def explain(
    session: Session, /, paths: tuple[str, ...], purpose: str | None, purposes: Path | None, as_of: int | None,
    size: int | None, form: str | None, **facets: Any,
) -> None:  # fmt: skip
    """Say whose permission is missing for a use, in which template's words it could be asked, and what else is in the
    way: the smallest set of things that would clear the files, grouped."""
    from consent_ledger.cli.check import hashed_assets
    from consent_ledger.cli.ledgers import When
    from consent_ledger.cli.output import note, shown, write_json, write_lines
    from consent_ledger.licenses.explanation import group_wants
    from consent_ledger.licenses.sentences import sentence

    request = use_request(facets, purpose, purposes, session.party_of)
    with session.asking() as ledger:
        asked, unusable = hashed_assets(paths)
        found = ledger.explain([a.asset for a in asked], request, When(as_of, None, size))
    of_assets = {one.asset: wanted for one, wanted in zip(asked, found, strict=True)}
    groups = group_wants(of_assets)
    cleared = sum(not wanted for wanted in of_assets.values())
    match form:
        case "ndjson":
            for one in asked:
                things = [_want(session, want._asdict()) for want in of_assets[one.asset]]
                write_lines([{"file": one.name, "asset": one.asset, "wants": things}])
        case "json":
            told = [{**group._asdict(), "sentence": sentence(group)} for group in groups]
            write_json({"checked": len(of_assets), "cleared": cleared, "wants": told})
        case "csv":
            _write_requests(session, found)
        case _:
            click.echo(f"{len(of_assets)} checked, {cleared} cleared")
            for group in groups:
                click.echo(f"- {sentence(group)}")
    for item in unusable:
        note(f"not checked: {shown(item.path)}: {item.why}")


def _want(session: Session, fields: dict[str, Any]) -> dict[str, Any]:
    """Name the party as the address book does."""
    if fields["party"] is not None:
        fields["name"] = session.book.name_of(fields["party"])
    return fields


def _write_requests(session: Session, found: list[Any]) -> None:
    """Write what is to be asked of each party, once for all the files, most files first."""
    from collections import Counter

    from consent_ledger.cli.output import write_csv

    files = Counter(want for wanted in found for want in wanted if want.party is not None)
    columns = ("name", "party", "action", "template", "questions", "capacities", "code", "files")
    lists = ("questions", "capacities")
    write_csv(
        columns,
        (
            {name: getattr(want, name) for name in columns[1:-1]}
            | {name: " ".join(getattr(want, name)) for name in lists}
            | {"name": session.book.name_of(want.party), "files": count}
            for want, count in files.most_common()
        ),
    )
