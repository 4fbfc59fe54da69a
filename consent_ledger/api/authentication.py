"""The guard: who asks, and whether a route may be asked, before anything of the body is read.

Each route declares its scope in its `Operation`. The guard stands before all of them, and before those that somebody
will add: a route that declares nothing is asked by nobody.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from consent_ledger.access.callers import Caller
from consent_ledger.access.tokens import find_callers, hash_token
from consent_ledger.api.batching import Batched
from consent_ledger.api.limits import Buckets, Level, Limits
from consent_ledger.api.operations import ANYBODY, UNDECLARED, Operation
from consent_ledger.api.requests import HttpRequest
from consent_ledger.errors import UnauthenticatedError
from consent_ledger.ledger import Ledger

__all__ = ["Caller", "Gate", "caller_of", "guard", "known_caller"]

_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] ([!-~]{1,200})")
_NOTHING = Operation("", "", {}, scope=UNDECLARED)


class Gate:
    """What the guard asks: the database for tokens, and the buckets. It belongs to one event loop."""

    def __init__(self, ledger: Ledger, operator: str, limits: Limits) -> None:
        self.operator = operator
        self.limits = limits
        self.by_token = Buckets(limits.token)
        self.by_address = Buckets(limits.address)
        self.lines = Buckets(limits.lines)
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="access")
        # Requests that come together share one look into the database: nothing is remembered, so nothing is stale.
        self._callers = Batched[bytes, Caller](
            partial(find_callers, ledger.store, self.operator, ledger.clock), self._threads
        )

    async def caller(self, authorization: list[bytes]) -> Caller:
        """Return who calls, given all `Authorization` headers of a request; raise UnauthenticatedError."""
        if not authorization:
            raise UnauthenticatedError("no token was sent, want `Authorization: Bearer`")
        match = _BEARER.fullmatch(authorization[0]) if len(authorization) == 1 else None
        if match is None:
            raise UnauthenticatedError("header `Authorization` is not one bearer token", code="token_invalid")
        return await self._callers.ask(hash_token(match[1]))

    def close(self) -> None:
        """Wait for what is under way."""
        self._threads.shutdown()


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let a request pass, or raise: UnauthenticatedError, ForbiddenError `scope_missing`, or LimitedError."""
    operation: Operation | None = handler.opt.get("operation")
    if operation is None:
        if connection.scope.get("method") == "OPTIONS":
            return  # Litestar's own answer: which methods there are
        operation = _NOTHING
    gate: Gate = connection.app.state.gate
    state: dict[str, Any] = connection.scope["state"]
    state["level"] = await _admit(gate, connection, operation, state)


async def _admit(
    gate: Gate, connection: ASGIConnection[Any, Any, Any, Any], operation: Operation, state: dict[str, Any]
) -> Level | None:
    """Return what is left of the bucket that paid for the request."""
    if operation.scope is not None:
        try:
            caller = await gate.caller(
                [value for name, value in connection.scope["headers"] if name == b"authorization"]
            )
        except UnauthenticatedError as e:
            # Whoever guesses pays by address.
            level = gate.by_address.take(address_of(connection))
            if operation.scope != ANYBODY:
                raise
            state["stranger"] = e
            return level
        state["caller"] = caller
        level = gate.by_token.take(caller.token)
        if operation.scope != ANYBODY:
            caller.require(operation.scope)
        return level
    return None if operation.unlimited else gate.by_address.take(address_of(connection))


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the address that a request came from."""
    client = connection.scope.get("client")
    return client[0] if client else ""


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
