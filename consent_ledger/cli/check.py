"""`consent-ledger check`: may these files be put to this use?"""

import sys
from pathlib import Path
from typing import Any

import click

from consent_ledger.cli.options import INSTANT, use_options, use_request
from consent_ledger.cli.session import Session, ledger_options, pass_session


@click.command(
    epilog="Example: consent-ledger check clips/ --activity train --aim general --context commercial --audience open "
    "--licence CC-BY-4.0"
)
@click.argument("paths", metavar="FILE|FOLDER|HASH|-...", nargs=-1, required=True)
@use_options
@click.option("--at", type=INSTANT, metavar="TIME", help="What the answer was at TIME.")
@click.option("--as-of", type=INSTANT, metavar="TIME", help="As of TIME, by all that is known now, or at --size.")
@click.option("--size", type=click.IntRange(min=0), help="By what the ledger knew when it had so many entries.")
@click.option(
    "--fail-on", type=click.Choice(["undetermined", "deny", "never"]), default="undetermined", show_default=True,
    help="The mildest verdict that is not success.",
)  # fmt: skip
@click.option("--json", "form", flag_value="json", default=None, help="One JSON document.")
@click.option("--ndjson", "form", flag_value="ndjson", help="One JSON answer a line.")
@click.option("--csv", "form", flag_value="csv", help="A table for spreadsheets.")
@ledger_options
@pass_session
def check(
    session: Session, /, paths: tuple[str, ...], purpose: str | None, purposes: Path | None, at: int | None,
    as_of: int | None, size: int | None, fail_on: str, form: str | None, **facets: Any,
) -> int:  # fmt: skip
    """Ask whether files may be put to a use. They are hashed here and never sent anywhere.

    `-` reads hashes from standard input, one a line, as sha256sum writes them. Only `allow` is permission. Exit code 0:
    all allowed; 3: some denied; 4: some undetermined and none denied; 1: some files could not be read.
    """
    from consent_ledger.cli.answering import report
    from consent_ledger.cli.ledgers import When

    if at is not None and (as_of is not None or size is not None):
        raise click.UsageError("--at says both as of when and known when: it does not go with --as-of or --size")
    request = use_request(facets, purpose, purposes, session.party_of)
    with session.asking() as ledger:
        asked, unusable = hashed_assets(paths)
        answers = ledger.clear([a.asset for a in asked], request, When(at if as_of is None else as_of, at, size))
    counts = report(asked, unusable, answers, form, session.book.name_of)
    return _exit_code(counts, sum(item.lost for item in unusable), fail_on)


def hashed_assets(paths: tuple[str, ...]) -> tuple[list[Any], list[Any]]:
    """Return what is asked about, in the order given, and what could not be hashed."""
    from consent_ledger.cli.answering import Asked
    from consent_ledger.cli.progress import progress
    from consent_ledger.media import Hashed, Unusable, find_files, hash_files, parse_hash

    asked: list[Asked] = []
    unusable: list[Unusable] = []
    for path in paths:
        if path == "-":
            found, wrong = _read_hashes()
            asked += found
            unusable += wrong
        elif (hash_ := parse_hash(path)) is not None:
            asked.append(Asked(hash_, None))
        else:
            for item in progress(hash_files(find_files([Path(path)])), "hashing"):
                match item:
                    case Hashed(path=file, asset=asset):
                        asked.append(Asked(asset, file))
                    case Unusable():
                        unusable.append(item)
    return asked, unusable


def _read_hashes() -> tuple[list[Any], list[Any]]:
    from consent_ledger.cli.answering import Asked
    from consent_ledger.errors import MalformedError
    from consent_ledger.media import Unusable, parse_hash_line

    asked, wrong = [], []
    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.strip():
            continue
        try:
            asset, name = parse_hash_line(line)
        except MalformedError as e:
            wrong.append(Unusable(Path(f"line {number}"), str(e)))
        else:
            asked.append(Asked(asset, None if name is None else Path(name)))
    return asked, wrong


def _exit_code(counts: dict[str, int], unusable: int, fail_on: str) -> int:
    if fail_on == "never":
        return 0
    if unusable or not sum(counts.values()):
        return 1  # what could not be looked at is not cleared
    if counts["deny"]:
        return 3
    return 4 if counts["undetermined"] and fail_on == "undetermined" else 0
