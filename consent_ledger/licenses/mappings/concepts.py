"""Names for our terms in linked data, and what a name of another vocabulary means in ours.

Our own terms have names under `NAMESPACE`, so that nothing need be said by a foreign word that is not the same.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from consent_ledger.errors import MalformedError
from consent_ledger.licenses.mappings import dpv_terms, odrl_terms, tdmrep
from consent_ledger.licenses.mappings.relations import STARRED, Table, exact_match, forbidden_by, permitted_by, related
from consent_ledger.licenses.vocabulary import ACTIVITY, AIM, CONTEXT, Audience

NAMESPACE: Final = "urn:consent-ledger:terms:1:"
PARTY: Final = "urn:consent-ledger:party:"
PREFIXES: Final[Mapping[str, str]] = {
    "cl": NAMESPACE,
    "odrl": odrl_terms.NAMESPACE,
    "cc": odrl_terms.CREATIVE_COMMONS,
    "dpv": dpv_terms.DPV,
    "ai": dpv_terms.AI,
    "pd": dpv_terms.PD,
    "eu-aiact": dpv_terms.AI_ACT,
    "tdm": tdmrep.NAMESPACE,
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}
_FACETS: Final[Mapping[str, tuple[str, ...]]] = {
    "activities": tuple(ACTIVITY.bit),
    "aims": tuple(AIM.bit),
    "contexts": tuple(CONTEXT.bit),
    "audience": tuple(Audience.__members__),
}
_TABLES: Final[Mapping[str, tuple[Table, ...]]] = {
    "activities": (dpv_terms.ACTIVITIES, odrl_terms.ACTIVITIES, odrl_terms.AI_DRAFT, tdmrep.ACTIVITIES),
    "aims": (dpv_terms.AIMS,),
    "contexts": (dpv_terms.CONTEXTS, odrl_terms.CONTEXTS, tdmrep.CONTEXTS),
    "audience": (dpv_terms.AUDIENCES, odrl_terms.AUDIENCES),
}
_ROOTS: Final = frozenset({dpv_terms.DPV + "Purpose", dpv_terms.DPV + "Use"})
"""Foreign terms for every use or every purpose there is: a prohibition of them leaves nothing out."""


class Meaning(NamedTuple):
    """Terms of one of our facets: `activities`, `aims`, `contexts` or `audience`."""

    facet: str
    terms: tuple[str, ...]


def own(term: str) -> str:
    """Return the name of one of our terms."""
    return NAMESPACE + term


def expand(name: str, prefixes: Mapping[str, str], default: str = "") -> str:
    """Return a name in full: with its prefix replaced, or within the default namespace when it has none."""
    prefix, colon, local = name.partition(":")
    if not colon:
        return default + name
    return prefixes[prefix] + local if prefix in prefixes else name


def prefixes_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the prefixes that a JSON-LD document may use: those known here, under its own where it declares them.

    Raises MalformedError for a context that gives names of its own to properties, which might hide a prohibition."""
    contexts = document.get("@context", [])
    found = dict(PREFIXES)
    for context in contexts if isinstance(contexts, list) else [contexts]:
        for key, value in context.items() if isinstance(context, Mapping) else ():
            if not isinstance(value, str) or not value.endswith(("#", "/", ":")) or key.startswith("@"):
                raise MalformedError(f"`@context` defines `{key}`, want a context that declares prefixes only")
            found[key] = value
    return found


def forbidden(name: str) -> Meaning | None:
    """Return what a name reaches when it is forbidden, or None when it may reach anything."""
    mine = _own_meaning(name)
    if mine is not None or name in _ROOTS:
        return mine
    for facet, tables in _TABLES.items():
        for table in tables:
            found = related(table, name)
            if facet == "audience" and found:
                return Meaning(facet, (min(found, key=lambda rung: Audience[rung]),))
            terms = forbidden_by(table, name) if found else None
            if terms:
                return Meaning(facet, tuple(terms))
    return None


def permitted(name: str) -> Meaning | None:
    """Return what certainly lies within a name when it is permitted, or None."""
    mine = _own_meaning(name)
    if mine is not None:
        return None if STARRED.intersection(mine.terms) else mine
    for facet, tables in _TABLES.items():
        for table in tables:
            if terms := permitted_by(table, name):
                return Meaning(facet, tuple(terms))
    return None


def dpv_name(facet: str, term: str) -> str:
    """Return the name that the Data Privacy Vocabulary has for exactly this term, or else our own."""
    return exact_match(_TABLES[facet][0], term) or own(term)


def _own_meaning(name: str) -> Meaning | None:
    if not name.startswith(NAMESPACE):
        return None
    term = name.removeprefix(NAMESPACE)
    return next((Meaning(facet, (term,)) for facet, terms in _FACETS.items() if term in terms), None)
