"""Problem documents (RFC 9457) become this package's errors again: the same class, code and problems."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from consent_ledger.answers import ProblemAnswer
from consent_ledger.errors import (
    ConflictError,
    ForbiddenError,
    LedgerError,
    LimitedError,
    MalformedError,
    NotFoundError,
    Problem,
    RefusedError,
    StaleError,
    UnauthenticatedError,
    UnavailableError,
    VerificationError,
)

PROBLEM_JSON = "application/problem+json"

_BY_SLUG: dict[str, type[LedgerError]] = {
    "malformed": MalformedError,
    "unauthenticated": UnauthenticatedError,
    "forbidden": ForbiddenError,
    "not_found": NotFoundError,
    "timeout": UnavailableError,
    "conflict": ConflictError,
    "gone": NotFoundError,
    "too_large": MalformedError,
    "unsupported_media_type": MalformedError,
    "not_verified": VerificationError,
    "refused": RefusedError,
    "internal_error": UnavailableError,
    "stale": StaleError,
    "unavailable": UnavailableError,
}
_BY_STATUS: dict[int, type[LedgerError]] = {
    400: MalformedError,
    401: UnauthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    408: UnavailableError,
    409: ConflictError,
    410: NotFoundError,
    413: MalformedError,
    415: MalformedError,
    422: RefusedError,
}
_BY_CODE: dict[str, type[LedgerError]] = {"ledger_integrity_failure": VerificationError}
_LONGEST = 2_000


def error_of_answer(status: int, headers: Mapping[str, str], body: bytes) -> LedgerError:
    """Return the error that a response of status 400 or above stands for; what is no problem document says little."""
    document = None
    if media_type_of(headers) == PROBLEM_JSON:
        with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            document = msgspec.json.decode(body, type=ProblemAnswer)
    if document is not None:
        return error_of_problem(document, status, retry_after_of(headers))
    kind = _BY_STATUS.get(status, UnavailableError)
    return _make(
        kind, f"the server answers with status {status} and no reason", None, (), status, retry_after_of(headers)
    )


def error_of_problem(document: ProblemAnswer, status: int, retry_after: float | None = None) -> LedgerError:
    """Return the error in a problem document, its request id kept. Nothing in it can play tricks on a terminal."""
    slug = document.type.rpartition("/")[2]
    kind = _BY_CODE.get(document.code) or _BY_SLUG.get(slug) or _BY_STATUS.get(status, UnavailableError)
    problems = tuple(Problem(plain(p.pointer), plain(p.code), plain(p.detail)) for p in document.errors[:100])
    error = _make(kind, plain(document.detail), plain(document.code), problems, status, retry_after)
    error.request_id = plain(document.request_id)
    return error


def _make(
    kind: type[LedgerError], message: str, code: str | None, problems: tuple[Problem, ...], status: int,
    retry_after: float | None,
) -> LedgerError:  # fmt: skip
    if status == 429:
        return LimitedError(message, code=code, retry_after=max(1, int(retry_after or 1)))
    return kind(message, code=code, problems=problems)


def media_type_of(headers: Mapping[str, str]) -> str:
    """Return the media type of a body, without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` asks to wait (RFC 9110, section 10.2.3), or None."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def plain(text: str) -> str:
    """Return the text on one line and not too long: what a terminal would obey is written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:_LONGEST])
