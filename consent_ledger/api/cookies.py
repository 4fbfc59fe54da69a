"""The cookie of a session, and that a request which changes something comes from a page of this service."""

from typing import Any
from urllib.parse import parse_qsl

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.types import Scope

from consent_ledger.access.sessions import Session, require_csrf
from consent_ledger.api.exposure import Exposure
from consent_ledger.api.requests import read_body
from consent_ledger.errors import ForbiddenError, MalformedError

FORM = "application/x-www-form-urlencoded"
CSRF_HEADER = b"x-csrf-token"
CSRF_FIELD = "csrf_token"
MAX_FIELDS = 200


def cookie_name(exposure: Exposure) -> str:
    """Return the cookie's name: by https one that browsers take from this host only, and for all of it."""
    return "__Host-consent-ledger" if exposure.https else "consent-ledger"


def cookie_of(exposure: Exposure, scope: Scope) -> str | None:
    """Return the secret that a browser shows; None where it shows none, or several."""
    name = cookie_name(exposure).encode()
    found = []
    for header, value in scope["headers"]:
        if header == b"cookie":
            given = (part.strip().partition(b"=") for part in value.split(b";"))
            found += [secret.decode("latin-1") for key, _, secret in given if key == name]
    return found[0] if len(found) == 1 else None


def set_cookie(exposure: Exposure, secret: str, seconds: int) -> str:
    """Return the header that gives a browser a session, or with 0 seconds takes it away."""
    secure = "; Secure" if exposure.https else ""
    return f"{cookie_name(exposure)}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


async def require_own_page(connection: ASGIConnection[Any, Any, Any, Any], session: Session) -> None:
    """Raise ForbiddenError `csrf` unless the session's token came with the request, as a header or in its form."""
    require_same_origin(connection.scope)
    headers = connection.scope["headers"]
    given = next((value.decode("latin-1") for name, value in headers if name == CSRF_HEADER), None)
    if given is None and isinstance(connection, Request) and _media_type(headers) == FORM:
        given = (await read_form(connection)).get(CSRF_FIELD)
    require_csrf(session, given)


def require_same_origin(scope: Scope) -> None:
    """Raise ForbiddenError `csrf` where the browser says that another site's page sends the request."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin")
    elsewhere = origin is not None and origin.partition(b"://")[2] != headers.get(b"host")
    if elsewhere or headers.get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none"):
        raise ForbiddenError("this came from another site's page", code="csrf")


async def read_form(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Return the fields of a form, each given once."""
    raw = await read_body(request, FORM)
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as e:
        raise MalformedError("form cannot be read", code="bad_form") from e
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedError("a field of the form is repeated", code="bad_form")
    return fields


def _media_type(headers: Any) -> str:
    given = next((value for name, value in headers if name == b"content-type"), b"")
    return str(given.decode("latin-1").partition(";")[0].strip().lower())
