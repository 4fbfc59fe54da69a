"""ODRL 2.2 out (w3.org/TR/odrl-model): a template is an Offer, a grant is an Agreement, in JSON-LD.

Facets that ODRL has no words for are named by a profile of our own, so nothing is said by a word that is broader. The
conflict term is always `prohibit`. A permission says what one party permits; whether all have, only clearance tells.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import UNSET

from consent_ledger.errors import RefusedError
from consent_ledger.licenses.mappings import odrl_terms
from consent_ledger.licenses.mappings.concepts import NAMESPACE, PARTY, dpv_name, own
from consent_ledger.licenses.mappings.relations import exact_match
from consent_ledger.licenses.statements import Grant
from consent_ledger.licenses.terms import (
    ConditionRule,
    Permission,
    Prohibition,
    TemplateDocument,
    Terms,
    template_digest,
)

ODRL: Final = odrl_terms.NAMESPACE
PROFILE: Final = "urn:consent-ledger:odrl-profile:1"
WHO_SIGNS: Final = PARTY + "signatory"
"""Stands in an Offer for the party that will sign it."""
_FACETS: Final = ("activities", "aims", "contexts", "territories", "recipients", "licences", "capacities")


def offer_of(document: TemplateDocument) -> dict[str, Any]:
    """Return the Offer that a template version is, with a mark on every rule that may be declined.

    Raises RefusedError (`nothing_to_say`) for terms without any rule, which ODRL has no policy for."""
    digest = template_digest(document)
    permissions = [(r.permission, r.optional) for r in document.rules if r.permission is not UNSET]
    prohibitions = [(r.prohibition, r.optional) for r in document.rules if r.prohibition is not UNSET]
    terms = Terms(
        permissions=[p for p, _ in permissions],
        prohibitions=[p for p, _ in prohibitions],
        conditions=document.conditions,
        obligations=document.obligations,
        derivatives=document.derivatives,
        exclusive_to=document.exclusive_to,
        copyright=document.copyright,
        survives_death=document.survives_death,
        retention_until=document.retention_until,
    )
    head = {"@type": "Offer", "uid": f"urn:consent-ledger:template:{digest}", "assigner": WHO_SIGNS}
    common = {"target": f"urn:consent-ledger:template:{digest}:media"}
    rules = _Rules(terms, list(document.capacities), document.publisher, common, ())
    return _policy(head, terms, rules.permissions(permissions), rules.prohibitions(prohibitions))


def agreement_of(grant: Grant, statement_id: str, publisher: str) -> dict[str, Any]:
    """Return the Agreement that a grant is, with the template's publisher as the one that it was made with.

    Raises RefusedError as `offer_of` does."""
    scope = grant.scope
    if scope.assets is not UNSET:
        target: list[str] = [f"urn:consent-ledger:asset:{asset}" for asset in scope.assets]
    else:
        target = [f"urn:consent-ledger:project:{scope.project}:media"]
    when = [_limit(ODRL + "dateTime", "gteq", [_time(grant.starts)])]
    if grant.ends is not UNSET:
        when.append(_limit(ODRL + "dateTime", "lt", [_time(grant.ends)]))
    head = {
        "@type": "Agreement",
        "uid": f"urn:consent-ledger:statement:{statement_id}",
        "assigner": PARTY + grant.issuer,
    }
    rules = _Rules(grant.terms, list(grant.capacities), publisher, {"target": target}, when)
    return _policy(
        head,
        grant.terms,
        rules.permissions([(p, False) for p in grant.terms.permissions]),
        rules.prohibitions([(p, False) for p in grant.terms.prohibitions]),
    )


class _Rules:
    """The rules of terms, as ODRL."""

    def __init__(
        self,
        terms: Terms,
        capacities: list[str],
        publisher: str,
        common: Mapping[str, Any],
        when: Sequence[dict[str, Any]],
    ) -> None:
        self.terms, self.capacities, self.publisher = terms, capacities, publisher
        self.common, self.when = common, when

    def permissions(self, rules: Sequence[tuple[Permission, bool]]) -> list[dict[str, Any]]:
        """Return the permissions, each with whether it is optional, but for those that permit nothing."""
        return [self._permission(p) | _mark(o) for p, o in rules if not is_empty(p) and self._assignees(p)]

    def prohibitions(self, rules: Sequence[tuple[Prohibition, bool]]) -> list[dict[str, Any]]:
        """Return the prohibitions likewise."""
        found = [self._prohibition(p) | _mark(o) for p, o in rules if not is_empty(p)]
        if self.terms.derivatives == "none":
            found.append({**self.common, "action": ODRL + "derive"})
        return found

    def _assignees(self, p: Permission) -> list[str]:
        named = [self.publisher] if p.recipients is UNSET else list(p.recipients)
        if self.terms.exclusive_to is UNSET:
            return named
        return [self.terms.exclusive_to] if p.recipients is UNSET or self.terms.exclusive_to in named else []

    def _permission(self, p: Permission) -> dict[str, Any]:
        limits = [
            _limit(ODRL + "purpose", "isAnyOf", [{"@id": dpv_name("aims", aim)} for aim in p.aims]),
            _limit(ODRL + "purpose", "isAnyOf", [{"@id": dpv_name("contexts", c)} for c in p.contexts]),
            _limit(own("audience"), "lteq", [{"@id": own(p.max_audience)}]),
            _limit(ODRL + "spatial", "isAnyOf", list(p.territories)),
            *([] if p.licences is UNSET else [_limit(own("licence"), "isAnyOf", list(p.licences))]),
            *self.when,
        ]
        if self.terms.retention_until is not UNSET:
            limits.append(_limit(ODRL + "dateTime", "lt", [_time(self.terms.retention_until)]))
        duties = [{"action": own(f"condition:{c.condition}")} for c in self.terms.conditions if _applies(c, p)]
        capacities = self.capacities if p.capacities is UNSET else list(p.capacities)
        return {
            **self.common,
            "action": [action_name(activity) for activity in p.activities],
            "assignee": [PARTY + party for party in self._assignees(p)],
            "constraint": limits,
            **({"duty": duties} if duties else {}),
            "cl:rule": p.rule,
            "cl:capacity": capacities,
            "cl:explicit": p.explicit,
        }

    def _prohibition(self, p: Prohibition) -> dict[str, Any]:
        limits = []
        if p.aims is not UNSET:
            limits.append(_limit(ODRL + "purpose", "isAnyOf", [{"@id": dpv_name("aims", aim)} for aim in p.aims]))
        if p.contexts is not UNSET:
            limits.append(_limit(ODRL + "purpose", "isAnyOf", [{"@id": dpv_name("contexts", c)} for c in p.contexts]))
        if p.min_audience is not UNSET:
            limits.append(_limit(own("audience"), "gteq", [{"@id": own(p.min_audience)}]))
        if p.territories is not UNSET:
            limits.append(_limit(ODRL + "spatial", "isAnyOf", list(p.territories)))
        if p.licences is not UNSET:
            limits.append(_limit(own("licence"), "isAnyOf", list(p.licences)))
        return {
            **self.common,
            "action": ODRL + "use" if p.activities is UNSET else [action_name(a) for a in p.activities],
            **({} if p.recipients is UNSET else {"assignee": [PARTY + party for party in p.recipients]}),
            **({"constraint": limits} if limits else {}),
            **({} if p.rule is UNSET else {"cl:rule": p.rule}),
            **({} if p.capacities is UNSET else {"cl:capacity": list(p.capacities)}),
        }


def _mark(optional: bool) -> dict[str, Any]:
    return {"cl:optional": True} if optional else {}


def _policy(
    head: Mapping[str, Any], terms: Terms, permissions: list[dict[str, Any]], prohibitions: list[dict[str, Any]]
) -> dict[str, Any]:
    if not permissions and not prohibitions:
        message = "terms permit and forbid nothing, an ODRL policy has at least one rule"
        raise RefusedError(message, code="nothing_to_say")
    return {
        "@context": [odrl_terms.CONTEXT, {"cl": NAMESPACE}],
        **head,
        "profile": PROFILE,
        "conflict": "odrl:prohibit",
        **({"permission": permissions} if permissions else {}),
        **({"prohibition": prohibitions} if prohibitions else {}),
        **(
            {"obligation": [{"action": own(f"obligation:{o}")} for o in terms.obligations]} if terms.obligations else {}
        ),
        "cl:copyright": terms.copyright,
        "cl:survivesDeath": terms.survives_death,
    }


def action_name(activity: str) -> str:
    """Return the action that ODRL has for exactly this activity, or else our own."""
    return exact_match(odrl_terms.ACTIVITIES, activity) or own(activity)


def is_empty(rule: Permission | Prohibition) -> bool:
    """Whether a facet is an empty list, so that the rule names nothing."""
    return any(getattr(rule, facet) is not UNSET and not getattr(rule, facet) for facet in _FACETS)


def _applies(condition: ConditionRule, permission: Permission) -> bool:
    return condition.rules is UNSET or permission.rule in condition.rules


def _limit(operand: str, operator: str, values: list[Any]) -> dict[str, Any]:
    return {"leftOperand": operand, "operator": ODRL + operator, "rightOperand": values}


def _time(instant: datetime) -> dict[str, str]:
    return {"@value": instant.strftime("%Y-%m-%dT%H:%M:%SZ"), "@type": "http://www.w3.org/2001/XMLSchema#dateTime"}
