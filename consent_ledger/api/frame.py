"""What every request has, errors included: an id, security headers, one line in the log, HEAD where there is GET."""

import re
import secrets
import time
import traceback
from collections.abc import Callable
from typing import Any, cast

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from consent_ledger.api.logs import Logger

_REQUEST_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
USUAL_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
    ),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cache-control", b"no-store"),
)


_new_ids: list[str] = []


def new_request_id() -> str:
    """Return a random id. Many are drawn at a time: each call on the system lets another thread go first."""
    try:
        return _new_ids.pop()
    except IndexError:
        drawn = secrets.token_hex(16 * 256)
        _new_ids.extend(drawn[n : n + 32] for n in range(32, len(drawn), 32))
        return drawn[:32]


def request_id_of(scope: Scope) -> str:
    """Return the id of this request: the client's own if it is a plain one, else a new one."""
    state: dict[str, Any] = scope["state"]
    if "request_id" not in state:
        offered = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        known = _REQUEST_ID.fullmatch(offered) is not None
        state["request_id"] = offered.decode() if known else new_request_id()
    request_id: str = state["request_id"]
    return request_id


async def add_headers(message: Message, scope: Scope) -> None:
    """Add the headers that every response has. As a `before_send` hook it reaches error pages too."""
    if message["type"] == "http.response.start":
        state: dict[str, Any] = scope["state"]
        state["status"] = message["status"]
        # Every response passes here: these are the pairs themselves, as looking names up in an object is slower.
        given = {name.lower() for name, _ in message["headers"]}
        headers = [*message["headers"], *[pair for pair in USUAL_HEADERS if pair[0] not in given]]
        headers.append((b"x-request-id", request_id_of(scope).encode()))
        if (level := state.get("level")) is not None:
            headers += [
                (b"ratelimit-limit", b"%d" % level.limit),
                (b"ratelimit-remaining", b"%d" % level.remaining),
                (b"ratelimit-reset", b"%d" % level.reset),
            ]
        message["headers"] = headers


def framed(app: ASGIApp, logger: Logger, record: Callable[[Scope], None]) -> ASGIApp:
    """Return `app` with HEAD answered as GET (the server drops the body) and each request logged once it is over.

    `record` is told of each request as well.
    """

    async def frame(scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        method = cast(dict[str, Any], scope).get("method")
        if method == "HEAD":
            # A copy: the server looks at its own to know that it has to drop the body.
            scope = cast(Scope, {**scope, "method": "GET"})
        try:
            await app(scope, receive, send)
        except Exception as e:
            scope["state"]["error"] = e
            raise
        finally:
            _log(logger, scope, method, time.perf_counter() - started)
            record(scope)

    return frame


def _log(logger: Logger, scope: Scope, method: Any, seconds: float) -> None:
    """Log the route, never the path: paths and queries may name what a person is asked about."""
    state = scope["state"]
    fields = {
        "request_id": request_id_of(scope),
        "method": method,
        "route": scope.get("path_template"),
        "status": state.get("status"),
        "ms": round(seconds * 1000, 2),
    }
    error = state.get("error")
    if error is None:
        logger.info("request", **fields)
    else:
        logger.error("request_failed", **fields, error=type(error).__name__, at=where(error))


def where(error: BaseException) -> list[str]:
    """Return the lines of code that an error passed, without its message: that may hold what was sent."""
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
