"""`consent-ledger rebuild`: the index made anew from the log."""

import click

from consent_ledger.cli.output import note, printable
from consent_ledger.cli.session import Session, home_options, pass_session

_MOST = 20


@click.command(epilog="Example: consent-ledger rebuild --dry-run")
@click.option("--dry-run", is_flag=True, help="Only compare; exit code 5 where the index differs from the log.")
@home_options
@pass_session
def rebuild(session: Session, dry_run: bool) -> int:
    """Drop the index and make it anew from the log, in one transaction. Evidence is never touched."""
    from consent_ledger.cli import NOT_VERIFIED
    from consent_ledger.cli.progress import counting
    from consent_ledger.custody.rebuild import compare
    from consent_ledger.custody.rebuild import rebuild as make_anew
    from consent_ledger.store.engine import open_store

    if dry_run:
        with session.reading() as store, store.read() as tx:
            differences = compare(tx)
        for difference in differences[:_MOST]:
            click.echo(printable(str(difference)))
        if len(differences) > _MOST:
            note(f"and {len(differences) - _MOST} more")
        note(f"the index differs from the log in {len(differences)} rows")
        return NOT_VERIFIED if differences else 0
    with open_store(session.settings.database) as store, counting("reading entries") as progress:
        rows = make_anew(store, progress)
    note(f"the index was made anew: {rows} rows")
    return 0
