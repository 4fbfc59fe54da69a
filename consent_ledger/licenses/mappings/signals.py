"""What a foreign signal may become: prohibitions, and hints for an owner. There is no way from here to a grant.

A hint is what somebody might look into ("the file says its maker permits training; ask her"). It has a type of its own,
which nothing that decides or registers accepts.
"""

from collections.abc import Iterable
from typing import Annotated, Final, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from consent_ledger.licenses.mappings.relations import STARRED
from consent_ledger.licenses.terms import (
    Activity,
    Aim,
    AudienceName,
    Code,
    Context,
    Instant,
    Licence,
    Part,
    PartyId,
    Prohibition,
    Territory,
)
from consent_ledger.licenses.vocabulary import WORLD

MACHINE: Final[tuple[Activity, ...]] = ("annotate", "analyze", "index", "train", "evaluate", "infer")
"""What machines do with media: the most that a signal about data mining can be about."""

EVERYTHING: Final = Prohibition()
"""What is read from a prohibition of which nothing is understood."""

T = TypeVar("T")


class OwnerHint(Part, frozen=True, kw_only=True):
    """What a signal says that the owner permits. Where the signal is silent a facet has its narrowest term."""

    instants = ("starts", "ends")
    source: str
    capacity: Literal["owner"] = "owner"
    activities: Annotated[list[Activity], Meta(min_length=1)]
    aims: Annotated[list[Aim], Meta(min_length=1)] = msgspec.field(default_factory=lambda: ["general"])
    contexts: Annotated[list[Context], Meta(min_length=1)] = msgspec.field(default_factory=lambda: ["noncommercial"])
    max_audience: AudienceName = "internal"
    territories: Annotated[list[Territory], Meta(min_length=1)] = msgspec.field(default_factory=lambda: [WORLD])
    recipients: list[PartyId] | UnsetType = UNSET
    licences: list[Licence] | UnsetType = UNSET
    obligations: list[Code] = msgspec.field(default_factory=list)
    starts: Instant | UnsetType = UNSET
    ends: Instant | UnsetType = UNSET

    def __post_init__(self) -> None:
        for term in (*self.activities, *self.aims):
            if term in STARRED:
                raise ValueError(
                    f"`{term}` is for the person shown to permit, want a term that an owner's hint can have"
                )


class Signal(NamedTuple):
    """What was read: `lost` says, a sentence each, what the signal said that neither of the others holds."""

    prohibitions: tuple[Prohibition, ...] = ()
    hints: tuple[OwnerHint, ...] = ()
    lost: tuple[str, ...] = ()


def combine(signals: Iterable[Signal]) -> Signal:
    """Return what several signals about one asset say together: any of them may forbid."""
    every = list(signals)
    return Signal(
        unique(p for s in every for p in s.prohibitions),
        unique(h for s in every for h in s.hints),
        unique(text for s in every for text in s.lost),
    )


def forbid(*activities: Activity) -> Prohibition:
    """Return the prohibition of activities, whatever the aim, context and audience."""
    return Prohibition(activities=list(activities))


def unique(items: Iterable[T]) -> tuple[T, ...]:
    """Return the items without repetition, in order."""
    found: list[T] = []
    for item in items:
        if item not in found:
            found.append(item)
    return tuple(found)


def hint(source: str, **facets: object) -> OwnerHint:
    """Return the hint of facets given as plain values. Raises msgspec.ValidationError for a term that is not ours."""
    return msgspec.convert({"source": source, **facets}, OwnerHint)


def prohibition(**facets: object) -> Prohibition:
    """Return the prohibition of facets given as plain values. Raises msgspec.ValidationError as `hint` does."""
    return msgspec.convert(facets, Prohibition)
