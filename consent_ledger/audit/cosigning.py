"""`add-checkpoint` (c2sp.org/tlog-witness): what a log and a witness say to each other, and when a witness cosigns.

A witness cosigns a checkpoint when its log signed it and it goes on from the one that the witness cosigned last. It may
be any log's: the origin need not be the name of its key, and lines may follow the root.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from consent_ledger.audit.proofs import verify_consistency
from consent_ledger.audit.tree import HASH_BYTES, empty_root
from consent_ledger.errors import ConflictError, ForbiddenError, MalformedError, NotFoundError, VerificationError
from consent_ledger.signing.note import NoteVerifier, open_note, split_note
from consent_ledger.signing.text import decode_base64, decode_decimal, encode_base64

MAX_PROOF = 63
MAX_SUBMISSION = 128 * 1024  # a note may hold sixteen signatures, and those to come are 5 kB each
SKEW_SECONDS = 600

_SIZE = re.compile(rb"\s*([0-9]+)\s*")


class Submission(msgspec.Struct, frozen=True):
    """A checkpoint (a signed note), and the proof that it goes on from the tree of `old_size`."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: bytes


class TreeHead(NamedTuple):
    """A size and its root; `NO_TREE` is what a witness knows of a log that it never cosigned."""

    size: int
    root: bytes


class Offer(NamedTuple):
    """A checkpoint that its log signed: its text, the signature lines that were verified, and what it says."""

    origin: str
    text: bytes
    signatures: tuple[bytes, ...]
    head: TreeHead


NO_TREE = TreeHead(0, empty_root())


def encode_submission(submission: Submission) -> bytes:
    """Return the body of the request."""
    lines = [b"old %d" % submission.old_size, *map(encode_base64, submission.proof)]
    return b"\n".join(lines) + b"\n\n" + submission.checkpoint


def decode_submission(raw: bytes) -> Submission:
    """Return what the body of a request says; MalformedError for what is none. Nothing is verified by this."""
    if len(raw) > MAX_SUBMISSION:
        raise MalformedError(f"submission has {len(raw)} bytes, want at most {MAX_SUBMISSION}", code="too_large")
    lines, gap, checkpoint = raw.partition(b"\n\n")
    old, *proof = lines.split(b"\n")
    if not gap or not old.startswith(b"old "):
        raise MalformedError("submission is not `old`, a size, a proof, an empty line and a checkpoint")
    if len(proof) > MAX_PROOF:
        raise MalformedError(f"submission has a proof of {len(proof)} hashes, want at most {MAX_PROOF}")
    hashes = tuple(decode_base64(line) for line in proof)
    if any(len(hash_) != HASH_BYTES for hash_ in hashes):
        raise MalformedError(f"submission has a proof with a hash that is not {HASH_BYTES} bytes")
    return Submission(decode_decimal(old[4:]), hashes, checkpoint)


def decode_text(text: bytes) -> tuple[str, TreeHead]:
    """Return the origin and the tree head of any log's checkpoint text, lines after the root allowed."""
    lines = text.split(b"\n")[:-1]
    if len(lines) < 3 or not all(lines):
        raise MalformedError("checkpoint is not three or more lines, none empty: origin, size, root")
    root = decode_base64(lines[2])
    if len(root) != HASH_BYTES:
        raise MalformedError(f"checkpoint has a root of {len(root)} bytes, want {HASH_BYTES}")
    return lines[0].decode(), TreeHead(decode_decimal(lines[1]), root)


def open_offer(checkpoint: bytes, logs: Mapping[str, Sequence[NoteVerifier]]) -> Offer:
    """Return the checkpoint, if a log of `logs` (origin to keys) signed it.

    MalformedError for what is no checkpoint, NotFoundError for an unknown origin, ForbiddenError where no known key of
    that origin signed, or one's signature does not verify.
    """
    text, lines = split_note(checkpoint)
    origin, head = decode_text(text)
    verifiers = logs.get(origin)
    if verifiers is None:
        raise NotFoundError("log is not known here", code="log_unknown")
    try:
        opened = open_note(checkpoint, verifiers)
    except VerificationError as e:
        raise ForbiddenError(str(e), code=e.code) from e
    verified = tuple(line for line in lines if line not in opened.unverified)
    return Offer(origin, text, verified, head)


def check_growth(known: TreeHead, submission: Submission, offered: TreeHead) -> None:
    """Raise unless the offered tree goes on from the one that was cosigned last.

    MalformedError where it is smaller than the size it says to come from, ConflictError where that is not the size
    cosigned last, VerificationError where the roots or the proof do not fit.
    """
    old = submission.old_size
    if old > offered.size:
        raise MalformedError(f"checkpoint of size {offered.size} cannot go on from size {old}")
    if old != known.size:
        raise ConflictError(f"the last size was {known.size}, not {old}", code="size_conflict")
    if offered.size == 0 and offered.root != empty_root():
        raise VerificationError("checkpoint of size 0 does not have the root of the empty tree")
    if old == 0 and submission.proof:
        raise VerificationError("from size 0 there is nothing to prove, want no proof")
    if old:
        verify_consistency(old, offered.size, known.root, offered.root, submission.proof)


def read_cosignature(body: bytes, text: bytes, verifier: NoteVerifier, now: int) -> tuple[bytes, int]:
    """Return the line with which a witness answered for a checkpoint `text`, and the POSIX second that it states.

    Lines by others, and what is no signature line, are passed over. VerificationError where the witness's own does not
    verify, is not there, or states a time that is not `now`, give or take ten minutes.
    """
    best: tuple[bytes, int] | None = None
    for line in filter(None, body.split(b"\n")):
        try:
            (signature,) = open_note(text + b"\n" + line + b"\n", [verifier]).verified
        except MalformedError:
            continue
        except VerificationError as e:
            if e.code != "key_unknown":
                raise
            continue
        time = signature.time or 0
        if abs(time - now) > SKEW_SECONDS:
            raise VerificationError(f"cosignature by `{verifier.name}` states another time than now", code="bad_time")
        if best is None or time > best[1]:
            best = line + b"\n", time
    if best is None:
        raise VerificationError(f"answer has no cosignature by `{verifier.name}`", code="cosignature_missing")
    return best


def read_conflict(body: bytes) -> int | None:
    """Return the size that a witness says it cosigned last, None where it does not say."""
    match = _SIZE.fullmatch(body)
    try:
        return decode_decimal(match[1]) if match else None
    except MalformedError:
        return None
