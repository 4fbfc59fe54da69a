"""Connections: how many there may be, and how long one may keep a place without asking or taking anything.

Uvicorn lets a connection on which no request is ever completed live for ever, and one whose client does not read.
"""

import asyncio
from typing import Any, ClassVar

from consent_ledger.api.errors import problem_body
from consent_ledger.api.frame import USUAL_HEADERS, new_request_id
from consent_ledger.api.parsing import HEAD_BYTES, StrictProtocol
from consent_ledger.errors import MalformedError

HEAD_SECONDS = 15.0
REST_BYTES = 64 * 1024 * 1024
STALLED_SECONDS = 60.0


class BoundedProtocol(StrictProtocol):
    """One connection. It has HEAD_SECONDS to bring a request's head of at most HEAD_BYTES, and STALLED_SECONDS to take
    some of an answer, or to send the rest of a body that was answered before its end. Where there are more than `most`,
    the one goes that has waited longest without asking, and if all are being served, the new one."""

    most = 2_000
    waiting: ClassVar[dict["BoundedProtocol", None]] = {}
    head_seconds = HEAD_SECONDS
    stalled_seconds = STALLED_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._taken = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        if len(self.connections) > self.most:
            idle = next(iter(self.waiting), self)
            idle._cancel()
            idle.transport.abort()
            if idle is self:
                return
        self._wait(self.head_seconds)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._taken = 0
            self._cancel()
        elif not self.transport.is_closing():
            # A body whose request was answered early looks unfinished to uvicorn until the next request is complete.
            rest = self.cycle is not None and self.cycle.more_body
            self._taken += len(data)
            if self._taken > (REST_BYTES if rest else HEAD_BYTES):
                self.transport.abort()
            else:
                self._wait(self.stalled_seconds if rest else self.head_seconds)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:  # else the next one came already
            self.waiting[self] = None

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, and close: `msg` is uvicorn's own word for it."""
        begun = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if begun or getattr(self, "pipeline", None):
            self.transport.abort()  # whoever reads the answers before it must not take this for one of them
        else:
            self.transport.write(_unreadable(self.reason))
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(self.stalled_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        if self._stalled is not None:
            self._stalled.cancel()
        super().connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(seconds, self.transport.abort)
            self.waiting[self] = None

    def _cancel(self) -> None:
        self.waiting.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _unreadable(reason: str) -> bytes:
    """Return a whole response, of HTTP/1.1, to what cannot be read."""
    id_ = new_request_id()
    body = problem_body(MalformedError(reason), id_)
    headers = [*body.headers, *USUAL_HEADERS, (b"x-request-id", id_.encode()), (b"connection", b"close")]
    lines = [b"HTTP/1.1 400 Bad Request", *(name + b": " + value for name, value in headers)]
    return b"\r\n".join([*lines, b"", body.body])


def bounded(
    most: int, *, head_seconds: float = HEAD_SECONDS, stalled_seconds: float = STALLED_SECONDS
) -> type[asyncio.Protocol]:
    """Return the protocol of a server that keeps at most `most` connections."""
    bounds = {"waiting": {}, "most": most, "head_seconds": head_seconds, "stalled_seconds": stalled_seconds}
    return type("Bounded", (BoundedProtocol,), bounds)
