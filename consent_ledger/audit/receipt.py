"""Receipts (c2sp.org/tlog-proof@v1): that one entry is in the log, provable offline and for ever.

Text: a header, the entry's index, its inclusion proof, an empty line, and the signed checkpoint as it was issued.
"""

from collections.abc import Iterable

import msgspec

from consent_ledger.audit.checkpoint import Checkpoint, open_checkpoint
from consent_ledger.audit.entry import Entry, decode_entry
from consent_ledger.audit.proofs import verify_inclusion
from consent_ledger.audit.tree import HASH_BYTES, leaf_hash
from consent_ledger.errors import MalformedError, VerificationError
from consent_ledger.signing.note import MAX_NOTE, NoteVerifier
from consent_ledger.signing.text import decode_base64, decode_decimal, encode_base64

HEADER = b"c2sp.org/tlog-proof@v1"
MAX_RECEIPT = 2 * MAX_NOTE
MAX_PROOF = 64


class Receipt(msgspec.Struct, frozen=True):
    """An entry's index and inclusion proof, the checkpoint it leads to (a signed note), and extra data to distrust."""

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def encode_receipt(receipt: Receipt) -> bytes:
    """Return the receipt as text."""
    lines = [HEADER]
    if receipt.extra is not None:
        lines.append(b"extra " + encode_base64(receipt.extra))
    lines.append(b"index %d" % receipt.index)
    lines.extend(encode_base64(hash_) for hash_ in receipt.proof)
    return b"\n".join(lines) + b"\n\n" + receipt.checkpoint


def decode_receipt(raw: bytes) -> Receipt:
    """Return the receipt that `raw` spells. Nothing is verified by this."""
    if len(raw) > MAX_RECEIPT:
        raise MalformedError(f"receipt has {len(raw)} bytes, want at most {MAX_RECEIPT}", code="too_large")
    head, gap, checkpoint = raw.partition(b"\n\n")
    if not gap:
        raise MalformedError("receipt has no empty line before its checkpoint")
    lines = head.split(b"\n")
    if lines.pop(0) != HEADER:
        raise MalformedError(f"receipt does not begin with `{HEADER.decode()}`")
    extra = None
    if lines and lines[0].startswith(b"extra "):
        extra = decode_base64(lines.pop(0)[6:])
    if not lines or not lines[0].startswith(b"index "):
        raise MalformedError("receipt has no line `index` and a number after its header")
    index = decode_decimal(lines.pop(0)[6:])
    if len(lines) > MAX_PROOF:
        raise MalformedError(f"receipt has a proof of {len(lines)} hashes, want at most {MAX_PROOF}")
    proof = tuple([decode_base64(line) for line in lines])
    if any(len(hash_) != HASH_BYTES for hash_ in proof):
        raise MalformedError(f"receipt has a proof hash that is not {HASH_BYTES} bytes")
    return Receipt(index, proof, checkpoint, extra)


def verify_receipt(raw: bytes, entry: bytes, verifiers: Iterable[NoteVerifier]) -> tuple[Entry, Checkpoint]:
    """Return the entry that the receipt proves, and the checkpoint it is proved by.

    `entry` is the entry's bytes. Raise MalformedError or VerificationError if it is not proved.
    """
    receipt = decode_receipt(raw)
    checkpoint = open_checkpoint(receipt.checkpoint, verifiers)
    recorded = decode_entry(entry)
    if recorded.index != receipt.index:
        raise VerificationError(f"receipt is for entry {receipt.index}, and the entry says {recorded.index}")
    verify_inclusion(leaf_hash(entry), receipt.index, checkpoint.size, receipt.proof, checkpoint.root)
    return recorded, checkpoint
