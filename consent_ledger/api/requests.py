"""What handlers take from a request: the service, the body within its limits, and the query."""

import asyncio
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException

from consent_ledger.api.decoding import decode_query
from consent_ledger.api.service import Service
from consent_ledger.errors import MalformedError, RefusedError

T = TypeVar("T")
HttpRequest = Request[Any, Any, Any]

BODY_SECONDS = 60.0


def service_of(request: HttpRequest) -> Service:
    """Return the service that this application was made for."""
    service: Service = request.app.state.service
    return service


def media_type_of(request: HttpRequest) -> str:
    """Return the media type that the body says it is of, without its parameters."""
    given: str = request.headers.get("content-type", "")
    return given.partition(";")[0].strip().lower()


def require_media_type(request: HttpRequest, wanted: str) -> None:
    """Raise MalformedError unless the body says that it is of the media type.

    A form on somebody's page can post other types to a server on this machine; it cannot post this one.
    """
    if media_type_of(request) != wanted:
        raise MalformedError(f"body has another `Content-Type`, want `{wanted}`", code="unsupported_media_type")


async def read_body(request: HttpRequest, media_type: str, limit: int | None = None) -> bytes:
    """Return the whole body, at most as long as its route allows, and `limit` bytes."""
    require_media_type(request, media_type)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await (request.body() if limit is None else _read(request, limit))
    except TimeoutError as e:
        raise MalformedError(f"body did not arrive within {BODY_SECONDS:.0f} seconds", code="timeout") from e
    except InternalServerException as e:
        raise MalformedError("body ends before its announced length") from e


async def _read(request: HttpRequest, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if max(size, request.content_length or 0) > limit:
            raise MalformedError(f"body is longer than {limit} bytes", code="too_large")
    return b"".join(parts)


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
