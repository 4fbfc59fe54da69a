"""Lines in, lines out: a request that is answered while it arrives, in its order and in bounded memory."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from litestar.types import Receive, Scope, Send

from consent_ledger.answers import LineError
from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of, gate_of
from consent_ledger.api.errors import problem_of
from consent_ledger.api.requests import HttpRequest
from consent_ledger.api.responses import NDJSON
from consent_ledger.api.spool import ClientGone, LineSpool

Lines = list[bytes | None]
"""Lines without their ends; None is one that is too long."""


class AnsweredLines:
    """The response to one request of many lines: reads it while it writes.

    `answer` gets up to `batch` lines and how many lines came before them, and returns what is answered to them.
    """

    def __init__(
        self,
        request: HttpRequest,
        answer: Callable[[Lines, int], Awaitable[bytes]],
        *,
        batch: int,
        spool: LineSpool,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`spool`: where lines wait; it may be filled already."""
        self._request = request
        self._answer = answer
        self._batch = batch
        self._spool = spool
        self._headers = {"content-type": NDJSON, **(headers or {})}
        self._line = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                if not self._spool.is_complete:
                    group.create_task(self._spool.fill(receive))
                await self._write(send)
        except* ClientGone:
            pass  # nobody is there to be told
        finally:
            self._spool.close()
            about(self._request, f"{self._line} lines")

    async def _write(self, send: Send) -> None:
        gate, caller = gate_of(self._request), caller_of(self._request)
        headers = [(name.lower().encode(), value.encode()) for name, value in self._headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for lines in self._spool.lines():
            for start in range(0, len(lines), self._batch):
                batch = lines[start : start + self._batch]
                await gate.pace(caller, len(batch))
                body = await self._answer(batch, self._line)
                self._line += len(batch)
                await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def written(number: int, answer: bytes | Exception, request_id: str) -> bytes:
    """Return the line that answers line `number`."""
    if isinstance(answer, Exception):
        answer = msgspec.json.encode(LineError(number, problem_of(answer, request_id)))
    return answer + b"\n"
