"""Hot routes: those that are asked thousands of times a second go by the framework.

Finding the route, its parameters and its layers costs the framework more than most of these answers cost. They are
handlers like all others, are registered like all others, and pass the same guard; what is not hot, other methods on the
same paths among it, goes the usual way.
"""

from collections.abc import Iterable
from typing import Any

from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send

from consent_ledger.api.authentication import guard
from consent_ledger.api.errors import answer_error


def short_cut(app: Litestar, names: Iterable[str]) -> ASGIApp:
    """Return the application's inner part, to which the handlers of those names are known by their paths.

    They must have no parameters but the request.
    """
    usual = app.asgi_handler
    hot = dict(_find(app, frozenset(names)))

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        fields: dict[str, Any] = scope  # type: ignore[assignment]  # what is not there for every type of scope
        handler = hot.get((fields.get("method", ""), fields.get("path", "")))
        if handler is None:
            await usual(scope, receive, send)
            return
        fields |= {"route_handler": handler, "path_template": fields["path"], "path_params": {}}
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        try:
            await guard(request, handler)
            response = await handler.fn(request)
            await response(scope, receive, send)
        except Exception as e:
            if "status" in scope["state"]:  # the answer has begun
                raise
            await answer_error(request, e).to_asgi_response(app=None, request=request)(scope, receive, send)

    return answer


def _find(app: Litestar, names: frozenset[str]) -> Iterable[tuple[tuple[str, str], HTTPRouteHandler]]:
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if handler.name in names:
                for method in handler.http_methods:
                    yield (method, route.path), handler
