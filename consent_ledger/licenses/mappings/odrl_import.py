"""ODRL in: a policy of anybody's, in JSON-LD, becomes prohibitions and hints; one of ours comes back as what it says.

The profile is understood and so are exact words of others; of everything else a prohibition is read without the limit
and a permission not at all. No network is asked: a context that is not in the document is taken to be ODRL's own.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from consent_ledger.errors import MalformedError
from consent_ledger.licenses.mappings.clauses import (
    Clause,
    lowest,
    meaning_of,
    read_permission,
    read_prohibition,
    strings,
)
from consent_ledger.licenses.mappings.concepts import PARTY, Meaning, expand, forbidden, own, permitted, prefixes_of
from consent_ledger.licenses.mappings.odrl_terms import NAMESPACE as ODRL
from consent_ledger.licenses.mappings.signals import EVERYTHING, Signal, combine
from consent_ledger.licenses.terms import Prohibition

_PLAIN: Final = {ODRL + "spatial": "territories", own("licence"): "licences"}
_MEMBERSHIP: Final = frozenset(ODRL + name for name in ("eq", "isA", "isAnyOf"))
_HEAD: Final = frozenset(
    [
        *("@context", "uid", "@id", "id", "@type", "type", "profile", "conflict", "inheritAllowed"),
        *("target", "assigner", "assignee", "permission", "prohibition", "obligation", "copyright", "survivesDeath"),
    ]
)
"""What a policy may have beside its rules; anything else of ODRL's is shared by the rules and limits them."""
_HARMLESS: Final = frozenset({"uid", "@id", "id", "@type", "type", "target", "assigner"} | {"rule", "explicit"})


def from_odrl(policy: Mapping[str, Any]) -> Signal:
    """Return what a policy says. Raises MalformedError for what is no ODRL policy in JSON-LD."""
    reader = _Reader(policy)
    policy = reader.keys(policy)
    rules = [key for key in ("permission", "prohibition", "obligation") if key in policy]
    if not rules and "inheritFrom" not in policy:
        raise MalformedError("document has no `permission`, `prohibition` or `obligation`, want an ODRL policy")
    return combine(reader.signals(policy))


class _Reader:
    """A policy with its prefixes."""

    def __init__(self, policy: Mapping[str, Any]) -> None:
        self.prefixes = prefixes_of(policy)

    def keys(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """Return the node under the short names of the properties of ODRL and of our profile."""
        return {self.name(str(k)).removeprefix(ODRL).removeprefix(own("")): v for k, v in node.items()}

    def name(self, text: str) -> str:
        return text if text.startswith("@") else expand(text, self.prefixes, ODRL)

    def signals(self, policy: Mapping[str, Any]) -> Iterator[Signal]:
        source = f"odrl {policy.get('uid', policy.get('@id', ''))}".strip()
        for rule in self._nodes(policy.get("prohibition", [])):
            yield Signal((self._prohibition(rule),) if rule is not None else (EVERYTHING,))
        if "inheritFrom" in policy:
            yield Signal(
                (EVERYTHING,), lost=("`inheritFrom` was not followed, so all that it may forbid is forbidden",)
            )
            return
        shared = [key for key in policy if ":" not in key and key not in _HEAD]
        obligations = None if shared else self._obligations(policy)
        for number, rule in enumerate(self._nodes(policy.get("permission", []))):
            clauses = None if rule is None or obligations is None else self._permission(rule, policy)
            found = None if clauses is None else read_permission(source, [*clauses, *(obligations or ())])
            if found is None:
                yield Signal(lost=(f"permission {number} is not for an owner, or has limits that were not understood",))
            else:
                yield Signal(hints=(found,))

    def _nodes(self, value: object) -> list[dict[str, Any] | None]:
        items = value if isinstance(value, list) else [value]
        return [self.keys(item) if isinstance(item, Mapping) else None for item in items]

    def _prohibition(self, rule: Mapping[str, Any]) -> Prohibition:
        clauses = [
            self._action(rule.get("action"), forbidden),
            *(self._constraint(c, forbidden) for c in self._nodes(rule.get("constraint", []))),
        ]
        if "assignee" in rule:
            clauses.append(self._parties(rule["assignee"]))
        if "capacity" in rule:
            clauses.append(Clause("capacities", tuple(strings(rule["capacity"]) or ())))
        return read_prohibition(clauses)

    def _permission(self, rule: Mapping[str, Any], policy: Mapping[str, Any]) -> list[Clause | None] | None:
        """Return the limits of a permission, or None when it is not for an owner's hint at all."""
        known = _HARMLESS | {"action", "constraint", "assignee", "duty", "capacity"}
        if set(rule) - known or rule.get("duty") or strings(rule.get("target", "")) is None:
            return None
        if "capacity" in rule and "owner" not in (strings(rule["capacity"]) or ()):
            return None
        if isinstance(rule.get("action"), Mapping) and "refinement" in self.keys(rule["action"]):
            return None
        clauses = [
            self._action(rule.get("action"), permitted),
            *_tightest([self._constraint(c, permitted) for c in self._nodes(rule.get("constraint", []))]),
        ]
        assignee = rule.get("assignee", policy.get("assignee"))
        if assignee is not None:
            clauses.append(self._parties(assignee))
        return clauses

    def _action(self, action: object, reads: Callable[[str], Meaning | None]) -> Clause | None:
        """Return the activities, or the terms of another facet that an action is about, such as commercial use."""
        named = []
        for item in action if isinstance(action, list) else [action]:
            node = self.keys(item) if isinstance(item, Mapping) else {}
            value = (
                strings(node.get("http://www.w3.org/1999/02/22-rdf-syntax-ns#value", item)) if node else strings(item)
            )
            if value is None:
                return None
            if reads is permitted and "refinement" in node:
                return None
            named += [self.name(v) for v in value]
        return _as_clause(meaning_of(named, reads), "min_audience" if reads is forbidden else "max_audience")

    def _parties(self, value: object) -> Clause | None:
        names = strings(value)
        if names is None or not all(name.startswith(PARTY) for name in names):
            return None
        return Clause("recipients", tuple(name.removeprefix(PARTY) for name in names))

    def _constraint(self, node: Mapping[str, Any] | None, reads: Callable[[str], Meaning | None]) -> Clause | None:
        """Return a constraint's limit, or None when it is not one that is understood."""
        wanted = {"leftOperand", "operator", "rightOperand"}
        if node is None or not wanted <= set(node) or set(node) - wanted - {"@type", "type", "@id", "uid"}:
            return None
        operand, operator = (self.name((strings(node[key]) or [""])[0]) for key in ("leftOperand", "operator"))
        values = strings(node["rightOperand"])
        if values is None:
            return None
        if operand == ODRL + "purpose" and operator in _MEMBERSHIP:
            meaning = meaning_of([self.name(v) for v in values], reads)
            return None if meaning is None or meaning.facet == "audience" else _as_clause(meaning, "")
        if operand in _PLAIN and operator in _MEMBERSHIP:
            return Clause(_PLAIN[operand], tuple(values))
        if operand == own("audience") and len(values) == 1:
            wants, field = (ODRL + "gteq", "min_audience") if reads is forbidden else (ODRL + "lteq", "max_audience")
            rung = reads(self.name(values[0]))
            return (
                Clause(field, rung.terms)
                if rung is not None and rung.facet == "audience" and operator == wants
                else None
            )
        if operand == ODRL + "dateTime" and reads is permitted:
            return {ODRL + "gteq": Clause("starts", tuple(values)), ODRL + "lt": Clause("ends", tuple(values))}.get(
                operator
            )
        return None

    def _obligations(self, policy: Mapping[str, Any]) -> list[Clause] | None:
        """Return the obligations that come with every permission, or None when one is not understood."""
        prefix, codes = own("obligation:"), []
        for node in self._nodes(policy.get("obligation", [])):
            names = strings((node or {}).get("action"))
            if node is None or set(node) != {"action"} or names is None or len(names) != 1:
                return None
            name = self.name(names[0])
            if not name.startswith(prefix):
                return None
            codes.append(name.removeprefix(prefix))
        return [Clause("obligations", tuple(codes))] if codes else []


def _as_clause(meaning: Meaning | None, audience: str) -> Clause | None:
    if meaning is None:
        return None
    if meaning.facet == "audience":
        return Clause(audience, (lowest(meaning.terms),))
    return Clause(*meaning)


def _tightest(clauses: list[Clause | None]) -> list[Clause | None]:
    """Return the limits with several ends, such as of a term and of retention, made one: the earliest."""
    ends = [c.values[0] for c in clauses if c is not None and c.facet == "ends"]
    others = [c for c in clauses if c is None or c.facet != "ends"]
    same_form = all(len(e) == len("2026-01-01T00:00:00Z") and e.endswith("Z") for e in ends)
    return others + ([Clause("ends", (min(ends),)) if same_form else None] if ends else [])
