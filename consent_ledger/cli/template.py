"""`consent-ledger template`: the texts and rules that people sign."""

import os
from pathlib import Path
from typing import Any

import click

from consent_ledger.cli.recording import record, writing_options
from consent_ledger.cli.session import Session, home_options, pass_session


@click.group()
def template() -> None:
    """Publish the texts and rules that people sign."""


@template.command(epilog="Example: consent-ledger template publish open-video-dataset/1.0 --by studio")
@click.argument("name", metavar="FOLDER|ID[/VERSION]")
@click.option("--by", required=True, metavar="ORG", help="The organisation that benefits from what is granted.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="What the template leaves open.")
@writing_options
@home_options
@pass_session
def publish(
    session: Session, name: str, by: str, parameters: tuple[str, ...], dry_run: bool, as_json: bool
) -> None:
    """Publish a template version, from a folder or from those that come with this program; it never changes again."""
    from consent_ledger.issuing import template_ref
    from consent_ledger.licenses.statements import Template
    from consent_ledger.template_files import read_template

    files = read_template(_folder(name))
    with session.ledger(rehearse=dry_run) as ledger:
        issuer = session.issuer(ledger, by)
        document = files.document(issuer.party, _parameters(session, parameters))
        envelope = issuer.say(
            Template, ledger.clock(), template=template_ref(document), action="published", document=document
        )
        record(ledger, envelope, f"`{by}` publishes `{document.id}/{document.version}`", as_json=as_json)


@template.command("list", epilog="Example: consent-ledger template list")
def list_() -> None:
    """List the templates that come with this program."""
    from consent_ledger.resources import template_root
    from consent_ledger.template_files import list_templates

    for folder in list_templates(template_root()):
        click.echo(f"{folder.parent.name}/{folder.name}\t{folder}")


def _folder(name: str) -> Path:
    from consent_ledger.resources import template_root
    from consent_ledger.template_files import find_template

    folder = Path(name)
    # An id is not mistaken for a folder that happens to be here under its name.
    return folder if (folder / "template.toml").is_file() or name.count(os.sep) > 1 else find_template(
        template_root(), name
    )  # fmt: skip


def _parameters(session: Session, given: tuple[str, ...]) -> dict[str, Any]:
    """Return the parameters by name; a local name of somebody in the address book becomes the party."""
    parameters = {}
    people = {contact.name: contact.party for contact in session.book.contacts}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"`{text}` is not a parameter, want NAME=VALUE")
        parameters[name] = people.get(value, value)
    return parameters
