"""Registration of many statements, one a line: in order, in shared transactions, each with its own answer."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from consent_ledger.access.callers import Caller
from consent_ledger.access.submission import Issuers, require_submitter, skim
from consent_ledger.api.authentication import caller_of, gate_of
from consent_ledger.api.envelopes import Wanted, explained, receipt_answer, require_wanted
from consent_ledger.api.frame import request_id_of
from consent_ledger.api.idempotency import Holding, claim, key_of
from consent_ledger.api.keys import LEASE
from consent_ledger.api.lines import AnsweredLines, Lines, written
from consent_ledger.api.requests import HttpRequest, service_of
from consent_ledger.api.spool import ClientGone, LineSpool
from consent_ledger.errors import LedgerError, MalformedError
from consent_ledger.ledger import BATCH, Outcome, Receipt
from consent_ledger.signing.envelope import MAX_ENVELOPE
from consent_ledger.signing.instants import SECOND
from consent_ledger.store.idempotency import Kept

RegisterAll = Callable[[Sequence[bytes]], list[Outcome]]


async def answer_envelopes(request: HttpRequest, wanted: Wanted | None) -> ASGIApp:
    """Return the response to statements, one a line. With a key they are taken in as a whole first, as another request
    under the same key must be told from it before anything is done."""
    registering = _Registering(request, wanted)
    if key_of(request) is None:
        return registering.response(LineSpool(MAX_ENVELOPE))
    spool = LineSpool(MAX_ENVELOPE, whole=True)
    try:
        with gate_of(request).bulk(caller_of(request)):
            await spool.fill(request.receive)
        held = await claim(request, spool.digest)
    except ClientGone as e:
        spool.close()
        raise MalformedError(str(e), code="timeout") from e
    except BaseException:
        spool.close()
        raise
    replayed = {"Idempotency-Replayed": "true"} if isinstance(held, Kept) else {}
    lines = registering.response(spool, replayed)
    return _Kept(request, held, lines) if isinstance(held, Holding) else lines


class _Kept:
    """A response of many lines that holds its key while it is given. The lines themselves are not kept: the statements
    are sent again with the key, and get the receipts that they have."""

    def __init__(self, request: HttpRequest, held: Holding, lines: AnsweredLines) -> None:
        self._keys = service_of(request).keys
        self._held = held
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        beat = asyncio.create_task(self._beat())
        try:
            await self._lines(scope, receive, send)
            await self._keys.do(Kept(self._held.id, 200, "[]", b""))
        except BaseException:
            await self._keys.release(self._held.id)
            raise
        finally:
            beat.cancel()
            with suppress(asyncio.CancelledError):
                await beat

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(LEASE / SECOND / 3)
            await self._keys.hold_on(self._held.id)


class _Registering:
    """Records the lines of one request, a batch at a time: one is verified while the one before it is recorded."""

    def __init__(self, request: HttpRequest, wanted: Wanted | None) -> None:
        self._request = request
        self._service = service_of(request)
        self._issuers = gate_of(request).issuers
        self._caller = caller_of(request)
        self._wanted = wanted
        # Whoever waits for a lock gets it in turn: batches are begun in their order, and recorded in it.
        self._beginning, self._recording = asyncio.Lock(), asyncio.Lock()

    def response(self, spool: LineSpool, headers: Mapping[str, str] | None = None) -> AnsweredLines:
        """Return the response to the lines in the spool."""
        return AnsweredLines(self._request, self.answer, batch=BATCH, spool=spool, headers=headers, ahead=True)

    async def answer(self, lines: Lines, before: int) -> bytes:
        """Return a receipt for each line, once it is durable, or what was wrong with it; `before` came before."""
        async with self._beginning:
            begun = await self._service.stream(self._begin, lines, before)
        async with self._recording:
            return await self._service.stream(self._finish, begun)

    def _begin(self, lines: Lines, before: int) -> "_Begun":
        refused: dict[int, Exception] = {}
        given: dict[int, bytes] = {}
        for number, line in enumerate(lines, before + 1):
            if line is None:
                refused[number] = MalformedError(f"line is longer than {MAX_ENVELOPE} bytes", code="too_large")
            elif envelope := line.strip():
                given[number] = envelope
        try:
            refused |= _refused(given, self._issuers, self._caller, self._wanted)
            taken = {number: envelope for number, envelope in given.items() if number not in refused}
            return _Begun(taken, refused, self._service.begin(list(taken.values())))
        except Exception as e:  # the response has begun: each line says that it was not recorded
            return _Begun({}, dict.fromkeys(given, e) | refused, list)

    def _finish(self, begun: "_Begun") -> bytes:
        outcomes: Sequence[Receipt | Exception]
        try:
            outcomes = begun.record()
        except Exception as e:  # likewise
            outcomes = [e] * len(begun.taken)
        answers: dict[int, bytes | Exception] = {**begun.refused}
        for (number, envelope), outcome in zip(begun.taken.items(), outcomes, strict=True):
            answers[number] = _told(outcome, envelope)
        request_id = request_id_of(self._request.scope)
        return b"".join([written(number, answers[number], request_id) for number in sorted(answers)])


class _Begun(NamedTuple):
    """Lines that are being verified, those that are refused already, and what records the rest."""

    taken: dict[int, bytes]
    refused: dict[int, Exception]
    record: Callable[[], Sequence[Receipt | Exception]]


def _told(outcome: Receipt | Exception, envelope: bytes) -> bytes | Exception:
    if isinstance(outcome, Receipt):
        return msgspec.json.encode(receipt_answer(outcome))
    return explained(outcome, envelope) if isinstance(outcome, MalformedError) else outcome


def _refused(
    given: dict[int, bytes], issuers: Issuers, caller: Caller, wanted: Wanted | None
) -> dict[int, LedgerError]:
    """Return why lines are not taken from this caller, on this route."""
    said = {number: skim(envelope) for number, envelope in given.items()}
    known = {number: issuers.known(what, caller) for number, what in said.items()}
    unknown = {what.issuer for number, what in said.items() if what is not None and known[number] is None}
    looked_up = dict(zip(unknown, issuers.look_up(unknown), strict=True))
    refused: dict[int, LedgerError] = {}
    for number, what in said.items():
        organisation = known[number] or (what is not None and looked_up.get(what.issuer, False))
        try:
            require_submitter(what, caller, issuer_is_organisation=organisation)
            require_wanted(given[number], wanted)
        except MalformedError as e:
            refused[number] = explained(e, given[number])
        except LedgerError as e:
            refused[number] = e
    return refused
