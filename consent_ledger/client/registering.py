"""Many statements, in requests of so many lines, each under an idempotency key of its own."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from consent_ledger.answers import ReceiptAnswer
from consent_ledger.audit.checkpoint import Checkpoint
from consent_ledger.batch import Receipt
from consent_ledger.client.bulk import exchange_lines, read_error
from consent_ledger.client.transport import MEGABYTE, Transport
from consent_ledger.client.verifying import verify_registration
from consent_ledger.errors import LedgerError, LimitedError, UnauthenticatedError, UnavailableError
from consent_ledger.signing.note import NoteVerifier

LINES = 1_000
BYTES = 8 * MEGABYTE

_RECEIPT = msgspec.json.Decoder(ReceiptAnswer)


def register_all(
    transport: Transport, envelopes: Iterable[bytes], register: Callable[[bytes], Receipt],
    checkpoint: Callable[[], Checkpoint], verifiers: Sequence[NoteVerifier],
) -> Iterator[Receipt | LedgerError]:  # fmt: skip
    """Yield for each envelope its receipt or the error that refused it."""
    before = None  # what a lost reply recorded is new as well: the lines do not tell, but their entries do
    seen: set[str] = set()
    for part in _parts(envelopes):
        before = checkpoint().size if before is None else before
        for outcome in _register_part(transport, part, register, before, verifiers):
            if isinstance(outcome, Receipt):
                yield outcome._replace(is_new=outcome.is_new and outcome.id not in seen)
                seen.add(outcome.id)
            else:
                yield outcome


def _parts(envelopes: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield lists of envelopes that fit in one request; one that is not a line of its own is alone."""
    part: list[bytes] = []
    size = 0
    for envelope in envelopes:
        alone = b"\n" in envelope or not envelope.strip()
        if part and (alone or len(part) == LINES or size + len(envelope) > BYTES):
            yield part
            part, size = [], 0
        if alone:
            yield [envelope]
            continue
        part.append(envelope)
        size += len(envelope)
    if part:
        yield part


def _register_part(
    transport: Transport, part: list[bytes], register: Callable[[bytes], Receipt], before: int,
    verifiers: Sequence[NoteVerifier],
) -> Iterator[Receipt | LedgerError]:  # fmt: skip
    if len(part) == 1:
        yield _one(part[0], register)
        return
    key = {"Idempotency-Key": secrets.token_hex(16)}
    lines = exchange_lines(transport, "/v1/statements", part, key)
    for number, (envelope, line) in enumerate(zip(part, lines, strict=True), 1):
        try:
            answer = _RECEIPT.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            error = read_error(line, number)
            if isinstance(error, UnavailableError):
                raise error from None
            yield error
        else:
            yield verify_registration(envelope, answer, answer.entry >= before, verifiers)


def _one(envelope: bytes, register: Callable[[bytes], Receipt]) -> Receipt | LedgerError:
    try:
        return register(envelope)
    except (UnavailableError, UnauthenticatedError, LimitedError):
        raise  # about the server or the token, not about this statement
    except LedgerError as e:
        return e
