"""Questions and answers about clearance, as they are written in JSON by every interface (surface.md)."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from consent_ledger.clearance import Clearance
from consent_ledger.licenses.decision import POLICY, Decision
from consent_ledger.licenses.masks import Use, compile_use
from consent_ledger.licenses.statements import MediaHash, StatementId, UseRequest
from consent_ledger.licenses.terms import PartyId
from consent_ledger.signing.instants import format_instant

_YEARS = "^(19[7-9]|[2-9][0-9][0-9])[0-9]-"
InstantText = Annotated[str, Meta(max_length=60, extra_json_schema={"format": "date-time", "pattern": _YEARS})]


class ClearanceRequest(UseRequest, frozen=True, kw_only=True):
    """May `asset` be put to this use? `as_of` and `known_at` are RFC 3339 in any offset; absent: now, and all."""

    asset: MediaHash
    as_of: InstantText | UnsetType = UNSET
    known_at: InstantText | UnsetType = UNSET
    size: Annotated[int, Meta(ge=0, le=2**53 - 1)] | UnsetType = UNSET


class ReasonAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Why: the code, whose permission it is about, and the entry that it rests on."""

    code: str
    capacity: str | None
    party: PartyId | None
    grant: StatementId | None
    entry: int | None
    rule: str | None
    via: tuple[MediaHash, ...]


class RequirementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A party that must permit the use, and whether it is `covered`, or else what is missing."""

    capacity: str
    party: PartyId
    status: str
    grant: StatementId | None
    entry: int | None
    via: tuple[MediaHash, ...]


class ClearanceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer; only `allow` clears. `size` and `root` say which ledger it was given by, `policy` by which rules."""

    verdict: str
    asset: MediaHash
    query: UseRequest
    reasons: tuple[ReasonAnswer, ...]
    requirements: tuple[RequirementAnswer, ...]
    obligations: tuple[str, ...]
    warnings: tuple[str, ...]
    valid_until: str | None
    as_of: str
    size: int
    root: str | None
    policy: str


def use_of(request: UseRequest) -> Use:
    """Return the use that is asked for, compiled. Raises MalformedError for an unknown term."""
    return compile_use(
        request.activities,
        request.aims,
        request.context,
        request.audience,
        request.territories,
        None if request.licence is UNSET else request.licence,
        None if request.recipient is UNSET else request.recipient,
        None if request.min_assurance is UNSET else request.min_assurance,
    )


def answer_of(asset: str, query: UseRequest, decision: Decision, point: Clearance) -> ClearanceAnswer:
    """Return the decision on `asset` as it is written."""
    return ClearanceAnswer(
        verdict=decision.verdict.name,
        asset=asset,
        query=query,
        reasons=tuple(ReasonAnswer(**reason._asdict()) for reason in decision.reasons),
        requirements=tuple(RequirementAnswer(**status._asdict()) for status in decision.requirements),
        obligations=decision.obligations,
        warnings=decision.warnings,
        valid_until=None if decision.valid_until is None else format_instant(decision.valid_until),
        as_of=format_instant(point.as_of),
        size=point.size,
        root=None if point.root is None else point.root.hex(),
        policy=POLICY,
    )
