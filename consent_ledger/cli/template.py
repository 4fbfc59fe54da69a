"""`consent-ledger template`: the texts and rules that people sign."""

import click

from consent_ledger.cli.ending import invalidate, supersede
from consent_ledger.cli.recording import record, writing_options
from consent_ledger.cli.reviewing import diff, lint, preview, read_named, refuse_errors
from consent_ledger.cli.session import Session, ledger_options, pass_session


@click.group()
def template() -> None:
    """Review and publish the texts and rules that people sign."""


template.add_command(lint)
template.add_command(preview)
template.add_command(diff)
template.add_command(supersede)
template.add_command(invalidate)


@template.command(epilog="Example: consent-ledger template publish open-video-dataset/1.0 --by studio")
@click.argument("name", metavar="FOLDER|ID[/VERSION]")
@click.option("--by", required=True, metavar="ORG", help="The organisation that benefits from what is granted.")
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="Whom the template leaves open; once for each party.",
)
@click.option("--as", "own_id", metavar="ID", help="Publish under an id of your own, for example for other parties.")
@writing_options
@ledger_options
@pass_session
def publish(
    session: Session, name: str, by: str, parameters: tuple[str, ...], own_id: str | None, dry_run: bool, as_json: bool
) -> None:
    """Publish a template version, from a folder or from those that come with this program; it never changes again."""
    from consent_ledger.issuing import template_ref
    from consent_ledger.licenses.statements import Template

    files = read_named(name)
    refuse_errors(files, name)
    with session.recording(rehearse=dry_run) as ledger:
        issuer = session.issuer(ledger, by)
        document = files.document(issuer.party, _parameters(session, parameters), id=own_id)
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


def _parameters(session: Session, given: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the parties of each parameter; a local name of somebody in the address book becomes the party."""
    parameters: dict[str, list[str]] = {}
    people = {contact.name: contact.party for contact in session.book.contacts}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"`{text}` is not a parameter, want NAME=VALUE")
        parameters.setdefault(name, []).append(people.get(value, value))
    return parameters
