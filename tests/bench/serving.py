"""`python -m tests.bench.serving DATABASE`: the service as `serve` runs it, with two routes more to measure it against.

`/no-op` passes the same guard and the same frame as all routes and does nothing; `/cedar` decides by Cedar, with all
policies and entities parsed beforehand, without any guard or frame.
"""

import sys
from typing import Any

import msgspec
import uvicorn
from litestar import post
from litestar.types import ASGIApp

from consent_ledger.api import app as service
from consent_ledger.api.connections import bounded
from consent_ledger.api.exposure import Exposure
from consent_ledger.api.limits import Limits, Rate
from consent_ledger.api.logs import json_logger
from consent_ledger.api.operations import Operation
from consent_ledger.api.requests import HttpRequest, read_body
from consent_ledger.api.responses import JSON, Body
from consent_ledger.api.server import SWITCH_SECONDS
from consent_ledger.ledger import Ledger
from consent_ledger.store.engine import Store, open_store
from tests.bench.yardsticks import cedar_question
from tests.ledgers.twine import key_for

NO_LIMIT = Rate(0, 0)
FREELY = Exposure(limits=Limits(token=NO_LIMIT, address=NO_LIMIT, lines=NO_LIMIT))


@post("/no-op", name="no_op", opt={"operation": Operation("Nothing", "bench", {}, scope="clearance:read")})
async def no_op(request: HttpRequest) -> ASGIApp:
    """Read the body and answer."""
    await read_body(request, JSON)
    return Body(b"{}")


def create_app(store: Store) -> Any:
    """Return the service with the routes that are only for measuring."""
    service.ROUTES = (*service.ROUTES, no_op)  # type: ignore[assignment]
    service.HOT = (*service.HOT, "no_op")  # type: ignore[assignment]
    logger = json_logger(open("/dev/null", "wb"))  # noqa: SIM115 - for as long as it serves
    whole = service.create_app(Ledger.open(store, key_for("log")), logger=logger, exposure=FREELY)
    whole.state.service.start_workers()
    ask = cedar_question()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") != "/cedar":
            await whole(scope, receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        msgspec.json.decode(body)
        await Body(b'{"verdict":"%b"}' % (b"allow" if ask() else b"deny"))(scope, receive, send)

    return app


def main() -> None:
    sys.setswitchinterval(SWITCH_SECONDS)
    with open_store(sys.argv[1]) as store:
        config = uvicorn.Config(
            create_app(store), port=int(sys.argv[2]), http=bounded(2_000), access_log=False, log_config=None, ws="none",
            server_header=False, proxy_headers=False,
        )  # fmt: skip
        uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
