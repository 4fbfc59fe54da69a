"""Entries: that something was recorded, sealed (formats.md section 4).

An entry holds a commitment to its opening (salt and envelope) and no content, so it can be public for ever. `previous`
is the Merkle leaf hash of the entry before: the hash chain and the tree cannot disagree. Entry bytes are canonical
JSON, kept and hashed as they are.
"""

import re
from hashlib import sha256

import msgspec

from consent_ledger.errors import MalformedError
from consent_ledger.signing.canonical import MAX_INTEGER
from consent_ledger.signing.instants import format_time, parse_time

SALT_BYTES = 32
NO_PREVIOUS = bytes(32)

_OPENING_CONTEXT = b"consent-ledger/opening/v1\n"
_ENTRY = re.compile(
    rb'\{"commitment":"([0-9a-f]{64})","index":(0|[1-9][0-9]{0,15}),"previous":"([0-9a-f]{64})",'
    rb'"recorded_at":"([0-9TZ:-]{20})","v":1\}'
)


class Entry(msgspec.Struct, frozen=True):
    """What the log holds about one statement: hashes as 32 raw bytes, `recorded_at` in microseconds."""

    commitment: bytes
    index: int
    previous: bytes
    recorded_at: int
    v: int = 1


def commit(salt: bytes, envelope: bytes) -> bytes:
    """Return the commitment to an opening, whose salt must be 32 bytes."""
    # A salt of another length would let one commitment open in two ways.
    if len(salt) != SALT_BYTES:
        raise MalformedError(f"salt has {len(salt)} bytes, want {SALT_BYTES}")
    return sha256(_OPENING_CONTEXT + salt + envelope).digest()


def encode_entry(index: int, recorded_at: int, commitment: bytes, previous: bytes) -> bytes:
    """Return the entry bytes; a fraction of a second in `recorded_at` (microseconds) is cut off."""
    # Written out for speed; equal to RFC 8785 because every value is hex, digits or a time.
    return (
        f'{{"commitment":"{commitment.hex()}","index":{index},"previous":"{previous.hex()}",'
        f'"recorded_at":"{format_time(recorded_at)}","v":1}}'
    ).encode()


def decode_entry(raw: bytes) -> Entry:
    """Return the entry that `raw` spells; raise MalformedError unless it is exactly what `encode_entry` writes."""
    match = _ENTRY.fullmatch(raw)
    if match is None:
        raise MalformedError("entry is not the canonical JSON of a version 1 entry")
    commitment, index_text, previous, recorded_at = match.groups()
    index = int(index_text)
    if index > MAX_INTEGER:
        raise MalformedError(f"entry has index {index}, want at most 2**53 - 1")
    return Entry(
        bytes.fromhex(commitment.decode()), index, bytes.fromhex(previous.decode()), parse_time(recorded_at.decode())
    )
