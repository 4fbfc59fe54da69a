"""Lines in, lines out: a request that is answered while it arrives, in its order and in bounded memory."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping

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
Answers = asyncio.Queue[asyncio.Task[bytes] | None]
"""Answers on their way, in the order of their lines; None is behind the last."""


class AnsweredLines:
    """The response to one request of many lines: reads it while it writes.

    `answer` gets up to `batch` lines and how many lines came before them, and returns what is answered to them.
    """

    def __init__(
        self,
        request: HttpRequest,
        answer: Callable[[Lines, int], Coroutine[None, None, bytes]],
        *,
        batch: int,
        spool: LineSpool,
        headers: Mapping[str, str] | None = None,
        ahead: bool = False,
    ) -> None:
        """`spool`: where lines wait; it may be filled already. `ahead`: the next lines may be answered while the last
        ones still are."""
        self._request = request
        self._answer = answer
        self._batch = batch
        self._spool = spool
        self._headers = {"content-type": NDJSON, **(headers or {})}
        self._ahead = ahead
        self._line = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # One is being sent, one waits, and one more is begun: whoever sends more has to wait.
        answers: Answers = asyncio.Queue(1)
        try:
            with gate_of(self._request).bulk(caller_of(self._request)):
                await self._answer_all(receive, send, answers)
        except* ClientGone:
            pass  # nobody is there to be told
        finally:
            self._spool.close()
            about(self._request, f"{self._line} lines")

    async def _answer_all(self, receive: Receive, send: Send, answers: Answers) -> None:
        async with asyncio.TaskGroup() as group:
            if not self._spool.is_complete:
                group.create_task(self._spool.fill(receive))
            group.create_task(self._begin(group, answers))
            await self._write(answers, send)

    async def _begin(self, group: asyncio.TaskGroup, answers: Answers) -> None:
        gate, caller = gate_of(self._request), caller_of(self._request)
        async for lines in self._spool.lines():
            for start in range(0, len(lines), self._batch):
                batch = lines[start : start + self._batch]
                await gate.pace(caller, len(batch))
                answer = group.create_task(self._answer(batch, self._line))
                self._line += len(batch)
                await answers.put(answer)
                if not self._ahead:
                    await answer
        await answers.put(None)

    async def _write(self, answers: Answers, send: Send) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in self._headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while (answer := await answers.get()) is not None:
            await send({"type": "http.response.body", "body": await answer, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def written(number: int, answer: bytes | Exception, request_id: str) -> bytes:
    """Return the line that answers line `number`."""
    if isinstance(answer, Exception):
        answer = msgspec.json.encode(LineError(number, problem_of(answer, request_id)))
    return answer + b"\n"
