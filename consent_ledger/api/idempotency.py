"""Idempotency-Key: a request that is sent again gets the first answer again, for good (docs/decisions/0008).

A key belongs to an organisation. What came with it is claimed before it is worked on, and its answer is kept before it
is sent. Should the process die in between, the claim runs out and the retry is worked on anew: a statement is recorded
once however often it comes, and what is not a statement keeps its answer in the very transaction that does it.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

import msgspec
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from consent_ledger.api.authentication import known_caller
from consent_ledger.api.errors import problem_body
from consent_ledger.api.frame import request_id_of
from consent_ledger.api.operations import Parameter
from consent_ledger.api.requests import HttpRequest, media_type_of, service_of
from consent_ledger.api.responses import Body
from consent_ledger.errors import ConflictError, LedgerError, MalformedError, RefusedError, UnavailableError
from consent_ledger.store import idempotency as rows
from consent_ledger.store.idempotency import Claim, Held, Kept, Reused
from consent_ledger.store.transaction import Transaction

KEPT = frozenset({200, 201, 400, 404, 409, 410, 422})
"""Statuses that are the answer for good. The rest is about who asks, how much and when: it may differ next time."""

HEADER = Parameter(
    "Idempotency-Key",
    Annotated[str, msgspec.Meta(pattern="^[!-~]{1,255}$")],
    "1 to 255 visible ASCII characters. Sent again with it, the request gets the first answer.",
)
_KEY = re.compile(rb"[!-~]{1,255}")


class _Told(msgspec.Struct, array_like=True):
    """What is kept beside an answer's status and body: its headers, and whether the body is sealed."""

    headers: list[tuple[str, str]]
    sealed: bool


class Holding:
    """A key whose request is being worked on. When it came first, the ledger had `size` entries."""

    def __init__(self, id_: bytes, size: int, secret: bytes) -> None:
        self.id = id_
        self.size = size
        self._secret = secret
        self.kept = False

    def keep_secret(self, tx: Transaction, answer: Body) -> None:
        """Keep an answer that holds secrets, in the transaction that makes them: sealed with the caller's token, which
        is known here only as a hash. Raises ConflictError where another has answered meanwhile; nothing is then done.
        """
        sealed = bytes(SecretBox(self._secret).encrypt(answer.body))
        if not rows.keep(tx, _kept(self.id, answer.status, answer.headers, sealed, sealed=True)):
            raise _running()
        self.kept = True


async def once(request: HttpRequest, body: bytes, act: Callable[[Holding | None], Awaitable[Body]]) -> Body:
    """Return what `act` answers to a request with this body, or what it answered when its key came first.

    Without a key, and from nobody in particular, it just acts. Raises MalformedError `bad_idempotency_key`,
    RefusedError `idempotency_key_reused`, ConflictError `idempotency_running`, and what `act` raises.
    """
    claimed = await claim(request, hashlib.sha256(body))
    if claimed is None:
        return await act(None)
    if isinstance(claimed, Kept):
        return _again(claimed, _secret(request))
    keys = service_of(request).keys
    try:
        answer = await _acted(request, partial(act, claimed))
    except BaseException:
        with suppress(LedgerError):  # the claim runs out anyway
            await keys.release(claimed.id)
        raise
    if not claimed.kept:
        # What was done is done, and is answered: if its answer cannot be kept now, the retry makes the same one.
        with suppress(UnavailableError):
            await keys.do(_kept(claimed.id, answer.status, answer.headers, answer.body, sealed=False))
    return answer


async def claim(request: HttpRequest, digest: Any) -> Holding | Kept | None:
    """Return the request's key, held; the answer that is kept under it; or None where there is no key to be held.

    `digest` is the SHA-256 of the body.
    """
    key = key_of(request)
    caller = known_caller(request)
    if key is None or caller is None:
        return None
    what = f"{request.method} {request.url.path}?{request.url.query} {media_type_of(request)}\n"
    asked = hashlib.sha256(what.encode() + digest.digest()).digest()
    id_ = rows.key_id(caller.organisation, key)
    outcome = await service_of(request).keys.do(Claim(id_, caller.organisation, asked))
    match outcome:
        case Held(size):
            return Holding(id_, size, _secret(request))
        case Kept():
            return outcome
        case Reused():
            raise RefusedError("the idempotency key came with another request before", code="idempotency_key_reused")
        case _:
            raise _running()


def key_of(request: HttpRequest) -> str | None:
    """Return the request's key; raise MalformedError where it has several, or one that is none."""
    found = [value for name, value in request.scope["headers"] if name == b"idempotency-key"]
    if not found:
        return None
    if len(found) > 1 or _KEY.fullmatch(found[0]) is None:
        detail = "header `Idempotency-Key` is not one key of 1 to 255 visible ASCII characters"
        raise MalformedError(detail, code="bad_idempotency_key")
    return found[0].decode()


async def _acted(request: HttpRequest, act: Callable[[], Awaitable[Body]]) -> Body:
    """Return the answer, of a refusal too if it is one for good."""
    try:
        return await act()
    except LedgerError as e:
        problem = problem_body(e, request_id_of(request.scope))
        if problem.status not in KEPT or e.code in ("idempotency_running", "too_large"):
            raise
        return problem


def _kept(id_: bytes, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes, *, sealed: bool) -> Kept:
    told = [(name.decode(), value.decode()) for name, value in headers if name != b"content-length"]
    return Kept(id_, status, msgspec.json.encode(_Told(told, sealed)).decode(), body)


def _again(kept: Kept, secret: bytes) -> Body:
    told = msgspec.json.decode(kept.headers, type=_Told)
    body = kept.body
    if told.sealed:
        try:
            body = SecretBox(secret).decrypt(body)
        except CryptoError as e:
            detail = "the first answer holds secrets, and is given again only to the token that it was given to"
            raise ConflictError(detail, code="answer_sealed") from e
    answer = Body(body, status=kept.status)
    length = [(name, value) for name, value in answer.headers if name == b"content-length"]
    answer.headers = [(name.encode(), value.encode()) for name, value in told.headers] + length
    answer.headers.append((b"idempotency-replayed", b"true"))
    return answer


def _secret(request: HttpRequest) -> bytes:
    """Return a key made of the caller's token, whose text is known only while it asks."""
    shown = request.headers.get("authorization", "")
    return hashlib.sha256(b"consent-ledger/kept-answer/v1\n" + shown.partition(" ")[2].encode()).digest()


def _running() -> ConflictError:
    return ConflictError("the first request with this idempotency key is still running", code="idempotency_running")
