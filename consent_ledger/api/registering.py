"""Registration over HTTP, for every route that takes statements."""

from functools import partial

from litestar.types import ASGIApp

from consent_ledger.answers import LineError, ReceiptAnswer
from consent_ledger.api.audit_trail import about
from consent_ledger.api.envelope_lines import answer_envelopes
from consent_ledger.api.envelopes import Wanted, explained, receipt_answer, require_wanted
from consent_ledger.api.idempotency import HEADER, Holding, once
from consent_ledger.api.operations import Answer, Operation, lines_of
from consent_ledger.api.requests import HttpRequest, media_type_of, service_of
from consent_ledger.api.responses import JSON, NDJSON, Body, json_body
from consent_ledger.api.submitting import read_submission
from consent_ledger.errors import MalformedError
from consent_ledger.signing.envelope import Envelope

_LINKS = {
    "read_statement": {"id": "$response.body#/id"},
    "read_receipt": {"id": "$response.body#/id"},
}


def registers(summary: str, tag: str, scope: str, *, many: bool = False) -> Operation:
    """Return what a route promises that registers statements, `many` of them too."""
    bodies = {JSON: Envelope} | ({NDJSON: lines_of(Envelope)} if many else {})
    told = {JSON: ReceiptAnswer}
    before = told | ({NDJSON: lines_of(ReceiptAnswer, LineError)} if many else {})
    headers = ("Location", "Idempotency-Replayed")
    also = " Of many: one line for each." if many else ""
    return Operation(
        summary,
        tag=tag,
        scope=scope,
        headers=(HEADER,),
        body=bodies,
        answers={
            201: Answer("Recorded now.", told, headers=headers, links=_LINKS),
            200: Answer(
                f"Recorded before: the first registration's receipt.{also}", before, headers=headers, links=_LINKS
            ),
        },
        problems=(400, 408, 409, 413, 415, 422, 503),
    )


async def register(request: HttpRequest, wanted: Wanted | None = None, *, many: bool = False) -> ASGIApp:
    """Return the response to a statement in the body, or where the route takes them to many, one a line."""
    if many and media_type_of(request) == NDJSON:
        return await answer_envelopes(request, wanted)
    raw = await read_submission(request)
    return await once(request, raw, partial(_register_one, request, raw, wanted))


async def _register_one(request: HttpRequest, raw: bytes, wanted: Wanted | None, held: Holding | None) -> Body:
    try:
        require_wanted(raw, wanted)
        receipt = await service_of(request).registrations.ask(raw)
    except MalformedError as e:
        raise explained(e, raw) from e
    about(request, f"statement {receipt.id}")
    # What was recorded since the key came first was recorded for it: the answer was lost on the way.
    is_new = receipt.is_new or (held is not None and receipt.entry >= held.size)
    location = {"Location": f"/v1/statements/{receipt.id}"}
    return json_body(receipt_answer(receipt), status=201 if is_new else 200, headers=location)
