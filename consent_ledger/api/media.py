"""Media: registered, accepted, rejected, paid for, contested; and read back as they are recorded."""

from typing import Any

import msgspec
from litestar import get, post
from litestar.types import ASGIApp
from msgspec import UNSET

from consent_ledger.answers import InstantText
from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.clearance import IF_NONE_MATCH
from consent_ledger.api.envelopes import Wanted
from consent_ledger.api.operations import Answer, Operation, Parameter
from consent_ledger.api.paging import PageQuery, cut, decode_cursor, next_link
from consent_ledger.api.registering import register, registers
from consent_ledger.api.requests import HttpRequest, path_value, read_query, service_of
from consent_ledger.api.responses import JSON, json_body, tagged
from consent_ledger.clearance import Whole
from consent_ledger.documents import AssetAnswer, RegistrationAnswer
from consent_ledger.licenses.statements import Asset, Dispute, Fulfilment, MediaHash, Statement, StatementId
from consent_ledger.licenses.terms import Condition, PartyId
from consent_ledger.reading.media import Contested, Registration, find_registrations, list_contested, list_fulfilments
from consent_ledger.signing.instants import format_time

HASH = Parameter("hash", MediaHash, "`sha256:` and the hex digest of the file.")
ASSETS = Wanted("statements of type `asset`", lambda statement: isinstance(statement, Asset))
DISPUTES = Wanted("a statement of type `dispute`", lambda statement: isinstance(statement, Dispute))


def _says(condition: str, status: str) -> Wanted:
    words = f"a statement of type `fulfilment` with condition `{condition}` and status `{status}`"
    return Wanted(words, lambda statement: _is(statement, condition, status))


def _is(statement: Statement, condition: str, status: str) -> bool:
    return isinstance(statement, Fulfilment) and (statement.condition, statement.status) == (condition, status)


ACCEPTED, REJECTED, PAID = _says("accepted", "met"), _says("accepted", "unmet"), _says("paid", "met")


class SubmissionItem(msgspec.Struct, frozen=True):
    """What was said about a condition; of each condition the last holds, for all grants or for those named."""

    statement: StatementId
    entry: int
    recorded_at: InstantText
    issuer: PartyId
    condition: Condition
    status: str
    reason: str | None
    payment_reference: str | None
    grants: list[StatementId] | None


class SubmissionPage(msgspec.Struct, frozen=True):
    """What was said about an asset's conditions, in ledger order."""

    items: list[SubmissionItem]
    next_cursor: str | None


class DisputeItem(msgspec.Struct, frozen=True):
    """An asset of which it is contested whose it is; `entries` say so: disputes, and registrations by other owners."""

    asset: MediaHash
    entries: list[int]


class DisputePage(msgspec.Struct, frozen=True):
    """Contested assets, those longest contested first."""

    items: list[DisputeItem]
    next_cursor: str | None


@post(
    "/v1/assets",
    name="register_assets",
    request_max_body_size=None,
    opt={"operation": registers("Register media", "assets", "asset:write", many=True)},
)
async def register_assets(request: HttpRequest) -> ASGIApp:
    """As `/v1/statements`, one or one a line, for statements of type `asset` only; each names up to 200 media."""
    return await register(request, ASSETS, many=True)


@get(
    "/v1/assets/{hash:str}",
    name="read_asset",
    opt={
        "operation": Operation(
            "Read how an asset is registered",
            tag="assets",
            scope="clearance:read",
            path=(HASH,),
            headers=(IF_NONE_MATCH,),
            answers={
                200: Answer("Its registrations.", {JSON: AssetAnswer}, headers=("ETag",)),
                304: Answer("What you hold still holds.", headers=("ETag",)),
            },
            problems=(404, 422),
        )
    },
)
async def read_asset(request: HttpRequest) -> ASGIApp:
    """As far as the organisation sees them: of its projects, or naming it."""
    asset = path_value(request, "hash", MediaHash)
    about(request, f"asset {asset}")
    service = service_of(request)
    found = await service.read(find_registrations, service.ledger.store, caller_of(request).viewer, asset)
    registrations = [registration_answer(registration) for registration in found]
    return tagged(AssetAnswer(asset, registrations), request.headers.get("if-none-match"))


def registration_answer(registration: Registration) -> RegistrationAnswer:
    """Return a registration as it is written."""
    statement, medium = registration
    said, at = statement.said, format_time(statement.recorded_at)
    return RegistrationAnswer(statement.id, statement.entry, at, said.issuer, said.project, medium)


@get(
    "/v1/assets/{hash:str}/submissions",
    name="list_submissions",
    opt={
        "operation": Operation(
            "Read what was said about an asset's conditions",
            tag="submissions",
            scope="clearance:read",
            path=(HASH,),
            query=PageQuery,
            headers=(IF_NONE_MATCH,),
            answers={
                200: Answer("What was said.", {JSON: SubmissionPage}, headers=("Link", "ETag")),
                304: Answer("What you hold still holds.", headers=("ETag",)),
            },
            problems=(422,),
        )
    },
)
async def read_submissions(request: HttpRequest) -> ASGIApp:
    """What the organisation itself said: accepted, rejected and why, paid, transformed."""
    asset = path_value(request, "hash", MediaHash)
    about(request, f"asset {asset}")
    wanted = read_query(request, PageQuery)
    listing = f"submissions {asset}"
    service, viewer = service_of(request), caller_of(request).viewer
    after = decode_cursor(listing, wanted.cursor, -1)
    found = await service.read(list_fulfilments, service.ledger.store, viewer, asset, after, wanted.limit + 1)
    page, cursor = cut(found, wanted.limit, listing, lambda recorded: recorded.entry)
    items = [SubmissionItem(r.id, r.entry, format_time(r.recorded_at), *_said(r.said)) for r in page]
    held = request.headers.get("if-none-match")
    return tagged(SubmissionPage(items, cursor), held, headers=next_link(request, cursor))


def _said(said: Fulfilment) -> tuple[Any, ...]:
    optional = (None if value is UNSET else value for value in (said.reason, said.payment_reference, said.grants))
    return said.issuer, said.condition, said.status, *optional


@post(
    "/v1/submissions/accept",
    name="accept_submissions",
    request_max_body_size=None,
    opt={"operation": registers("Accept media", "submissions", "asset:write")},
)
async def accept(request: HttpRequest) -> ASGIApp:
    """The body is the envelope of a `fulfilment` that says `accepted` is `met`."""
    return await register(request, ACCEPTED)


@post(
    "/v1/submissions/reject",
    name="reject_submissions",
    request_max_body_size=None,
    opt={"operation": registers("Reject media", "submissions", "asset:write")},
)
async def reject(request: HttpRequest) -> ASGIApp:
    """The body is the envelope of a `fulfilment` that says `accepted` is `unmet`, with a `reason`: 422 without."""
    return await register(request, REJECTED)


@post(
    "/v1/submissions/paid",
    name="pay_submissions",
    request_max_body_size=None,
    opt={"operation": registers("Say that media are paid for", "submissions", "asset:write")},
)
async def paid(request: HttpRequest) -> ASGIApp:
    """The body is the envelope of a `fulfilment` that says `paid` is `met`."""
    return await register(request, PAID)


@post(
    "/v1/disputes",
    name="dispute_assets",
    request_max_body_size=None,
    opt={"operation": registers("Open or resolve a dispute", "disputes", "asset:write")},
)
async def dispute(request: HttpRequest) -> ASGIApp:
    """The body is the envelope of a `dispute`, which is the operator's to say."""
    return await register(request, DISPUTES)


@get(
    "/v1/disputes",
    name="list_disputes",
    opt={
        "operation": Operation(
            "List contested assets",
            tag="disputes",
            scope="clearance:read",
            query=PageQuery,
            answers={200: Answer("A page of assets.", {JSON: DisputePage}, headers=("Link",))},
            problems=(422,),
        )
    },
)
async def read_disputes(request: HttpRequest) -> ASGIApp:
    """Those that the organisation sees and that are contested now: by an open dispute, or as somebody registered them
    with other owners."""
    wanted = read_query(request, PageQuery)
    viewer = caller_of(request).viewer
    after = decode_cursor("disputes", wanted.cursor, (-1, ""))
    service = service_of(request)

    def see(whole: Whole) -> list[Contested]:
        return list_contested(whole.facts, whole.at, viewer, after, wanted.limit + 1)

    page, cursor = cut(await service.stream(service.engine.whole, see), wanted.limit, "disputes", lambda c: c.place)
    answer = DisputePage([DisputeItem(c.asset, c.entries) for c in page], cursor)
    return json_body(answer, headers=next_link(request, cursor))


ROUTES = (register_assets, read_asset, read_submissions, accept, reject, paid, dispute, read_disputes)
