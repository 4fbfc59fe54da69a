"""How far a project is: counts that a board can draw."""

from collections import Counter
from typing import NamedTuple

import msgspec

from consent_ledger.answers import use_of
from consent_ledger.clearance import Whole
from consent_ledger.licenses.purposes import Purpose
from consent_ledger.licenses.reasons import Verdict
from consent_ledger.licenses.situations import Situations


class Cleared(msgspec.Struct, frozen=True):
    """How many of a project's media may be put to a named purpose, at a ledger size."""

    purpose: str
    title: str
    allow: int
    deny: int
    undetermined: int
    size: int


class Reached(NamedTuple):
    """At a ledger size: how many people signed for a project, whatever became of it, and how many media it has."""

    size: int
    signed: int
    registered: int


class ProjectCount:
    """Counts one project. Each count is made while the ledger is lent, and others can use it in between."""

    def __init__(self, project: str, controller: str) -> None:
        self._project = project
        self._controller = controller
        self._alike: dict[str, int] = {}
        self._of: Situations | None = None

    def reached(self, whole: Whole) -> Reached:
        """Return how many signed, and how many media there are."""
        self._group(whole)
        grants = whole.facts.grants.values()
        signed = sum(any(grant.project == self._project for grant in given) for given in grants)
        return Reached(whole.at.size, signed, sum(self._alike.values()))

    def cleared(self, whole: Whole, name: str, purpose: Purpose) -> Cleared:
        """Return the count of a purpose. One that is for a recipient is asked for the project's controller."""
        self._group(whole)
        use = use_of(purpose.use(recipient=self._controller if purpose.audience == "recipient" else None))
        counts: Counter[Verdict] = Counter()
        for verdict, number in zip(whole.verdicts(list(self._alike), use), self._alike.values(), strict=True):
            counts[verdict] += number
        return Cleared(
            purpose=name,
            title=purpose.title,
            allow=counts[Verdict.allow],
            deny=counts[Verdict.deny],
            undetermined=counts[Verdict.undetermined],
            size=whole.at.size,
        )

    def _group(self, whole: Whole) -> None:
        """Note one asset of the project for each situation, which all in it share, and how many are in it."""
        if self._of is whole.situations:
            return
        first: dict[int, str] = {}
        counts: Counter[str] = Counter()
        for asset, said in whole.facts.assets.items():
            if any(claim.project == self._project for claim in said):
                situation = whole.situations.of(asset)
                counts[asset if situation is None else first.setdefault(id(situation), asset)] += 1
        self._alike, self._of = counts, whole.situations
