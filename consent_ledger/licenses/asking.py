"""Asking: which template that a project offers would give a use, signed by a party, and what it would still wait for.

Among several, the one that the party may sign at all, then the one that gives least beyond what is asked.
"""

from collections.abc import Collection
from itertools import product
from typing import NamedTuple

from msgspec import UNSET

from consent_ledger.licenses.evaluation import Moment, fulfilment_status
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.masks import (
    Atom,
    CompiledPermission,
    Use,
    compile_permission,
    compile_prohibition,
)
from consent_ledger.licenses.records import PartyRecord, TemplateRecord
from consent_ledger.licenses.requirements import Requirement
from consent_ledger.licenses.spdx import expresses_noncommercial
from consent_ledger.licenses.statements import ASSURANCES
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.licenses.vocabulary import ACTIVITY, AIM, WORLD, Audience

SIGNERS = {"person": ("contributors", "workers"), "organisation": ("organisations",)}
"""Which kinds of signers a template may be written for, by the kind of party."""


class Offer(NamedTuple):
    """A template version, as `id version`, and its rules that give the use; `questions` are those that are asked apart.

    `conditions` are what the use would wait for even then."""

    template: str
    rules: tuple[str, ...]
    questions: tuple[str, ...]
    conditions: tuple[str, ...]


def best_offer(needs: Collection[Requirement], as_guardian: bool, use: Use, facts: Facts, at: Moment) -> Offer | None:
    """Return what to ask the one party of all `needs` to sign; None: no template that is offered for all of them does.

    `as_guardian`: the party's guardian signs for it."""
    party = facts.parties.get(next(iter(needs)).party)
    capacities = sorted({n.capacity for n in needs})
    best: tuple[tuple[object, ...], Offer] | None = None
    for digest in set.intersection(*(_offered(asset, facts, at) for asset in {need.asset for need in needs})):
        record = facts.templates.get(digest)
        if record is None or not _may_sign(record, party, capacities, as_guardian, at):
            continue
        document = record.document
        rules = _fewest_rules(document, use, capacities, as_guardian)
        if rules is None or not _is_free(document, use, needs):
            continue
        superseded = any(e.status == "superseded" and e.entry < at.size for e in record.events)
        widest = max(Audience[r.permission.max_audience] for r in document.rules
                     if r.id in rules and r.permission is not UNSET)  # fmt: skip
        newest = tuple(-int(number) for number in document.version.split("."))
        rank = (superseded, widest, len(rules), document.id, newest, digest)
        if best is None or rank < best[0]:
            questions = tuple(r.id for r in document.rules if r.id in rules and r.optional)
            conditions = _conditions(document, rules, needs, facts, at)
            best = rank, Offer(f"{document.id} {document.version}", rules, questions, conditions)
    return None if best is None else best[1]


def _offered(asset: str, facts: Facts, at: Moment) -> set[str]:
    """Return the digests of what the asset's projects offer now."""
    found: set[str] = set()
    for project in {claim.project for claim in facts.assets.get(asset, ()) if claim.entry < at.size}:
        records = [r for r in facts.projects.get(project, ()) if r.entry < at.size]
        found |= max(records, key=lambda r: r.entry).templates if records else frozenset()
    return found


def _may_sign(
    record: TemplateRecord, party: PartyRecord | None, capacities: list[str], as_guardian: bool, at: Moment
) -> bool:
    if any(e.status == "invalidated" and e.entry < at.size for e in record.events):
        return False
    signers = record.document.policies.get("signers")
    if party is not None and signers is not None and signers not in SIGNERS.get(party.kind, (signers,)):
        return False
    wanted = {"guardian"} if as_guardian else set(capacities)
    return wanted <= set(record.document.capacities)


def _is_free(document: TemplateDocument, use: Use, needs: Collection[Requirement]) -> bool:
    """Whether nothing that is always part of the template stands against the use."""
    if document.exclusive_to not in (UNSET, use.recipient):
        return False
    if document.derivatives == "none" and any(need.derived for need in needs):
        return False
    if use.min_assurance is not None and ASSURANCES.index("own_key") > ASSURANCES.index(use.min_assurance):
        return False
    for rule in document.rules:
        if rule.optional or rule.prohibition is UNSET:
            continue
        prohibition = compile_prohibition(rule.prohibition)
        carried = prohibition.only_commercial and use.licence is not None and expresses_noncommercial(use.licence)
        conflicts = use.audience is Audience.open and any(need.capacity != "subject" for need in needs) and not carried
        if not prohibition.empty and (conflicts or any(prohibition.overlaps(use, atom) for atom in use.atoms)):
            return False
    return True


def _fewest_rules(
    document: TemplateDocument, use: Use, capacities: list[str], as_guardian: bool
) -> tuple[str, ...] | None:
    """Return the rules that give every atom in every capacity, or None where the template cannot. One rule often gives
    all; else each takes the first that gives it."""
    wanted = list(product(use.atoms, capacities))
    giving = {
        rule.id: [(a, c) for a, c in wanted if _gives(compile_permission(rule.permission), a, use, c, as_guardian)]
        for rule in document.rules
        if rule.permission is not UNSET
    }
    for rule, given in giving.items():
        if len(given) == len(wanted):
            return (rule,)
    chosen = [next((rule for rule, given in giving.items() if want in given), None) for want in wanted]
    return None if None in chosen else tuple(dict.fromkeys(rule for rule in chosen if rule is not None))


def _gives(permission: CompiledPermission, atom: Atom, use: Use, capacity: str, as_guardian: bool) -> bool:
    special = atom.aim & AIM.explicit_mask or atom.activity & ACTIVITY.explicit_mask
    speaks = {capacity, "guardian"} if as_guardian else {capacity}
    return bool(
        permission.activities & atom.activity
        and permission.aims & atom.aim
        and permission.contexts & use.context
        and use.audience <= permission.max_audience
        and (WORLD in permission.territories or use.territories <= permission.territories)
        and (permission.recipients is None or use.recipient in permission.recipients)
        and _carries(permission, use)
        and (permission.explicit or not special or capacity != "subject")
        and (permission.capacities is None or speaks & permission.capacities)
    )


def _carries(permission: CompiledPermission, use: Use) -> bool:
    """Whether the permission goes with the licence that is asked for; which one, if none is, has to be said first."""
    if permission.licences is None:
        return use.audience is not Audience.open
    return use.licence is None or use.licence in permission.licences


def _conditions(
    document: TemplateDocument, rules: Collection[str], needs: Collection[Requirement], facts: Facts, at: Moment
) -> tuple[str, ...]:
    """Return the conditions of the rules that are not met yet. A film made before is ratified by signing for it."""
    named = [
        c.condition
        for c in document.conditions
        if c.condition != "captured_after_grant" and (c.rules is UNSET or set(rules) & set(c.rules))
    ]
    return tuple(
        sorted(
            {
                condition
                for condition, need in product(named, needs)
                if fulfilment_status(condition, document.publisher, None, need, facts, at) is not None
            }
        )
    )
