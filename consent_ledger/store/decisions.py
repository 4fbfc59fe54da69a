"""Certificates of answers that were given, for those who asked for them."""

from consent_ledger.store.dialect import Table
from consent_ledger.store.transaction import Transaction

DECISION = Table("decision", ("id", "organisation", "created_at", "certificate"), ("text", "text", "int8", "bytea"))


def insert_decision(tx: Transaction, id_: str, organisation: str, created_at: int, certificate: bytes) -> None:
    """Keep a certificate that was made for an organisation."""
    tx.insert(DECISION, [(id_, organisation, created_at, certificate)])


def read_decision(tx: Transaction, id_: str, organisation: str | None) -> bytes | None:
    """Return a certificate that was made for an organisation, or, where none is named, for anybody."""
    rows = tx.select("SELECT organisation, certificate FROM decision WHERE id = ?", (id_,))
    if not rows or organisation not in (None, rows[0][0]):
        return None
    certificate: bytes = rows[0][1]
    return certificate
