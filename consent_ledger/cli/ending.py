"""`consent-ledger template supersede` and `invalidate`: what becomes of a published version."""

from typing import Any

import click

from consent_ledger.cli.options import INSTANT, instant_fields
from consent_ledger.cli.recording import record, writing_options
from consent_ledger.cli.session import Session, ledger_options, pass_session


@click.command(epilog="Example: consent-ledger template supersede open-video-dataset/1.0 --by studio")
@click.argument("name", metavar="ID/VERSION|DIGEST")
@click.option("--by", required=True, metavar="ORG", help="The organisation that published it.")
@click.option("--effective-at", type=INSTANT, metavar="TIME", help="From then on [default: at once].")
@writing_options
@ledger_options
@pass_session
def supersede(session: Session, name: str, by: str, effective_at: int | None, dry_run: bool, as_json: bool) -> None:
    """Record that a newer version took its place. What people signed under it goes on to hold."""
    _end(session, name, by, "superseded", effective_at, dry_run, as_json)


@click.command(epilog="Example: consent-ledger template invalidate open-video-dataset/1.0 --by studio --yes")
@click.argument("name", metavar="ID/VERSION|DIGEST")
@click.option("--by", required=True, metavar="ORG", help="The organisation that published it.")
@click.option("--effective-at", type=INSTANT, metavar="TIME", help="From then on [default: at once].")
@click.option("--yes", "-y", is_flag=True, help="Do not ask whether this is meant.")
@writing_options
@ledger_options
@pass_session
def invalidate(
    session: Session, name: str, by: str, effective_at: int | None, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Record that a version was wrong. Nothing that anybody signed under it permits anything any more."""
    import sys

    if not (yes or dry_run) and sys.stdin.isatty():
        click.confirm(f"Stop every use that was permitted under `{name}`, for good?", abort=True, err=True)
    _end(session, name, by, "invalidated", effective_at, dry_run, as_json)


def _end(
    session: Session, name: str, by: str, action: Any, effective_at: int | None, dry_run: bool, as_json: bool
) -> None:
    from consent_ledger.licenses.statements import Template

    with session.recording(rehearse=dry_run) as ledger:
        issuer = session.issuer(ledger, by)
        (ref,) = ledger.find_templates(issuer.party, [name])
        said = {"template": ref, "action": action, **instant_fields(effective_at=effective_at)}
        envelope = issuer.say(Template, ledger.clock(), **said)
        record(ledger, envelope, f"template `{ref.id}/{ref.version}` is {action}", as_json=as_json)
