"""Signing in and out, as forms post it; pages are built on this."""

import re

import msgspec
from litestar import get, post
from litestar.types import ASGIApp

from consent_ledger.access.sessions import NewSession, Session, sign_in, sign_out
from consent_ledger.api.authentication import Gate, caller_of, gate_of, pay
from consent_ledger.api.cookies import FORM, cookie_of, read_form, require_same_origin, set_cookie
from consent_ledger.api.exposure import client_of
from consent_ledger.api.operations import ANYBODY, Answer, Operation
from consent_ledger.api.requests import HttpRequest
from consent_ledger.api.responses import JSON, Body, json_body
from consent_ledger.errors import UnauthenticatedError
from consent_ledger.licenses.terms import PartyId
from consent_ledger.signing.instants import format_instant

HOME = "/"
_PLACE = re.compile(r"/|(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?")
_TEXT = {"type": "string", "maxLength": 1024}


class SessionAnswer(msgspec.Struct, frozen=True):
    """Who is signed in. `csrf_token` goes with all that changes something: as `X-CSRF-Token`, or in a form."""

    organisation: PartyId
    staff: str
    scopes: list[str]
    csrf_token: str
    expires_at: str


@post(
    "/session",
    name="sign_in",
    opt={
        "operation": Operation(
            "Sign in",
            tag="session",
            scope=None,
            body={
                FORM: {
                    "type": "object",
                    "properties": {"login": _TEXT, "password": _TEXT, "next": _TEXT, "back": _TEXT},
                    "required": ["login", "password"],
                }
            },
            answers={
                303: Answer(
                    "Signed in: a cookie, and on to `next`. Or refused, and back to `back`.",
                    headers=("Location", "Set-Cookie"),
                )
            },
            problems=(400, 401, 403, 408, 413, 415, 503),
        )
    },
)
async def begin_session(request: HttpRequest) -> ASGIApp:
    """Staff only. Always begins a new session. After five wrong passwords in a row a login is shut for a quarter of an
    hour, whether anybody has it or not, and every refusal says the same. `next` and `back` are paths of this service;
    with `back`, a page's form, who is refused goes there with `refused=1` instead of getting a 401."""
    require_same_origin(request.scope)
    gate = gate_of(request)
    pay(request.scope["state"], gate.sign_ins, client_of(gate.exposure, request.scope))
    form = await read_form(request)
    try:
        made = await _sign_in(
            gate, form.get("login", ""), form.get("password", ""), cookie_of(gate.exposure, request.scope)
        )
    except UnauthenticatedError:
        if _PLACE.fullmatch(form.get("back", "")) is None:
            raise
        return Body(b"", status=303, headers={"Location": form["back"] + "?refused=1"})
    request.scope["state"]["caller"] = made.session.caller
    place = form.get("next", HOME)
    cookie = set_cookie(gate.exposure, made.secret, gate.exposure.session_seconds)
    location = place if _PLACE.fullmatch(place) else HOME
    return Body(b"", status=303, headers={"Location": location, "Set-Cookie": cookie})


async def _sign_in(gate: Gate, login: str, password: str, before: str | None) -> NewSession:
    return await gate.password_in_turn(
        sign_in, gate.store, gate.operator, login, password, gate.clock(), gate.lifetimes, before or ""
    )


@post(
    "/session/end",
    name="sign_out",
    opt={
        "operation": Operation(
            "Sign out",
            tag="session",
            scope=ANYBODY,
            answers={303: Answer("Signed out.", headers=("Location", "Set-Cookie"))},
        )
    },
)
async def end_session(request: HttpRequest) -> ASGIApp:
    """Ends the session of the cookie, if there is one that holds; wants its `csrf_token`."""
    gate = gate_of(request)
    secret = cookie_of(gate.exposure, request.scope)
    if secret is not None and "session" in request.scope["state"]:
        await gate.in_turn(sign_out, gate.store, secret)
    return Body(b"", status=303, headers={"Location": HOME, "Set-Cookie": set_cookie(gate.exposure, "", 0)})


@get(
    "/session",
    name="read_session",
    opt={
        "operation": Operation(
            "Who is signed in?",
            tag="session",
            scope=ANYBODY,
            answers={200: Answer("The session of the cookie.", {JSON: SessionAnswer})},
        )
    },
)
async def read_session(request: HttpRequest) -> ASGIApp:
    """For pages. Nobody who shows a token is signed in."""
    session = session_of(request)
    caller = session.caller
    scopes = sorted(caller.scopes)
    return json_body(
        SessionAnswer(caller.organisation, caller.token, scopes, session.csrf, format_instant(session.expires_at))
    )


def session_of(request: HttpRequest) -> Session:
    """Return the session that a request came with; raise UnauthenticatedError."""
    caller_of(request)
    session: Session | None = request.scope["state"].get("session")
    if session is None:
        raise UnauthenticatedError("nobody is signed in here")
    return session


ROUTES = (begin_session, end_session, read_session)
