"""Errors as RFC 9457 problem documents, and the only table from errors to HTTP statuses.

A problem's `type` is the page `/problems/<slug>` of this service, which says what can be done; `code` is finer and
stable; `errors` lists everything that is wrong. Nothing that a client sent, and no stack, is ever repeated.
"""

from http import HTTPStatus
from typing import NamedTuple

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from consent_ledger.answers import ProblemAnswer, ProblemItem
from consent_ledger.api.frame import request_id_of
from consent_ledger.api.responses import Body
from consent_ledger.errors import (
    ConflictError,
    ForbiddenError,
    LedgerError,
    LimitedError,
    MalformedError,
    NotFoundError,
    RefusedError,
    StaleError,
    UnauthenticatedError,
    UnavailableError,
    VerificationError,
)

PROBLEM_JSON = "application/problem+json"


class Kind(NamedTuple):
    """A type of problem: its slug, its status, its title, and what a client can do about it."""

    slug: str
    status: int
    title: str
    advice: str


KINDS = {
    kind.slug: kind
    for kind in (
        Kind("malformed", 400, "the request cannot be read", "Repair the bytes: nothing was read further."),
        Kind("unauthenticated", 401, "a good token is wanted", "Send `Authorization: Bearer` and a token that holds."),
        Kind("forbidden", 403, "this may not be done by whoever asks or signed", "Another key or token is wanted."),
        Kind("not_found", 404, "there is no such thing", "Nothing of that name or number is recorded here."),
        Kind("method_not_allowed", 405, "the method is not offered here", "The header `Allow` lists what is."),
        Kind("timeout", 408, "the request did not arrive in time", "Send it again, over a faster connection."),
        Kind("conflict", 409, "what is asked contradicts what is recorded", "Read again, then decide anew."),
        Kind("gone", 410, "it was here and is erased", "Only its sealed entry remains, as proof that it was there."),
        Kind("too_large", 413, "the request is too large", "Send less, or send it in parts."),
        Kind("unsupported_media_type", 415, "the media type is not read here", "Name the one that is wanted."),
        Kind("not_verified", 422, "a signature or proof does not verify", "Trust nothing that rests on it."),
        Kind("misdirected", 421, "the request is for another service", "Ask by a name that this service goes by."),
        Kind("refused", 422, "the request is understood and refused", "Change what it says; `errors` lists what."),
        Kind("too_many_requests", 429, "too much was asked at once", "Wait as long as `Retry-After` says."),
        Kind("internal_error", 500, "the service made a mistake", "Report it with the `request_id`."),
        Kind("stale", 503, "the ledger is behind what it published", "Nothing was done: its operator has to look."),
        Kind("unavailable", 503, "the ledger cannot answer now", "Nothing was done, nothing is guessed: try later."),
    )
}

_BY_ERROR: dict[type[LedgerError], str] = {
    MalformedError: "malformed",
    UnauthenticatedError: "unauthenticated",
    LimitedError: "too_many_requests",
    ForbiddenError: "forbidden",
    NotFoundError: "not_found",
    ConflictError: "conflict",
    RefusedError: "refused",
    VerificationError: "not_verified",
    StaleError: "stale",
    UnavailableError: "unavailable",
}
_BY_CODE = {
    "too_large": "too_large",
    "erased": "gone",
    "size_unknown": "not_found",
    "timeout": "timeout",
    "unsupported_media_type": "unsupported_media_type",
    "host_unknown": "misdirected",
    "ledger_integrity_failure": "unavailable",
}
_BY_STATUS = {kind.status: kind for kind in KINDS.values()}


def kind_of(error: Exception) -> Kind:
    """Return the type of problem that an error is to a client."""
    if isinstance(error, LedgerError):
        slugs = (_BY_ERROR[cls] for cls in type(error).__mro__ if cls in _BY_ERROR)
        return KINDS[_BY_CODE.get(error.code) or next(slugs, "internal_error")]
    if isinstance(error, HTTPException):
        return _BY_STATUS.get(error.status_code, KINDS["internal_error"])
    return KINDS["internal_error"]


def problem_of(error: Exception, request_id: str) -> ProblemAnswer:
    """Return the problem document of an error; only what this package raises on purpose may speak for itself."""
    kind = kind_of(error)
    detail, code = kind.title, kind.slug
    problems: tuple[ProblemItem, ...] = ()
    if isinstance(error, LedgerError) and kind.status != HTTPStatus.INTERNAL_SERVER_ERROR:
        detail, code, problems = str(error), error.code, tuple(ProblemItem(*p) for p in error.problems)
    return ProblemAnswer(
        type=f"/problems/{kind.slug}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        code=code,
        errors=problems,
        request_id=request_id,
    )


def problem_body(error: Exception, request_id: str) -> Body:
    """Return the problem document of an error, with nothing around it."""
    problem = problem_of(error, request_id)
    return Body(msgspec.json.encode(problem), PROBLEM_JSON, status=problem.status)


def answer_error(request: Request, error: Exception) -> Response[bytes]:  # type: ignore[type-arg]  # Litestar gives handlers a bare one
    """Return the response to an error: the exception handler of the whole service."""
    problem = problem_of(error, request_id_of(request.scope))
    headers = {"Cache-Control": "no-store"}
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE or problem.code == "idempotency_running":
        headers["Retry-After"] = "1"
    if isinstance(error, LimitedError):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, UnauthenticatedError):
        # RFC 6750, section 3: who brought nothing is told nothing but what to bring.
        wrong = "" if error.code == UnauthenticatedError.default_code else ' error="invalid_token"'
        headers["WWW-Authenticate"] = f"Bearer{wrong}"
    if isinstance(error, HTTPException) and error.headers:
        headers |= {name: value for name, value in error.headers.items() if name.lower() == "allow"}
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        request.scope["state"]["error"] = error
    return Response(msgspec.json.encode(problem), media_type=PROBLEM_JSON, status_code=problem.status, headers=headers)
