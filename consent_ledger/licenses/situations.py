"""Verdicts on very many assets: what most of them have in common is judged once.

An asset's *situation* is who must permit its use, in which capacity and by which project, for itself and all that it is
made from; it does not depend on the question. Within one question, parties whose grants have equal terms and equal
status give equal answers. So a verdict is two look-ups, and `evaluate` runs once for each class of party.

This gives what `decide` gives, always: where an asset is special in a way that is not modelled here (it is named by a
dispute, a takedown, a fulfilment, a grant or a withdrawal; it was registered twice; a grant looks at its times),
`decide` itself is asked.
"""

from collections.abc import Iterable
from typing import NamedTuple

from consent_ledger.licenses.decision import Query, decide
from consent_ledger.licenses.evaluation import (
    Moment,
    Standing,
    evaluate,
    grant_status,
    is_in_capacity,
    is_minor,
    revocations_of,
)
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.masks import Use
from consent_ledger.licenses.reasons import Verdict
from consent_ledger.licenses.records import Claim
from consent_ledger.licenses.requirements import Requirement
from consent_ledger.licenses.statements import SAME_WORK, UNIDENTIFIED

_DEEPEST = 100
_NOTHING: frozenset[str] = frozenset()


class Need(NamedTuple):
    """A party must permit the use, by a grant for the project: a requirement without the asset. `others` are the
    projects of what was made from the asset, down to what is asked about: prohibitions for those are heard too."""

    capacity: str
    party: str
    project: str
    others: frozenset[str]
    derived: bool
    transforms: frozenset[str]


class Situation(NamedTuple):
    """What is the same for all assets of one situation. `known` is False where something about it is undetermined
    (an unknown parent, subjects unverified or unidentified); `retention_until` is the earliest one."""

    needs: frozenset[Need]
    known: bool
    retention_until: int | None
    unverified: bool
    unidentified: bool


class Situations:
    """The situations of assets, by the facts as they are; for as long as `facts.generation` stays the same."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.generation = facts.generation
        self.of_derived: dict[str, Situation | None] = {}
        """Of the derived assets that were asked for so far; None for one that is special."""
        self._of_said: dict[int, Situation | None] = {}
        self._interned: dict[Situation, Situation] = {}

    def of(self, asset: str, depth: int = 0) -> Situation | None:
        """Return the situation of a registered asset, or None for one that is special or not registered."""
        said = self.facts.assets.get(asset)
        if said is None or asset in self.facts.named or len(said) > 1 or depth > _DEEPEST:
            return None
        if not said[0].parents:
            key = id(said)
            if key not in self._of_said:
                self._of_said[key] = self._intern(_of_claim(said[0]))
            return self._of_said[key]
        if asset not in self.of_derived:
            self.of_derived[asset] = self._derived(said[0], depth)
        return self.of_derived[asset]

    def _derived(self, claim: Claim, depth: int) -> Situation | None:
        distinct = {parent.asset for parent in claim.parents}
        if len(claim.parents) > 1 and (len(distinct) < len(claim.parents) or any(map(self._is_derived, distinct))):
            return None  # several ways may lead to one ancestor
        own = _of_claim(claim)
        needs, known, retention = set(own.needs), own.known, own.retention_until
        unverified, unidentified = own.unverified, own.unidentified
        for parent in claim.parents:
            if parent.asset not in self.facts.assets and parent.asset not in self.facts.named:
                known = False
                continue
            theirs = self.of(parent.asset, depth + 1)
            if theirs is None:
                return None
            same, through = parent.transform in SAME_WORK, {parent.transform}
            for n in theirs.needs:
                if n.capacity != "subject" or n.party not in parent.absent:
                    others = n.others | {claim.project}
                    derived = n.derived or not same
                    needs.add(Need(n.capacity, n.party, n.project, others, derived, n.transforms | through))
            unverified = unverified or theirs.unverified
            unidentified = unidentified or (theirs.unidentified and UNIDENTIFIED not in parent.absent)
            known = known and theirs.known
            retention = _earliest(retention, theirs.retention_until)
        return self._intern(Situation(frozenset(needs), known, retention, unverified, unidentified))

    def _is_derived(self, asset: str) -> bool:
        return any(claim.parents for claim in self.facts.assets.get(asset, ()))

    def _intern(self, situation: Situation) -> Situation:
        return self._interned.setdefault(situation, situation)


def _earliest(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else min(one, other)


def _of_claim(claim: Claim) -> Situation:
    needs = {Need("owner", party, claim.project, _NOTHING, False, _NOTHING) for party in claim.owners}
    needs |= {
        Need("subject", p, claim.project, _NOTHING, False, _NOTHING) for p in claim.subjects or () if p != UNIDENTIFIED
    }
    needs |= {Need("organisation", party, claim.project, _NOTHING, False, _NOTHING) for party in claim.organisations}
    return Situation(
        frozenset(needs),
        known=bool(claim.parents or claim.owners),
        retention_until=claim.retention_until,
        unverified=claim.subjects is None,
        unidentified=UNIDENTIFIED in (claim.subjects or ()),
    )


class Verdicts:
    """The verdicts of one question, on facts of exactly the size that is asked about."""

    def __init__(self, situations: Situations, use: Use, as_of: int, size: int) -> None:
        self._situations = situations
        self._facts = situations.facts
        self._use = use
        self._at = Moment(as_of, size)
        self._of_situation: dict[int, Verdict | None] = {}
        self._of_need: dict[Need, Verdict | None] = {}
        self._of_class: dict[object, Verdict] = {}
        self._standings: dict[str, tuple[Standing, ...] | None] = {}

    def of_all(self, assets: Iterable[str]) -> list[Verdict]:
        """Return what `decide` says of each asset."""
        said_of, named = self._facts.assets.get, self._facts.named
        derived_of, judged = self._situations.of_derived.get, self._of_situation
        known: dict[int, Verdict] = {}  # by the identity of what was said, which the facts keep alive meanwhile
        verdicts = []
        for asset in assets:
            derived = derived_of(asset)
            verdict = None if derived is None else judged.get(id(derived))
            if verdict is None:
                said = said_of(asset)
                verdict = known.get(id(said)) if said is not None and asset not in named else None
                if verdict is None:
                    verdict = self.of(asset)
                    if said is not None and asset not in named:
                        known[id(said)] = verdict
            verdicts.append(verdict)
        return verdicts

    def of(self, asset: str) -> Verdict:
        """Return what `decide` says of the asset."""
        situation = self._situations.of(asset)
        verdict = None
        if situation is not None:
            key = id(situation)
            if key not in self._of_situation:
                self._of_situation[key] = self._judge(situation)
            verdict = self._of_situation[key]
        if verdict is None:
            return decide(Query(asset, self._use, *self._at), self._facts).verdict
        return verdict

    def _judge(self, situation: Situation) -> Verdict | None:
        if situation.retention_until is not None and self._at.as_of >= situation.retention_until:
            return Verdict.deny
        verdict = Verdict.allow if situation.known else Verdict.undetermined
        if situation.unverified or situation.unidentified or not situation.needs:
            verdict = Verdict.undetermined
        for need in situation.needs:
            if need not in self._of_need:
                self._of_need[need] = self._answer(need)
            answer = self._of_need[need]
            if answer is None:
                return None
            verdict = min(verdict, answer)
        return verdict

    def _answer(self, need: Need) -> Verdict | None:
        """Return the party's worst answer over all atoms, or None where the asset itself would have to be looked at."""
        party = need.party
        if party not in self._standings:
            self._standings[party] = self._stand(party)
        standings = self._standings[party]
        if standings is None:
            return None
        given = tuple(found for s in standings if (found := self._hear(s, need)) is not None)
        key = self._class_of(need, given)
        if key not in self._of_class:
            asked = _requirement(need)
            atoms = self._use.atoms
            answers = [evaluate(asked, atom, self._use, given, self._facts, self._at).verdict for atom in atoms]
            self._of_class[key] = min(answers)
        return self._of_class[key]

    def _stand(self, party: str) -> tuple[Standing, ...] | None:
        """Return the party's standings for assets that nothing names, or None where an asset's times matter."""
        found = []
        as_subject = _requirement(Need("subject", party, "", _NOTHING, False, _NOTHING))
        minor = is_minor(self._facts.parties.get(party), self._at)
        for grant in self._facts.grants.get(party, ()):
            if grant.assets is not None or (minor and grant.ward is None):
                continue
            if grant.scope_from is not None or grant.scope_until is not None:
                return None
            if any(c.condition == "captured_after_grant" for c in grant.terms.conditions):
                return None
            revocations = revocations_of(grant, as_subject, self._facts, self._at)
            found.append(Standing(grant, grant_status(grant, self._facts, self._at), revocations, True))
        return tuple(found)

    def _hear(self, standing: Standing, need: Need) -> Standing | None:
        """Return the standing as it bears on the need, or None where it does not."""
        grant = standing.grant
        if not is_in_capacity(grant, _requirement(need)) or grant.project not in (need.project, *need.others):
            return None
        withdrawn = () if grant.terms.irrevocable and need.capacity != "subject" else standing.revocations
        return Standing(grant, standing.status, withdrawn, grant.project == need.project)

    def _class_of(self, need: Need, given: tuple[Standing, ...]) -> object:
        """Return what an answer depends on: parties of one class answer alike."""
        record = self._facts.parties.get(need.party)
        person: tuple[object, ...] = ()
        if need.party in self._facts.erased_parties or (
            record is not None and (record.age != "adult" or record.deaths)
        ):
            person = (need.party,)
        grants = tuple(
            (
                id(s.grant.terms),
                s.status,
                s.permits,
                s.grant.assurance,
                s.grant.ward is None,
                tuple(r.uses for r in s.revocations),
            )
            for s in given
        )
        return need.capacity, need.derived, need.transforms, person, grants


def _requirement(need: Need) -> Requirement:
    """The need as the rules of evaluation read it: about no asset in particular."""
    return Requirement(need.capacity, need.party, "", "", (), need.derived, need.transforms)
