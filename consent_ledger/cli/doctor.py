"""`consent-ledger doctor`: is everything in order here?"""

import os

import click

from consent_ledger.cli.output import printable
from consent_ledger.cli.session import Session, home_options, pass_session


@click.command(epilog="Example: consent-ledger doctor --home ledger")
@home_options
@pass_session
def doctor(session: Session) -> int:
    """Look at this machine and the ledger's home: one line each, and what to do where something is not in order.

    Nothing is changed. Exit code 1 when anything is not in order.
    """
    from consent_ledger.doctor import examine
    from consent_ledger.ledger import system_clock

    failed = 0
    for finding in examine(session.home, os.environ, system_clock()):
        click.echo(f"{'ok ' if finding.ok else 'NOT'}  {finding.name:<13} {printable(finding.detail)}")
        if not finding.ok:
            failed += 1
            click.echo(f"     {'':<13} -> {printable(finding.advice)}")
    return 1 if failed else 0
