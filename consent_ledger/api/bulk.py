"""Clearance of any number of assets, as lines in and lines out, in the same order and at one ledger size."""

from collections.abc import Sequence

import msgspec
from litestar import post
from litestar.types import ASGIApp

from consent_ledger.answers import ClearanceAnswer, ClearanceRequest, LineError
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.clearance import EXAMPLE
from consent_ledger.api.frame import request_id_of
from consent_ledger.api.lines import AnsweredLines, Lines, written
from consent_ledger.api.operations import Answer, Operation, lines_of
from consent_ledger.api.questions import Point, Question, answer_all, parse_question, point_now
from consent_ledger.api.requests import HttpRequest, require_media_type, service_of
from consent_ledger.api.responses import NDJSON
from consent_ledger.api.spool import LineSpool
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
    request_id, viewer = request_id_of(request.scope), caller_of(request).viewer

    async def answer(lines: Lines, before: int) -> bytes:
        return await service.stream(answer_lines, service.engine, lines, before, present, request_id, viewer)

    return AnsweredLines(request, answer, batch=BATCH, spool=LineSpool(MAX_LINE))


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
    return b"".join([written(number, answers[number], request_id) for number in sorted(answers)])


def _at_present(question: Question, present: Point) -> Question:
    """Return the question at the request's own moment, as far as it does not name another."""
    as_of, known_at, size = question.point
    if as_of is None:
        as_of = present.as_of
    if size is None and known_at is None:
        size = present.size
    return question._replace(point=Point(as_of, known_at, size))
