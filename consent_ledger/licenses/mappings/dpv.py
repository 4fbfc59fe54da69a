"""The Data Privacy Vocabulary 2.3 out and in (w3id.org/dpv): what is permitted and forbidden, as DPV rules in JSON-LD.

A term that DPV has exactly is written with DPV's name. Any other is written with our own, and is said to match what
DPV has nearest, so that no word of DPV's permits more than was said.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from consent_ledger.errors import MalformedError
from consent_ledger.licenses.mappings import dpv_terms
from consent_ledger.licenses.mappings.clauses import (
    Clause,
    lowest,
    meaning_of,
    read_permission,
    read_prohibition,
    strings,
)
from consent_ledger.licenses.mappings.concepts import (
    PARTY,
    PREFIXES,
    Meaning,
    expand,
    forbidden,
    own,
    permitted,
    prefixes_of,
)
from consent_ledger.licenses.mappings.odrl_export import is_empty
from consent_ledger.licenses.mappings.relations import Relation, Table, exact_match
from consent_ledger.licenses.mappings.signals import Signal, combine
from consent_ledger.licenses.terms import Capacity, Permission, Prohibition, Terms

_MATCH: Final[Mapping[Relation, str]] = {
    "exact": "skos:exactMatch",
    "close": "skos:closeMatch",
    "broad": "skos:broadMatch",
    "narrow": "skos:narrowMatch",
}
_CONCEPTS: Final[Mapping[str, tuple[str, Table]]] = {
    "activities": ("dpv:hasProcessing", dpv_terms.ACTIVITIES),
    "aims": ("dpv:hasPurpose", dpv_terms.AIMS),
    "contexts": ("cl:context", dpv_terms.CONTEXTS),
}
_DPV: Final = dpv_terms.DPV
_READ: Final = frozenset({_DPV + "hasProcessing", _DPV + "hasPurpose", own("context")})


def to_dpv(terms: Terms, capacities: Sequence[Capacity]) -> dict[str, Any]:
    """Return the rules of terms granted in some capacities, to put into a DPV document such as a consent record."""
    permissions = [_permission(p, terms, capacities) for p in terms.permissions if not is_empty(p)]
    prohibitions = [_prohibition(p) for p in terms.prohibitions if not is_empty(p)]
    return {
        "@context": {prefix: PREFIXES[prefix] for prefix in ("cl", "dpv", "skos")},
        "dpv:hasPermission": permissions,
        "dpv:hasProhibition": prohibitions,
        "dpv:hasObligation": [{"@id": own(f"obligation:{code}")} for code in terms.obligations],
    }


def concept(table: Table, term: str) -> dict[str, Any]:
    """Return DPV's name for a term, or else our own with its matches."""
    exact = exact_match(table, term)
    if exact is not None:
        return {"@id": exact}
    node: dict[str, Any] = {"@id": own(term)}
    for foreign, relation in table.get(term, ()):
        node.setdefault(_MATCH[relation], []).append({"@id": foreign})
    return node


def _concepts(rule: Permission | Prohibition) -> dict[str, Any]:
    return {
        key: [concept(table, term) for term in getattr(rule, facet)]
        for facet, (key, table) in _CONCEPTS.items()
        if getattr(rule, facet) is not UNSET
    }


def _common(rule: Permission | Prohibition) -> dict[str, Any]:
    plain = {"dpv:hasLocation": "territories", "cl:licence": "licences", "cl:capacity": "capacities"}
    node = {key: list(getattr(rule, facet)) for key, facet in plain.items() if getattr(rule, facet) is not UNSET}
    if rule.recipients is not UNSET:
        node["dpv:hasRecipient"] = [{"@id": PARTY + party} for party in rule.recipients]
    return _concepts(rule) | node


def _permission(rule: Permission, terms: Terms, capacities: Sequence[Capacity]) -> dict[str, Any]:
    conditions = [c.condition for c in terms.conditions if c.rules is UNSET or rule.rule in c.rules]
    limits = {
        "cl:condition": conditions,
        "cl:derivatives": ["none"] if terms.derivatives == "none" else [],
        "cl:exclusiveTo": [] if terms.exclusive_to is UNSET else [PARTY + terms.exclusive_to],
        "cl:until": [] if terms.retention_until is UNSET else [terms.retention_until.strftime("%Y-%m-%dT%H:%M:%SZ")],
    }
    return {
        "@type": "dpv:Permission",
        **_common(rule),
        "cl:capacity": list(capacities) if rule.capacities is UNSET else list(rule.capacities),
        "cl:maxAudience": concept(dpv_terms.AUDIENCES, rule.max_audience),
        **{key: values for key, values in limits.items() if values},
    }


def _prohibition(rule: Prohibition) -> dict[str, Any]:
    node = {"@type": "dpv:Prohibition", **_common(rule)}
    if rule.min_audience is not UNSET:
        node["cl:minAudience"] = concept(dpv_terms.AUDIENCES, rule.min_audience)
    return node


def from_dpv(document: Mapping[str, Any]) -> Signal:
    """Return what the rules of a DPV node say. Raises MalformedError for a node without permission or prohibition."""
    prefixes = prefixes_of(document)
    node = _expanded(document, prefixes)
    if not {_DPV + "hasPermission", _DPV + "hasProhibition"} & set(node):
        raise MalformedError("node has neither `dpv:hasPermission` nor `dpv:hasProhibition`, want a DPV rule")
    return combine(_read(node, prefixes))


def _read(node: Mapping[str, Any], prefixes: Mapping[str, str]) -> Iterator[Signal]:
    for rule in _rules(node.get(_DPV + "hasProhibition", []), prefixes):
        yield Signal((read_prohibition(_clauses(rule, prefixes, forbidden)),))
    obligations = strings(node.get(_DPV + "hasObligation", [])) or []
    codes = tuple(expand(name, prefixes).removeprefix(own("obligation:")) for name in obligations)
    for number, rule in enumerate(_rules(node.get(_DPV + "hasPermission", []), prefixes)):
        clauses = [*_clauses(rule, prefixes, permitted), *([Clause("obligations", codes)] if codes else [])]
        named = strings(rule.get(own("capacity"), "owner")) or []
        found = read_permission("dpv", clauses) if "owner" in named else None
        if found is None:
            yield Signal(lost=(f"permission {number} is not for an owner, or has limits that were not understood",))
        else:
            yield Signal(hints=(found,))


def _rules(value: object, prefixes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rules; one that is only referred to has a limit that nobody understands."""
    items = value if isinstance(value, list) else [value]
    return [_expanded(item, prefixes) if isinstance(item, Mapping) else {"": item} for item in items]


def _expanded(node: Mapping[str, Any], prefixes: Mapping[str, str]) -> dict[str, Any]:
    return {expand(str(key), prefixes): value for key, value in node.items()}


def _clauses(
    rule: Mapping[str, Any], prefixes: Mapping[str, str], reads: Callable[[str], Meaning | None]
) -> Iterator[Clause | None]:
    for key, value in rule.items():
        if key in ("@type", "@id", "@context") or (key == own("capacity") and reads is permitted):
            continue
        yield _clause(key, strings(value), prefixes, reads)


def _clause(
    key: str, values: Sequence[str] | None, prefixes: Mapping[str, str], reads: Callable[[str], Meaning | None]
) -> Clause | None:
    if values is None:
        return None
    names = [expand(value, prefixes) for value in values]
    plain = {_DPV + "hasLocation": "territories", own("licence"): "licences", own("capacity"): "capacities"}
    if key in plain:
        return Clause(plain[key], tuple(values))
    if key == own("until"):
        return Clause("ends", tuple(values)) if reads is permitted and len(values) == 1 else None
    if key in (_DPV + "hasRecipient", own("exclusiveTo")):
        known = all(name.startswith(PARTY) for name in names)
        return Clause("recipients", tuple(name.removeprefix(PARTY) for name in names)) if known else None
    rung = "min_audience" if reads is forbidden else "max_audience"
    meaning = (
        meaning_of(names, reads)
        if key in _READ or key == own("minAudience" if rung == "min_audience" else "maxAudience")
        else None
    )
    if meaning is None or meaning.facet != "audience":
        return None if meaning is None else Clause(*meaning)
    return Clause(rung, (lowest(meaning.terms),))
