"""Clearance of one asset: may these bytes be put to this use?"""

import msgspec
from litestar import post
from litestar.types import ASGIApp

from consent_ledger.answers import ClearanceAnswer, ClearanceRequest
from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.certificates import DSSE, SIGNED, CertificateQuery, certified, signer_of
from consent_ledger.api.examples import clearance_examples
from consent_ledger.api.operations import Answer, Operation, Parameter
from consent_ledger.api.questions import Point, Question, parse_question, point_of_head
from consent_ledger.api.requests import HttpRequest, header_of, read_body, read_query, service_of
from consent_ledger.api.responses import JSON, Body, not_modified
from consent_ledger.api.service import Service
from consent_ledger.licenses.decision import POLICY
from consent_ledger.signing.instants import parse_instant

MAX_QUESTION = 256 * 1024
EXAMPLE = {
    "asset": "sha256:" + "9f" * 32,
    "activities": ["train"],
    "aims": ["general"],
    "context": "commercial",
    "audience": "open",
    "territories": ["WORLD"],
    "licence": "CC-BY-4.0",
}
IF_NONE_MATCH = Parameter("If-None-Match", str, "The `ETag` that you hold.")


class _Coded(msgspec.Struct):
    code: str


class _Dated(msgspec.Struct):
    """What of an answer says for how long it is the answer."""

    valid_until: str | None
    size: int
    reasons: list[_Coded]


@post(
    "/v1/clearance",
    name="clear_asset",
    request_max_body_size=MAX_QUESTION,
    opt={
        "operation": Operation(
            "Ask whether one asset may be put to a use",
            tag="clearance",
            scope="clearance:read",
            headers=(IF_NONE_MATCH,),
            query=CertificateQuery,
            body={JSON: ClearanceRequest},
            answers={
                200: Answer(
                    "The answer, whatever its verdict; or, asked for with `certificate`, the same signed.",
                    {JSON: ClearanceAnswer, DSSE: SIGNED},
                    headers=("ETag", "Location"),
                    examples=clearance_examples(),
                ),
                304: Answer("The answer that you hold still holds.", headers=("ETag",)),
            },
            problems=(400, 404, 408, 413, 415, 422, 503),
            example=EXAMPLE,
        )
    },
)
async def clear_asset(request: HttpRequest) -> ASGIApp:
    """Only `allow` clears. An answer holds for the ledger `size` and the rules (`policy`) that its `ETag` names, and
    until `valid_until`: asked again with `If-None-Match`, a 304 says that neither an entry nor time has changed it."""
    service, caller = service_of(request), caller_of(request)
    wanted = read_query(request, CertificateQuery).certificate
    question = parse_question(await read_body(request, JSON), caller.viewer)
    about(request, question.asset)
    if wanted:
        signer_of(service)
        return await certified(service, await service.clearances.ask(question), caller)
    held = header_of(request, b"if-none-match")
    if held and (etag := await _still_held(service, question, held)) is not None:
        return not_modified(etag)
    answer = await service.clearances.ask(question)
    return Body(answer, headers={"ETag": etag_of(msgspec.json.decode(answer, type=_Dated).size)})


def etag_of(size: int) -> str:
    """Return the entity tag of answers at a ledger size."""
    return f'"{size}-{POLICY}"'


async def _still_held(service: Service, question: Question, held: str) -> str | None:
    """Return the entity tag if it is held, and the question's answer was the same ever since the ledger had that size.

    Whoever holds it may have asked at any moment since the last entry, so the answer as of that entry is looked at: it
    must not have been due to change before now.
    """
    now = question.point.as_of
    if now is None:
        if question.point != Point():
            return None  # an earlier ledger, asked about at an unknown moment
        now = service.ledger.clock()
        question = question._replace(point=await service.read(point_of_head, service.ledger.store))
    dated = msgspec.json.decode(await service.clearances.ask(question), type=_Dated)
    etag = etag_of(dated.size)
    if any(reason.code == "ledger_integrity_failure" for reason in dated.reasons):
        return None  # what was held was answered when nothing was known to be wrong
    steady = dated.valid_until is None or parse_instant(dated.valid_until) > now
    return etag if steady and etag in (tag.strip().removeprefix("W/") for tag in held.split(",")) else None
