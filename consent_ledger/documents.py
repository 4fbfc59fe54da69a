"""What is recorded of projects, templates and media, as every interface writes it in JSON."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from consent_ledger.answers import InstantText
from consent_ledger.licenses.statements import MediaHash, Medium, ProjectId, StatementId, TemplateRef
from consent_ledger.licenses.terms import (
    Code,
    Digest,
    PartyId,
    Prohibition,
    RuleId,
    TemplateDocument,
    TemplateId,
    TemplateVersion,
)

MAX_LOOKED_UP = 1_000


class ProjectAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A project as it was recorded last, by `statement` in `entry`."""

    project: ProjectId
    controller: PartyId
    title: str
    brief: str
    flags: list[Code]
    templates: list[TemplateRef]
    starts: InstantText | UnsetType = UNSET
    ends: InstantText | UnsetType = UNSET
    statement: StatementId
    entry: int
    recorded_at: InstantText


class OfferAnswer(msgspec.Struct, frozen=True):
    """What a template asks people: the rules that are part of it, and those that are asked apart."""

    template: TemplateRef
    languages: list[str]
    always: list[RuleId]
    questions: list[RuleId]


class ProjectDetails(ProjectAnswer, frozen=True, kw_only=True):
    """A project, and what it asks people to sign."""

    offers: list[OfferAnswer]


class TemplateItem(msgspec.Struct, frozen=True):
    """A template version; `status` is what became of it last."""

    digest: Digest
    id: TemplateId
    version: TemplateVersion
    publisher: PartyId
    languages: list[str]
    status: str
    entry: int


class TemplatePage(msgspec.Struct, frozen=True):
    """Template versions, in the order of their publication."""

    items: list[TemplateItem]
    next_cursor: str | None


class TemplateEvent(msgspec.Struct, frozen=True):
    """A template version was superseded or invalidated."""

    entry: int
    action: str
    effective_at: str


class TemplateAnswer(msgspec.Struct, frozen=True):
    """A template version: the document that its digest is of, and what became of it."""

    digest: Digest
    entry: int
    document: TemplateDocument
    events: list[TemplateEvent]


class RegistrationAnswer(msgspec.Struct, frozen=True):
    """A registration, as it was recorded: by which statement, of whom, to which project, and what it says."""

    statement: StatementId
    entry: int
    recorded_at: InstantText
    issuer: PartyId
    project: str
    medium: Medium


class AssetAnswer(msgspec.Struct, frozen=True):
    """An asset: its registrations in ledger order."""

    asset: MediaHash
    registrations: list[RegistrationAnswer]


class LookupRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which assets."""

    assets: Annotated[list[MediaHash], msgspec.Meta(min_length=1, max_length=MAX_LOOKED_UP)]


class LookupAnswer(msgspec.Struct, frozen=True):
    """Each asset that was asked about, in order, with its registrations."""

    items: list[AssetAnswer]


class GrantItem(msgspec.Struct, frozen=True, kw_only=True):
    """A grant, for people to read: of which template, as `id/version`, and which of its rules hold."""

    id: StatementId
    entry: int
    template: str
    permits: list[RuleId]
    forbids: list[RuleId]
    project: str | None
    assets: list[MediaHash] | None
    starts: InstantText
    ends: InstantText | None
    paused: bool


class WithdrawalItem(msgspec.Struct, frozen=True, kw_only=True):
    """A withdrawal: from when on, and of which grants, assets and uses; null is all."""

    id: StatementId
    entry: int
    effective: InstantText
    grants: list[StatementId] | None
    assets: list[MediaHash] | None
    uses: Prohibition | None


class ConsentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a party granted, or was granted for it, and withdrew, until the ledger's last entry, of `recorded_at`.

    `given` counts the grants with those that it signed for others; `last_given` is the entry of the last."""

    party: PartyId
    recorded_at: InstantText
    given: int
    last_given: int | None
    grants: list[GrantItem]
    withdrawals: list[WithdrawalItem]
