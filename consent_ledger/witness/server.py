"""The witness over HTTP: `POST /add-checkpoint`, and `GET /<SHA-256 of origin>/checkpoint` for monitors."""

import asyncio
import re
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any, NamedTuple

import uvicorn

from consent_ledger.audit.cosigning import MAX_SUBMISSION
from consent_ledger.errors import (
    ForbiddenError,
    LedgerError,
    MalformedError,
    NotFoundError,
    UnavailableError,
    VerificationError,
)
from consent_ledger.witness.memory import Memory

TEXT = b"text/plain; charset=utf-8"
SIZE = b"text/x.tlog.size"
BODY_SECONDS = 10
AT_ONCE = 256
GRACE_SECONDS = 10

_STATUS = {MalformedError: 400, ForbiddenError: 403, NotFoundError: 404, VerificationError: 422}
_MONITORED = re.compile(r"/([0-9a-f]{64})/checkpoint")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Answer(NamedTuple):
    """A response."""

    status: int
    body: bytes
    content_type: bytes = TEXT


def create_app(memory: Memory, said: Callable[[str], None] = lambda event: None) -> App:
    """Return the application. `said` is told of what an operator should know, in a sentence."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = await _answer(memory, said, scope, receive)
        headers = [
            (b"content-type", answer.content_type),
            (b"content-length", b"%d" % len(answer.body)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    return app


async def _answer(memory: Memory, said: Callable[[str], None], scope: Scope, receive: Receive) -> Answer:
    path, method = scope["path"], scope["method"]
    monitored = _MONITORED.fullmatch(path)
    if path == "/add-checkpoint":
        if method != "POST":
            return Answer(405, b"want POST\n")
        body = await _read(receive)
        return body if isinstance(body, Answer) else await asyncio.to_thread(_add_checkpoint, memory, said, body)
    if monitored is not None:
        if method not in ("GET", "HEAD"):
            return Answer(405, b"want GET\n")
        note = await asyncio.to_thread(memory.checkpoint, monitored[1])
        return Answer(404, b"nothing of that log was cosigned\n") if note is None else Answer(200, note)
    return Answer(404, b"want add-checkpoint\n")


async def _read(receive: Receive) -> bytes | Answer:
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                part: bytes = message.get("body", b"")
                body += part
                if len(body) > MAX_SUBMISSION:
                    return Answer(413, b"want at most %d bytes\n" % MAX_SUBMISSION)
                if not message.get("more_body", False):
                    return body
    except TimeoutError:
        return Answer(408, b"too slow\n")


def _add_checkpoint(memory: Memory, said: Callable[[str], None], body: bytes) -> Answer:
    try:
        result = memory.cosign(body)
    except LedgerError as e:
        status = _STATUS.get(type(e), 503)
        if status in (422, 503):
            said(str(e))
        return Answer(status, str(e).encode(errors="replace") + b"\n")
    if isinstance(result, int):
        return Answer(409, b"%d\n" % result, SIZE)
    return Answer(200, result)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; UnavailableError `cannot_listen` where that cannot be."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), port), family=family, backlog=AT_ONCE)
    except OSError as e:
        reason = (e.strerror or str(e)).lower()
        raise UnavailableError(f"cannot listen on `{host}`, port {port}: {reason}", code="cannot_listen") from e


def run(memory: Memory, listening: socket.socket, said: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; what is under way is answered."""
    config = uvicorn.Config(
        create_app(memory, said),
        access_log=False,
        log_config=None,
        lifespan="off",
        limit_concurrency=AT_ONCE,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws="none",
    )
    # Once it has stopped, the server raises the signal that stopped it again.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with closing(listening), asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(uvicorn.Server(config).serve(sockets=[listening]))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
