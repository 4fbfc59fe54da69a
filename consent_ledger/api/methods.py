"""OPTIONS: which methods a path has. Litestar's own answer names those of the handler that it saw first."""

from collections import defaultdict
from collections.abc import Iterable

from litestar import route
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from consent_ledger.api.responses import Body


def answer_options(handlers: Iterable[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """Return a handler for each path of `handlers`, to be registered before them."""
    methods: defaultdict[str, set[str]] = defaultdict(lambda: {"OPTIONS"})
    for handler in handlers:
        for path in handler.paths:
            methods[path] |= handler.http_methods
    return [_offering(path, ", ".join(sorted(names))) for path, names in methods.items()]


def _offering(path: str, allow: str) -> HTTPRouteHandler:
    @route(path, http_method=["OPTIONS"], name=f"options {path}")
    async def options() -> ASGIApp:
        answer = Body(b"", status=204, headers={"Allow": allow})
        answer.headers = answer.headers[2:]  # a 204 describes no body
        return answer

    return options
