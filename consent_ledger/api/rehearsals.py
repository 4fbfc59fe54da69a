"""Rehearsals: whether a statement would be recorded."""

from litestar import post
from litestar.types import ASGIApp

from consent_ledger.answers import RehearsalAnswer
from consent_ledger.api.envelopes import explained, receipt_answer
from consent_ledger.api.operations import ANYBODY, Answer, Operation
from consent_ledger.api.requests import HttpRequest, service_of
from consent_ledger.api.responses import JSON, json_body
from consent_ledger.api.submitting import read_submission
from consent_ledger.errors import MalformedError
from consent_ledger.licenses.statements import statement_id
from consent_ledger.rehearsal import rehearse
from consent_ledger.signing.envelope import MAX_ENVELOPE, Envelope, decode_envelope


@post(
    "/v1/rehearsals",
    name="rehearse_statement",
    request_max_body_size=MAX_ENVELOPE,
    opt={
        "operation": Operation(
            "Ask whether a statement would be recorded",
            tag="statements",
            scope=ANYBODY,
            body={JSON: Envelope},
            answers={200: Answer("It would be, or it is.", {JSON: RehearsalAnswer})},
            problems=(400, 408, 409, 413, 415, 422, 503),
        )
    },
)
async def rehearse_statement(request: HttpRequest) -> ASGIApp:
    """Takes the same, from the same, and refuses the same as `/v1/statements`; and records nothing."""
    raw = await read_submission(request)
    service = service_of(request)
    try:
        receipt = await service.read(rehearse, service.ledger, raw)
    except MalformedError as e:
        raise explained(e, raw) from e
    id_ = statement_id(decode_envelope(raw).payload)
    return json_body(RehearsalAnswer(id_, None if receipt is None else receipt_answer(receipt)))
