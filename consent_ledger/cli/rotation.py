"""`consent-ledger key rotate-log`: another key for the log."""

import click

from consent_ledger.cli.output import note
from consent_ledger.cli.recording import show
from consent_ledger.cli.session import Session, home_options, pass_session


@click.command("rotate-log", epilog="Example: consent-ledger key rotate-log, a month later with --retire-old")
@click.option("--retire-old", is_flag=True, help="End the overlap: from now on only the newer key signs.")
@click.option("--json", "as_json", is_flag=True, help="Write more than the id, as JSON.")
@home_options
@pass_session
def rotate_log(session: Session, retire_old: bool, as_json: bool) -> None:
    """Make and record another key that signs the log.

    From then on the old key and the new one both sign, so that everybody has the time to learn the new one. What was
    signed before goes on to verify. Services that run take up the new key by themselves.
    """
    from consent_ledger.address_book import LEDGER
    from consent_ledger.custody.rotation import add_log_key, retire_log_key

    with session.ledger() as ledger:
        operator = session.issuer(ledger, LEDGER)
        if retire_old:
            show(retire_log_key(ledger, operator, session.settings), "the older log key is retired", as_json=as_json)
        else:
            receipt = add_log_key(ledger, operator, session.settings, session.given_passphrase())
            show(receipt, "the log has another key, and both sign", as_json=as_json)
        vkey = ledger.vkey
    note(f"the log's newest verifier key, which anybody may have, is {vkey}")
    if not retire_old:
        note("tell it to the log's witnesses and to whoever verifies it, before the old one is retired: --retire-old")
