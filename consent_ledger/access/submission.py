"""Who may bring which statement. A statement is authenticated by its own signature; this is about who hands it in.

Whoever withdraws needs no token: stopping is the safe direction, and must work for people who use no organisation's
software. Everything else comes through an organisation, and what an organisation says only through its own token.
"""

from collections.abc import Collection
from typing import NamedTuple

import msgspec

from consent_ledger.access.callers import Caller, Scope
from consent_ledger.errors import ForbiddenError, UnauthenticatedError
from consent_ledger.licenses.keys import party_key
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.log import read_head

WITHDRAWALS = frozenset({"revocation", "suspension"})
OPERATORS = frozenset({"genesis", "state", "erasure"})
SCOPE_OF: dict[str, Scope] = {
    "party": "invite:write",
    "key": "invite:write",
    "grant": "invite:write",
    "project": "invite:write",
    "asset": "asset:write",
    "fulfilment": "asset:write",
    "dispute": "asset:write",
    "takedown": "asset:write",
    "template": "template:publish",
    "release": "release:write",
    "acknowledgement": "release:write",
    "genesis": "admin",
    "state": "admin",
    "erasure": "admin",
}
_REMEMBERED = 200_000


class Said(NamedTuple):
    """The type and the issuer that an envelope claims."""

    type: str
    issuer: str


class _Envelope(msgspec.Struct):
    payload: bytes


class _Payload(msgspec.Struct):
    type: str
    issuer: str


_envelopes = msgspec.json.Decoder(_Envelope)
_payloads = msgspec.json.Decoder(_Payload)


def skim(raw: bytes) -> Said | None:
    """Return what an envelope claims to say; None where it says nothing, and registration will refuse it.

    Registration accepts one spelling only, in which no name is repeated, so it reads the same type and issuer.
    """
    try:
        payload = _payloads.decode(_envelopes.decode(raw).payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return Said(payload.type, payload.issuer)


def require_submitter(said: Said | None, caller: Caller | None, *, issuer_is_organisation: bool) -> None:
    """Raise unless the caller may hand in the statement.

    UnauthenticatedError; ForbiddenError `scope_missing`, `operator_only`, or `issuer_not_yours`. What says nothing
    readable, or has a type that there is not, wants a token as well, and is left to registration to refuse.
    """
    if said is not None and said.type in WITHDRAWALS:
        return
    if caller is None:
        raise UnauthenticatedError("no token was sent, and only a withdrawal wants none")
    if said is None or said.type not in SCOPE_OF:
        return
    caller.require(SCOPE_OF[said.type])
    if said.type in OPERATORS and not caller.is_operator:
        raise ForbiddenError(f"a statement of type `{said.type}` is the operator's", code="operator_only")
    if issuer_is_organisation and said.issuer != caller.organisation:
        raise ForbiddenError("another organisation says this, want its own token", code="issuer_not_yours")


class Issuers:
    """Which parties are organisations, remembered: what a party is never changes. Threads may share it."""

    def __init__(self, store: Store, operator: str) -> None:
        self._store = store
        self._operator = operator
        self._known: dict[str, bool] = {operator: True}

    def known(self, said: Said | None, caller: Caller | None) -> bool | None:
        """Return whether the issuer is an organisation, as far as it matters; None where that must be looked up."""
        if caller is None or said is None or said.issuer == caller.organisation or said.type in WITHDRAWALS:
            return False  # it makes no difference
        return self._known.get(said.issuer)

    def look_up(self, parties: Collection[str]) -> list[bool]:
        """Return for each party whether it is recorded as something else than a person."""
        unknown = {party for party in parties if party not in self._known}
        found = self._read(unknown) if unknown else {}
        if len(self._known) > _REMEMBERED:
            self._known = {self._operator: True}
        self._known.update(found)
        return [party in self._known and self._known[party] for party in parties]

    def _read(self, parties: Collection[str]) -> dict[str, bool]:
        # A name that is no party's is nobody's key, and nobody who is unknown is remembered.
        keys = {p: party_key(p) for p in parties if len(p) == 36 and p.startswith("pty_") and _is_hex(p[4:])}
        with self._store.read() as tx:
            reader = FactsReader(tx, read_head(tx).size)
            reader.load(set(keys.values()))
        records = reader.facts.parties
        return {party: records[party].kind != "person" for party in keys if party in records}


def _is_hex(text: str) -> bool:
    return set(text) <= set("0123456789abcdef")
