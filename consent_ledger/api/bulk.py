"""Clearance of any number of assets, as lines in and lines out, in the same order and at one ledger size."""

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec
from litestar import post
from litestar.types import ASGIApp, Receive, Scope, Send

from consent_ledger.answers import ClearanceAnswer, ClearanceRequest, LineError
from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of, gate_of
from consent_ledger.api.clearance import EXAMPLE
from consent_ledger.api.errors import problem_of
from consent_ledger.api.frame import request_id_of
from consent_ledger.api.operations import Answer, Operation, lines_of
from consent_ledger.api.questions import Point, Question, answer_all, parse_question, point_now
from consent_ledger.api.requests import HttpRequest, require_media_type, service_of
from consent_ledger.api.responses import NDJSON
from consent_ledger.api.service import Service
from consent_ledger.api.spool import ClientGone, LineSpool
from consent_ledger.clearance import Engine
from consent_ledger.errors import LedgerError, MalformedError
from consent_ledger.licenses.visibility import Viewer

BATCH = 2_000
MAX_LINE = 16 * 1024


@post(
    "/v1/clearance/bulk",
    name="clear_assets",
    request_max_body_size=None,
    opt={
        "operation": Operation(
            "Ask about many assets, one a line",
            tag="clearance",
            scope="clearance:read",
            body={NDJSON: lines_of(ClearanceRequest)},
            answers={200: Answer("One line for each line asked.", {NDJSON: lines_of(ClearanceAnswer, LineError)})},
            problems=(415, 503),
            example=msgspec.json.encode(EXAMPLE).decode() + "\n",
        )
    },
)
async def clear_assets(request: HttpRequest) -> ASGIApp:
    """Each line is a question as for one asset, and gets its answer in the same place; blank lines are passed over.
    A line that cannot be answered gets an object with `line` and `error`, a problem document, and the others are
    answered. All are answered as of one instant and at one ledger size, those of when the request began."""
    require_media_type(request, NDJSON)
    service = service_of(request)
    present = await service.stream(point_now, service.engine)
    return Answering(service, present, request)


class Answering:
    """The response to one bulk request: reads it while it writes."""

    def __init__(self, service: Service, present: Point, request: HttpRequest) -> None:
        self._service = service
        self._present = present
        self._request = request
        self._pace = partial(gate_of(request).pace, caller_of(request))
        self._viewer = caller_of(request).viewer
        self._line = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        spool = LineSpool(MAX_LINE)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(spool.fill(receive))
                await self._write(spool, send, request_id_of(scope))
        except* ClientGone:
            pass  # nobody is there to be told
        finally:
            spool.close()
            about(self._request, f"{self._line} lines")

    async def _write(self, spool: LineSpool, send: Send, request_id: str) -> None:
        headers = [(b"content-type", NDJSON.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for lines in spool.lines():
            for start in range(0, len(lines), BATCH):
                batch = lines[start : start + BATCH]
                await self._pace(len(batch))
                body = await self._service.stream(
                    answer_lines, self._service.engine, batch, self._line, self._present, request_id, self._viewer
                )
                self._line += len(batch)
                await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def answer_lines(
    engine: Engine, lines: Sequence[bytes | None], before: int, present: Point, request_id: str, viewer: Viewer
) -> bytes:
    """Return an answer for each line, at `present` where it says nothing else; `before` lines came before these."""
    answers: dict[int, bytes | Exception] = {}
    questions: dict[int, Question] = {}
    for number, line in enumerate(lines, before + 1):
        try:
            if line is None:
                raise MalformedError(f"line is longer than {MAX_LINE} bytes", code="too_large")
            if line.strip():
                questions[number] = _at_present(parse_question(line, viewer), present)
        except LedgerError as e:
            answers[number] = e
    try:
        answers |= zip(questions, answer_all(engine, list(questions.values())), strict=True)
    except Exception as e:  # the response has begun: each line says that it was not answered
        answers |= dict.fromkeys(questions, e)
    return b"".join([_written(number, answers[number], request_id) for number in sorted(answers)])


def _written(number: int, answer: bytes | Exception, request_id: str) -> bytes:
    if isinstance(answer, Exception):
        answer = msgspec.json.encode(LineError(number, problem_of(answer, request_id)))
    return answer + b"\n"


def _at_present(question: Question, present: Point) -> Question:
    """Return the question at the request's own moment, as far as it does not name another."""
    as_of, known_at, size = question.point
    if as_of is None:
        as_of = present.as_of
    if size is None and known_at is None:
        size = present.size
    return question._replace(point=Point(as_of, known_at, size))
