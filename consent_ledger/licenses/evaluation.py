"""What one party says to one use: its grants, their status, and what they cover (clearance.md, "evaluate").

Within one party the best answer wins, except that a prohibition in force wins over everything. Each rule is one `if`.
"""

from typing import NamedTuple

from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.masks import Atom, CompiledPermission, Use
from consent_ledger.licenses.reasons import VERDICTS, Reason, Verdict
from consent_ledger.licenses.records import GrantRecord, PartyRecord, RevocationRecord, TemplateRecord
from consent_ledger.licenses.requirements import Requirement, latest
from consent_ledger.licenses.spdx import expresses_noncommercial
from consent_ledger.licenses.statements import ASSURANCES
from consent_ledger.licenses.vocabulary import ACTIVITY, AIM, WORLD, Audience

ACTIVE = "active"
IN_FORCE = frozenset({ACTIVE, "suspended", "guardian_consent_required"})
"""Statuses under which a grant's prohibitions hold: a pause, or a minor's signature, never lifts one."""


class Moment(NamedTuple):
    """The bitemporal point of a question: as of an instant (microseconds), known at a ledger size."""

    as_of: int
    size: int


class Standing(NamedTuple):
    """A grant with its status at the moment and the revocations that reach it.

    `permits`: it covers the asset of the requirement. One that does not covers an asset on the way from there to what
    is asked about: then nothing but its prohibitions is heard."""

    grant: GrantRecord
    status: str
    revocations: tuple[RevocationRecord, ...]
    permits: bool


class Answer(NamedTuple):
    """What a party says to one atom. `grant` is the one that permits it."""

    verdict: Verdict
    reasons: frozenset[Reason]
    grant: GrantRecord | None = None


def standings(need: Requirement, facts: Facts, at: Moment) -> tuple[Standing, ...]:
    """Return the party's grants, in that capacity, that cover the asset or one made from it, in ledger order.

    For a minor they are the guardian's."""
    minor = is_minor(facts.parties.get(need.party), at)
    found = []
    for grant in sorted(facts.grants.get(need.party, ()), key=lambda g: g.entry):
        if grant.entry >= at.size or not is_in_capacity(grant, need) or (minor and grant.ward is None):
            continue
        permits = _covers(grant, need.asset, facts, at.size)
        if permits or any(_covers(grant, asset, facts, at.size) for asset in need.line):
            revocations = revocations_of(grant, need, facts, at)
            found.append(Standing(grant, grant_status(grant, facts, at), revocations, permits))
    return tuple(found)


def is_in_capacity(grant: GrantRecord, need: Requirement) -> bool:
    if grant.ward is None:
        return need.capacity in grant.capacities
    return need.capacity != "organisation"


def _covers(grant: GrantRecord, asset: str, facts: Facts, size: int) -> bool:
    if grant.assets is not None:
        return asset in grant.assets
    return any(
        c.project == grant.project
        and c.entry < size
        and (grant.scope_from is None or c.recorded_at >= grant.scope_from)
        and (grant.scope_until is None or c.recorded_at < grant.scope_until)
        for c in facts.assets.get(asset, ())
    )


def grant_status(grant: GrantRecord, facts: Facts, at: Moment) -> str:
    """Return `active`, or the code of what the grant suffers from, first in the order of clearance.md."""
    if key_was_compromised(grant, facts, at.size):
        return "signature_invalid"
    template = facts.templates.get(grant.template)
    if template is None or template.entry > grant.entry or not _offered(grant, facts):
        return "template_not_offered"
    if _invalidated(template, at):
        return "template_invalidated"
    if grant.ends is not None and grant.ends <= grant.starts:
        return "invalid_interval"
    if at.as_of < grant.effective:
        return "not_yet_effective"
    if grant.ends is not None and at.as_of >= grant.ends:
        return "expired"
    if _superseded(grant, facts, at):
        return "superseded"
    pause = latest(facts.suspensions.get(grant.id, []), at.as_of, at.size)
    if pause is not None and pause.status == "suspended":
        return "suspended"
    return _age_status(grant, facts.parties.get(grant.party), at)


def key_was_compromised(grant: GrantRecord, facts: Facts, size: int) -> bool:
    """Whether a key that signed the grant is known, at `size`, to have been compromised by then."""
    return any(
        event.keyid in grant.keyids and event.action == "compromised" and grant.signed_at >= event.since
        for keyid in grant.keyids
        if (record := facts.parties.get(facts.key_owners.get(keyid, ""))) is not None
        for event in record.key_events
        if event.entry < size
    )


def _offered(grant: GrantRecord, facts: Facts) -> bool:
    """Whether the project offered the template when the grant was recorded (a grant of named assets needs none)."""
    if grant.project is None:
        return True
    known = [p for p in facts.projects.get(grant.project, ()) if p.entry < grant.entry]
    return bool(known) and grant.template in max(known, key=lambda p: p.entry).templates


def _invalidated(template: TemplateRecord, at: Moment) -> bool:
    return any(e.status == "invalidated" and e.entry < at.size and e.effective <= at.as_of for e in template.events)


def _superseded(grant: GrantRecord, facts: Facts, at: Moment) -> bool:
    """Whether a later, properly signed grant of the party took its place; that never revives."""
    return any(
        grant.id in later.supersedes
        and grant.entry < later.entry < at.size
        and later.effective <= at.as_of
        and not key_was_compromised(later, facts, at.size)
        for later in facts.grants.get(grant.party, ())
    )


def _age_status(grant: GrantRecord, party: PartyRecord | None, at: Moment) -> str:
    """A minor's own signature needs a guardian's; a guardian's needs a minor."""
    majority = None if party is None or party.age != "minor" else party.majority
    if grant.ward is not None:
        return ACTIVE if majority is not None and grant.signed_at < majority else "guardian_authority_invalid"
    return "guardian_consent_required" if majority is not None and grant.signed_at < majority else ACTIVE


def revocations_of(grant: GrantRecord, need: Requirement, facts: Facts, at: Moment) -> tuple[RevocationRecord, ...]:
    """Return the withdrawals, by the signer or the person it was signed for, that reach this grant for this asset."""
    if grant.terms.irrevocable and need.capacity in ("owner", "organisation"):
        return ()
    parties = {grant.issuer, grant.party}
    return tuple(
        r
        for party in sorted(parties)
        for r in facts.revocations.get(party, ())
        if grant.entry < r.entry < at.size
        and r.effective <= at.as_of
        and (r.grants is None or grant.id in r.grants)
        and (r.assets is None or not need.line.isdisjoint(r.assets))
    )


def evaluate(need: Requirement, atom: Atom, use: Use, given: tuple[Standing, ...], facts: Facts, at: Moment) -> Answer:
    """Return what the party says to the atom."""
    erased_by = facts.erased_parties.get(need.party)
    if erased_by is not None:
        # Whatever it had permitted, and whatever was erased with that, cannot be shown any more.
        withdrawn = Reason("revoked", need.capacity, need.party, entry=erased_by, via=need.via)
        return Answer(Verdict.deny, frozenset({withdrawn}))
    party = facts.parties.get(need.party)
    forbidden = _forbidden(need, atom, use, given)
    if forbidden:
        return Answer(Verdict.deny, frozenset(forbidden))
    if party is not None and party.age == "unknown":
        return Answer(Verdict.undetermined, frozenset({_reason("age_unknown", need)}))
    best, reasons = Verdict.deny, set[Reason]()
    permitting = [standing for standing in given if standing.permits]
    for standing in permitting:
        verdict, found = _try_grant(standing, need, atom, use, facts, at)
        if verdict is Verdict.allow:
            return Answer(verdict, frozenset(found), standing.grant)
        if verdict > best:
            best, reasons = verdict, set()
        if verdict is best:
            reasons |= found
    if not permitting:
        return Answer(Verdict.undetermined, frozenset(_reason(code, need) for code in _why_none(need, party, at)))
    return Answer(best, frozenset(reasons))


def _why_none(need: Requirement, party: PartyRecord | None, at: Moment) -> list[str]:
    """What can be said of a party of whom there is no record that could permit anything."""
    codes = ["no_valid_grant"]
    if is_minor(party, at):
        codes.append("guardian_consent_required")
    if need.capacity == "subject" and _is_dead(party, at):
        codes.append("subject_deceased")
    return codes


def _reason(code: str, need: Requirement, grant: GrantRecord | None = None, rule: str | None = None) -> Reason:
    if grant is None:
        return Reason(code, need.capacity, need.party, via=need.via)
    return Reason(code, need.capacity, need.party, grant.id, grant.entry, need.via, rule)


def _forbidden(need: Requirement, atom: Atom, use: Use, given: tuple[Standing, ...]) -> set[Reason]:
    """Prohibitions in force that overlap the atom, and an owner's that the public licence cannot carry."""
    found = set()
    for grant, status, _, _ in given:
        if status not in IN_FORCE:
            continue
        for prohibition in grant.terms.prohibitions:
            if prohibition.empty or not _applies(prohibition.capacities, need, grant):
                continue
            if prohibition.overlaps(use, atom):
                found.add(_reason("prohibited", need, grant, prohibition.rule))
            carried = prohibition.only_commercial and use.licence is not None and expresses_noncommercial(use.licence)
            if use.audience is Audience.open and use.licence is not None and need.capacity != "subject" and not carried:
                found.add(_reason("licence_conflicts_with_restriction", need, grant, prohibition.rule))
    return found


def _applies(capacities: frozenset[str] | None, need: Requirement, grant: GrantRecord) -> bool:
    """Whether a rule limited to some capacities speaks for this one; a guardian's speaks for the ward's."""
    if capacities is None:
        return True
    return need.capacity in capacities or (grant.ward is not None and "guardian" in capacities)


def _try_grant(
    standing: Standing, need: Requirement, atom: Atom, use: Use, facts: Facts, at: Moment
) -> tuple[Verdict, set[Reason]]:
    """Return the best that one grant offers: its permissions are alternatives."""
    grant, status, revocations, _ = standing
    if status != ACTIVE:
        return VERDICTS[status], {_reason(status, need, grant)}
    for revocation in revocations:
        if revocation.uses is None or (
            _applies(revocation.uses.capacities, need, grant) and revocation.uses.overlaps(use, atom)
        ):
            return Verdict.deny, {Reason("revoked", need.capacity, need.party, grant.id, revocation.entry, need.via)}
    if grant.terms.retention_until is not None and at.as_of >= grant.terms.retention_until:
        return Verdict.deny, {_reason("retention_elapsed", need, grant)}
    offers = [
        (permission, _shortfalls(permission, grant, need, atom, use, facts, at))
        for permission in grant.terms.permissions
        if _applies(permission.capacities, need, grant) and _names(permission, atom, use)
    ]
    if not offers:
        return Verdict.deny, {_reason("not_granted", need, grant)}
    # the one that falls short in fewest ways is the one to tell the reader about
    permission, codes = max(offers, key=lambda offer: (_worst(offer[1]), -len(offer[1])))
    return _worst(codes), {_reason(code, need, grant, permission.rule) for code in codes or ["granted"]}


def _worst(codes: list[str]) -> Verdict:
    return min((VERDICTS[code] for code in codes), default=Verdict.allow)


def _names(permission: CompiledPermission, atom: Atom, use: Use) -> bool:
    return bool(
        permission.activities & atom.activity and permission.aims & atom.aim and permission.contexts & use.context
    )


def _shortfalls(
    permission: CompiledPermission,
    grant: GrantRecord,
    need: Requirement,
    atom: Atom,
    use: Use,
    facts: Facts,
    at: Moment,
) -> list[str]:
    """Return the codes of everything in which a permission that names the use falls short of it."""
    party = facts.parties.get(need.party)
    is_explicit = bool(atom.aim & AIM.explicit_mask or atom.activity & ACTIVITY.explicit_mask)
    short: list[str] = []
    if use.audience > permission.max_audience:
        short.append("audience_exceeds_grant")
    if WORLD not in permission.territories and not use.territories <= permission.territories:
        short.append("territory_not_covered")
    if permission.recipients is not None and use.recipient not in permission.recipients:
        short.append("recipient_not_granted")
    if grant.terms.exclusive_to is not None and use.recipient != grant.terms.exclusive_to:
        short.append("exclusive_to_other")
    short += _licence_shortfalls(permission, use)
    if need.derived and not grant.terms.derivatives:
        short.append("derivative_not_permitted")
    if is_explicit and need.capacity == "subject" and not permission.explicit:
        short.append("explicit_consent_required")
    if use.min_assurance is not None and ASSURANCES.index(grant.assurance) > ASSURANCES.index(use.min_assurance):
        short.append("assurance_too_low")
    if need.capacity == "subject" and not grant.terms.survives_death and _is_dead(party, at):
        short.append("subject_deceased")
    if grant.ward is not None and (is_explicit or use.audience is Audience.open) and _came_of_age(party, at):
        short.append("reaffirmation_required")
    return short + _unmet_conditions(permission, grant, need, facts, at)


def _licence_shortfalls(permission: CompiledPermission, use: Use) -> list[str]:
    """An open release needs a licence that was granted, by everybody: a forgotten field makes no answer wider."""
    if use.licence is None:
        return ["licence_required"] if use.audience is Audience.open else []
    if permission.licences is None:
        return ["licence_not_granted"] if use.audience is Audience.open else []
    return [] if use.licence in permission.licences else ["licence_not_granted"]


def _is_dead(party: PartyRecord | None, at: Moment) -> bool:
    return party is not None and any(entry < at.size and died <= at.as_of for entry, died in party.deaths)


def is_minor(party: PartyRecord | None, at: Moment) -> bool:
    return party is not None and party.majority is not None and at.as_of < party.majority


def _came_of_age(party: PartyRecord | None, at: Moment) -> bool:
    return party is not None and party.majority is not None and at.as_of >= party.majority


def _unmet_conditions(
    permission: CompiledPermission, grant: GrantRecord, need: Requirement, facts: Facts, at: Moment
) -> list[str]:
    codes = []
    for condition, rules in grant.terms.conditions:
        if rules is None or permission.rule in rules:
            codes.append(condition_status(condition, grant, need, facts, at))
    return sorted({code for code in codes if code is not None})


def condition_status(condition: str, grant: GrantRecord, need: Requirement, facts: Facts, at: Moment) -> str | None:
    """Return None where the condition is met, or the code of what is amiss.

    The latest fulfilment by the grant's beneficiary decides. A film made before its grant waits until its maker grants
    it by name. A transform is also met by being one of those that led from the asset to what is asked about.
    """
    if condition == "captured_after_grant":
        if grant.assets is not None:
            return None
        captured = [c.captured_at for c in facts.assets.get(need.asset, ()) if c.entry < at.size]
        made = [c for c in captured if c is not None]
        return "grant_after_capture" if not made or min(made) < grant.signed_at else None
    return fulfilment_status(condition, facts.templates[grant.template].issuer, grant.id, need, facts, at)


def fulfilment_status(
    condition: str, beneficiary: str, grant: str | None, need: Requirement, facts: Facts, at: Moment
) -> str | None:
    """Return the same of a condition that its beneficiary fulfils, for a grant, or (None) for one yet to be given."""
    kind, _, transform = condition.partition(":")
    told = [
        f
        for asset in (need.line if kind == "transform" else (need.asset,))
        for f in facts.fulfilments.get(asset, ())
        if f.condition == condition
        and f.entry < at.size
        and f.recorded_at <= at.as_of
        and f.issuer == beneficiary
        and (f.grants is None or grant in f.grants)
    ]
    last = max(told, key=lambda f: f.entry, default=None)
    if last is None:
        return None if kind == "transform" and transform in need.transforms else "precondition_unmet"
    return {"met": None, "unmet": "precondition_unmet", "unknown": "precondition_unknown"}[last.status]
