"""Recorded statements, found by what they touch, each held against its commitment."""

from collections.abc import Collection
from typing import Generic, TypeVar

import msgspec

from consent_ledger.audit.entry import commit, decode_entry
from consent_ledger.errors import VerificationError
from consent_ledger.licenses.signed import skim_signed
from consent_ledger.store.facts import read_rows
from consent_ledger.store.index import entries_touching
from consent_ledger.store.transaction import Transaction

S = TypeVar("S")


class Recorded(msgspec.Struct, Generic[S], frozen=True):
    """A statement as it was recorded."""

    entry: int
    recorded_at: int
    id: str
    said: S


def recorded(tx: Transaction, entries: Collection[int], kind: type[S]) -> list[Recorded[S]]:
    """Return the statements of a kind that entries hold, in ledger order; what was erased is left out.

    Raises VerificationError `ledger_integrity_failure` where an opening is not what its entry commits to.
    """
    found: list[Recorded[S]] = []
    for row in read_rows(tx, entries):
        if row.opening is None:
            continue
        entry = decode_entry(row.raw)
        if entry.commitment != commit(row.opening.salt, row.opening.envelope):
            detail = f"entry {row.entry} is not what the ledger recorded"
            raise VerificationError(detail, code="ledger_integrity_failure")
        signed = skim_signed(row.opening.envelope)
        statement: object = signed.statement
        if isinstance(statement, kind):
            found.append(Recorded(row.entry, entry.recorded_at, signed.id, statement))
    return found


def recorded_under(tx: Transaction, key: bytes, size: int, kind: type[S]) -> list[Recorded[S]]:
    """Return the statements of a kind that touch a key, in ledger order."""
    touching = entries_touching(tx, [key], size)
    return recorded(tx, [entry for entries in touching.values() for entry in entries], kind)
