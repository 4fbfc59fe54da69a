"""Tokens: what a program of an organisation shows to be let in.

`clt_`, 16 hex digits that name it, `_`, and 64 hex digits, 256 random bits, that are kept nowhere: of the whole text
the database has the SHA-256. It is found by that hash, so how long the search takes says nothing about the secret.
"""

import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from consent_ledger.access.callers import Caller, read_scopes
from consent_ledger.errors import RefusedError, UnauthenticatedError
from consent_ledger.signing.instants import SECOND
from consent_ledger.store import access as rows
from consent_ledger.store.access import TokenRecord
from consent_ledger.store.engine import Store

DAY = 24 * 3600 * SECOND
USUAL_LIFE = 90 * DAY
LONGEST_LIFE = 366 * DAY
MAX_LABEL = 200
_TOKEN = re.compile(rb"clt_[0-9a-f]{16}_[0-9a-f]{64}")


class NewToken(NamedTuple):
    """A token that was just made: `text` is shown once and kept nowhere."""

    text: str
    record: TokenRecord


def hash_token(text: bytes) -> bytes:
    """Return what is kept of a token; raise UnauthenticatedError where the text is none."""
    if _TOKEN.fullmatch(text) is None:
        raise UnauthenticatedError("token is not one of this service", code="token_invalid")
    return sha256(text).digest()


def create_token(
    store: Store, organisation: str, scopes: Iterable[str], now: int, *, label: str = "", life: int = USUAL_LIFE
) -> NewToken:
    """Make a token of an organisation that is not closed, for `life` microseconds; raise RefusedError otherwise."""
    if not 0 < life <= LONGEST_LIFE:
        raise RefusedError(f"token would live {life // DAY} days, want 1 to {LONGEST_LIFE // DAY}", code="bad_expiry")
    if len(label) > MAX_LABEL:
        raise RefusedError(f"label has {len(label)} letters, want at most {MAX_LABEL}", code="bad_label")
    id_ = f"clt_{secrets.token_hex(8)}"
    text = f"{id_}_{secrets.token_hex(32)}"
    record = TokenRecord(id_, organisation, label, read_scopes(scopes), now, now + life, None)
    with store.write() as tx:
        rows.require_open(tx, organisation)
        rows.insert_token(tx, record, hash_token(text.encode()))
    return NewToken(text, record)


def list_tokens(store: Store, organisation: str, after: str, limit: int) -> list[TokenRecord]:
    """Return tokens of an organisation, those that are over too, in the order of their ids."""
    with store.read() as tx:
        return rows.read_tokens(tx, organisation, after, limit)


def revoke_token(store: Store, organisation: str, id_: str, now: int) -> TokenRecord:
    """End a token at once; the first time counts. NotFoundError where the organisation has none of that id."""
    with store.write() as tx:
        rows.revoke_token(tx, organisation, id_, now)
        return rows.read_token(tx, organisation, id_)


class Callers:
    """Who shows which token, as the database has it at that moment. Threads may share it.

    What was read once is taken again only while the database says that nothing was committed since, by any process.
    """

    def __init__(self, store: Store, operator: str, clock: Callable[[], int]) -> None:
        self._store = store
        self._operator = operator
        self._clock = clock
        self._known: tuple[int | None, dict[bytes, TokenRecord]] = (None, {})

    def known(self, hash_: bytes, version: int | None) -> Caller | None:
        """Return who shows the token of that hash if that is known for sure, given the store's version of now; raise
        UnauthenticatedError where it is known to be expired."""
        seen, records = self._known
        record = records.get(hash_) if version is not None and version == seen else None
        return None if record is None else _accepted(_caller(record, self._operator, self._clock()))

    def find(self, hashes: Sequence[bytes]) -> list[Caller | Exception]:
        """Return for each hash of a token who calls, or the error that refuses it. What was committed before counts."""
        version = self._store.version()
        with self._store.read() as tx:
            found = rows.find_tokens(tx, hashes)
        seen, records = self._known
        self._known = (version, {**records, **found} if seen == version else found)
        now = self._clock()
        return [_caller(found.get(hash_), self._operator, now) for hash_ in hashes]


def _accepted(caller: Caller | Exception) -> Caller:
    if isinstance(caller, Exception):
        raise caller
    return caller


def _caller(record: TokenRecord | None, operator: str, now: int) -> Caller | Exception:
    if record is None:
        return UnauthenticatedError("token is unknown or revoked", code="token_invalid")
    if now >= record.expires_at:
        return UnauthenticatedError("token is expired", code="token_expired")
    return Caller(record.organisation, record.id, frozenset(record.scopes), record.organisation == operator)
