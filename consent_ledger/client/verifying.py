"""What an answer is held against before it is believed: what was asked, itself, and the log's key.

An answer that is about something else, or that contradicts itself, is evidence that does not verify. It is never
repaired and never skipped.
"""

from base64 import b64decode
from collections.abc import Sequence
from typing import TypeVar

import msgspec
from msgspec import UNSET

from consent_ledger.answers import (
    ClearanceAnswer,
    ClearanceRequest,
    ConsistencyAnswer,
    InclusionAnswer,
    ProvenReceipt,
    ReceiptAnswer,
)
from consent_ledger.audit.checkpoint import Checkpoint, open_checkpoint, read_checkpoint_text
from consent_ledger.audit.entry import decode_entry
from consent_ledger.audit.proofs import verify_consistency, verify_inclusion
from consent_ledger.audit.receipt import Receipt as Proof
from consent_ledger.audit.receipt import encode_receipt
from consent_ledger.batch import Receipt
from consent_ledger.documents import AssetAnswer
from consent_ledger.errors import LedgerError, MalformedError, UnavailableError, VerificationError
from consent_ledger.evidence.receipts import FORMAT, Opening, ReceiptFile
from consent_ledger.licenses.reasons import VERDICTS
from consent_ledger.licenses.statements import UseRequest, statement_id
from consent_ledger.signing.envelope import decode_envelope
from consent_ledger.signing.instants import SECOND, parse_instant, parse_time
from consent_ledger.signing.note import NoteVerifier

TOLERANCE = 600 * SECOND
"""How far the server's clock may be behind: an answer from before is a kept one, or one of the clocks is wrong."""

T = TypeVar("T")

_USE_FIELDS = UseRequest.__struct_fields__


def use_in(question: ClearanceRequest) -> UseRequest:
    """Return the use that a question names."""
    return UseRequest(**{name: getattr(question, name) for name in _USE_FIELDS})


def verify_answer(question: ClearanceRequest, answer: ClearanceAnswer, now: int) -> None:
    """Raise VerificationError unless the answer is one to this question, and its verdict follows from its reasons."""
    if answer.asset != question.asset:
        raise wrong_answer(f"the answer is about `{answer.asset}`, want `{question.asset}`")
    if answer.query != use_in(question):
        raise wrong_answer("the answer is about another use than was asked")
    if not answer.reasons or any(reason.code not in VERDICTS for reason in answer.reasons):
        raise wrong_answer("the answer has a reason that is not known here")
    if min(VERDICTS[reason.code] for reason in answer.reasons).name != answer.verdict:
        raise wrong_answer(f"the answer is `{answer.verdict}` and its reasons are not")
    if answer.verdict == "allow" and any(need.status != "covered" for need in answer.requirements):
        raise wrong_answer("the answer is `allow` and somebody's permission is missing")
    _verify_point(question, answer, now)


def _verify_point(question: ClearanceRequest, answer: ClearanceAnswer, now: int) -> None:
    try:
        as_of = parse_instant(answer.as_of)
        until = None if answer.valid_until is None else parse_instant(answer.valid_until)
        asked = None if question.as_of is UNSET else parse_instant(question.as_of)
    except LedgerError as e:
        raise wrong_answer(f"the answer has a time that is none: {e}") from e
    if asked is not None and as_of != asked:
        raise wrong_answer(f"the answer is as of `{answer.as_of}`, want `{question.as_of}`")
    if asked is None and as_of < now - TOLERANCE:
        raise wrong_answer(f"the answer is as of `{answer.as_of}`, want now: it is old, or a clock is wrong")
    if until is not None and until <= as_of:
        raise wrong_answer("the answer is over before it begins")
    if question.size is not UNSET and answer.size != question.size:
        raise wrong_answer(f"the answer is by {answer.size} entries, want {question.size}")


def verify_registration(
    envelope: bytes, answer: ReceiptAnswer, is_new: bool, verifiers: Sequence[NoteVerifier]
) -> Receipt:
    """Return the receipt of the statement that was sent; raise VerificationError where it is not a receipt for it."""
    try:
        id_ = statement_id(decode_envelope(envelope).payload)
        sealed, checkpoint = answer.sealed.encode(), answer.checkpoint.encode()
        entry, recorded_at = decode_entry(sealed), parse_time(answer.recorded_at)
        head = verify_checkpoint(checkpoint, verifiers)
    except VerificationError:
        raise
    except LedgerError as e:
        raise wrong_answer(f"this is not a receipt: {e}") from e
    if answer.id != id_:
        raise wrong_answer(f"the receipt is for `{answer.id}`, want `{id_}`")
    if (entry.index, entry.recorded_at) != (answer.entry, recorded_at) or head.size <= entry.index:
        raise wrong_answer("the receipt contradicts itself")
    return Receipt(id_, entry.index, recorded_at, sealed, checkpoint, is_new)


def verify_checkpoint(note: bytes, verifiers: Sequence[NoteVerifier]) -> Checkpoint:
    """Return what a checkpoint says, its signature verified where the log's key is known."""
    try:
        return open_checkpoint(note, verifiers) if verifiers else read_checkpoint_text(note)
    except MalformedError as e:
        raise wrong_answer(f"this is not a checkpoint: {e}") from e


def verify_growth(earlier: Checkpoint, latest: Checkpoint, answer: ConsistencyAnswer) -> None:
    """Raise VerificationError unless the answer proves that the log of one checkpoint begins that of the other."""
    if earlier.origin != latest.origin or earlier.size > latest.size:
        raise wrong_answer(f"the log has {latest.size} entries, and had {earlier.size}")
    proof = [bytes.fromhex(hash_) for hash_ in answer.proof]
    verify_consistency(earlier.size, latest.size, earlier.root, latest.root, proof)


def verify_proof(
    index: int, size: int | None, answer: InclusionAnswer, verifiers: Sequence[NoteVerifier]
) -> None:  # fmt: skip
    """Raise VerificationError unless the answer proves entry `index` under its root, and its checkpoint that root."""
    if answer.index != index or size not in (None, answer.size):
        raise wrong_answer("the proof is of another entry or size than was asked for")
    proof = [bytes.fromhex(hash_) for hash_ in answer.proof]
    root = bytes.fromhex(answer.root)
    verify_inclusion(bytes.fromhex(answer.leaf), index, answer.size, proof, root)
    if answer.checkpoint is not None:
        head = verify_checkpoint(answer.checkpoint.encode(), verifiers)
        if (head.size, head.root) != (answer.size, root):
            raise wrong_answer("the proof leads to another root than that of its checkpoint")


def verify_asset(answer: AssetAnswer) -> AssetAnswer:
    """Return the answer; raise VerificationError where a registration in it is of another asset."""
    if any(registration.medium.hash != answer.asset for registration in answer.registrations):
        raise wrong_answer("the answer holds a registration of another asset")
    return answer


def receipt_file_of(answer: ProvenReceipt) -> ReceiptFile:
    """Return a receipt as the file that it is kept in, nothing verified."""
    try:
        proof = Proof(answer.entry, tuple(bytes.fromhex(h) for h in answer.proof), answer.checkpoint.encode())
        opening = Opening(bytes.fromhex(answer.salt), b64decode(answer.envelope, validate=True))
        keys = {keyid: b64decode(raw, validate=True) for keyid, raw in answer.keys.items()}
        proof_text = encode_receipt(proof).decode()
    except ValueError as e:
        raise wrong_answer("this is not a receipt") from e
    return ReceiptFile(
        format=FORMAT, id=answer.id, entry=answer.sealed, opening=opening, proof=proof_text, vkey=answer.vkey, keys=keys
    )


def verify_statement(id_: str, envelope: msgspec.Raw) -> bytes:
    """Return the envelope that was answered for a statement's id; raise VerificationError where it is another's."""
    raw = bytes(envelope)
    try:
        found = statement_id(decode_envelope(raw).payload)
    except LedgerError as e:
        raise wrong_answer(f"this is not a statement: {e}") from e
    if found != id_:
        raise wrong_answer(f"the statement is `{found}`, want `{id_}`")
    return raw


def wrong_answer(detail: str) -> VerificationError:
    """Return the error for an answer that is not one to what was asked."""
    return VerificationError(detail, code="wrong_answer")


def decode(raw: bytes, type_: type[T]) -> T:
    """Return the answer in a JSON document; raise UnavailableError where it is none."""
    try:
        return msgspec.json.decode(raw, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise UnavailableError("the server's answer cannot be understood", code="bad_answer") from e
