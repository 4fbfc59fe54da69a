"""Invitations to sign for a project: made in bulk, listed, reminded of, cancelled."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.types import ASGIApp

from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.decoding import decode_any, decode_body
from consent_ledger.api.idempotency import HEADER, Holding, once
from consent_ledger.api.invited import (
    InvitationPage,
    InvitationQuery,
    InvitationsAnswer,
    LinkAnswer,
    LinksAnswer,
    invitation_answer,
)
from consent_ledger.api.operations import Answer, Operation, lines_of
from consent_ledger.api.paging import cut, decode_cursor, next_link
from consent_ledger.api.projects import PROJECT
from consent_ledger.api.requests import HttpRequest, media_type_of, path_value, read_body, read_query, service_of
from consent_ledger.api.responses import JSON, NDJSON, Body, json_body
from consent_ledger.invitations import (
    MOST,
    Cancellation,
    Invite,
    Link,
    Reminder,
    cancel,
    invite,
    list_invitations,
    remind,
)
from consent_ledger.licenses.statements import ProjectId
from consent_ledger.signing.instants import format_instant
from consent_ledger.store.transaction import Transaction

MAX_BODY = 2 * 1024 * 1024
Invites = Annotated[list[Invite], msgspec.Meta(min_length=1, max_length=MOST)]
PATH = "/v1/projects/{project:str}/invitations"
_EXAMPLE = [{"reference": "panel-0017", "language": "nl", "expires_at": "2030-01-31T00:00:00Z"}]


@post(
    PATH,
    name="invite",
    request_max_body_size=MAX_BODY,
    opt={
        "operation": Operation(
            "Invite people",
            tag="invitations",
            scope="invite:write",
            path=(PROJECT,),
            headers=(HEADER,),
            body={JSON: Invites, NDJSON: lines_of(Invite)},
            answers={
                201: Answer(
                    "All of them are invited.",
                    {JSON: LinksAnswer, NDJSON: lines_of(LinkAnswer)},
                    headers=("Idempotency-Replayed",),
                )
            },
            problems=(400, 404, 408, 409, 413, 415, 422),
            example=_EXAMPLE,
        )
    },
)
async def invite_people(request: HttpRequest) -> ASGIApp:
    """A list, or one a line; all or none. A `reference` is your own opaque name for somebody: addresses and names are
    not taken here, and who is written to, and how, is yours to know. The links are shown this once. With a key, the
    first answer is kept sealed, and given again only to the token that asked first."""
    lined = media_type_of(request) == NDJSON
    raw = await read_body(request, NDJSON if lined else JSON)
    return await once(request, raw, partial(_invite, request, raw, lined))


async def _invite(request: HttpRequest, raw: bytes, lined: bool, held: Holding | None) -> Body:
    project, organisation = path_value(request, "project", ProjectId), caller_of(request).organisation
    if lined:
        raw = msgspec.json.encode([decode_any(line) for line in raw.split(b"\n") if line.strip()])
    wanted: list[Invite] = decode_body(raw, Invites)
    about(request, f"project {project}, {len(wanted)} invitations")
    service = service_of(request)
    told = _Told(held, 201, lined)
    await service.read(invite, service.ledger.store, organisation, project, wanted, service.ledger.clock(), told)
    return told.answer


class _Told:
    """The answer with links, kept in the transaction that makes them if there is a key."""

    def __init__(self, held: Holding | None, status: int, lined: bool) -> None:
        self.answer = Body(b"")
        self._held = held
        self._status = status
        self._lined = lined

    def __call__(self, tx: Transaction, links: Sequence[Link]) -> None:
        items = [
            LinkAnswer(n.id, n.reference, n.secret, f"/sign/{n.secret}", format_instant(n.expires_at)) for n in links
        ]
        if self._lined:
            lines = b"".join(msgspec.json.encode(item) + b"\n" for item in items)
            self.answer = Body(lines, NDJSON, status=self._status)
        else:
            self.answer = json_body(LinksAnswer(items), status=self._status)
        if self._held is not None:
            self._held.keep_secret(tx, self.answer)


@get(
    PATH,
    name="list_invitations",
    opt={
        "operation": Operation(
            "List invitations",
            tag="invitations",
            scope="invite:write",
            path=(PROJECT,),
            query=InvitationQuery,
            answers={200: Answer("A page of invitations.", {JSON: InvitationPage}, headers=("Link",))},
            problems=(404, 422),
        )
    },
)
async def read_invitations(request: HttpRequest) -> ASGIApp:
    """Those of a project, without their links."""
    project, organisation = path_value(request, "project", ProjectId), caller_of(request).organisation
    wanted = read_query(request, InvitationQuery)
    listing = f"invitations {organisation} {project} {wanted.state}"
    after = decode_cursor(listing, wanted.cursor, "")
    about(request, f"project {project}")
    service = service_of(request)
    now = service.ledger.clock()
    found = await service.read(
        list_invitations, service.ledger.store, organisation, project, now, after, wanted.limit + 1, wanted.state
    )
    page, cursor = cut(found, wanted.limit, listing, lambda record: record.id)
    return json_body(InvitationPage([invitation_answer(r) for r in page], cursor), headers=next_link(request, cursor))


@post(
    f"{PATH}/remind",
    name="remind",
    request_max_body_size=MAX_BODY,
    opt={
        "operation": Operation(
            "Remind people",
            tag="invitations",
            scope="invite:write",
            path=(PROJECT,),
            headers=(HEADER,),
            body={JSON: Reminder},
            answers={200: Answer("The new links.", {JSON: LinksAnswer}, headers=("Idempotency-Replayed",))},
            problems=(400, 404, 408, 409, 413, 415, 422),
        )
    },
)
async def remind_people(request: HttpRequest) -> ASGIApp:
    """Each gets a new link, and the old one is dead; all or none. What is answered or cancelled gets none, and what is
    expired only with a new `expires_at`."""
    raw = await read_body(request, JSON)
    return await once(request, raw, partial(_remind, request, raw))


async def _remind(request: HttpRequest, raw: bytes, held: Holding | None) -> Body:
    project, organisation = path_value(request, "project", ProjectId), caller_of(request).organisation
    wanted = decode_body(raw, Reminder)
    about(request, f"project {project}, {len(wanted.ids)} reminders")
    service = service_of(request)
    told = _Told(held, 200, lined=False)
    await service.read(remind, service.ledger.store, organisation, project, wanted, service.ledger.clock(), told)
    return told.answer


@post(
    f"{PATH}/cancel",
    name="cancel_invitations",
    request_max_body_size=MAX_BODY,
    opt={
        "operation": Operation(
            "Cancel invitations",
            tag="invitations",
            scope="invite:write",
            path=(PROJECT,),
            headers=(HEADER,),
            body={JSON: Cancellation},
            answers={200: Answer("They are cancelled.", {JSON: InvitationsAnswer}, headers=("Idempotency-Replayed",))},
            problems=(400, 404, 408, 409, 413, 415, 422),
        )
    },
)
async def cancel_invitations(request: HttpRequest) -> ASGIApp:
    """Their links are dead; all or none. What is answered already cannot be cancelled: what was signed is signed."""
    raw = await read_body(request, JSON)
    return await once(request, raw, partial(_cancel, request, raw))


async def _cancel(request: HttpRequest, raw: bytes, held: Holding | None) -> Body:
    project, organisation = path_value(request, "project", ProjectId), caller_of(request).organisation
    wanted = decode_body(raw, Cancellation)
    about(request, f"project {project}, {len(wanted.ids)} cancellations")
    service = service_of(request)
    store, now = service.ledger.store, service.ledger.clock()
    found = await service.read(cancel, store, organisation, project, wanted, now)
    return json_body(InvitationsAnswer([invitation_answer(record) for record in found]))


ROUTES = (invite_people, read_invitations, remind_people, cancel_invitations)
