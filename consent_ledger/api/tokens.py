"""Tokens, for the administrators of an organisation. Nothing here is evidence, so nothing is in the log."""

from typing import Annotated, ClassVar

import msgspec
from litestar import delete, get, post
from litestar.types import ASGIApp

from consent_ledger.access import tokens
from consent_ledger.access.callers import Scope
from consent_ledger.access.tokens import DAY, LONGEST_LIFE, USUAL_LIFE
from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.decoding import decode_body
from consent_ledger.api.operations import Answer, Operation, Parameter
from consent_ledger.api.organisations import Label, whose
from consent_ledger.api.paging import PageQuery, cut, decode_cursor, next_link
from consent_ledger.api.requests import HttpRequest, path_value, read_body, read_query, service_of
from consent_ledger.api.responses import JSON, json_body
from consent_ledger.licenses.terms import PartyId
from consent_ledger.signing.instants import format_instant
from consent_ledger.store.access import TokenRecord

TokenId = Annotated[str, msgspec.Meta(pattern=r"^clt_[0-9a-f]{16}$(?!\n)")]
TOKEN_ID = Parameter("id", TokenId, "The part of a token before its secret.")
_WHOSE = "The organisation, if it is not your own: the operator's administrators only."


class TokenRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to be made."""

    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=20)]
    label: Label
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_LIFE // DAY)] = USUAL_LIFE // DAY
    organisation: PartyId | None = None


class TokenAnswer(msgspec.Struct, frozen=True):
    """A token without its secret."""

    id: str
    organisation: PartyId
    label: str
    scopes: tuple[str, ...]
    created_at: str
    expires_at: str
    revoked_at: str | None


class NewTokenAnswer(TokenAnswer, frozen=True):
    """A new token. `token` is shown this once."""

    token: str


class TokenPage(msgspec.Struct, frozen=True):
    """Tokens, those that are over too."""

    items: list[TokenAnswer]
    next_cursor: str | None


class WhoseQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose token."""

    notes: ClassVar[dict[str, str]] = {"organisation": _WHOSE}
    organisation: PartyId | None = None


class TokenQuery(PageQuery, frozen=True, forbid_unknown_fields=True):
    """Which page of whose tokens."""

    notes: ClassVar[dict[str, str]] = {**PageQuery.notes, "organisation": _WHOSE}
    organisation: PartyId | None = None


@post(
    "/v1/tokens",
    name="create_token",
    opt={
        "operation": Operation(
            "Make a token",
            tag="administration",
            scope="admin",
            body={JSON: TokenRequest},
            answers={201: Answer("The token, shown this once.", {JSON: NewTokenAnswer})},
            problems=(400, 404, 408, 413, 415, 422),
            example={"scopes": ["clearance:read"], "label": "nightly pipeline", "expires_in_days": 90},
        )
    },
)
async def create_token(request: HttpRequest) -> ASGIApp:
    """Of the secret only a hash is kept. There is no way to see it again: revoke it, and make another. Repeating the
    request makes another token, as the answer to it is not kept either."""
    wanted = decode_body(await read_body(request, JSON), TokenRequest)
    organisation = whose(caller_of(request), wanted.organisation)
    service = service_of(request)
    made = await service.read(
        tokens.create_token, service.ledger.store, organisation, wanted.scopes, service.ledger.clock(),
        label=wanted.label, life=wanted.expires_in_days * DAY,
    )  # fmt: skip
    about(request, f"token {made.record.id}")
    fields = msgspec.structs.asdict(token_answer(made.record))
    return json_body(NewTokenAnswer(**fields, token=made.text), status=201)


@get(
    "/v1/tokens",
    name="list_tokens",
    opt={
        "operation": Operation(
            "List tokens",
            tag="administration",
            scope="admin",
            query=TokenQuery,
            answers={200: Answer("A page of tokens.", {JSON: TokenPage}, headers=("Link",))},
            problems=(422,),
        )
    },
)
async def list_tokens(request: HttpRequest) -> ASGIApp:
    """Without their secrets, which nobody has."""
    wanted = read_query(request, TokenQuery)
    organisation = whose(caller_of(request), wanted.organisation)
    listing = f"tokens of {organisation}"
    after = decode_cursor(listing, wanted.cursor, "")
    service = service_of(request)
    found = await service.read(tokens.list_tokens, service.ledger.store, organisation, after, wanted.limit + 1)
    page, cursor = cut(found, wanted.limit, listing, lambda token: token.id)
    return json_body(TokenPage([token_answer(t) for t in page], cursor), headers=next_link(request, cursor))


@delete(
    "/v1/tokens/{id:str}",
    name="revoke_token",
    status_code=200,
    opt={
        "operation": Operation(
            "Revoke a token",
            tag="administration",
            scope="admin",
            path=(TOKEN_ID,),
            query=WhoseQuery,
            answers={200: Answer("It is revoked.", {JSON: TokenAnswer})},
            problems=(404, 422),
        )
    },
)
async def revoke_token(request: HttpRequest) -> ASGIApp:
    """From the moment of the answer no process lets it pass. Repeated, nothing changes."""
    organisation = whose(caller_of(request), read_query(request, WhoseQuery).organisation)
    id_ = path_value(request, "id", TokenId)
    service = service_of(request)
    ended = await service.read(tokens.revoke_token, service.ledger.store, organisation, id_, service.ledger.clock())
    about(request, f"token {ended.id}")
    return json_body(token_answer(ended))


def token_answer(record: TokenRecord) -> TokenAnswer:
    """Return a token as it is written."""
    revoked = None if record.revoked_at is None else format_instant(record.revoked_at)
    times = format_instant(record.created_at), format_instant(record.expires_at), revoked
    return TokenAnswer(record.id, record.organisation, record.label, record.scopes, *times)


ROUTES = (create_token, list_tokens, revoke_token)
