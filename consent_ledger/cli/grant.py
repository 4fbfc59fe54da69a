"""`consent-ledger grant`: a party signs a permission with its own key."""

from pathlib import Path
from typing import Any

import click

from consent_ledger.cli.options import INSTANT
from consent_ledger.cli.recording import record, writing_options
from consent_ledger.cli.session import Session, ledger_options, pass_session

CAPACITIES = ("owner", "subject", "guardian", "organisation")


@click.command(epilog="Example: consent-ledger grant --party c0001 --project twine --yes open_release")
@click.option("--party", metavar="PARTY", help="Who signs.")
@click.option("--from", "table", metavar="CSV|NDJSON", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="A table with a row for each who signs: column `party`, and any of yes, no, template, language, "
              "capacities, ward, assets, starts, ends, supersedes.")  # fmt: skip
@click.option("--project", required=True, metavar="ID", help="The project that asks.")
@click.option("--template", metavar="ID/VERSION", help="Which of its templates, where it offers several.")
@click.option("--yes", "yes", multiple=True, metavar="RULE", help="The answer to an optional rule is yes.")
@click.option("--no", "no", multiple=True, metavar="RULE", help="The answer to an optional rule is no.")
@click.option("--language", default="en", show_default=True, help="The language in which the text was read.")
@click.option("--capacity", "capacities", multiple=True, type=click.Choice(CAPACITIES), help="As what they sign.")
@click.option("--ward", metavar="PARTY", help="The minor for whom a guardian signs.")
@click.option("--asset", "assets", multiple=True, metavar="FILE|HASH", help="Only these [default: all in the project]. "
              "Naming a film also ratifies that it was made before.")  # fmt: skip
@click.option("--starts", type=INSTANT, metavar="TIME", help="When it begins [default: now].")
@click.option("--ends", type=INSTANT, metavar="TIME", help="When it ends [default: never].")
@click.option("--supersedes", multiple=True, metavar="ID", help="An earlier grant that this one replaces.")
@click.option("--key-file", type=click.Path(path_type=Path), help="The key [default: the address book's].")
@writing_options
@ledger_options
@pass_session
def grant(
    session: Session, /, party: str | None, table: Path | None, project: str, key_file: Path | None, dry_run: bool,
    as_json: bool, **given: Any,
) -> int:  # fmt: skip
    """Sign a permission. Every optional rule of the template is answered, with --yes or with --no: none is preset.

    With --from, everybody in a table signs, with the keys that are kept here; what a row leaves out is as the options
    say.
    """
    from consent_ledger.cli.granting import Granting, Wish, grant_all, read_wishes
    from consent_ledger.signing.instants import format_time

    if (party is None) == (table is None):
        raise click.UsageError("say who signs: --party, or --from and a table")
    both = sorted(set(given["yes"]) & set(given["no"]))
    if both:
        raise click.UsageError(f"`{both[0]}` is answered with --yes and with --no")
    common: dict[str, Any] = {name: list(v) if isinstance(v, tuple) else v for name, v in given.items()}
    common |= {name: format_time(common[name]) for name in ("starts", "ends") if common[name] is not None}
    if table is not None:
        if key_file is not None:
            raise click.UsageError("--key-file is one person's: it goes with --party")
        wishes = read_wishes(session, table, common)
        with session.recording(rehearse=dry_run) as ledger:
            granting = Granting(session, ledger, project)
            return grant_all(granting, ledger, wishes, rehearse=dry_run, as_json=as_json)
    with session.recording(rehearse=dry_run) as ledger:
        envelope, words = Granting(session, ledger, project).sign(Wish(party=party or "", **common), key_file)
        record(ledger, envelope, words, as_json=as_json)
    return 0
