"""`consent-ledger project`: what a project is for, and what it asks people to sign."""

from typing import Any

import click

from consent_ledger.cli.options import INSTANT, instant_fields
from consent_ledger.cli.output import write_json
from consent_ledger.cli.recording import record, writing_options
from consent_ledger.cli.session import Session, ledger_options, pass_session


@click.group()
def project() -> None:
    """Say what a project is for and what it asks people to sign."""


@project.command(
    epilog="Example: consent-ledger project create twine --by studio --title 'Voices' --template open-video-dataset/1.0"
)
@click.argument("name", metavar="ID")
@click.option("--by", required=True, metavar="ORG", help="The organisation whose project it is.")
@click.option("--title", required=True, help="What people read first.")
@click.option("--brief", default="", help="What it is for, in some sentences.")
@click.option("--template", "templates", multiple=True, metavar="ID/VERSION", help="A template that it offers.")
@click.option("--flag", "flags", multiple=True, metavar="CODE", help="For example public_body_involved.")
@click.option("--starts", type=INSTANT, metavar="TIME", help="When it begins.")
@click.option("--ends", type=INSTANT, metavar="TIME", help="When it is over.")
@writing_options
@ledger_options
@pass_session
def create(
    session: Session, name: str, by: str, title: str, brief: str, templates: tuple[str, ...], flags: tuple[str, ...],
    starts: int | None, ends: int | None, dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Record a project, or record it anew with other templates: the latest holds."""
    from consent_ledger.licenses.statements import Project

    with session.recording(rehearse=dry_run) as ledger:
        issuer = session.issuer(ledger, by)
        fields: dict[str, Any] = {
            "project": name,
            "controller": issuer.party,
            "title": title,
            "brief": brief,
            "templates": ledger.find_templates(issuer.party, templates),
            "flags": list(flags),
            **instant_fields(starts=starts, ends=ends),
        }
        envelope = issuer.say(Project, ledger.clock(), **fields)
        record(ledger, envelope, f"project `{name}`", as_json=as_json)


@project.command(epilog="Example: consent-ledger project show twine")
@click.argument("name", metavar="ID")
@ledger_options
@pass_session
def show(session: Session, name: str) -> None:
    """Show a project and the questions that its templates ask, as JSON."""
    with session.asking() as ledger:
        record_, documents = ledger.find_project(name)
    write_json(
        {
            "project": name,
            "controller": session.book.name_of(record_.controller),
            "entry": record_.entry,
            "flags": sorted(record_.flags),
            "templates": [
                {
                    "template": f"{d.id}/{d.version}",
                    "languages": sorted(d.languages),
                    "always": [rule.id for rule in d.rules if not rule.optional],
                    "questions": [rule.id for rule in d.rules if rule.optional],
                }
                for d in documents
            ],
        }
    )
