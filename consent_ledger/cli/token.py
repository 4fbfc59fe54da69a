"""`consent-ledger token`: what programs show to the HTTP service to be let in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from consent_ledger.access.callers import SCOPES
from consent_ledger.address_book import LEDGER
from consent_ledger.cli.output import note, write_json
from consent_ledger.cli.session import Session, home_options, pass_session

if TYPE_CHECKING:
    from consent_ledger.store.access import TokenRecord
    from consent_ledger.store.engine import Store

LONGEST_DAYS = 366
ALL = 100_000


@contextmanager
def accounts(session: Session) -> Iterator["Store"]:
    """Give the store for changing who may use the service: that is not evidence, so no key is needed."""
    from consent_ledger.store.engine import open_store

    with open_store(session.settings.database) as store:
        yield store


@click.group()
def token() -> None:
    """Make, list and revoke tokens of organisations."""


@token.command(
    epilog="Example: consent-ledger token create --org studio --scope clearance:read --label nightly > token"
)
@click.option("--org", "name", required=True, metavar="PARTY", help="Whose token; it must use the service: org admin.")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="What it may do.")
@click.option("--label", default="made by the command line", help="What it is for.")
@click.option("--expires", type=click.IntRange(1, LONGEST_DAYS), default=90, metavar="DAYS", show_default=True,
              help="After how many days it is over.")  # fmt: skip
@home_options
@pass_session
def create(session: Session, name: str, scopes: tuple[str, ...], label: str, expires: int) -> None:
    """Make a token and show it, this once."""
    from consent_ledger.access.tokens import DAY, create_token
    from consent_ledger.ledger import system_clock

    party = session.party_of(name)
    with accounts(session) as store:
        made = create_token(store, party, scopes, system_clock(), label=label, life=expires * DAY)
    click.echo(made.text)
    note(f"token {made.record.id} of `{name}` holds for {expires} days; it is not shown again")


@token.command("list", epilog="Example: consent-ledger token list --org studio")
@click.option("--org", "name", required=True, metavar="PARTY", help="Whose tokens.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@home_options
@pass_session
def list_(session: Session, name: str, as_json: bool) -> None:
    """List tokens without their secrets: id, state, until when, scopes, label."""
    from consent_ledger.access.tokens import list_tokens
    from consent_ledger.ledger import system_clock

    with session.reading() as store:
        found = list_tokens(store, session.party_of(name), "", ALL)
    rows = [_row(record, system_clock()) for record in found]
    if as_json:
        write_json(rows)
    else:
        for row in rows:
            click.echo("\t".join(map(str, row.values())))


@token.command(epilog="Example: consent-ledger token revoke clt_0123456789abcdef --org studio")
@click.argument("id_", metavar="ID")
@click.option("--org", "name", required=True, metavar="PARTY", help="Whose token.")
@home_options
@pass_session
def revoke(session: Session, id_: str, name: str) -> None:
    """End a token: from now on no process lets it pass."""
    from consent_ledger.access.tokens import revoke_token
    from consent_ledger.ledger import system_clock

    with accounts(session) as store:
        ended = revoke_token(store, session.party_of(name), id_, system_clock())
    note(f"token {ended.id} is revoked")


def admit(session: Session, name: str, scopes: tuple[str, ...], expires: int) -> None:
    """Let an organisation use the service, and show a first token of it."""
    from consent_ledger.access.organisations import open_account, operator_of
    from consent_ledger.access.tokens import DAY, create_token
    from consent_ledger.ledger import system_clock

    now = system_clock()
    with accounts(session) as store:
        party = operator_of(store) if name == LEDGER else session.party_of(name)
        open_account(store, party, name, now)
        made = create_token(store, party, scopes, now, label="first administrator", life=expires * DAY)
    click.echo(made.text)
    note(f"token {made.record.id} of `{name}` may {', '.join(made.record.scopes)}; it is not shown again")


def _row(record: "TokenRecord", now: int) -> dict[str, str]:
    from consent_ledger.signing.instants import format_instant

    over = record.revoked_at is not None
    state = "revoked" if over else "expired" if now >= record.expires_at else "holds"
    until = format_instant(record.revoked_at if record.revoked_at is not None else record.expires_at)
    return {"id": record.id, "state": state, "until": until, "scopes": " ".join(record.scopes), "label": record.label}
