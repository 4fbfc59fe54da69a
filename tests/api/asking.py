"""Requests as the tests spell them."""

import json
from typing import Any

from tests.world import LICENCE

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}


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
