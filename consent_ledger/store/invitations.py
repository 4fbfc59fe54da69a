"""Invitations: rows, found by project, in the order in which they were made. Of the secrets in links, the hashes."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from consent_ledger.store.dialect import Row, Table
from consent_ledger.store.transaction import Transaction

INVITATION = Table(
    "invitation",
    ("id", "organisation", "project", "reference", "language", "secret_hash", "created_at", "expires_at", "reminders"),
    ("text", "text", "text", "text", "text", "bytea", "int8", "int8", "int8"),
)


def _state(now: int) -> str:
    return f"""CASE WHEN cancelled_at IS NOT NULL THEN 'cancelled' WHEN answered_at IS NOT NULL THEN 'answered'
        WHEN expires_at <= {int(now)} THEN 'expired' WHEN opened_at IS NOT NULL THEN 'opened' ELSE 'created' END"""


def _columns(now: int) -> str:
    return f"id, project, reference, language, {_state(now)}, created_at, expires_at, reminders, reminded_at"


class NewInvitation(NamedTuple):
    """What is written of a new invitation."""

    id: str
    organisation: str
    project: str
    reference: str
    language: str
    secret_hash: bytes
    created_at: int
    expires_at: int


class InvitationRecord(NamedTuple):
    """An invitation; its state is that of the instant at which it was read."""

    id: str
    project: str
    reference: str
    language: str
    state: str
    created_at: int
    expires_at: int
    reminders: int
    reminded_at: int | None


def insert_invitations(tx: Transaction, invitations: Sequence[NewInvitation]) -> None:
    """Add invitations, none of them reminded of yet."""
    tx.insert(INVITATION, [(*invitation, 0) for invitation in invitations])


def last_invitation(tx: Transaction) -> str:
    """Return the greatest id, of whatever organisation, or an empty text."""
    found: str = tx.select("SELECT COALESCE(MAX(id), '') FROM invitation")[0][0]
    return found


def invited_references(tx: Transaction, organisation: str, project: str, references: Collection[str]) -> set[str]:
    """Return those of the references that have an invitation to the project which is not cancelled."""
    sql = """SELECT reference FROM invitation
        WHERE reference {among} AND organisation = ? AND project = ? AND cancelled_at IS NULL"""
    return {row[0] for rows in tx.select_among(sql, references, organisation, project) for row in rows}


def list_invitations(
    tx: Transaction, organisation: str, project: str, now: int, after: str, limit: int, state: str | None
) -> list[InvitationRecord]:
    """Return invitations to a project, in the order of their ids, from the first one behind `after`."""
    only, named = ("", ()) if state is None else (f"AND {_state(now)} = ?", (state,))
    sql = f"""SELECT {_columns(now)} FROM invitation WHERE organisation = ? AND project = ? AND id > ? {only}
        ORDER BY id LIMIT ?"""
    return [_record(row) for row in tx.select(sql, (organisation, project, after, *named, limit))]


def read_invitations(
    tx: Transaction, organisation: str, project: str, now: int, ids: Collection[str]
) -> dict[str, InvitationRecord]:
    """Return those of the invitations that there are."""
    sql = f"SELECT {_columns(now)} FROM invitation WHERE id {{among}} AND organisation = ? AND project = ?"
    rows = (row for page in tx.select_among(sql, ids, organisation, project) for row in page)
    return {row[0]: _record(row) for row in rows}


def count_states(tx: Transaction, organisation: str, project: str, now: int) -> dict[str, int]:
    """Return how many invitations to a project are in each state that occurs."""
    sql = f"SELECT {_state(now)}, COUNT(*) FROM invitation WHERE organisation = ? AND project = ? GROUP BY 1"
    return dict(tx.select(sql, (organisation, project)))


def renew_invitation(tx: Transaction, id_: str, secret_hash: bytes, now: int, expires_at: int) -> None:
    """Give an invitation another secret; with the old one it is not found any more."""
    sql = """UPDATE invitation SET secret_hash = ?, reminders = reminders + 1, reminded_at = ?, expires_at = ?
        WHERE id = ?"""
    tx.execute("invitation", sql, (secret_hash, now, expires_at, id_))


def cancel_invitation(tx: Transaction, id_: str, now: int) -> None:
    """End an invitation; when it was ended first, stays."""
    sql = "UPDATE invitation SET cancelled_at = ? WHERE id = ? AND cancelled_at IS NULL"
    tx.execute("invitation", sql, (now, id_))


def _record(row: Row) -> InvitationRecord:
    return InvitationRecord(*row)
