"""The audit trail, for those whose it is: who of an organisation asked what."""

from typing import ClassVar

import msgspec
from litestar import get
from litestar.types import ASGIApp

from consent_ledger.api.authentication import caller_of
from consent_ledger.api.operations import Answer, Operation
from consent_ledger.api.organisations import whose
from consent_ledger.api.paging import PageQuery, cut, decode_cursor, next_link
from consent_ledger.api.requests import HttpRequest, read_query, service_of
from consent_ledger.api.responses import JSON, json_body
from consent_ledger.licenses.terms import PartyId
from consent_ledger.signing.instants import format_instant
from consent_ledger.store.engine import Store
from consent_ledger.store.request_log import AskedRow, read_requests

NEWEST = 2**53 - 1


class AskedItem(msgspec.Struct, frozen=True):
    """One request: by which token, for which operation, about what, and the status of the answer."""

    at: str
    token: str
    request_id: str
    operation: str
    subject: str
    status: int


class AuditTrailPage(msgspec.Struct, frozen=True):
    """Requests, newest first."""

    items: list[AskedItem]
    next_cursor: str | None


class TrailQuery(PageQuery, frozen=True, forbid_unknown_fields=True):
    """Which page of whose audit trail."""

    notes: ClassVar[dict[str, str]] = {
        **PageQuery.notes,
        "organisation": "The organisation, if it is not your own: the operator only.",
    }
    organisation: PartyId | None = None


@get(
    "/v1/audit-trail",
    name="read_audit_trail",
    opt={
        "operation": Operation(
            "Read who asked what",
            tag="administration",
            scope="audit:read",
            query=TrailQuery,
            answers={200: Answer("A page of requests.", {JSON: AuditTrailPage}, headers=("Link",))},
            problems=(422,),
        )
    },
)
async def read_audit_trail(request: HttpRequest) -> ASGIApp:
    """Newest first, of the own organisation. A request is here a second after it was answered. The subject holds ids,
    hashes and counts only."""
    wanted = read_query(request, TrailQuery)
    organisation = whose(caller_of(request), wanted.organisation)
    listing = f"requests of {organisation}"
    before = decode_cursor(listing, wanted.cursor, NEWEST)
    service = service_of(request)
    found = await service.read(_read, service.ledger.store, organisation, before, wanted.limit + 1)
    page, cursor = cut(found, wanted.limit, listing, lambda row: row.id)
    items = [AskedItem(format_instant(row.asked.at), *row.asked[2:]) for row in page]
    return json_body(AuditTrailPage(items, cursor), headers=next_link(request, cursor))


def _read(store: Store, organisation: str, before: int, limit: int) -> list[AskedRow]:
    with store.read() as tx:
        return read_requests(tx, organisation, before, limit)


ROUTES = (read_audit_trail,)
