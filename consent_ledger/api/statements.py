"""Statements: the one way to change anything, and to read back what was said."""

import msgspec
from litestar import get, post
from litestar.types import ASGIApp

from consent_ledger.answers import ReceiptAnswer, StatementAnswer
from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.decoding import decode_any, problems_in
from consent_ledger.api.operations import ANYBODY, Answer, Operation, Parameter
from consent_ledger.api.requests import HttpRequest, service_of
from consent_ledger.api.responses import JSON, json_body
from consent_ledger.api.submitting import read_submission
from consent_ledger.errors import MalformedError, RefusedError
from consent_ledger.ledger import Receipt
from consent_ledger.licenses.statements import Statement, StatementId
from consent_ledger.reading.statements import open_statement
from consent_ledger.signing.canonical import decode_json
from consent_ledger.signing.envelope import MAX_ENVELOPE, Envelope, decode_envelope
from consent_ledger.signing.instants import format_time

STATEMENT_ID = Parameter("id", StatementId, "`sha256:` and the hex digest of the statement's payload bytes.")


def receipt_answer(receipt: Receipt) -> ReceiptAnswer:
    """Return a receipt as it is written; the same for the first registration and for any repetition."""
    return ReceiptAnswer(
        receipt.id,
        receipt.entry,
        format_time(receipt.recorded_at),
        receipt.entry_bytes.decode(),
        receipt.checkpoint.decode(),
    )


@post(
    "/v1/statements",
    name="register_statement",
    request_max_body_size=MAX_ENVELOPE,
    opt={
        "operation": Operation(
            "Register a signed statement",
            tag="statements",
            scope=ANYBODY,
            body={JSON: Envelope},
            answers={
                201: Answer("Recorded now.", {JSON: ReceiptAnswer}, headers=("Location",)),
                200: Answer("Recorded before: the first registration's receipt.", {JSON: ReceiptAnswer}),
            },
            problems=(400, 403, 408, 409, 413, 415, 422, 503),
        )
    },
)
async def register_statement(request: HttpRequest) -> ASGIApp:
    """The body is a DSSE envelope, whose payload is a statement in canonical JSON. A revocation or a suspension needs
    no token: its signature is what authenticates it. Every other type needs the scope that goes with it, and what an
    organisation says is taken from its own token only. The answer comes once the statement is durable, with its entry
    under a signed checkpoint; sending the same statement again gives the same receipt."""
    raw = await read_submission(request)
    try:
        receipt = await service_of(request).registrations.ask(raw)
    except MalformedError as e:
        raise explained(e, raw) from e
    about(request, f"statement {receipt.id}")
    location = f"/v1/statements/{receipt.id}"
    return json_body(receipt_answer(receipt), status=201 if receipt.is_new else 200, headers={"Location": location})


@get(
    "/v1/statements/{id:str}",
    name="read_statement",
    opt={
        "operation": Operation(
            "Read a statement",
            tag="statements",
            scope="audit:read",
            path=(STATEMENT_ID,),
            answers={200: Answer("The statement.", {JSON: StatementAnswer})},
            problems=(404, 410, 422, 503),
        )
    },
)
async def read_statement(request: HttpRequest) -> ASGIApp:
    """Gives the envelope as it was received, byte for byte."""
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
    return json_body(answer)  # not to be cached: it can be erased


def path_id(request: HttpRequest, text: str | None = None) -> str:
    """Return the statement id in the path; raise RefusedError unless it is spelled as one."""
    given = request.path_params["id"] if text is None else text
    try:
        id_: str = msgspec.convert(given, StatementId)
    except msgspec.ValidationError as e:
        raise RefusedError("path has no statement id, want `sha256:` and 64 hex digits", code="bad_id") from e
    return id_


def explained(error: MalformedError, raw: bytes) -> MalformedError | RefusedError:
    """Return the error, or where the bytes are sound JSON that says something else, one that lists all that is wrong.

    A pointer that begins with `/payload` goes on into the statement.
    """
    if error.code != MalformedError.default_code:
        return error
    try:
        problems = list(problems_in(decode_any(raw), Envelope))
        if not problems:
            statement = decode_any(decode_json(raw, Envelope).payload)
            problems = list(problems_in(statement, Statement, "/payload"))
    except MalformedError:
        return error
    if not problems:
        return error
    return RefusedError(str(error), code="invalid", problems=tuple(problems[:100]))
