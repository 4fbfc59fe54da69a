"""`consent-ledger init`: a new ledger in a folder of its own."""

import sys

import click

from consent_ledger.cli.output import note
from consent_ledger.cli.session import Session, home_options, pass_session


@click.command(epilog="Example: consent-ledger init --home ledger --origin example.org/consent")
@click.option("--origin", metavar="NAME", help="The ledger's name for ever, best a domain you own and a path.")
@click.option("--database", metavar="URL", help="sqlite:///path or postgresql://... [default: a file in the home].")
@click.option("--no-passphrase", is_flag=True, help="Do not ask for a passphrase: whoever reads a key file can sign.")
@home_options
@pass_session
def init(session: Session, origin: str | None, database: str | None, no_passphrase: bool) -> None:
    """Make a new ledger: its database, settings, the log's key and the operator's key.

    The home is the folder of --home or CONSENT_LEDGER_HOME, else ~/.consent-ledger. All files are for their owner only.
    """
    import secrets

    from consent_ledger.home import create_home

    passphrase = None if no_passphrase else _passphrase(session)
    vkey = create_home(
        session.home, origin or f"ledger.invalid/{secrets.token_hex(8)}", database=database, passphrase=passphrase
    )
    click.echo(vkey)
    note(f"made the ledger at `{session.home}`; the line above is its verifier key, which anybody may have")
    if passphrase is None:
        note("the key files have no passphrase: whoever can read them can sign")
    if origin is None:
        note("its name is made up: for a ledger that others will rely on, start again with --origin")


def _passphrase(session: Session) -> str | None:
    given = session.given_passphrase()
    if given is not None or not sys.stdin.isatty():
        return given
    typed: str = click.prompt(
        "Passphrase for the new keys (empty for none)", hide_input=True, default="", show_default=False,
        confirmation_prompt=True, err=True,
    )  # fmt: skip
    return typed or None
