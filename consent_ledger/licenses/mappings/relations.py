"""How a term of another vocabulary relates to one of ours, as `taxonomy.json` has it.

`exact`: the same; `close`: nearly; `broad`: the other term is broader; `narrow`: the other term is narrower.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from consent_ledger.licenses.vocabulary import ACTIVITY, AIM

Relation = Literal["exact", "close", "broad", "narrow"]
Table = Mapping[str, Sequence[tuple[str, Relation]]]
"""For each of our terms, the terms of another vocabulary."""

STARRED: Final = frozenset(
    term for facet in (ACTIVITY, AIM) for term, bit in facet.bit.items() if bit & facet.explicit_mask
)
"""Terms that need a rule of their own, separately ticked: no foreign permission reaches them."""


def related(table: Table, foreign: str) -> dict[str, Relation]:
    """Return our terms that the table relates to a foreign term."""
    return {term: relation for term, matches in table.items() for other, relation in matches if other == foreign}


def permitted_by(table: Table, foreign: str) -> list[str]:
    """Return our terms that lie wholly within a foreign permission: none that is starred, or only close."""
    found = related(table, foreign)
    return [term for term, relation in found.items() if relation in ("exact", "broad") and term not in STARRED]


def forbidden_by(table: Table, foreign: str) -> list[str] | None:
    """Return our terms that together hold a foreign prohibition; None for the whole facet, when they do not.

    A foreign term that is broader than ours reaches further than we can tell."""
    found = related(table, foreign)
    same = [term for term, relation in found.items() if relation == "exact"]
    if same:
        return same
    if not found or "broad" in found.values():
        return None
    return list(found)


def exact_match(table: Table, term: str) -> str | None:
    """Return the foreign term that is the same as ours, or None."""
    return next((foreign for foreign, relation in table.get(term, ()) if relation == "exact"), None)
