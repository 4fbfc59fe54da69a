"""A survey: what clearance answers to anybody about one asset, for every use that a signal could be taken to mean.

A signal in a file reaches everyone who holds the file and cannot say for what. So it may say "allowed" only when every
aim, context and audience is allowed, of a recipient whom nobody named, anywhere in the world.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from consent_ledger.licenses.mappings.relations import STARRED
from consent_ledger.licenses.masks import Use, compile_use
from consent_ledger.licenses.reasons import Verdict
from consent_ledger.licenses.vocabulary import ACTIVITY, AIM, CONTEXT, Audience

Standing = Literal["allowed", "partly", "denied", "undetermined"]


class Cell(NamedTuple):
    """One use: a term of each facet."""

    activity: str
    aim: str
    context: str
    audience: str


class Survey(NamedTuple):
    """The verdicts on one asset. A cell that is not there is undetermined.

    `shows_nobody`: it is attested that no person is seen or heard, so aims that are about a person do not arise.
    `decision` is the address where anybody can ask for the answer to their own use."""

    verdicts: Mapping[Cell, Verdict]
    shows_nobody: bool
    decision: str


def cells(
    activities: Iterable[str] = tuple(ACTIVITY.bit),
    aims: Iterable[str] = tuple(AIM.bit),
    contexts: Iterable[str] = tuple(CONTEXT.bit),
    audiences: Iterable[str] = tuple(Audience.__members__),
) -> Iterator[Cell]:
    """Yield the cells to ask for: all, or those within the terms given."""
    every = list(aims), list(contexts), list(audiences)
    return (Cell(a, b, c, d) for a in activities for b in every[0] for c in every[1] for d in every[2])


def use_of(cell: Cell, licence: str | None = None) -> Use:
    """Return the request that a cell stands for. An open one needs the licence that the asset would go out under."""
    return compile_use([cell.activity], [cell.aim], cell.context, cell.audience, licence=licence)


def aims_of(survey: Survey) -> list[str]:
    """Return the aims that arise for the asset."""
    return [aim for aim in AIM.bit if not (survey.shows_nobody and aim in STARRED)]


def below(activities: Iterable[str]) -> list[str]:
    """Return the activities and all below them in the tree."""
    mask = ACTIVITY.covers(activities)
    return [term for term, bit in ACTIVITY.bit.items() if bit & mask]


def standing(survey: Survey, *activities: str) -> Standing:
    """Return what may be said of the activities to everybody: `allowed` only when nothing about them is not."""
    aims = aims_of(survey)
    found = {cell: survey.verdicts.get(cell, Verdict.undetermined) for cell in cells(below(activities), aims)}
    if all(found[cell] is Verdict.allow for cell in found):
        return "allowed"
    if Verdict.allow in found.values():
        return "partly"
    return "undetermined" if Verdict.undetermined in found.values() else "denied"
