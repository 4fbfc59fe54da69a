"""What would clear an asset: whose word is missing, in which capacity, for which rules of which template.

An explanation is made of a decision, not instead of it: every requirement that is not covered asks for one thing, and
so does every obstacle. Grouped over a dataset, equal wants are counted together.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from msgspec import UNSET

from consent_ledger.licenses.decision import Decision
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.masks import Atom, CompiledPermission, Use, compile_permission
from consent_ledger.licenses.reasons import Verdict
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.licenses.vocabulary import ACTIVITY, AIM, WORLD

ACTIONS: Final = {
    "asset_unknown": "register_asset",
    "parent_unknown": "register_parent",
    "derivation_cycle": "correct_derivation",
    "subjects_unverified": "verify_subjects",
    "subject_unidentified": "identify_subject",
    "subject_deceased": "ask_heirs",
    "age_unknown": "establish_age",
    "ownership_disputed": "resolve_dispute",
    "takedown": "nothing_clears_it",
    "retention_elapsed": "nothing_clears_it",
    "prohibited": "replace_prohibition",
    "licence_conflicts_with_restriction": "replace_prohibition",
    "licence_required": "name_a_licence",
    "exclusive_to_other": "ask_exclusive_licensee",
    "precondition_unmet": "meet_condition",
    "precondition_unknown": "meet_condition",
    "grant_after_capture": "ratify_capture",
    "guardian_consent_required": "ask_guardian",
    "guardian_authority_invalid": "ask_for_permission",
    "assurance_too_low": "sign_more_strongly",
    "ledger_integrity_failure": "verify_ledger",
}
"""What a reason asks for; every other reason asks the party for its permission."""


class Want(NamedTuple):
    """One thing that is missing. `template` is `id version` of an offered template whose `rules` would give it."""

    action: str
    code: str
    party: str | None = None
    capacities: tuple[str, ...] = ()
    template: str | None = None
    rules: tuple[str, ...] = ()


class Group(NamedTuple):
    """The same thing, missing for many: how many assets lack it, and from how many parties."""

    action: str
    code: str
    capacities: tuple[str, ...]
    template: str | None
    rules: tuple[str, ...]
    assets: int
    parties: int


def wants(asset: str, use: Use, decision: Decision, facts: Facts) -> tuple[Want, ...]:
    """Return the smallest set of things that would clear the asset, in the order of the decision's reasons."""
    if decision.verdict is Verdict.allow:
        return ()
    found: dict[Want, None] = {}
    covered = {(s.party, s.capacity, s.via) for s in decision.requirements if s.status == "covered"}
    for reason in decision.reasons:
        if (reason.party, reason.capacity, reason.via) in covered:
            continue
        action = ACTIONS.get(reason.code, "ask_for_permission")
        template: str | None = None
        rules: tuple[str, ...] = ()
        if action in ("ask_for_permission", "ask_guardian", "sign_more_strongly"):
            template, rules = _offer(reason.via[-1] if reason.via else asset, use, reason.capacity, facts)
        found[
            Want(action, reason.code, reason.party, (reason.capacity,) if reason.capacity else (), template, rules)
        ] = None
    return _one_for_each(found)


def _one_for_each(found: Iterable[Want]) -> tuple[Want, ...]:
    """Ask a party for one thing once, whatever the number of reasons and of its capacities."""
    kept: dict[tuple[str, str | None, tuple[str, ...]], Want] = {}
    for want in found:
        key = (want.action if want.party is not None else want.code, want.party, want.rules)
        first = kept.setdefault(key, want)
        kept[key] = first._replace(capacities=tuple(sorted({*first.capacities, *want.capacities})))
    return tuple(kept.values())


def _offer(asset: str, use: Use, capacity: str | None, facts: Facts) -> tuple[str | None, tuple[str, ...]]:
    """Return the offered template that gives the use with the fewest optional rules, and those rules."""
    best: tuple[int, str, tuple[str, ...]] | None = None
    for digest in sorted(_offered(asset, facts)):
        record = facts.templates.get(digest)
        if record is None or any(e.status == "invalidated" for e in record.events):
            continue
        rules = _fewest_rules(record.document, use, capacity)
        if rules is not None:
            offer = (len(rules), f"{record.document.id} {record.document.version}", rules)
            best = offer if best is None else min(best, offer)
    return (None, ()) if best is None else (best[1], best[2])


def _offered(asset: str, facts: Facts) -> set[str]:
    projects = {claim.project for claim in facts.assets.get(asset, ())}
    return {digest for project in projects for digest in _latest_offer(project, facts)}


def _latest_offer(project: str, facts: Facts) -> frozenset[str]:
    records = facts.projects.get(project, [])
    return max(records, key=lambda r: r.entry).templates if records else frozenset()


def _fewest_rules(document: TemplateDocument, use: Use, capacity: str | None) -> tuple[str, ...] | None:
    """Return the rules that give every atom, or None where the template cannot. One rule often gives them all; else
    each atom takes the first that gives it."""
    if capacity is not None and not {capacity, "guardian" if capacity == "subject" else capacity} & set(
        document.capacities
    ):
        return None
    giving = {
        rule.id: [a for a in use.atoms if _gives(compile_permission(rule.permission), a, use, capacity)]
        for rule in document.rules
        if rule.permission is not UNSET
    }
    for rule, atoms in giving.items():
        if len(atoms) == len(use.atoms):
            return (rule,)
    chosen = [next((rule for rule, atoms in giving.items() if atom in atoms), None) for atom in use.atoms]
    return None if None in chosen else tuple(dict.fromkeys(rule for rule in chosen if rule is not None))


def _gives(permission: CompiledPermission, atom: Atom, use: Use, capacity: str | None) -> bool:
    special = atom.aim & AIM.explicit_mask or atom.activity & ACTIVITY.explicit_mask
    return bool(
        permission.activities & atom.activity
        and permission.aims & atom.aim
        and permission.contexts & use.context
        and use.audience <= permission.max_audience
        and (WORLD in permission.territories or use.territories <= permission.territories)
        and (permission.recipients is None or use.recipient in permission.recipients)
        and (use.licence is None or permission.licences is None or use.licence in permission.licences)
        and (permission.explicit or not special or capacity != "subject")
        and (permission.capacities is None or capacity is None or capacity in permission.capacities)
    )


def group_wants(of_assets: Mapping[str, tuple[Want, ...]]) -> tuple[Group, ...]:
    """Return the wants of many assets, counted together, the one that holds up most assets first."""
    assets: Counter[Want] = Counter()
    parties: defaultdict[Want, set[str]] = defaultdict(set)
    for found in of_assets.values():
        for want in {w._replace(party=None) for w in found}:
            assets[want] += 1
        for want in found:
            if want.party is not None:
                parties[want._replace(party=None)].add(want.party)
    groups = [Group(w.action, w.code, w.capacities, w.template, w.rules, n, len(parties[w])) for w, n in assets.items()]
    return tuple(sorted(groups, key=lambda g: (-g.assets, g.action, g.code, g.capacities, g.template or "", g.rules)))


SENTENCES: Final = {
    "ask_for_permission": "{files} {lack} {what} from {people}",
    "ask_guardian": "{files} {lack} {what} from the guardians of {people}",
    "sign_more_strongly": "{files} need a stronger signature from {people}",
    "ratify_capture": "{files} {were} made before the grant and need a maker's ratification from {people}",
    "meet_condition": "{files} wait for a condition to be met (accepted, paid, or blurred)",
    "replace_prohibition": "{files} {are} forbidden by {people}; only a new grant that replaces the old one lifts that",
    "register_asset": "{files} {are} not registered: register them, or their transcodes, first",
    "register_parent": "{files} {are} made from something that is not registered",
    "correct_derivation": "{files} {are} said to be made from themselves",
    "verify_subjects": "{files} need somebody to say who is seen or heard",
    "identify_subject": "{files} show somebody whom nobody has identified",
    "ask_heirs": "{files} show {people} who died: ask the heirs, or leave them out",
    "establish_age": "{files} need the age of {people}",
    "resolve_dispute": "{files} have an open dispute about who owns them",
    "name_a_licence": "{files} need the request to name a licence",
    "ask_exclusive_licensee": "{files} {are} licensed exclusively to somebody else by {people}",
    "nothing_clears_it": "{files} must not be used any more (takedown, or retention is over)",
    "verify_ledger": "{files} cannot be decided: the ledger does not verify",
}


def sentence(group: Group) -> str:
    """Return one group as a sentence for a person who knows neither code nor law."""
    one = group.assets == 1
    rules = ", ".join(f"`{rule}`" for rule in group.rules)
    what = f"{rules} of {group.template}" if group.template else f"a permission ({group.code.replace('_', ' ')})"
    return SENTENCES[group.action].format(
        files="1 file" if one else f"{group.assets:,} files",
        lack="lacks" if one else "lack",
        are="is" if one else "are",
        were="was" if one else "were",
        what=what,
        people="1 person" if group.parties == 1 else f"{group.parties:,} people",
    )
