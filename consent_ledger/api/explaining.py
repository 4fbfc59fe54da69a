"""What would clear assets: whose permission is missing, and in which template's words it could be asked."""

from litestar import post
from litestar.types import ASGIApp
from msgspec import UnsetType

from consent_ledger.answers import ExplainAnswer, ExplainRequest, explanation_of, use_of
from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.clearance import EXAMPLE
from consent_ledger.api.decoding import decode_body, decode_instants
from consent_ledger.api.operations import Answer, Operation
from consent_ledger.api.requests import HttpRequest, read_body, service_of
from consent_ledger.api.responses import JSON, json_body
from consent_ledger.clearance import Engine
from consent_ledger.licenses.visibility import Viewer

MAX_QUESTION = 2 * 1024 * 1024
_EXAMPLE = {name: value for name, value in EXAMPLE.items() if name != "asset"} | {"assets": [EXAMPLE["asset"]]}


@post(
    "/v1/clearance/explain",
    name="explain_assets",
    request_max_body_size=MAX_QUESTION,
    opt={
        "operation": Operation(
            "Ask what would clear assets",
            tag="clearance",
            scope="clearance:read",
            body={JSON: ExplainRequest},
            answers={200: Answer("What is missing; nothing for those that are cleared.", {JSON: ExplainAnswer})},
            problems=(400, 404, 408, 413, 415, 422),
            example=_EXAMPLE,
        )
    },
)
async def explain_assets(request: HttpRequest) -> ASGIApp:
    """The smallest set of things that would clear the assets, grouped with the one first that holds up most of them,
    and for each asset. An asset that is named twice is looked at once."""
    asked = decode_body(await read_body(request, JSON), ExplainRequest)
    about(request, f"{len(asked.assets)} assets")
    service = service_of(request)
    return json_body(await service.stream(_explain, service.engine, asked, caller_of(request).viewer))


def _explain(engine: Engine, asked: ExplainRequest, viewer: Viewer) -> ExplainAnswer:
    (as_of,) = decode_instants({"as_of": asked.as_of}).values()
    size = None if isinstance(asked.size, UnsetType) else asked.size
    assets = list(dict.fromkeys(asked.assets))
    wanted = engine.explain(assets, use_of(asked), as_of=as_of, size=size, viewer=viewer)
    return explanation_of(dict(zip(assets, wanted, strict=True)))
