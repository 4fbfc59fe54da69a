"""Statements: what a party says (formats.md, sections 1 and 2).

A statement is RFC 8785 JSON of at most 48 KiB. Parsing refuses what it does not know, so past `parse_statement`
nothing is re-checked for shape; whether the party may say it is for `registration`. `UNSET` marks an absent field.
No statement holds a name, an address or free text about a person.
"""

import hashlib
from base64 import b64decode
from datetime import date
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from consent_ledger.licenses.terms import (
    Activity,
    Aim,
    AudienceName,
    Capacity,
    Code,
    Condition,
    Context,
    Digest,
    Instant,
    Language,
    Licence,
    Part,
    PartyId,
    Prohibition,
    RuleId,
    TemplateDocument,
    TemplateId,
    TemplateVersion,
    Terms,
    Territory,
    TimedPart,
)
from consent_ledger.signing.canonical import decode_canonical, decode_json, encode_canonical

MAX_STATEMENT_BYTES = 48 * 1024
MAX_MEDIA = 200
MAX_SCOPE_ASSETS = 500

Origin = Annotated[
    str, Meta(pattern=r"^[a-z0-9][a-z0-9.\-]*(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~\-]+)*$(?!\n)", max_length=200)
]
MediaHash = Digest
StatementId = Digest
SubjectRef = Annotated[str, Meta(pattern=r"^(?:pty_[0-9a-f]{32}|unidentified)$(?!\n)")]
Nonce = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
Commitment = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
ProjectId = TemplateId
Transform = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$(?!\n)")]
Base64 = Annotated[
    str, Meta(pattern=r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$(?!\n)", max_length=2048)
]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$(?!\n)")]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]

Assurance = Literal["own_key", "passkey", "witnessed", "attested"]
ASSURANCES: tuple[Assurance, ...] = ("own_key", "passkey", "witnessed", "attested")
"""How a person signed, weakest last."""

SAME_WORK = frozenset({"transcode", "exact_copy"})
"""Transforms whose result is the same work, so no right to make derivatives is needed."""

UNIDENTIFIED = "unidentified"
"""Stands among `subjects` for somebody who is seen or heard and whom nobody could name."""


class Header(TimedPart, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """What every statement has. `issued_at` is the issuer's claim; the ledger's own time is in the entry."""

    instants: ClassVar[tuple[str, ...]] = ("issued_at",)
    ledger: Origin
    issuer: PartyId
    issued_at: Instant
    nonce: Nonce


class KeyMaterial(Part, frozen=True, kw_only=True, gc=False):
    """A public key: 32 raw bytes for `ed25519`, a COSE key for `webauthn`, in base64."""

    scheme: Literal["ed25519", "webauthn"]
    public_key: Base64

    @property
    def raw(self) -> bytes:
        """The key's bytes."""
        return b64decode(self.public_key)


def keyid_of(key: KeyMaterial) -> str:
    """Return the keyid: `sha256:` and the hex digest of the raw public key."""
    return _keyid(key.public_key)


@lru_cache(maxsize=4096)
def _keyid(public_key: str) -> str:
    return "sha256:" + hashlib.sha256(b64decode(public_key)).hexdigest()


class Genesis(Header, frozen=True, kw_only=True, gc=False, tag="genesis"):
    """The ledger says who it is; always entry 0, signed by the operator key that it names."""

    format: Literal[1]
    log_key: Annotated[str, Meta(max_length=400)]
    operator_key: KeyMaterial


class Party(Header, frozen=True, kw_only=True, gc=False, tag="party"):
    """A person or an organisation exists; later, a person's death."""

    instants = ("issued_at", "deceased_at")
    party: PartyId
    kind: Literal["person", "organisation", "time_source"]
    key: KeyMaterial | UnsetType = UNSET
    age: Literal["adult", "minor", "unknown"] | UnsetType = UNSET
    majority: Day | UnsetType = UNSET
    deceased_at: Instant | UnsetType = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.majority is not UNSET:
            date.fromisoformat(self.majority)


class Key(Header, frozen=True, kw_only=True, gc=False, tag="key"):
    """A key of `party` is added, retired, or compromised since a time; or the ledger says so of a key of its log."""

    instants = ("issued_at", "since")
    party: PartyId
    action: Literal["added", "retired", "compromised"]
    key: KeyMaterial | UnsetType = UNSET
    keyid: Digest | UnsetType = UNSET
    since: Instant | UnsetType = UNSET
    log_key: Annotated[str, Meta(max_length=400)] | UnsetType = UNSET


class TemplateRef(Part, frozen=True, kw_only=True, gc=False):
    """A template version, addressed by the digest of its document."""

    id: TemplateId
    version: TemplateVersion
    digest: Digest


class Template(Header, frozen=True, kw_only=True, gc=False, tag="template"):
    """A template version is published (with its machine-readable document), superseded or invalidated."""

    instants = ("issued_at", "effective_at")
    template: TemplateRef
    action: Literal["published", "superseded", "invalidated"]
    document: TemplateDocument | UnsetType = UNSET
    effective_at: Instant | UnsetType = UNSET


class Project(Header, frozen=True, kw_only=True, gc=False, tag="project"):
    """A project: who controls it, what it is for, and which template versions it offers."""

    instants = ("issued_at", "starts", "ends")
    project: ProjectId
    controller: PartyId
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    brief: Annotated[str, Meta(max_length=4000)]
    templates: Annotated[list[TemplateRef], Meta(max_length=50)]
    flags: Annotated[list[Code], Meta(max_length=20)]
    starts: Instant | UnsetType = UNSET
    ends: Instant | UnsetType = UNSET


class Derivation(Part, frozen=True, kw_only=True, gc=False):
    """How an asset was made from a parent; `absent_subjects` attests whom the parent shows and this does not."""

    asset: MediaHash
    transform: Transform
    absent_subjects: Annotated[list[SubjectRef], Meta(min_length=1, max_length=200)] | UnsetType = UNSET


class Medium(TimedPart, frozen=True, kw_only=True, gc=False):
    """One media file. `subjects` lists everyone seen or heard (an empty list attests nobody);
    `subjects_unverified` says that nobody has looked. `size` is in bytes."""

    instants = ("captured_at", "retention_until")
    hash: MediaHash
    size: Count
    media_type: Annotated[str, Meta(pattern=r"^[a-z]+/[a-z0-9.+\-]{1,80}$(?!\n)")]
    owners: Annotated[list[PartyId], Meta(max_length=50)]
    subjects: Annotated[list[SubjectRef], Meta(max_length=200)] | UnsetType = UNSET
    subjects_unverified: Literal[True] | UnsetType = UNSET
    organisations: Annotated[list[PartyId], Meta(min_length=1, max_length=50)] | UnsetType = UNSET
    captured_at: Instant | UnsetType = UNSET
    retention_until: Instant | UnsetType = UNSET
    derived_from: Annotated[list[Derivation], Meta(min_length=1, max_length=100)] | UnsetType = UNSET


class Asset(Header, frozen=True, kw_only=True, gc=False, tag="asset"):
    """Up to 200 media of one project are registered."""

    project: ProjectId
    media: Annotated[list[Medium], Meta(min_length=1, max_length=MAX_MEDIA)]


class Scope(TimedPart, frozen=True, kw_only=True, gc=False):
    """What a grant is about: named `assets`, or what is submitted to a `project` in `[from, until)`."""

    instants = ("from_", "until")
    assets: Annotated[list[MediaHash], Meta(min_length=1, max_length=MAX_SCOPE_ASSETS)] | UnsetType = UNSET
    project: ProjectId | UnsetType = UNSET
    from_: Instant | UnsetType = msgspec.field(default=UNSET, name="from")
    until: Instant | UnsetType = UNSET


class Grant(Header, frozen=True, kw_only=True, gc=False, tag="grant"):
    """A party permits uses. Decisions read `terms` and nothing else of what it says."""

    instants = ("issued_at", "starts", "ends")
    capacities: Annotated[list[Capacity], Meta(min_length=1, max_length=4)]
    ward: PartyId | UnsetType = UNSET
    template: TemplateRef
    language: Language
    text_digest: Digest
    choices: dict[RuleId, bool]
    terms: Terms
    scope: Scope
    starts: Instant
    ends: Instant | UnsetType = UNSET
    supersedes: Annotated[list[StatementId], Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    assurance: Assurance
    evidence: Commitment | UnsetType = UNSET


class Revocation(Header, frozen=True, kw_only=True, gc=False, tag="revocation"):
    """`party` withdraws: absent `grants`, `assets` or `uses` mean all of them."""

    instants = ("issued_at", "effective_at")
    party: PartyId
    grants: Annotated[list[StatementId], Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    assets: Annotated[list[MediaHash], Meta(min_length=1, max_length=MAX_SCOPE_ASSETS)] | UnsetType = UNSET
    uses: Prohibition | UnsetType = UNSET
    effective_at: Instant | UnsetType = UNSET
    channel: Code
    evidence: Commitment | UnsetType = UNSET


class Suspension(Header, frozen=True, kw_only=True, gc=False, tag="suspension"):
    """Grants are paused or resumed by the party that gave them."""

    instants = ("issued_at", "effective_at")
    action: Literal["suspended", "resumed"]
    grants: Annotated[list[StatementId], Meta(min_length=1, max_length=200)]
    effective_at: Instant | UnsetType = UNSET


class Fulfilment(Header, frozen=True, kw_only=True, gc=False, tag="fulfilment"):
    """The beneficiary states a condition's status for assets, of all grants made to it or of the ones named."""

    condition: Condition
    status: Literal["met", "unmet", "unknown"]
    assets: Annotated[list[MediaHash], Meta(min_length=1, max_length=MAX_SCOPE_ASSETS)]
    grants: Annotated[list[StatementId], Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    reason: Code | UnsetType = UNSET
    payment_reference: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:\-]{1,80}$(?!\n)")] | UnsetType = UNSET


class Dispute(Header, frozen=True, kw_only=True, gc=False, tag="dispute"):
    """Ownership of assets is contested, or resolved: in favour of the owners named by the statement `upheld`."""

    instants = ("issued_at", "effective_at")
    assets: Annotated[list[MediaHash], Meta(min_length=1, max_length=MAX_SCOPE_ASSETS)]
    status: Literal["open", "resolved"]
    upheld: StatementId | UnsetType = UNSET
    effective_at: Instant | UnsetType = UNSET


class Takedown(Header, frozen=True, kw_only=True, gc=False, tag="takedown"):
    """Assets must not be used, on a legal basis, or may be used again."""

    instants = ("issued_at", "effective_at")
    assets: Annotated[list[MediaHash], Meta(min_length=1, max_length=MAX_SCOPE_ASSETS)]
    action: Literal["ordered", "lifted"]
    basis: Code
    effective_at: Instant | UnsetType = UNSET


class UseRequest(Part, frozen=True, kw_only=True, gc=False):
    """The uses that were asked for: the facets of a query, as recorded in a release."""

    activities: Annotated[list[Activity], Meta(min_length=1, max_length=20)]
    aims: Annotated[list[Aim], Meta(min_length=1, max_length=20)]
    context: Context
    audience: AudienceName
    territories: Annotated[list[Territory], Meta(min_length=1, max_length=300)]
    licence: Licence | UnsetType = UNSET
    recipient: PartyId | UnsetType = UNSET
    min_assurance: Assurance | UnsetType = UNSET


class Release(Header, frozen=True, kw_only=True, gc=False, tag="release"):
    """A dataset version: its manifest's digest and Merkle root, and the query and ledger size it was cleared at."""

    instants = ("issued_at", "as_of")
    dataset: ProjectId
    version: Annotated[str, Meta(pattern=r"^[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}$(?!\n)")]
    previous: StatementId | UnsetType = UNSET
    manifest: Digest
    count: Count
    root: Commitment
    query: UseRequest
    as_of: Instant
    size: Count


class Acknowledgement(Header, frozen=True, kw_only=True, gc=False, tag="acknowledgement"):
    """A holder of a release says what it did about the withdrawals up to a ledger size."""

    release: StatementId
    size: Count
    action: Literal["deleted", "stopped_using", "never_held", "retrained", "unable"]


class Erasure(Header, frozen=True, kw_only=True, gc=False, tag="erasure"):
    """A party's identity, or the openings of the entries named, were destroyed."""

    level: Literal["identity", "statements"]
    party: PartyId
    entries: list[Count]
    basis: Code


class State(Header, frozen=True, kw_only=True, gc=False, tag="state"):
    """Reserved: the root of the verifiable index at a size (formats.md, section 8)."""

    size: Count
    root: Commitment


Statement = (
    Genesis
    | Party
    | Key
    | Template
    | Project
    | Asset
    | Grant
    | Revocation
    | Suspension
    | Fulfilment
    | Dispute
    | Takedown
    | Release
    | Acknowledgement
    | Erasure
    | State
)


def parse_statement(payload: bytes) -> Statement:
    """Return the statement that `payload` is the canonical form of. Raises MalformedError."""
    statement: Statement = decode_canonical(payload, Statement, limit=MAX_STATEMENT_BYTES, closed=True)
    return statement


def decode_statement(payload: bytes) -> Statement:
    """Return the statement that `payload` spells, canonical or not: for bytes that `parse_statement` has accepted."""
    statement: Statement = decode_json(payload, Statement)
    return statement


def encode_statement(statement: Statement) -> bytes:
    """Return the payload bytes: RFC 8785 JSON."""
    return encode_canonical(statement)


def statement_id(payload: bytes) -> str:
    """Return `sha256:` and the hex digest of the payload bytes."""
    return "sha256:" + hashlib.sha256(payload).hexdigest()
