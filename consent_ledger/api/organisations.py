"""Organisations that use the service, for the operator's administrators. Nothing here is evidence."""

from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.types import ASGIApp

from consent_ledger.access.callers import Caller
from consent_ledger.access.organisations import MAX_LABEL, close_account, list_accounts, open_account
from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.decoding import decode_body
from consent_ledger.api.operations import Answer, Operation, Parameter
from consent_ledger.api.paging import PageQuery, cut, decode_cursor, next_link
from consent_ledger.api.requests import HttpRequest, path_value, read_body, read_query, service_of
from consent_ledger.api.responses import JSON, json_body
from consent_ledger.errors import ForbiddenError
from consent_ledger.licenses.terms import PartyId
from consent_ledger.signing.instants import format_instant
from consent_ledger.store.access import OrganisationRecord

Label = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_LABEL, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
PARTY_ID = Parameter("id", PartyId, "The organisation's party in the ledger.")


class OrganisationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An organisation that is to use the service: recorded in the ledger as `party`, called `label` here."""

    party: PartyId
    label: Label


class OrganisationAnswer(msgspec.Struct, frozen=True):
    """An organisation that may use the service, until it is closed."""

    party: PartyId
    label: str
    created_at: str
    closed_at: str | None


class OrganisationPage(msgspec.Struct, frozen=True):
    """Organisations, closed ones too."""

    items: list[OrganisationAnswer]
    next_cursor: str | None


@post(
    "/v1/organisations",
    name="create_organisation",
    opt={
        "operation": Operation(
            "Let an organisation use the service",
            tag="administration",
            scope="admin",
            body={JSON: OrganisationRequest},
            answers={201: Answer("It may.", {JSON: OrganisationAnswer})},
            problems=(400, 404, 408, 413, 415, 422),
            example={"party": "pty_" + "5e" * 16, "label": "Studio"},
        )
    },
)
async def create_organisation(request: HttpRequest) -> ASGIApp:
    """The operator's administrators only. The organisation must be recorded in the ledger. Its first token is made with
    `POST /v1/tokens`, naming the organisation. Repeated, nothing changes."""
    require_operator(caller_of(request))
    wanted = decode_body(await read_body(request, JSON), OrganisationRequest)
    service = service_of(request)
    made = await service.read(open_account, service.ledger.store, wanted.party, wanted.label, service.ledger.clock())
    about(request, f"organisation {made.id}")
    return json_body(organisation_answer(made), status=201)


@get(
    "/v1/organisations",
    name="list_organisations",
    opt={
        "operation": Operation(
            "List the organisations that use the service",
            tag="administration",
            scope="admin",
            query=PageQuery,
            answers={200: Answer("A page of organisations.", {JSON: OrganisationPage}, headers=("Link",))},
            problems=(422,),
        )
    },
)
async def list_organisations(request: HttpRequest) -> ASGIApp:
    """The operator's administrators only."""
    require_operator(caller_of(request))
    wanted = read_query(request, PageQuery)
    after = decode_cursor("organisations", wanted.cursor, "")
    service = service_of(request)
    found = await service.read(list_accounts, service.ledger.store, after, wanted.limit + 1)
    page, cursor = cut(found, wanted.limit, "organisations", lambda organisation: organisation.id)
    answer = OrganisationPage([organisation_answer(o) for o in page], cursor)
    return json_body(answer, headers=next_link(request, cursor))


@delete(
    "/v1/organisations/{id:str}",
    name="close_organisation",
    status_code=200,
    opt={
        "operation": Operation(
            "End an organisation's use of the service",
            tag="administration",
            scope="admin",
            path=(PARTY_ID,),
            answers={200: Answer("It is closed.", {JSON: OrganisationAnswer})},
            problems=(404, 409, 422),
        )
    },
)
async def close_organisation(request: HttpRequest) -> ASGIApp:
    """The operator's administrators only. All its tokens and sessions end at once, and for good; what it said stays
    recorded. Repeated, nothing changes."""
    require_operator(caller_of(request))
    id_ = path_value(request, "id", PartyId)
    service = service_of(request)
    closed = await service.read(close_account, service.ledger.store, id_, service.ledger.clock())
    about(request, f"organisation {closed.id}")
    return json_body(organisation_answer(closed))


def whose(caller: Caller, organisation: str | None) -> str:
    """Return the organisation that is meant; raise ForbiddenError unless it is the caller's, or it is the operator."""
    if organisation is not None and organisation != caller.organisation:
        require_operator(caller)
    return organisation or caller.organisation


def require_operator(caller: Caller) -> None:
    """Raise ForbiddenError `operator_only` unless the operator asks."""
    if not caller.is_operator:
        raise ForbiddenError("this is for the operator of the ledger", code="operator_only")


def organisation_answer(record: OrganisationRecord) -> OrganisationAnswer:
    """Return an organisation as it is written."""
    closed = None if record.closed_at is None else format_instant(record.closed_at)
    return OrganisationAnswer(record.id, record.label, format_instant(record.created_at), closed)


ROUTES = (create_organisation, list_organisations, close_organisation)
