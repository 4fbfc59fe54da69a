"""Texts and summaries of licence templates, under their digests."""

from collections.abc import Collection

from consent_ledger.store.dialect import Table
from consent_ledger.store.transaction import Transaction

WORDING = Table("wording", ("digest", "raw"), ("bytea", "bytea"))


def insert_wording(tx: Transaction, digest: bytes, raw: bytes) -> None:
    """Keep a wording under its digest, if it is not kept yet."""
    if not read_wordings(tx, [digest]):
        tx.insert(WORDING, [(digest, raw)])


def read_wordings(tx: Transaction, digests: Collection[bytes]) -> dict[bytes, bytes]:
    """Return those of the wordings that are kept."""
    pages = tx.select_among("SELECT digest, raw FROM wording WHERE digest {among}", digests)
    return {digest: raw for rows in pages for digest, raw in rows}
