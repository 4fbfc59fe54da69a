"""The log as an auditor browses it: what stands at each entry as far as a viewer sees it; types and ids, no content."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Literal

import msgspec

from consent_ledger.audit.entry import commit, decode_entry
from consent_ledger.audit.tree import leaf_hash
from consent_ledger.errors import MalformedError, NotFoundError
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import erasure_key
from consent_ledger.licenses.signed import skim_signed
from consent_ledger.licenses.visibility import Viewer, keys_for_statement, sees_statement
from consent_ledger.store.facts import FactsReader, Row, read_rows
from consent_ledger.store.index import entries_touching, keys_under
from consent_ledger.store.log import read_size
from consent_ledger.store.transaction import Transaction

Status = Literal["opened", "withheld", "erased", "missing", "damaged"]
_MOST = 2**62


class Entered(msgspec.Struct, frozen=True):
    """One entry for a viewer: `type`, `id` and `issuer` where its status is `opened`, `erased_by` where it is `erased`.

    `missing` and `damaged` are violations: no erasure names it, or it is not what was recorded (then `recorded_at` may
    be 0, and `commitment` and `previous` empty).
    """

    index: int
    recorded_at: int
    status: Status
    sealed: bytes
    commitment: bytes
    previous: bytes
    leaf: bytes
    type: str | None = None
    id: str | None = None
    issuer: str | None = None
    erased_by: int | None = None


class ErasureItem(msgspec.Struct, frozen=True):
    """An entry that erased others: their number, first and last; `basis` and `party` where the viewer sees it."""

    entry: int
    recorded_at: int
    erased: tuple[int, ...]
    level: str | None
    basis: str | None
    party: str | None


def type_of(statement: st.Statement) -> str:
    """Return the name of a statement's type, as it is written."""
    return str(type(statement).__struct_config__.tag)


def read_entered(tx: Transaction, viewer: Viewer, indexes: Sequence[int]) -> list[Entered]:
    """Return what the viewer sees of those entries that there are, in ledger order."""
    rows = list(read_rows(tx, indexes))
    size = read_size(tx)
    erased = entries_touching(tx, [erasure_key(row.entry) for row in rows if row.opening is None], size)
    reader = FactsReader(tx, size)
    return [_entered(row, viewer, reader, erased) for row in rows]


def find_entered(tx: Transaction, viewer: Viewer, index: int) -> Entered:
    """Return what the viewer sees of one entry; raise NotFoundError where the log is not that long."""
    found = read_entered(tx, viewer, [index])
    if not found:
        raise NotFoundError(f"entry {index} is not in the ledger of {read_size(tx)}", code="entry_unknown")
    return found[0]


def _entered(row: Row, viewer: Viewer, reader: FactsReader, erased: dict[bytes, list[int]]) -> Entered:
    leaf = leaf_hash(row.raw)
    try:
        entry = decode_entry(row.raw)
        fits = row.opening is None or entry.commitment == commit(row.opening.salt, row.opening.envelope)
    except (MalformedError, TypeError):  # TypeError: somebody made it text
        return Entered(row.entry, 0, "damaged", row.raw, b"", b"", leaf)
    plain = Entered(row.entry, entry.recorded_at, "withheld", row.raw, entry.commitment, entry.previous, leaf)
    if not fits or row.leaf != leaf:
        return msgspec.structs.replace(plain, status="damaged")
    if row.opening is None:
        by = erased.get(erasure_key(row.entry))
        return msgspec.structs.replace(plain, status="erased" if by else "missing", erased_by=by[0] if by else None)
    signed = skim_signed(row.opening.envelope)
    if viewer is not None:
        reader.need(partial(keys_for_statement, signed.statement))
    if not sees_statement(viewer, signed.statement, reader.facts):
        return plain
    return msgspec.structs.replace(
        plain, status="opened", type=type_of(signed.statement), id=signed.id, issuer=signed.statement.issuer
    )


def list_erasures(tx: Transaction, viewer: Viewer) -> list[ErasureItem]:
    """Return all erasures of statements, oldest first. Which entries are gone is for every auditor to know."""
    size = read_size(tx)
    erased: dict[int, list[int]] = {}
    for key, by, _ in keys_under(tx, erasure_key(0)[:1], size, -1, _MOST):
        erased.setdefault(by, []).append(int.from_bytes(key[1:]))
    said = {row.entry: row for row in read_rows(tx, erased)}
    return [_erasure(said[by], sorted(entries), viewer) for by, entries in sorted(erased.items()) if by in said]


def _erasure(row: Row, erased: Iterable[int], viewer: Viewer) -> ErasureItem:
    recorded_at = decode_entry(row.raw).recorded_at
    statement = None if row.opening is None else skim_signed(row.opening.envelope).statement
    if not isinstance(statement, st.Erasure) or not sees_statement(viewer, statement, Facts()):
        return ErasureItem(row.entry, recorded_at, tuple(erased), None, None, None)
    return ErasureItem(row.entry, recorded_at, tuple(erased), statement.level, statement.basis, statement.party)
