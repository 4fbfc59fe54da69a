"""Invitations, as they are answered."""

from typing import ClassVar

import msgspec

from consent_ledger.answers import InstantText
from consent_ledger.api.paging import PageQuery
from consent_ledger.invitations import InvitationId, Reference, State
from consent_ledger.licenses.statements import ProjectId
from consent_ledger.licenses.terms import Language
from consent_ledger.signing.instants import format_instant
from consent_ledger.store.invitations import InvitationRecord


class LinkAnswer(msgspec.Struct, frozen=True):
    """An invitation with its link, which is shown this once: `token` is its secret part."""

    id: InvitationId
    reference: Reference
    token: str
    link: str
    expires_at: InstantText


class LinksAnswer(msgspec.Struct, frozen=True):
    """Invitations with their links, in the order in which they were asked for."""

    items: list[LinkAnswer]


class InvitationAnswer(msgspec.Struct, frozen=True):
    """An invitation as it is now."""

    id: InvitationId
    project: ProjectId
    reference: Reference
    language: Language
    state: State
    created_at: InstantText
    expires_at: InstantText
    reminders: int
    reminded_at: InstantText | None


class InvitationPage(msgspec.Struct, frozen=True):
    """Invitations, in the order in which they were made."""

    items: list[InvitationAnswer]
    next_cursor: str | None


class InvitationsAnswer(msgspec.Struct, frozen=True):
    """Invitations as they are now."""

    items: list[InvitationAnswer]


class InvitationQuery(PageQuery, frozen=True, forbid_unknown_fields=True):
    """Which invitations."""

    notes: ClassVar[dict[str, str]] = {**PageQuery.notes, "state": "Only those in this state."}
    state: State | None = None


def invitation_answer(record: InvitationRecord) -> InvitationAnswer:
    """Return an invitation as it is written."""
    reminded = None if record.reminded_at is None else format_instant(record.reminded_at)
    fields = record._asdict() | {
        "created_at": format_instant(record.created_at),
        "expires_at": format_instant(record.expires_at),
        "reminded_at": reminded,
    }
    return InvitationAnswer(**fields)
