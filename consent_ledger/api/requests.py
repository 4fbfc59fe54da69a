"""What handlers take from a request: the service, the body within its limits, and the query."""

import asyncio
import math
from typing import Any, TypeVar

import msgspec
from litestar import Request

from consent_ledger.api.decoding import decode_query
from consent_ledger.api.service import Service
from consent_ledger.errors import MalformedError, RefusedError

T = TypeVar("T")
HttpRequest = Request[Any, Any, Any]

BODY_SECONDS = 60.0
LONGEST_NUMBER = 15  # digits of a length


def service_of(request: HttpRequest) -> Service:
    """Return the service that this application was made for."""
    service: Service = request.app.state.service
    return service


def media_type_of(request: HttpRequest) -> str:
    """Return the media type that the body says it is of, without its parameters."""
    return header_of(request, b"content-type").partition(";")[0].strip().lower()


def header_of(request: HttpRequest, name: bytes) -> str:
    """Return the first header of that name, in small letters; nothing where there is none.

    Hot routes want one or two: making a mapping of all of them takes longer than the rest of such a request.
    """
    return next((value.decode("latin-1") for known, value in request.scope["headers"] if known == name), "")


def require_media_type(request: HttpRequest, wanted: str) -> None:
    """Raise MalformedError unless the body says that it is of the media type.

    A form on somebody's page can post other types to a server on this machine; it cannot post this one.
    """
    if media_type_of(request) != wanted:
        raise MalformedError(f"body has another `Content-Type`, want `{wanted}`", code="unsupported_media_type")


async def read_body(request: HttpRequest, media_type: str, limit: int | None = None) -> bytes:
    """Return the whole body, at most as long as its route allows, and `limit` bytes."""
    require_media_type(request, media_type)
    most = request.route_handler.resolve_request_max_body_size() if limit is None else limit
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(request, math.inf if most is None else most)
    except TimeoutError as e:
        raise MalformedError(f"body did not arrive within {BODY_SECONDS:.0f} seconds", code="timeout") from e


async def _read(request: HttpRequest, most: float) -> bytes:
    announced = header_of(request, b"content-length")
    if announced.isdecimal() and (len(announced) > LONGEST_NUMBER or int(announced) > most):
        raise _too_long(most)
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise MalformedError("body ends before its announced length")
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > most:
            raise _too_long(most)
        more = message.get("more_body", False)
    return b"".join(parts)


def _too_long(most: float) -> MalformedError:
    return MalformedError(f"body is longer than {most} bytes", code="too_large")


def read_query(request: HttpRequest, type_: type[T]) -> T:
    """Return the query parameters as a `type_`."""
    return decode_query(list(request.query_params.multi_items()), type_)


def path_value(request: HttpRequest, name: str, type_: Any) -> str:
    """Return a part of the path; raise RefusedError unless it is spelled as a `type_` is."""
    try:
        value: str = msgspec.convert(request.path_params[name], type_)
    except msgspec.ValidationError as e:
        raise RefusedError(f"path has no `{name}` that is spelled as one", code="bad_id") from e
    return value
