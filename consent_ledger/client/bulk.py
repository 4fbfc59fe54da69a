"""Many questions, in requests of so many lines that each can be asked again as a whole."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from consent_ledger.answers import ClearanceAnswer, ClearanceRequest, LineError
from consent_ledger.client.problems import error_of_problem
from consent_ledger.client.transport import MEGABYTE, NDJSON, Transport
from consent_ledger.client.verifying import verify_answer
from consent_ledger.errors import LedgerError, UnavailableError, VerificationError

LINES = 2_000
LONG_LINE = 32 * 1024
"""More than the lines of an answer have on average; single ones may be longer."""

_ANSWER = msgspec.json.Decoder(ClearanceAnswer)
_ERROR = msgspec.json.Decoder(LineError)


class Present(NamedTuple):
    """The point that the first answers were given at, for those that follow."""

    as_of: str | UnsetType = UNSET
    size: int | UnsetType = UNSET

    def pin(self, question: ClearanceRequest) -> ClearanceRequest:
        """Return the question at this point, as far as it names no other."""
        as_of = self.as_of if question.as_of is UNSET else question.as_of
        free = question.size is UNSET and question.known_at is UNSET
        return msgspec.structs.replace(question, as_of=as_of, size=self.size if free else question.size)

    def learn(self, question: ClearanceRequest, answer: ClearanceAnswer) -> "Present":
        """Return the point as an answer shows it; raise VerificationError where it is another than of those before."""
        as_of = answer.as_of if question.as_of is UNSET else self.as_of
        free = question.size is UNSET and question.known_at is UNSET
        size = answer.size if free else self.size
        if self.as_of not in (UNSET, as_of) or self.size not in (UNSET, size):
            raise VerificationError("answers to one request are of several moments", code="wrong_answer")
        return Present(as_of, size)


def clear_all(
    transport: Transport, questions: Iterable[ClearanceRequest], clock: Callable[[], int]
) -> Iterator[ClearanceAnswer | LedgerError]:
    """Yield for each question, in order, its answer or the error that kept it from being answered."""
    source = iter(questions)
    present = Present()
    while part := list(islice(source, LINES)):
        asked = [present.pin(question) for question in part]
        lines = exchange_lines(transport, "/v1/clearance/bulk", [msgspec.json.encode(q) for q in asked])
        for number, (question, pinned, line) in enumerate(zip(part, asked, lines, strict=True), 1):
            answer = _read(line, number)
            if isinstance(answer, ClearanceAnswer):
                verify_answer(pinned, answer, clock())
                present = present.learn(question, answer)
            yield answer


def exchange_lines(
    transport: Transport, path: str, lines: Sequence[bytes], headers: dict[str, str] | None = None
) -> list[bytes]:
    """Return a line for each that is sent; raise UnavailableError where there are more or fewer."""
    body = b"".join(line + b"\n" for line in lines)
    most = MEGABYTE + LONG_LINE * len(lines)
    answered = transport.exchange("POST", path, body=body, sends=NDJSON, wants=NDJSON, headers=headers, most=most)
    *found, rest = answered.body.split(b"\n")
    if rest or len(found) != len(lines):
        detail = f"the server answers {len(found)} whole lines, want {len(lines)}"
        raise UnavailableError(detail, code="bad_answer")
    return found


def _read(line: bytes, number: int) -> ClearanceAnswer | LedgerError:
    try:
        return _ANSWER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return read_error(line, number)


def read_error(line: bytes, number: int) -> LedgerError:
    """Return the error that stands in the place of line `number`; raise UnavailableError for anything else."""
    try:
        error = _ERROR.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise UnavailableError(f"line {number} of the server's answer cannot be understood", code="bad_answer") from e
    if error.line != number:
        raise VerificationError(f"the error of line {error.line} stands in line {number}", code="wrong_answer")
    return error_of_problem(error.error, error.error.status)
