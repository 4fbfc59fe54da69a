"""Lint of what machines read: the rules, the conditions, and what may not be combined."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final

from msgspec import UNSET

from consent_ledger.licenses.lint.findings import Finding
from consent_ledger.licenses.lint.law import OVERRIDABLE
from consent_ledger.licenses.lint.licences import PUBLIC_LICENCES
from consent_ledger.licenses.spdx import expresses_noncommercial
from consent_ledger.licenses.templates import TemplateSource
from consent_ledger.licenses.terms import Permission, Prohibition, Rule
from consent_ledger.licenses.vocabulary import ACTIVITY, AIM, WORLD

_TOML: Final = "template.toml"
_PERSONS: Final = frozenset({"subject", "guardian"})
_LICENSORS: Final = frozenset({"owner", "organisation"})


def lint_rules(source: TemplateSource) -> Iterator[Finding]:
    """Yield what is wrong with the rules and what is said of them."""
    yield from _shape(source)
    for rule in source.rules:
        if rule.permission is not UNSET:
            yield from _empty_facets(rule, rule.permission)
            yield from _explicit_uses(rule, rule.permission)
            yield from _open_release(source, rule, rule.permission)
    yield from _restrictions(source)


def _where(rule: Rule) -> str:
    return f"{_TOML}, rule `{rule.id}`"


def _shape(source: TemplateSource) -> Iterator[Finding]:
    """What registration would refuse, or what says something about nothing."""
    ids = Counter(rule.id for rule in source.rules)
    for rule in source.rules:
        inner = [part for part in (rule.permission, rule.prohibition) if part is not UNSET]
        if ids[rule.id] > 1:
            yield Finding(
                "error", "rule_repeated", _where(rule),
                "Two rules have this name, so an answer to one would count for the other.",
                "Give every rule a name of its own.",
            )  # fmt: skip
        if len(inner) != 1:
            yield Finding(
                "error", "rule_ambiguous", _where(rule),
                "The rule should either permit something or forbid something, and does "
                + ("both." if inner else "neither."),
                "Give the rule one `[rules.permission]` or one `[rules.prohibition]`.",
            )  # fmt: skip
        for part in inner:
            strangers = () if part.capacities is UNSET else sorted(set(part.capacities) - set(source.capacities))
            if strangers:
                yield Finding(
                    "error", "capacity_unknown", _where(rule),
                    f"The rule is for those who sign as {', '.join(strangers)}, and nobody signs this as that.",
                    f"Add it to `capacities` of the template, or use one of: {', '.join(source.capacities)}.",
                )  # fmt: skip
    yield from _loose_ends(source, ids)


def _loose_ends(source: TemplateSource, ids: Collection[str]) -> Iterator[Finding]:
    for condition in source.conditions:
        for name in () if condition.rules is UNSET else condition.rules:
            if name not in ids:
                yield Finding(
                    "error", "condition_without_rule", f"{_TOML}, condition `{condition.condition}`",
                    f"The condition is about rule `{name}`, and there is no such rule, so it would protect nobody.",
                    f"Name one of the rules: {', '.join(ids)}.",
                )  # fmt: skip
    for name in sorted(set(source.overrides) - OVERRIDABLE):
        yield Finding(
            "error", "override_unknown", f"{_TOML}, [overrides]",
            f"`{name}` is recorded as overridden, but it is not a finding that may be overridden.",
            f"Repair what the finding is about. Only {', '.join(sorted(OVERRIDABLE))} can be overridden.",
        )  # fmt: skip


def _empty_facets(rule: Rule, permission: Permission) -> Iterator[Finding]:
    empty = [
        name
        for name in ("activities", "aims", "contexts", "territories", "recipients", "licences", "capacities")
        if getattr(permission, name) is not UNSET and not getattr(permission, name)
    ]
    if empty:
        yield Finding(
            "error", "permits_nothing", _where(rule),
            f"The rule leaves {', '.join(empty)} empty. An empty list names nothing, so the rule permits nothing, "
            "whatever its clause says.",
            "List what is meant, or remove the rule.",
        )  # fmt: skip


def _explicit_uses(rule: Rule, permission: Permission) -> Iterator[Finding]:
    """A sensitive use is optional, explicit, and not tied to any other use (clearance.md, terms marked `*`)."""
    sensitive: list[str] = [t for t in permission.aims if AIM.bit[t] & AIM.explicit_mask]
    sensitive += [t for t in permission.activities if ACTIVITY.bit[t] & ACTIVITY.explicit_mask]
    if not sensitive:
        return
    named = ", ".join(f"`{term}`" for term in sensitive)
    if not rule.optional:
        yield Finding(
            "error", "explicit_use_not_optional", _where(rule),
            f"The rule permits {named} and cannot be declined by who signs. Such a use needs a free and separate yes "
            "(for biometric data: Article 9(2)(a) GDPR), which somebody who has no choice cannot give.",
            "Set `optional = true`, so that it is asked as a question of its own.",
        )  # fmt: skip
    if not permission.explicit:
        yield Finding(
            "error", "explicit_use_not_explicit", _where(rule),
            f"The rule permits {named} without marking the yes as explicit, so every request for it would be denied.",
            "Set `explicit = true`, and let the clause say in plain words what is allowed.",
        )  # fmt: skip
    families = {term.partition(".")[0] for term in sensitive}
    others: list[str] = [t for t in permission.aims if t not in sensitive]
    others += [t for t in permission.activities if "promote" in sensitive and t not in sensitive]
    if others or len(families) > 1:
        tied = ", ".join(f"`{term}`" for term in others or sorted(families))
        yield Finding(
            "error", "explicit_use_bundled", _where(rule),
            f"One tick would permit {named} together with something else ({tied}). Consent must be given "
            "separately for separate purposes (recital 43 GDPR).",
            "Make one optional rule for each, so that each is a question with its own yes and no.",
        )  # fmt: skip


def _open_release(source: TemplateSource, rule: Rule, permission: Permission) -> Iterator[Finding]:
    if permission.max_audience != "open":
        return
    if permission.licences is UNSET or not permission.licences:
        yield Finding(
            "error", "open_without_licence", _where(rule),
            "Everyone may get copies under this rule, but no public licence is named, so nobody could tell what "
            "strangers may do with their copies.",
            'Name the licence by its SPDX identifier, for example `licences = ["CC-BY-4.0"]`.',
        )  # fmt: skip
    for licence in () if permission.licences is UNSET else permission.licences:
        if licence not in PUBLIC_LICENCES:
            yield Finding(
                "error", "licence_unknown", _where(rule),
                f"`{licence}` is not a public licence for media or data that is known by that name, so nobody who "
                "gets a copy could look up what it permits.",
                "Use the SPDX identifier of a public licence, for example `CC-BY-4.0` or `CDLA-Permissive-2.0`.",
            )  # fmt: skip
    if WORLD not in permission.territories:
        yield Finding(
            "error", "open_not_worldwide", _where(rule),
            f"Everyone may get copies, but only in {', '.join(permission.territories) or 'no country'}. Public copies "
            "do not stop at a border, and public licences hold in the whole world.",
            'Set `territories = ["WORLD"]`, or choose a smaller audience than `open`.',
        )  # fmt: skip
    if not rule.optional and _PERSONS & set(source.capacities) and source.legal_basis.privacy == "consent":
        yield Finding(
            "warning", "open_not_asked_apart", _where(rule),
            "People who are seen or heard cannot take part without agreeing that everyone gets copies.",
            "Make the rule optional, so that the open release is asked apart.",
        )  # fmt: skip


def _restrictions(source: TemplateSource) -> Iterator[Finding]:
    """A restriction by an owner that the public licence of an open release does not express does not travel."""
    licences = sorted(
        {
            licence
            for rule in source.rules
            if rule.permission is not UNSET and rule.permission.max_audience == "open" and _licensing(source, rule)
            for licence in (() if rule.permission.licences is UNSET else rule.permission.licences)
        }
    )
    for rule in source.rules:
        if rule.prohibition is UNSET or not _licensing(source, rule):
            continue
        for licence in licences:
            if not (_is_only_commercial(rule.prohibition) and expresses_noncommercial(licence)):
                yield Finding(
                    "error", "licence_cannot_carry_restriction", _where(rule),
                    f"The owner forbids a use here and releases the same media under `{licence}`, which does not "
                    "contain that restriction. Strangers rely on the licence, so the restriction would not bind them.",
                    "Remove the restriction, or the open release, or choose a licence that says the same (of the usual "
                    "ones only the NonCommercial family restricts a use, and only commercial use).",
                )  # fmt: skip


def _licensing(source: TemplateSource, rule: Rule) -> bool:
    """Whether the rule speaks for somebody who licenses rights, rather than for a person shown alone."""
    inner = rule.prohibition if rule.permission is UNSET else rule.permission
    named = source.capacities if inner is UNSET or inner.capacities is UNSET else inner.capacities
    return bool(_LICENSORS & set(named))


def _is_only_commercial(prohibition: Prohibition) -> bool:
    """Whether all that is forbidden is commercial use, whoever does it, for whatever, wherever."""
    others = ("activities", "aims", "min_audience", "territories", "recipients", "licences")
    return prohibition.contexts == ["commercial"] and all(getattr(prohibition, name) is UNSET for name in others)
