"""What is asked and answered, as every interface writes it in JSON (surface.md): the service, the client, the shell."""

from collections.abc import Mapping
from typing import Annotated, Literal, Protocol, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from consent_ledger.licenses.decision import POLICY, Decision
from consent_ledger.licenses.explanation import Want, group_wants
from consent_ledger.licenses.masks import Use, compile_use
from consent_ledger.licenses.sentences import sentence
from consent_ledger.licenses.statements import MediaHash, StatementId, UseRequest
from consent_ledger.licenses.terms import PartyId
from consent_ledger.signing.instants import format_instant

_YEARS = "^(19[7-9]|[2-9][0-9][0-9])[0-9]-"
MAX_EXPLAINED = 10_000
VerdictName = Literal["allow", "deny", "undetermined"]
Base64 = Annotated[str, Meta(extra_json_schema={"contentEncoding": "base64"})]
HashHex = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
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

    verdict: VerdictName
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


class ExplainRequest(UseRequest, frozen=True, kw_only=True):
    """What would clear these assets for this use? `as_of` is RFC 3339; absent: now, and all that is known."""

    assets: Annotated[list[MediaHash], Meta(min_length=1, max_length=MAX_EXPLAINED)]
    as_of: InstantText | UnsetType = UNSET
    size: Annotated[int, Meta(ge=0, le=2**53 - 1)] | UnsetType = UNSET


class WantAnswer(msgspec.Struct, frozen=True):
    """One thing that an asset lacks. `template` is `id version` of a template that is offered, whose `rules` would give
    it; `questions` are those of them that are asked apart, and `conditions` what it waits for even then."""

    action: str
    code: str
    party: PartyId | None
    capacities: tuple[str, ...]
    template: str | None
    rules: tuple[str, ...]
    questions: tuple[str, ...]
    conditions: tuple[str, ...]
    party_kind: str | None


class WantGroup(msgspec.Struct, frozen=True):
    """The same thing, missing for many: how many assets lack it, from how many parties, and in words."""

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
    sentence: str


class AssetWants(msgspec.Struct, frozen=True):
    """What one asset lacks: nothing, if it is cleared."""

    asset: MediaHash
    wants: tuple[WantAnswer, ...]


class ExplainAnswer(msgspec.Struct, frozen=True):
    """The smallest set of things that would clear the assets: grouped, and for each asset."""

    checked: int
    cleared: int
    wants: tuple[WantGroup, ...]
    assets: tuple[AssetWants, ...]


class ReceiptAnswer(msgspec.Struct, frozen=True):
    """That a statement is recorded. `sealed` is the entry's bytes, which `checkpoint`, a signed note, covers."""

    id: str
    entry: int
    recorded_at: str
    sealed: str
    checkpoint: str


class RehearsalAnswer(msgspec.Struct, frozen=True):
    """That a statement would be recorded; `recorded` where it is already, with the first registration's receipt."""

    id: str
    recorded: ReceiptAnswer | None


class StatementAnswer(msgspec.Struct, frozen=True):
    """A statement as it was received: `envelope` byte for byte, and `statement`, its payload."""

    id: str
    entry: int
    recorded_at: str
    envelope: msgspec.Raw
    statement: msgspec.Raw


class ProvenReceipt(msgspec.Struct, frozen=True):
    """All that proves a registration, offline and for ever: the entry, its opening (`salt`, `envelope`) and its proof.

    `commitment` in the entry is SHA-256 of `consent-ledger/opening/v1`, a line feed, salt and envelope. `keys` are the
    raw public keys behind the envelope's signatures, by keyid.
    """

    id: str
    entry: int
    recorded_at: str
    sealed: str
    salt: HashHex
    envelope: Base64
    proof: list[HashHex]
    checkpoint: str
    vkey: str
    keys: dict[str, Base64]


class EntryItem(msgspec.Struct, frozen=True):
    """One sealed entry: its bytes, and their Merkle leaf hash."""

    index: int
    sealed: str
    leaf: HashHex


class EntryPage(msgspec.Struct, frozen=True):
    """Entries in order. `next_cursor` is the next `start`, where there is more; `size` is that of the ledger."""

    items: list[EntryItem]
    next_cursor: str | None
    size: int


class InclusionAnswer(msgspec.Struct, frozen=True):
    """An RFC 9162 inclusion proof, hashes in hex from the leaf's end. `checkpoint` is the note of `size`, if signed."""

    index: int
    size: int
    leaf: HashHex
    proof: list[HashHex]
    root: HashHex
    checkpoint: str | None


class ConsistencyAnswer(msgspec.Struct, frozen=True):
    """An RFC 9162 consistency proof, hashes in hex."""

    first: int
    second: int
    first_root: HashHex
    second_root: HashHex
    proof: list[HashHex]


class Version(msgspec.Struct, frozen=True):
    """Which software, rules and ledger this is. `vkey` verifies the log's signatures."""

    version: str
    policy: str
    vocabulary: str
    origin: str
    vkey: str


class ProblemItem(msgspec.Struct, frozen=True):
    """One thing that is wrong; `pointer` (RFC 6901) leads to it in the document that was sent, or to the parameter."""

    pointer: str
    code: str
    detail: str


class ProblemAnswer(msgspec.Struct, frozen=True):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: tuple[ProblemItem, ...]
    request_id: str


class LineError(msgspec.Struct, frozen=True):
    """Stands in the place of an answer: what was wrong with that line of the request, the first being 1."""

    line: int
    error: ProblemAnswer


class Point(Protocol):
    """Where in time decisions hold: as of an instant (microseconds), at a ledger size, under its root if signed."""

    @property
    def as_of(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def root(self) -> bytes | None: ...


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


def answer_of(asset: str, query: UseRequest, decision: Decision, point: Point) -> ClearanceAnswer:
    """Return the decision on `asset` as it is written."""
    return ClearanceAnswer(
        verdict=cast(VerdictName, decision.verdict.name),
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


def explanation_of(of_assets: Mapping[str, tuple[Want, ...]]) -> ExplainAnswer:
    """Return what would clear the assets, as it is written."""
    groups = (WantGroup(*group, sentence=sentence(group)) for group in group_wants(of_assets))
    each = (AssetWants(asset, tuple(WantAnswer(*want) for want in wanted)) for asset, wanted in of_assets.items())
    cleared = sum(not wanted for wanted in of_assets.values())
    return ExplainAnswer(len(of_assets), cleared, tuple(groups), tuple(each))
