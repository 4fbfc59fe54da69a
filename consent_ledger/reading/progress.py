"""How far a project is: counts that a board can draw."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from consent_ledger.answers import use_of
from consent_ledger.clearance import Whole
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.purposes import Purpose
from consent_ledger.licenses.reasons import Verdict


class Cleared(msgspec.Struct, frozen=True):
    """How many of a project's media may be put to a named purpose."""

    purpose: str
    title: str
    allow: int
    deny: int
    undetermined: int


class Counts(NamedTuple):
    """Of a project, at a ledger size: how many people signed for it, how many media are registered, and how many of
    them are cleared for each purpose."""

    size: int
    signed: int
    registered: int
    cleared: list[Cleared]


def count_project(whole: Whole, project: str, controller: str, purposes: Mapping[str, Purpose]) -> Counts:
    """Return the counts of a project. A purpose that is for a recipient is asked for the project's controller."""
    assets = [asset for asset, said in whole.facts.assets.items() if any(c.project == project for c in said)]
    groups = _alike(whole, assets)
    cleared = [
        _count(whole, groups, name, purpose, controller if purpose.audience == "recipient" else None)
        for name, purpose in purposes.items()
    ]
    return Counts(whole.at.size, _signed(whole.facts, project), len(assets), cleared)


def _signed(facts: Facts, project: str) -> int:
    """Count the parties with a grant for the project, whatever became of it."""
    return sum(any(grant.project == project for grant in grants) for grants in facts.grants.values())


def _alike(whole: Whole, assets: Sequence[str]) -> dict[str, int]:
    """Return one asset for each situation, and how many are in it: they all have its verdict."""
    first: dict[int, str] = {}
    counts: Counter[str] = Counter()
    for asset in assets:
        situation = whole.situations.of(asset)
        counts[asset if situation is None else first.setdefault(id(situation), asset)] += 1
    return counts


def _count(whole: Whole, groups: Mapping[str, int], name: str, purpose: Purpose, recipient: str | None) -> Cleared:
    verdicts: Counter[Verdict] = Counter()
    use = use_of(purpose.use(recipient=recipient))
    for verdict, number in zip(whole.verdicts(list(groups), use), groups.values(), strict=True):
        verdicts[verdict] += number
    return Cleared(name, purpose.title, *(verdicts[v] for v in (Verdict.allow, Verdict.deny, Verdict.undetermined)))
