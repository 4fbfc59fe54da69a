"""Rules of a linked-data policy, clause by clause: each clause limits one facet, and together they all limit.

Whoever reads a foreign rule makes a clause of each limit, or None of a limit that it does not understand. In a
prohibition such a limit is left out, which makes it wider; in a permission it leaves nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from consent_ledger.licenses.mappings.concepts import Meaning
from consent_ledger.licenses.mappings.signals import EVERYTHING, OwnerHint, hint, prohibition
from consent_ledger.licenses.terms import Prohibition
from consent_ledger.licenses.vocabulary import Audience

_ONE: Final = frozenset({"min_audience", "max_audience", "starts", "ends"})


class Clause(NamedTuple):
    """A limit: any of `values` in `facet`, a field of Prohibition or of OwnerHint."""

    facet: str
    values: tuple[str, ...]


def meaning_of(names: Sequence[str], reads: Callable[[str], Meaning | None]) -> Meaning | None:
    """Return what any of several names means, or None when they are not all of one facet."""
    found = [reads(name) for name in names]
    facets = {None if meaning is None else meaning.facet for meaning in found}
    if len(facets) != 1 or None in facets:
        return None
    return Meaning(facets.pop() or "", tuple(dict.fromkeys(t for m in found if m is not None for t in m.terms)))


def read_prohibition(clauses: Iterable[Clause | None]) -> Prohibition:
    """Return the prohibition under the limits that were understood: the first one of each facet."""
    facets: dict[str, object] = {}
    for clause in clauses:
        if clause is not None and clause.values and _is_limit(clause):
            facets.setdefault(clause.facet, _plain(clause))
    return prohibition(**facets) if facets else EVERYTHING


def read_permission(source: str, clauses: Iterable[Clause | None]) -> OwnerHint | None:
    """Return the hint under all limits, or None when one was not understood or two are of one facet."""
    facets: dict[str, object] = {}
    for clause in clauses:
        if clause is None or not clause.values or clause.facet in facets:
            return None
        facets[clause.facet] = _plain(clause)
    try:
        return hint(source, **facets)
    except (msgspec.ValidationError, TypeError):
        return None


def lowest(rungs: Iterable[str]) -> str:
    """Return the lowest rung of the ladder of audiences."""
    return min(rungs, key=lambda rung: Audience[rung])


def _plain(clause: Clause) -> object:
    return clause.values[0] if clause.facet in _ONE else list(clause.values)


def _is_limit(clause: Clause) -> bool:
    try:
        prohibition(**{clause.facet: _plain(clause)})
    except msgspec.ValidationError:
        return False
    return True


def strings(value: object) -> list[str] | None:
    """Return the names or plain values that a JSON-LD value holds: one or a list, bare or as `@id` or `@value`."""
    items = value if isinstance(value, list) else [value]
    found = [item.get("@id", item.get("@value")) if isinstance(item, Mapping) else item for item in items]
    texts = [item for item in found if isinstance(item, str)]
    return texts if texts and len(texts) == len(found) else None
