"""What all pages share: how a route becomes one, its frame, its language, and what it looks like when it fails."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, ClassVar, Literal
from urllib.parse import urlencode

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from consent_ledger.access.sessions import Session
from consent_ledger.api.authentication import known_caller
from consent_ledger.api.errors import answer_error, problem_of
from consent_ledger.api.frame import request_id_of
from consent_ledger.api.operations import Operation
from consent_ledger.api.requests import HttpRequest, read_query, service_of
from consent_ledger.api.responses import HTML, Body
from consent_ledger.licenses.visibility import Viewer
from consent_ledger.messages import LANGUAGES, Words, choose, marked, words
from consent_ledger.portal.assets import asset_path
from consent_ledger.reading.checkpoints import witness_name
from consent_ledger.reporting.figures import ranges
from consent_ledger.signing.instants import SECOND

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; frame-ancestors 'none';"
    " base-uri 'none'"
)
TEN_YEARS = 10 * 366 * 86_400
Language = Literal["en", "nl"]
Handler = Callable[[HttpRequest], Awaitable[ASGIApp]]


class PageView(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every page may be asked for: a language other than the browser's."""

    notes: ClassVar[dict[str, str]] = {"lang": "The language."}
    lang: Language | None = None


def page(path: str, name: str, *, scope: str | None = "audit:read") -> Callable[[Handler], HTTPRouteHandler]:
    """Return what makes a handler a page at `path`, for whoever has the scope; it fails as a page, too."""
    operation = Operation(name, tag="pages", answers={}, scope=scope)
    return get(path, name=name, opt={"operation": operation}, exception_handlers={Exception: answer_failure})


def viewer_of(request: HttpRequest) -> Viewer:
    """Return who looks; for pages that want a scope."""
    caller = known_caller(request)
    assert caller is not None  # the guard let nobody else pass
    return caller.viewer


def words_of(request: HttpRequest) -> Words:
    """Return the words in the language that was asked for, else in one that the browser prefers."""
    asked = request.query_params.get("lang")
    return words(asked if asked in LANGUAGES else choose(request.headers.get("accept-language", "")))


def shown(request: HttpRequest, template: str, **values: Any) -> Body:
    """Return the page that a template makes of the values."""
    return Body(_rendered(request, template, values).encode(), HTML, headers=_headers())


def _headers() -> dict[str, str]:
    return {
        "Content-Security-Policy": CSP,
        "Cache-Control": "no-store",
        "Vary": "Accept-Language, Cookie",
        # Under `no-referrer` a browser sends forms with `Origin: null`, and they would be taken for another site's.
        "Referrer-Policy": "same-origin",
    }


def answer_failure(request: Request, error: Exception) -> Response[bytes]:  # type: ignore[type-arg]  # Litestar gives handlers a bare one
    """Return the page that says why there is none."""
    plain = answer_error(request, error)
    problem = problem_of(error, request_id_of(request.scope))
    html = _rendered(request, "failed.html", {"problem": problem, "sign_in": problem.status in (401, 403)})
    headers = {**plain.headers, **_headers()}
    status = HTTPStatus(problem.status)
    return Response(html.encode(), media_type="text/html", status_code=status, headers=headers)


def _rendered(request: HttpRequest, template: str, values: dict[str, Any]) -> str:
    text = words_of(request)
    asked = request.query_params.get("lang")
    explicit = {"lang": asked} if asked in LANGUAGES else {}
    session: Session | None = request.scope["state"].get("session")

    def to(path: str, **query: Any) -> str:
        """A link, which keeps the language that was asked for."""
        given = {name: value for name, value in query.items() if value is not None}
        return path + ("?" + urlencode({**explicit, **given}) if {**explicit, **given} else "")

    return (
        _environment()
        .get_template(template)
        .render(
            t=text,
            to=to,
            here=request.url.path,
            other="nl" if text.language == "en" else "en",
            kept=[(name, value) for name, value in request.query_params.multi_items() if name != "lang"],
            origin=service_of(request).ledger.origin,
            csrf=None if session is None else session.csrf,
            **values,
        )
    )


@lru_cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("consent_ledger.portal"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "asset": asset_path, "marked": marked, "machine_time": machine_time, "ranges": ranges, "witness": witness_name,
        "urlencode": urlencode,
    }  # fmt: skip
    return environment


def machine_time(instant: int) -> str:
    """Return an instant (microseconds) as the attribute of a `time` element has it."""
    return f"{datetime.fromtimestamp(instant // SECOND, UTC):%Y-%m-%dT%H:%M:%SZ}"


def require_plain(request: HttpRequest) -> None:
    """Raise RefusedError for query parameters that the page does not have."""
    read_query(request, PageView)
