"""Statements: the one way to change anything, and to read back what was said."""

import msgspec
from litestar import get, post
from litestar.types import ASGIApp

from consent_ledger.answers import StatementAnswer
from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.clearance import IF_NONE_MATCH
from consent_ledger.api.operations import ANYBODY, Answer, Operation, Parameter
from consent_ledger.api.registering import register, registers
from consent_ledger.api.requests import HttpRequest, service_of
from consent_ledger.api.responses import JSON, tagged
from consent_ledger.errors import RefusedError
from consent_ledger.licenses.statements import StatementId
from consent_ledger.reading.statements import open_statement
from consent_ledger.signing.envelope import decode_envelope
from consent_ledger.signing.instants import format_time

STATEMENT_ID = Parameter("id", StatementId, "`sha256:` and the hex digest of the statement's payload bytes.")


@post(
    "/v1/statements",
    name="register_statement",
    request_max_body_size=None,
    opt={"operation": registers("Register signed statements", "statements", ANYBODY, many=True)},
)
async def register_statement(request: HttpRequest) -> ASGIApp:
    """The body is a DSSE envelope, whose payload is a statement in canonical JSON. A revocation or a suspension needs
    no token: its signature is what authenticates it. Every other type needs the scope that goes with it, and what an
    organisation says is taken from its own token only. The answer comes once the statement is durable, with its entry
    under a signed checkpoint; sending the same statement again gives the same receipt.

    Many are sent as lines, in the order in which they rest on one another, and need a token. Each line gets its receipt
    once it is durable, or an object with `line` and `error`, a problem document; the others are recorded."""
    return await register(request, many=True)


@get(
    "/v1/statements/{id:str}",
    name="read_statement",
    opt={
        "operation": Operation(
            "Read a statement",
            tag="statements",
            scope="audit:read",
            path=(STATEMENT_ID,),
            headers=(IF_NONE_MATCH,),
            answers={
                200: Answer("The statement.", {JSON: StatementAnswer}, headers=("ETag",)),
                304: Answer("It is there still, and says what you hold.", headers=("ETag",)),
            },
            problems=(404, 410, 422, 503),
        )
    },
)
async def read_statement(request: HttpRequest) -> ASGIApp:
    """Gives the envelope as it was received, byte for byte. It never changes, but it can be erased: 410."""
    service = service_of(request)
    about(request, f"statement {path_id(request)}")
    opened = await service.read(open_statement, service.ledger, caller_of(request).viewer, path_id(request))
    receipt = opened.receipt
    answer = StatementAnswer(
        receipt.id,
        receipt.entry,
        format_time(receipt.recorded_at),
        msgspec.Raw(opened.envelope),
        msgspec.Raw(decode_envelope(opened.envelope).payload),
    )
    return tagged(answer, request.headers.get("if-none-match"))


def path_id(request: HttpRequest, text: str | None = None) -> str:
    """Return the statement id in the path; raise RefusedError unless it is spelled as one."""
    given = request.path_params["id"] if text is None else text
    try:
        id_: str = msgspec.convert(given, StatementId)
    except msgspec.ValidationError as e:
        raise RefusedError("path has no statement id, want `sha256:` and 64 hex digits", code="bad_id") from e
    return id_
