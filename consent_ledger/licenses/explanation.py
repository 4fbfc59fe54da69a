"""What would clear an asset: whose word is missing, in which capacity, for which rules of which template.

An explanation is made of a decision, not instead of it: every requirement that is not covered asks for one thing, and
so does every obstacle. A signature is asked for once, for all capacities of a party, and by name: it then also ratifies
what was made before. Grouped over a dataset, equal wants are counted together.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from consent_ledger.licenses.asking import best_offer
from consent_ledger.licenses.decision import Decision
from consent_ledger.licenses.evaluation import Moment, condition_status, is_minor
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.masks import Use
from consent_ledger.licenses.reasons import Reason, Verdict
from consent_ledger.licenses.records import GrantRecord
from consent_ledger.licenses.requirements import Requirement, walk

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
    "not_yet_effective": "wait_for_start",
    "suspended": "resume",
    "precondition_unmet": "meet_condition",
    "precondition_unknown": "meet_condition",
    "grant_after_capture": "ratify_capture",
    "guardian_consent_required": "ask_guardian",
    "guardian_authority_invalid": "ask_for_permission",
    "assurance_too_low": "sign_more_strongly",
    "ledger_integrity_failure": "verify_ledger",
}
"""What a reason asks for; every other reason asks the party for its permission."""

SIGNING: Final = frozenset({"ask_for_permission", "ask_guardian", "sign_more_strongly"})
"""What is done by signing a template."""

COMES_BEFORE: Final = ("ask_heirs", "establish_age", "replace_prohibition", "name_a_licence", "ask_guardian")
"""Where one of these is wanted of a party, a signature of its own would not help or is not for now."""

NEW_SIGNATURE_SETTLES: Final = frozenset({"ratify_capture", "meet_condition", "resume", "wait_for_start"})
"""What is amiss with what was signed, and need not be mended where something else is signed in its place."""


class Want(NamedTuple):
    """One thing that is missing.

    `template` is `id version` of an offered template whose `rules` would give it; `questions` are those of them that
    are asked apart. `conditions` are what it waits for, and `party_kind` what the party is.
    """

    action: str
    code: str
    party: str | None = None
    capacities: tuple[str, ...] = ()
    template: str | None = None
    rules: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    party_kind: str | None = None


class Group(NamedTuple):
    """The same thing, missing for many: how many assets lack it, and from how many parties."""

    action: str
    code: str
    capacities: tuple[str, ...]
    template: str | None
    rules: tuple[str, ...]
    questions: tuple[str, ...]
    conditions: tuple[str, ...]
    party_kind: str | None
    assets: int
    parties: int


def wants(asset: str, use: Use, decision: Decision, facts: Facts, at: Moment) -> tuple[Want, ...]:
    """Return the smallest set of things that would clear the asset, in the order of the decision's reasons."""
    if decision.verdict is Verdict.allow:
        return ()
    found = [Want(ACTIONS.get(r.code, "ask_for_permission"), r.code) for r in decision.reasons if r.party is None]
    missing: dict[str, list[tuple[Requirement, list[Reason]]]] = {}
    for need in walk(asset, facts, *at).requirements:
        reasons = [r for r in decision.reasons if (r.party, r.capacity, r.via) == (need.party, need.capacity, need.via)]
        if reasons:
            missing.setdefault(need.party, []).append((need, reasons))
    order = {reason: n for n, reason in enumerate(decision.reasons)}
    for lacking in sorted(missing.values(), key=lambda pairs: min(order[r] for _, rs in pairs for r in rs)):
        found += _of_party(lacking, use, facts, at)
    return _one_for_each(found)


def _of_party(lacking: list[tuple[Requirement, list[Reason]]], use: Use, facts: Facts, at: Moment) -> Iterator[Want]:
    """Yield what is wanted of one party: signatures, and what else there is to do."""
    needs: dict[str, list[tuple[Requirement, Reason]]] = {}
    for need, reasons in lacking:
        actions = {_action(r, facts, at): r for r in reversed(reasons)}
        first = next((action for action in COMES_BEFORE if action in actions), None)
        for action, reason in reversed(actions.items()):
            if first is not None and action != first and action in SIGNING | NEW_SIGNATURE_SETTLES:
                continue
            if action in NEW_SIGNATURE_SETTLES and SIGNING & actions.keys():
                continue
            needs.setdefault(action, []).append((need, reason))
    for action, pairs in needs.items():
        if action in SIGNING:
            yield from _signatures(action, pairs, use, facts, at)
        else:
            yield from (_other(action, need, reason, facts, at) for need, reason in pairs)


def _action(reason: Reason, facts: Facts, at: Moment) -> str:
    """Return what a reason asks for; a minor signs nothing."""
    action = ACTIONS.get(reason.code, "ask_for_permission")
    return "ask_guardian" if action in SIGNING and is_minor(facts.parties.get(reason.party or ""), at) else action


def _signatures(
    action: str, pairs: list[tuple[Requirement, Reason]], use: Use, facts: Facts, at: Moment
) -> Iterator[Want]:
    """Yield as few signatures as there are templates for: one for all that is wanted, or for each asset, or else each
    capacity its own."""
    offer = best_offer([need for need, _ in pairs], action == "ask_guardian", use, facts, at)
    if offer is None and len(pairs) > 1:
        assets = dict.fromkeys(need.asset for need, _ in pairs)
        parts = [[pair for pair in pairs if pair[0].asset == asset] for asset in assets]
        for part in parts if len(parts) > 1 else [[pair] for pair in pairs]:
            yield from _signatures(action, part, use, facts, at)
        return
    need, reason = pairs[0]
    want = _want(action, need, reason, facts)._replace(capacities=tuple(sorted({n.capacity for n, _ in pairs})))
    if offer is None:
        yield want
        return
    yield want._replace(template=offer.template, rules=offer.rules, questions=offer.questions)
    if offer.conditions:
        yield Want("meet_condition", "precondition_unmet", conditions=offer.conditions)


def _other(action: str, need: Requirement, reason: Reason, facts: Facts, at: Moment) -> Want:
    want = _want(action, need, reason, facts)
    grant = facts.grant_by_id.get(reason.grant or "")
    if action != "meet_condition" or grant is None:
        return want
    # Whoever granted it has done her part: what is missing is for the others to do.
    if _is_rejected(grant, need, facts, at):
        return Want("replace_rejected", reason.code, conditions=("accepted",))
    unmet = [
        condition
        for condition, rules in grant.terms.conditions
        if (rules is None or reason.rule in rules)
        and condition_status(condition, grant, need, facts, at) in ("precondition_unmet", "precondition_unknown")
    ]
    return Want(action, reason.code, conditions=tuple(sorted(unmet)))


def _is_rejected(grant: GrantRecord, need: Requirement, facts: Facts, at: Moment) -> bool:
    """Whether what was said last about accepting the asset is no."""
    if "accepted" not in {condition for condition, _ in grant.terms.conditions}:
        return False
    told = [
        f
        for f in facts.fulfilments.get(need.asset, ())
        if f.condition == "accepted" and f.entry < at.size and (f.grants is None or grant.id in f.grants)
    ]
    return bool(told) and told[-1].status == "unmet"


def _want(action: str, need: Requirement, reason: Reason, facts: Facts) -> Want:
    party = facts.parties.get(need.party)
    kind = None if party is None else party.kind
    return Want(action, reason.code, need.party, (need.capacity,), party_kind=kind)


def _one_for_each(found: Iterable[Want]) -> tuple[Want, ...]:
    """Ask a party for one thing once, whatever the number of reasons and of its capacities."""
    kept: dict[tuple[object, ...], Want] = {}
    for want in found:
        key = (want.action if want.party is not None else want.code, want.party, want.template, want.rules,
               want.conditions)  # fmt: skip
        first = kept.setdefault(key, want)
        kept[key] = first._replace(capacities=tuple(sorted({*first.capacities, *want.capacities})))
    return tuple(kept.values())


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
    groups = [
        Group(
            w.action, w.code, w.capacities, w.template, w.rules, w.questions, w.conditions, w.party_kind, n,
            len(parties[w]),
        )
        for w, n in assets.items()
    ]  # fmt: skip
    return tuple(sorted(groups, key=lambda g: (-g.assets, g.action, g.code, *(repr(field) for field in g[2:8]))))
