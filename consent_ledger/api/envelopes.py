"""Envelopes, as routes take them: which are wanted, what is answered, and all that is wrong with one."""

from collections.abc import Callable
from typing import NamedTuple

from consent_ledger.answers import ReceiptAnswer
from consent_ledger.api.decoding import decode_any, problems_in
from consent_ledger.errors import MalformedError, RefusedError
from consent_ledger.ledger import Receipt
from consent_ledger.licenses.signed import skim_signed
from consent_ledger.licenses.statements import Statement
from consent_ledger.signing.canonical import decode_json
from consent_ledger.signing.envelope import Envelope
from consent_ledger.signing.instants import format_time


class Wanted(NamedTuple):
    """What statements a route takes: in words, and whether one is such."""

    words: str
    fits: Callable[[Statement], bool]


def receipt_answer(receipt: Receipt) -> ReceiptAnswer:
    """Return a receipt as it is written; the same for the first registration and for any repetition."""
    return ReceiptAnswer(
        receipt.id,
        receipt.entry,
        format_time(receipt.recorded_at),
        receipt.entry_bytes.decode(),
        receipt.checkpoint.decode(),
    )


def require_wanted(raw: bytes, wanted: Wanted | None) -> None:
    if wanted is not None and not wanted.fits(skim_signed(raw).statement):
        raise RefusedError(f"this takes {wanted.words}, and no other statement", code="wrong_statement")


def explained(error: MalformedError, raw: bytes) -> MalformedError | RefusedError:
    """Return the error, or where the bytes are sound JSON that says something else, one that lists all that is wrong.

    A pointer that begins with `/payload` goes on into the statement.
    """
    if error.code != MalformedError.default_code:
        return error
    try:
        problems = list(problems_in(decode_any(raw), Envelope))
        if not problems:
            statement = decode_any(decode_json(raw, Envelope).payload)
            problems = list(problems_in(statement, Statement, "/payload"))
    except MalformedError:
        return error
    if not problems:
        return error
    return RefusedError(str(error), code="invalid", problems=tuple(problems[:100]))
