"""The texts and summaries of licence templates, which templates name by their digests."""

from functools import partial

import msgspec
from litestar import get, post
from litestar.types import ASGIApp

from consent_ledger.api.audit_trail import about
from consent_ledger.api.idempotency import HEADER, Holding, once
from consent_ledger.api.operations import Answer, Operation
from consent_ledger.api.requests import HttpRequest, path_value, read_body, service_of
from consent_ledger.api.responses import IMMUTABLE, JSON, Body, json_body
from consent_ledger.api.templates import DIGEST
from consent_ledger.licenses.terms import Digest
from consent_ledger.licenses.wording import MAX_WORDING_BYTES
from consent_ledger.reading.templates import find_wording, keep_wording

MARKDOWN = "text/markdown"


class WordingAnswer(msgspec.Struct, frozen=True):
    """A wording is kept, under this digest."""

    digest: Digest


@post(
    "/v1/wordings",
    name="keep_wording",
    request_max_body_size=MAX_WORDING_BYTES,
    opt={
        "operation": Operation(
            "Keep a text or a summary of a template",
            tag="templates",
            scope="template:publish",
            headers=(HEADER,),
            body={MARKDOWN: {"type": "string"}},
            answers={
                201: Answer(
                    "It is kept.",
                    {JSON: WordingAnswer},
                    headers=("Location", "Idempotency-Replayed"),
                    links={"read_wording": {"digest": "$response.body#/digest"}},
                ),
            },
            problems=(400, 408, 409, 413, 415, 422),
            example="# A licence\n\nIn a few lines.\n",
        )
    },
)
async def keep(request: HttpRequest) -> ASGIApp:
    """The body is the file, byte for byte: its digest is what a template's document names. Sent again, nothing changes.
    It is what people are asked to sign, so whoever has its digest may read it."""
    raw = await read_body(request, MARKDOWN)
    return await once(request, raw, partial(_keep, request, raw))


async def _keep(request: HttpRequest, raw: bytes, held: Holding | None) -> Body:
    service = service_of(request)
    digest = await service.read(keep_wording, service.ledger.store, raw)
    about(request, f"wording {digest}")
    return json_body(WordingAnswer(digest), status=201, headers={"Location": f"/v1/wordings/{digest}"})


@get(
    "/v1/wordings/{digest:str}",
    name="read_wording",
    opt={
        "operation": Operation(
            "Read a text or a summary of a template",
            tag="templates",
            scope="clearance:read",
            path=(DIGEST._replace(description="`sha256:` and the hex digest of its bytes."),),
            answers={200: Answer("Its bytes.", {MARKDOWN: {"type": "string"}})},
            problems=(404, 422),
        )
    },
)
async def read(request: HttpRequest) -> ASGIApp:
    """One that was sent here, or that comes with the program."""
    digest = path_value(request, "digest", Digest)
    service = service_of(request)
    raw = await service.read(find_wording, service.ledger.store, digest)
    return Body(raw, f"{MARKDOWN}; charset=utf-8", headers=IMMUTABLE)


ROUTES = (keep, read)
