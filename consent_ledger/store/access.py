"""Who may use the service: organisations and tokens. Rows that may change; the log does not rest on them."""

from collections.abc import Collection
from typing import Any, NamedTuple

from consent_ledger.errors import NotFoundError, RefusedError
from consent_ledger.store.dialect import Row, Table
from consent_ledger.store.transaction import Transaction

ORGANISATION = Table("organisation", ("id", "label", "created_at", "closed_at"), ("text", "text", "int8", "int8"))
TOKEN = Table(
    "token",
    ("id", "organisation", "secret_hash", "label", "scopes", "created_at", "expires_at", "revoked_at"),
    ("text", "text", "bytea", "text", "text", "int8", "int8", "int8"),
)
_TOKEN_COLUMNS = "t.id, t.organisation, t.label, t.scopes, t.created_at, t.expires_at, t.revoked_at"


class OrganisationRecord(NamedTuple):
    """An organisation that may use the service, by the id of its party; instants are microseconds."""

    id: str
    label: str
    created_at: int
    closed_at: int | None


class TokenRecord(NamedTuple):
    """A token without its secret."""

    id: str
    organisation: str
    label: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int
    revoked_at: int | None


def insert_organisation(tx: Transaction, record: OrganisationRecord) -> None:
    """Add an organisation, unless it is there."""
    if not tx.select("SELECT 1 FROM organisation WHERE id = ?", [record.id]):
        tx.insert(ORGANISATION, [record])


def read_organisation(tx: Transaction, id_: str) -> OrganisationRecord:
    """Return the organisation, closed or not; raise NotFoundError."""
    found = tx.select("SELECT id, label, created_at, closed_at FROM organisation WHERE id = ?", [id_])
    if not found:
        raise NotFoundError(
            f"organisation `{id_}` does not use this service, want `consent-ledger org admin` for it first",
            code="organisation_unknown",
        )
    return OrganisationRecord(*found[0])


def read_organisations(tx: Transaction, after: str, limit: int) -> list[OrganisationRecord]:
    """Return those whose id comes after `after`."""
    sql = "SELECT id, label, created_at, closed_at FROM organisation WHERE id > ? ORDER BY id LIMIT ?"
    return [OrganisationRecord(*row) for row in tx.select(sql, [after, limit])]


def require_open(tx: Transaction, id_: str) -> None:
    """Raise unless the organisation is there and not closed."""
    if read_organisation(tx, id_).closed_at is not None:
        raise RefusedError(f"organisation `{id_}` is closed", code="organisation_closed")


def close_organisation(tx: Transaction, id_: str, now: int) -> None:
    """Close it; the first time counts."""
    tx.execute("organisation", "UPDATE organisation SET closed_at = ? WHERE id = ? AND closed_at IS NULL", [now, id_])


def insert_token(tx: Transaction, record: TokenRecord, secret_hash: bytes) -> None:
    """Add a token."""
    id_, organisation, label, scopes, *instants = record
    tx.insert(TOKEN, [(id_, organisation, secret_hash, label, " ".join(scopes), *instants)])


def find_tokens(tx: Transaction, hashes: Collection[bytes]) -> dict[bytes, TokenRecord]:
    """Return the tokens that are not revoked, of organisations that are not closed, by the hashes of their secrets."""
    sql = f"""
        SELECT t.secret_hash, {_TOKEN_COLUMNS} FROM token t JOIN organisation o ON o.id = t.organisation
        WHERE t.secret_hash {{among}} AND t.revoked_at IS NULL AND o.closed_at IS NULL
    """
    return {bytes(row[0]): _token(row[1:]) for rows in tx.select_among(sql, hashes) for row in rows}


def read_tokens(tx: Transaction, organisation: str, after: str, limit: int) -> list[TokenRecord]:
    """Return an organisation's tokens whose id comes after `after`."""
    sql = f"SELECT {_TOKEN_COLUMNS} FROM token t WHERE t.organisation = ? AND t.id > ? ORDER BY t.id LIMIT ?"
    return [_token(row) for row in tx.select(sql, [organisation, after, limit])]


def read_token(tx: Transaction, organisation: str, id_: str) -> TokenRecord:
    """Return a token of the organisation; raise NotFoundError."""
    found = tx.select(
        f"SELECT {_TOKEN_COLUMNS} FROM token t WHERE t.organisation = ? AND t.id = ?", [organisation, id_]
    )
    if not found:
        raise NotFoundError(f"there is no token `{id_}`", code="token_unknown")
    return _token(found[0])


def revoke_token(tx: Transaction, organisation: str, id_: str, now: int) -> None:
    """Revoke it; the first time counts."""
    sql = "UPDATE token SET revoked_at = ? WHERE organisation = ? AND id = ? AND revoked_at IS NULL"
    tx.execute("token", sql, [now, organisation, id_])


def _token(row: Row) -> TokenRecord:
    id_, organisation, label, scopes, *instants = row
    whole: list[Any] = instants
    return TokenRecord(id_, organisation, label, tuple(scopes.split()), *whole)
