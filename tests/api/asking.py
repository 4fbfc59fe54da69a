"""Requests as the tests spell them."""

import json
from collections.abc import Collection
from typing import Any

from consent_ledger.access.callers import SCOPES
from consent_ledger.access.organisations import open_account, operator_of
from consent_ledger.access.tokens import create_token
from consent_ledger.ledger import Ledger
from tests.world import LICENCE

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}


def bearer(
    ledger: Ledger, organisation: str | None = None, scopes: Collection[str] = SCOPES, *, now: int | None = None
) -> dict[str, str]:
    """Return the header with a new token of an organisation (the operator), with those scopes (all)."""
    party = operator_of(ledger.store) if organisation is None else organisation
    moment = ledger.clock() if now is None else now
    open_account(ledger.store, party, "tests", moment)
    return {"Authorization": f"Bearer {create_token(ledger.store, party, scopes, moment).text}"}


def question(asset: str, audience: str = "open", **fields: Any) -> dict[str, Any]:
    """May the asset be used to train commercially, for an audience?"""
    return {
        "asset": asset,
        "activities": ["train"],
        "aims": ["general"],
        "context": "commercial",
        "audience": audience,
        "territories": ["WORLD"],
        **({"licence": LICENCE} if audience == "open" else {}),
        **fields,
    }


def lines(*documents: Any) -> bytes:
    return b"".join(json.dumps(d).encode() + b"\n" for d in documents)
