"""Calls of an application with nothing between: any bytes as headers, and a body that nobody may read."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from litestar import Litestar

from consent_ledger.api.exposure import Exposure
from consent_ledger.api.limits import Limits, Rate

UNLIMITED = Exposure(limits=Limits(*[Rate(0, 0)] * len(Limits._fields)))
Headers = Iterable[tuple[bytes, bytes]]


class Answered(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


def call(
    app: Litestar, method: str, path: str, headers: Headers = (), body: bytes | None = None, client: str = "192.0.2.1"
) -> Answered:
    """Return the answer; with no body, reading it is a failure of the test."""
    return asyncio.run(_call(app, method, path, list(headers), body, client))


def pairs(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


async def _call(app: Litestar, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes | None,
                client: str) -> Answered:  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        assert body is not None, "the body was read"
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    where, _, query = path.partition("?")
    scope: Any = {
        "type": "http", "method": method, "path": where, "raw_path": where.encode(), "query_string": query.encode(),
        "root_path": "", "scheme": "http", "http_version": "1.1", "client": (client, 1), "server": ("h", 80),
        "headers": [(b"host", b"ledger.example:8100"), *headers], "state": {},
    }  # fmt: skip
    await app(scope, receive, send)
    found = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return Answered(sent[0]["status"], found, b"".join(m["body"] for m in sent[1:]))
