"""`consent-ledger staff`: people who sign in to the pages of the service."""

import sys
from pathlib import Path

import click

from consent_ledger.access.callers import SCOPES
from consent_ledger.cli.output import note
from consent_ledger.cli.session import Session, home_options, pass_session
from consent_ledger.cli.token import accounts
from consent_ledger.errors import LedgerError


@click.group()
def staff() -> None:
    """Add, list and disable people who sign in with a password."""


@staff.command(epilog="Example: consent-ledger staff add anna --org studio --scope audit:read")
@click.argument("login")
@click.option("--org", "name", required=True, metavar="PARTY", help="The organisation; it must use the service.")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="What they may do.")
@click.option(
    "--password-file", type=click.Path(path_type=Path), help="A file with the password, else it is asked for."
)
@home_options
@pass_session
def add(session: Session, login: str, name: str, scopes: tuple[str, ...], password_file: Path | None) -> None:
    """Let somebody of an organisation sign in."""
    from consent_ledger.access.staff import add_staff
    from consent_ledger.ledger import system_clock

    party = session.party_of(name)
    password = _read_password(password_file)
    with accounts(session) as store:
        made = add_staff(store, party, login, password, scopes, system_clock())
    click.echo(made.id)
    note(f"`{made.login}` may sign in")


@staff.command("list", epilog="Example: consent-ledger staff list --org studio")
@click.option("--org", "name", required=True, metavar="PARTY", help="The organisation.")
@home_options
@pass_session
def list_(session: Session, name: str) -> None:
    """List an organisation's staff: id, login, state, scopes."""
    from consent_ledger.access.staff import list_staff

    with session.reading() as store:
        found = list_staff(store, session.party_of(name))
    for record in found:
        state = "may sign in" if record.disabled_at is None else "disabled"
        click.echo(f"{record.id}\t{record.login}\t{state}\t{' '.join(record.scopes)}")


@staff.command(epilog="Example: consent-ledger staff disable anna")
@click.argument("login")
@home_options
@pass_session
def disable(session: Session, login: str) -> None:
    """Let somebody sign in no more, and end all sessions, at once."""
    from consent_ledger.access.staff import disable_staff
    from consent_ledger.ledger import system_clock

    with accounts(session) as store:
        disable_staff(store, login, system_clock())
    note(f"`{login}` signs in no more")


def _read_password(file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as e:
            raise LedgerError(f"password file `{file}` cannot be read", code="password_file") from e
    if not sys.stdin.isatty():
        raise click.UsageError("there is nobody to ask for a password: want --password-file")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password
