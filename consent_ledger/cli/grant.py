"""`consent-ledger grant`: a party signs a permission with its own key."""

from pathlib import Path
from typing import Any

import click

from consent_ledger.cli.options import INSTANT, instant_fields
from consent_ledger.cli.recording import record, writing_options
from consent_ledger.cli.session import Session, home_options, pass_session

CAPACITIES = ("owner", "subject", "guardian", "organisation")


@click.command(epilog="Example: consent-ledger grant --party c0001 --project twine --yes open_release")
@click.option("--party", required=True, metavar="PARTY", help="Who signs.")
@click.option("--project", required=True, metavar="ID", help="The project that asks.")
@click.option("--template", metavar="ID/VERSION", help="Which of its templates, where it offers several.")
@click.option("--yes", "yes", multiple=True, metavar="RULE", help="The answer to an optional rule is yes.")
@click.option("--no", "no", multiple=True, metavar="RULE", help="The answer to an optional rule is no.")
@click.option("--language", default="en", show_default=True, help="The language in which the text was read.")
@click.option("--capacity", "capacities", multiple=True, type=click.Choice(CAPACITIES), help="As what they sign.")
@click.option("--ward", metavar="PARTY", help="The minor for whom a guardian signs.")
@click.option("--asset", "assets", multiple=True, metavar="FILE|HASH", help="Only these [default: all in the project].")
@click.option("--starts", type=INSTANT, metavar="TIME", help="When it begins [default: now].")
@click.option("--ends", type=INSTANT, metavar="TIME", help="When it ends [default: never].")
@click.option("--supersedes", multiple=True, metavar="ID", help="An earlier grant that this one replaces.")
@click.option("--key-file", type=click.Path(path_type=Path), help="The key [default: the address book's].")
@writing_options
@home_options
@pass_session
def grant(
    session: Session, party: str, project: str, template: str | None, yes: tuple[str, ...], no: tuple[str, ...],
    language: str, capacities: tuple[str, ...], ward: str | None, assets: tuple[str, ...], starts: int | None,
    ends: int | None, supersedes: tuple[str, ...], key_file: Path | None, dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Sign a permission. Every optional rule of the template is answered, with --yes or with --no: none is preset."""
    from consent_ledger.cli.lookup import find_project, pick_template
    from consent_ledger.licenses.statements import Grant, Scope
    from consent_ledger.media import asset_of

    choices = _choices(yes, no)
    scope = Scope(assets=[asset_of(a) for a in assets]) if assets else Scope(project=project)
    with session.ledger(rehearse=dry_run) as ledger:
        _, offered = find_project(ledger.store, project)
        document = pick_template(offered, project, template)
        fields = _fields(document, language, choices)
        fields |= {"ward": session.party_of(ward)} if ward else {}
        fields |= {"supersedes": list(supersedes)} if supersedes else {}
        now = ledger.clock()
        envelope = session.issuer(ledger, party, key_file).say(
            Grant, now, capacities=_capacities(session, party, ward, capacities, document.capacities), scope=scope,
            assurance="own_key", **instant_fields(starts=now if starts is None else starts, ends=ends), **fields,
        )  # fmt: skip
        said = ", ".join(f"{rule} {'yes' if answer else 'no'}" for rule, answer in choices.items())
        what = f"`{party}` grants `{document.id}/{document.version}`" + (f" ({said})" if said else "")
        record(ledger, envelope, what, as_json=as_json)


def _choices(yes: tuple[str, ...], no: tuple[str, ...]) -> dict[str, bool]:
    both = sorted(set(yes) & set(no))
    if both:
        raise click.UsageError(f"`{both[0]}` is answered with --yes and with --no")
    return dict.fromkeys(yes, True) | dict.fromkeys(no, False)


def _fields(document: Any, language: str, choices: dict[str, bool]) -> dict[str, Any]:
    """Return what template and answers make of a grant; say which questions are open."""
    from consent_ledger.errors import RefusedError
    from consent_ledger.issuing import grant_fields

    if language not in document.languages:
        texts = ", ".join(sorted(document.languages))
        raise RefusedError(f"the template has no text in `{language}`, want one of {texts}", code="language_unknown")
    try:
        return grant_fields(document, language, choices)
    except RefusedError as e:
        hint = " (answer each with --yes RULE or --no RULE)" if e.code == "choice_missing" else ""
        raise RefusedError(f"{e}{hint}", code=e.code, problems=e.problems[1:]) from e


def _capacities(
    session: Session, party: str, ward: str | None, given: tuple[str, ...], offered: list[Any]
) -> list[str]:
    """Return as what the party signs: a person who films herself is owner and subject at once."""
    if given:
        return list(dict.fromkeys(given))
    if ward is not None:
        return ["guardian"]
    organisation = session.book.find(party).kind == "organisation"
    wanted = ("owner", "organisation") if organisation else ("owner", "subject")
    return [c for c in wanted if c in offered] or list(offered[:1])
