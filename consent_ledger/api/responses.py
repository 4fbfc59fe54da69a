"""Responses, as small ASGI applications: on a hot route Litestar's own cost more than the answer."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar.types import Receive, Scope, Send

JSON = "application/json"
NDJSON = "application/x-ndjson"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
BYTES = "application/octet-stream"

IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}


class Body:
    """A response with its whole body at hand."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, body: bytes, media_type: str = JSON, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.body = body
        self.status = status
        self.headers = [
            (b"content-type", media_type.encode()),
            (b"content-length", b"%d" % len(body)),
            *[(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def json_body(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Body:
    """Return `value` as a JSON response."""
    return Body(msgspec.json.encode(value), status=status, headers=headers)


def not_modified(etag: str) -> Body:
    """Return the response that says: what you hold still holds."""
    response = Body(b"", status=304, headers={"ETag": etag})
    response.headers = response.headers[2:]  # a 304 describes no body
    return response


def tagged(value: Any, held: str | None, *, headers: Mapping[str, str] | None = None) -> Body:
    """Return `value` as JSON with an entity tag of its bytes, or 304 where `held`, an `If-None-Match`, has that tag.

    It may be kept by whoever asked, and asked for again each time: what is recorded can be added to.
    """
    body = msgspec.json.encode(value)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if held is not None and {"*", etag} & {tag.strip().removeprefix("W/") for tag in held.split(",")}:
        return not_modified(etag)
    return Body(body, headers={"ETag": etag, "Cache-Control": "private, no-cache", **(headers or {})})
