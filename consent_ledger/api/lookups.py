"""Many media, looked up at once."""

from litestar import post
from litestar.types import ASGIApp

from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.decoding import decode_body
from consent_ledger.api.media import registration_answer
from consent_ledger.api.operations import Answer, Operation
from consent_ledger.api.requests import HttpRequest, read_body, service_of
from consent_ledger.api.responses import JSON, json_body
from consent_ledger.documents import AssetAnswer, LookupAnswer, LookupRequest
from consent_ledger.licenses.visibility import Viewer
from consent_ledger.reading.registrations import look_up_registrations
from consent_ledger.store.engine import Store

MAX_LOOKUP = 128 * 1024


@post(
    "/v1/assets/lookup",
    name="look_up_assets",
    request_max_body_size=MAX_LOOKUP,
    opt={
        "operation": Operation(
            "Read how many assets are registered",
            tag="assets",
            scope="clearance:read",
            body={JSON: LookupRequest},
            answers={200: Answer("Each asset, in the order asked.", {JSON: LookupAnswer})},
            problems=(400, 408, 413, 415, 422),
        )
    },
)
async def look_up_assets(request: HttpRequest) -> ASGIApp:
    """As `/v1/assets/{hash}` for each: one that is not registered, or not the organisation's to see, has none."""
    asked = decode_body(await read_body(request, JSON), LookupRequest)
    about(request, f"{len(asked.assets)} assets")
    service = service_of(request)
    return json_body(await service.stream(_look_up, service.ledger.store, caller_of(request).viewer, asked))


def _look_up(store: Store, viewer: Viewer, asked: LookupRequest) -> LookupAnswer:
    found = look_up_registrations(store, viewer, asked.assets)
    return LookupAnswer([AssetAnswer(a, [registration_answer(r) for r in found[a]]) for a in asked.assets])
