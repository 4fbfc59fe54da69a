"""Terms compiled to bit masks, so that one comparison answers whether a term reaches a use.

The compiled form says exactly what `terms` says; equal terms share one compiled object.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from consent_ledger.errors import MalformedError
from consent_ledger.licenses.terms import Permission, Prohibition, Terms
from consent_ledger.licenses.vocabulary import ACTIVITY, AIM, CONTEXT, WORLD, Audience
from consent_ledger.signing.canonical import encode_canonical

T = TypeVar("T")


class Atom(NamedTuple):
    """The smallest use that is decided: one activity with one aim (the request has one context and one audience)."""

    activity: int
    aim: int
    name: str


class Use(NamedTuple):
    """A request for use, compiled. `territories` is what must be covered: the world for an open release."""

    atoms: tuple[Atom, ...]
    context: int
    audience: Audience
    territories: frozenset[str]
    licence: str | None
    recipient: str | None
    min_assurance: str | None


class CompiledPermission(NamedTuple):
    """A permission. Masks hold every term that it reaches."""

    rule: str
    capacities: frozenset[str] | None
    activities: int
    aims: int
    contexts: int
    max_audience: Audience
    territories: frozenset[str]
    recipients: frozenset[str] | None
    licences: frozenset[str] | None
    explicit: bool


class CompiledProhibition(NamedTuple):
    """A prohibition. Masks hold every term that it blocks; None means that it does not look at that facet."""

    rule: str | None
    capacities: frozenset[str] | None
    activities: int
    aims: int
    contexts: int
    min_audience: Audience
    territories: frozenset[str] | None
    recipients: frozenset[str] | None
    licences: frozenset[str] | None
    only_commercial: bool
    """Whether `noncommercial` licences express it: it forbids commercial use and nothing besides."""
    empty: bool
    """Whether some facet is an empty list, so that it forbids nothing."""

    def overlaps(self, use: Use, atom: Atom) -> bool:
        """Whether any part of the atom is forbidden."""
        return bool(
            not self.empty
            and self.activities & atom.activity
            and self.aims & atom.aim
            and self.contexts & use.context
            and use.audience >= self.min_audience
            and (self.territories is None or _meet(self.territories, use.territories))
            and (self.recipients is None or use.recipient is None or use.recipient in self.recipients)
            and (self.licences is None or use.licence in self.licences)
        )


class CompiledCondition(NamedTuple):
    """A condition, on the rules named or (None) on all."""

    condition: str
    rules: frozenset[str] | None


class CompiledTerms(NamedTuple):
    """The terms of a grant. `number` is an arbitrary hashable that equal terms share."""

    number: bytes
    permissions: tuple[CompiledPermission, ...]
    prohibitions: tuple[CompiledProhibition, ...]
    conditions: tuple[CompiledCondition, ...]
    obligations: tuple[str, ...]
    derivatives: bool
    exclusive_to: str | None
    irrevocable: bool
    survives_death: bool
    retention_until: int | None


def _meet(mine: frozenset[str], asked: frozenset[str]) -> bool:
    return WORLD in mine or WORLD in asked or not mine.isdisjoint(asked)


def _names(items: Sequence[T] | UnsetType) -> frozenset[T] | None:
    return None if isinstance(items, UnsetType) else frozenset(items)


def compile_permission(permission: Permission) -> CompiledPermission:
    """Return the permission with its facets as masks."""
    return CompiledPermission(
        rule=permission.rule,
        capacities=_names(permission.capacities),
        activities=ACTIVITY.covers(permission.activities),
        aims=AIM.covers(permission.aims),
        contexts=CONTEXT.covers(permission.contexts),
        max_audience=Audience[permission.max_audience],
        territories=frozenset(permission.territories),
        recipients=_names(permission.recipients),
        licences=_names(permission.licences),
        explicit=permission.explicit,
    )


def compile_prohibition(prohibition: Prohibition) -> CompiledProhibition:
    """Return the prohibition with its facets as masks."""
    p = prohibition
    facets = (p.activities, p.aims, p.contexts, p.territories, p.recipients, p.licences, p.capacities)
    return CompiledProhibition(
        rule=None if p.rule is UNSET else p.rule,
        capacities=_names(p.capacities),
        activities=ACTIVITY.everything if p.activities is UNSET else ACTIVITY.touches(p.activities),
        aims=AIM.everything if p.aims is UNSET else AIM.touches(p.aims),
        contexts=CONTEXT.everything if p.contexts is UNSET else CONTEXT.touches(p.contexts),
        min_audience=Audience.internal if p.min_audience is UNSET else Audience[p.min_audience],
        territories=_names(p.territories),
        recipients=_names(p.recipients),
        licences=_names(p.licences),
        only_commercial=p.contexts is not UNSET and set(p.contexts) == {"commercial"},
        empty=any(facet is not UNSET and not facet for facet in facets),
    )


def compile_terms(terms: Terms) -> CompiledTerms:
    """Return the terms with their facets as masks; equal terms give the same object."""
    return _compile_encoded(encode_canonical(terms))


@lru_cache(maxsize=4096)
def _compile_encoded(encoded: bytes) -> CompiledTerms:
    terms = msgspec.json.decode(encoded, type=Terms)
    return CompiledTerms(
        number=encoded,
        permissions=tuple(map(compile_permission, terms.permissions)),
        prohibitions=tuple(map(compile_prohibition, terms.prohibitions)),
        conditions=tuple(CompiledCondition(c.condition, _names(c.rules)) for c in terms.conditions),
        obligations=tuple(terms.obligations),
        derivatives=terms.derivatives == "allowed",
        exclusive_to=None if terms.exclusive_to is UNSET else terms.exclusive_to,
        irrevocable=terms.copyright == "irrevocable",
        survives_death=terms.survives_death,
        retention_until=None if terms.retention_until is UNSET else int(terms.retention_until.timestamp()) * 1_000_000,
    )


def compile_use(
    activities: Sequence[str],
    aims: Sequence[str],
    context: str,
    audience: str,
    territories: Sequence[str] = (WORLD,),
    licence: str | None = None,
    recipient: str | None = None,
    min_assurance: str | None = None,
) -> Use:
    """Return the request, expanded to atoms. Raises MalformedError for a term that the vocabulary does not have."""
    for facet, terms in ((ACTIVITY, activities), (AIM, aims), (CONTEXT, (context,))):
        facet.covers(terms)
    if audience not in Audience.__members__:
        names = ", ".join(Audience.__members__)
        raise MalformedError(f"unknown audience `{audience}`, want one of {names}", code="term_unknown")
    if not activities or not aims or not territories:
        raise MalformedError("a request names at least one activity, aim and territory", code="request_incomplete")
    rung = Audience[audience]
    return Use(
        atoms=tuple(
            Atom(ACTIVITY.bit[activity], AIM.bit[aim], f"{activity}/{aim}")
            for activity in dict.fromkeys(activities)
            for aim in dict.fromkeys(aims)
        ),
        context=CONTEXT.bit[context],
        audience=rung,
        territories=frozenset({WORLD}) if rung is Audience.open else frozenset(territories),
        licence=licence,
        recipient=recipient,
        min_assurance=min_assurance,
    )
