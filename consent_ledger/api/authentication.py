"""The guard: who asks, and whether a route may be asked, before anything of the body is read.

Each route declares its scope in its `Operation`. The guard stands before all of them, and before those that somebody
will add: a route that declares nothing is asked by nobody.
"""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Scope

from consent_ledger.access.callers import Caller
from consent_ledger.access.submission import Issuers
from consent_ledger.access.tokens import find_callers, hash_token
from consent_ledger.api.batching import Batched
from consent_ledger.api.exposure import Exposure, client_of, require_host
from consent_ledger.api.limits import Buckets, Level
from consent_ledger.api.operations import ANYBODY, UNDECLARED, Operation
from consent_ledger.api.requests import HttpRequest
from consent_ledger.errors import UnauthenticatedError
from consent_ledger.ledger import Ledger

__all__ = ["Caller", "Gate", "caller_of", "gate_of", "guard", "known_caller"]

_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] ([!-~]{1,200})")
_NOTHING = Operation("", "", {}, scope=UNDECLARED)


class Gate:
    """What the guard asks: the database for tokens, and the buckets. It belongs to one event loop."""

    def __init__(self, ledger: Ledger, operator: str, exposure: Exposure) -> None:
        self.operator = operator
        self.exposure = exposure
        self.by_token = Buckets(exposure.limits.token)
        self.by_address = Buckets(exposure.limits.address)
        self.lines = Buckets(exposure.limits.lines)
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="access")
        # Requests that come together share one look into the database: nothing is remembered, so nothing is stale.
        self._callers = Batched[bytes, Caller](
            partial(find_callers, ledger.store, self.operator, ledger.clock), self._threads
        )
        self.issuers = Issuers(ledger.store, operator)
        self.issuing = Batched[str, bool](self.issuers.look_up, self._threads)

    async def caller(self, authorization: list[bytes]) -> Caller:
        """Return who calls, given all `Authorization` headers of a request; raise UnauthenticatedError."""
        if not authorization:
            raise UnauthenticatedError("no token was sent, want `Authorization: Bearer`")
        match = _BEARER.fullmatch(authorization[0]) if len(authorization) == 1 else None
        if match is None:
            raise UnauthenticatedError("header `Authorization` is not one bearer token", code="token_invalid")
        return await self._callers.ask(hash_token(match[1]))

    async def pace(self, caller: Caller, lines: int) -> None:
        """Wait until so many lines of a bulk request are within the limit: its client then has to wait too."""
        seconds = self.lines.borrow(caller.token, lines)
        if seconds > 0:
            await asyncio.sleep(seconds)

    def close(self) -> None:
        """Wait for what is under way."""
        self._threads.shutdown()


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let a request pass, or raise: UnauthenticatedError, ForbiddenError `scope_missing`, or LimitedError."""
    operation: Operation | None = handler.opt.get("operation")
    if operation is None:
        if connection.scope.get("method") == "OPTIONS":
            return  # which methods there are
        operation = _NOTHING
    gate: Gate = connection.app.state.gate
    scope = connection.scope
    require_host(gate.exposure, scope)
    scope["state"]["level"] = await _admit(gate, scope, operation)


async def _admit(gate: Gate, scope: Scope, operation: Operation) -> Level | None:
    """Return what is left of the bucket that paid for the request."""
    state: dict[str, Any] = scope["state"]
    if operation.scope is None:
        return None if operation.unlimited else gate.by_address.take(client_of(gate.exposure, scope))
    try:
        caller = await gate.caller([value for name, value in scope["headers"] if name == b"authorization"])
    except UnauthenticatedError as e:
        state["stranger"] = e
        level = gate.by_address.take(client_of(gate.exposure, scope))  # so whoever guesses pays, too
        if operation.scope != ANYBODY:
            raise
        return level
    state["caller"] = caller
    level = gate.by_token.take(caller.token)
    if operation.scope != ANYBODY:
        caller.require(operation.scope)
    return level


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
