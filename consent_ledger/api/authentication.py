"""The guard: who asks, and whether a route may be asked, before anything of the body is read.

Each route declares its scope in its `Operation`. The guard stands before all of them, and before those that somebody
will add: a route that declares nothing is asked by nobody.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, ParamSpec, TypeVar

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from consent_ledger.access.callers import Caller
from consent_ledger.access.sessions import Lifetimes, find_session
from consent_ledger.access.submission import Issuers
from consent_ledger.access.tokens import Callers, hash_token
from consent_ledger.api.batching import Batched
from consent_ledger.api.cookies import cookie_of, require_own_page
from consent_ledger.api.exposure import Exposure, client_of, require_host
from consent_ledger.api.limits import Buckets, ExhaustedError
from consent_ledger.api.operations import ANYBODY, UNDECLARED, Operation
from consent_ledger.api.requests import HttpRequest
from consent_ledger.errors import LimitedError, UnauthenticatedError, UnavailableError
from consent_ledger.ledger import Ledger
from consent_ledger.signing.instants import SECOND

__all__ = ["Caller", "Gate", "caller_of", "gate_of", "guard", "known_caller"]

P = ParamSpec("P")
T = TypeVar("T")
Connection = ASGIConnection[Any, Any, Any, Any]

GUESSES = 20
MOST_BULK = 32
SAFE = ("GET", "HEAD", "OPTIONS")
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] ([!-~]{1,200})")
_NOTHING = Operation("", "", {}, scope=UNDECLARED)


class Gate:
    """What the guard asks: the database for tokens, and the buckets. It belongs to one event loop."""

    def __init__(self, ledger: Ledger, operator: str, exposure: Exposure) -> None:
        self.operator = operator
        self.store = ledger.store
        self.clock = ledger.clock
        self.exposure = exposure
        self.by_token = Buckets(exposure.limits.token)
        self.by_address = Buckets(exposure.limits.address)
        self.lines = Buckets(exposure.limits.lines)
        self.sign_ins = Buckets(exposure.limits.sign_in)
        self.lifetimes = Lifetimes(exposure.session_seconds * SECOND, exposure.idle_seconds * SECOND)
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="access")
        self._sessions = ThreadPoolExecutor(4, thread_name_prefix="session")
        self._passwords = ThreadPoolExecutor(1, thread_name_prefix="password")
        self._guessing = 0
        self._bulk = Counter[str]()
        # Requests that come together share one look into the database, or one look at whether it has changed.
        self._callers = Callers(ledger.store, operator, ledger.clock)
        self._asked = Batched[bytes, Caller](self._callers.find, self._threads)
        self._version: int | None = None
        self.issuers = Issuers(ledger.store, operator)
        self.issuing = Batched[str, bool](self.issuers.look_up, self._threads)

    async def in_turn(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call` does with a session. It may wait to write: tokens are looked up in another thread."""
        return await asyncio.get_running_loop().run_in_executor(self._sessions, partial(call, *args, **kwargs))

    async def password_in_turn(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call` does with a password: that is dear, so few may wait for it."""
        if self._guessing >= GUESSES:
            raise UnavailableError("too many sign in at the same time", code="busy")
        self._guessing += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._passwords, partial(call, *args, **kwargs))
        finally:
            self._guessing -= 1

    async def caller(self, authorization: list[bytes]) -> Caller:
        """Return who calls, given all `Authorization` headers of a request; raise UnauthenticatedError."""
        if not authorization:
            raise UnauthenticatedError("no token was sent, want `Authorization: Bearer`")
        match = _BEARER.fullmatch(authorization[0]) if len(authorization) == 1 else None
        if match is None:
            raise UnauthenticatedError("header `Authorization` is not one bearer token", code="token_invalid")
        hash_ = hash_token(match[1])
        known = self._callers.known(hash_, self._version_now())
        return await self._asked.ask(hash_) if known is None else known

    def _version_now(self) -> int | None:
        """Return the database's version, looked up once for all requests that came in the same turn of the loop."""
        if self._version is None:
            self._version = self.store.version()
            if self._version is not None:
                asyncio.get_running_loop().call_soon(self._next_turn)
        return self._version

    def _next_turn(self) -> None:
        self._version = None

    async def pace(self, caller: Caller, lines: int) -> None:
        """Wait until so many lines of a bulk request are within the limit: its client then has to wait too."""
        seconds = self.lines.borrow(caller.token, lines)
        if seconds > 0:
            await asyncio.sleep(seconds)

    @contextmanager
    def bulk(self, caller: Caller) -> Iterator[None]:
        """Hold one of an organisation's places for bulk requests, as each takes room for as long as its client is slow.
        Raise LimitedError where all are taken."""
        if self._bulk[caller.organisation] >= MOST_BULK:
            raise LimitedError(f"{MOST_BULK} bulk requests of the organisation are under way", retry_after=1)
        self._bulk[caller.organisation] += 1
        try:
            yield
        finally:
            self._bulk[caller.organisation] -= 1

    def close(self) -> None:
        """Wait for what is under way."""
        for pool in (self._threads, self._sessions, self._passwords):
            pool.shutdown()


async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let a request pass, or raise: UnauthenticatedError, ForbiddenError `scope_missing`, or LimitedError."""
    operation: Operation | None = handler.opt.get("operation")
    if operation is None:
        if connection.scope.get("method") == "OPTIONS":
            return  # which methods there are
        operation = _NOTHING
    gate: Gate = connection.app.state.gate
    scope = connection.scope
    require_host(gate.exposure, scope)
    await _admit(gate, connection, operation)


async def _admit(gate: Gate, connection: Connection, operation: Operation) -> None:
    scope = connection.scope
    state: dict[str, Any] = scope["state"]
    if operation.scope is None:
        if not operation.unlimited:
            pay(state, gate.by_address, client_of(gate.exposure, scope))
        return
    try:
        caller = await _identify(gate, connection)
    except UnauthenticatedError as e:
        state["stranger"] = e
        pay(state, gate.by_address, client_of(gate.exposure, scope))  # so whoever guesses pays, too
        if operation.scope != ANYBODY:
            raise
        return
    state["caller"] = caller
    pay(state, gate.by_token, caller.token)
    if operation.scope != ANYBODY:
        caller.require(operation.scope)


def pay(state: dict[str, Any], buckets: Buckets, key: Hashable) -> None:
    """Take one from a bucket, and let the answer say what is left, whatever it is; raise LimitedError."""
    try:
        state["level"] = buckets.take(key)
    except ExhaustedError as e:
        state["level"] = e.level
        raise


async def _identify(gate: Gate, connection: Connection) -> Caller:
    """Return who asks: by a token, or else by the cookie of a session."""
    authorization = [value for name, value in connection.scope["headers"] if name == b"authorization"]
    secret = None if authorization else cookie_of(gate.exposure, connection.scope)
    if secret is None:
        return await gate.caller(authorization)
    session = await gate.in_turn(find_session, gate.store, gate.operator, secret, gate.clock(), gate.lifetimes)
    if connection.scope.get("method") not in SAFE:
        await require_own_page(connection, session)
    state: dict[str, Any] = connection.scope["state"]
    state["session"] = session
    return session.caller


def gate_of(request: HttpRequest) -> Gate:
    """Return the gate of the application."""
    gate: Gate = request.app.state.gate
    return gate


def caller_of(request: HttpRequest) -> Caller:
    """Return who asks; raise UnauthenticatedError on a route where nobody had to say so, and nobody did."""
    state: dict[str, Any] = request.scope["state"]
    if "caller" in state:
        caller: Caller = state["caller"]
        return caller
    raise state.get("stranger") or UnauthenticatedError("no token was sent, want `Authorization: Bearer`")


def known_caller(request: HttpRequest) -> Caller | None:
    """Return who asks, None where no good token came: on routes that anybody may ask."""
    caller: Caller | None = request.scope["state"].get("caller")
    return caller
