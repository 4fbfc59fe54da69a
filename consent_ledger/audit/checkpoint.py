"""Checkpoints (c2sp.org/tlog-checkpoint): the log's word on its size and root, as a signed note.

Three lines, origin, size and root, no extension lines; signed under the origin as key name. Whoever holds one can hold
the log to it: the log never signs two roots for one size.
"""

from collections.abc import Iterable

import msgspec

from consent_ledger.audit.tree import HASH_BYTES, empty_root
from consent_ledger.errors import MalformedError, VerificationError
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import ED25519, NoteVerifier, check_key_name, open_note, sign_note, split_note
from consent_ledger.signing.text import decode_base64, decode_decimal, encode_base64


class Checkpoint(msgspec.Struct, frozen=True):
    """The root (32 bytes) of the log `origin` at `size` entries."""

    origin: str
    size: int
    root: bytes


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Return the note text: three lines."""
    return b"%b\n%d\n%b\n" % (checkpoint.origin.encode(), checkpoint.size, encode_base64(checkpoint.root))


def decode_checkpoint(text: bytes) -> Checkpoint:
    """Return the checkpoint that a note text spells. Nothing is verified by this."""
    lines = text.split(b"\n")
    if len(lines) != 4 or lines[3]:
        raise MalformedError("checkpoint is not three lines: origin, size, root")
    try:
        origin = lines[0].decode()
    except UnicodeDecodeError as e:
        raise MalformedError("checkpoint has an origin that is not UTF-8") from e
    check_key_name(origin)
    size, root = decode_decimal(lines[1]), decode_base64(lines[2])
    if len(root) != HASH_BYTES:
        raise MalformedError(f"checkpoint has a root of {len(root)} bytes, want {HASH_BYTES}")
    if size == 0 and root != empty_root():
        raise MalformedError("checkpoint of size 0 does not have the root of the empty tree")
    return Checkpoint(origin, size, root)


def sign_checkpoint(checkpoint: Checkpoint, *signing_keys: SigningKey) -> bytes:
    """Return the note signed by each key, under the origin as key name."""
    return sign_note(encode_checkpoint(checkpoint), checkpoint.origin, *signing_keys)


def open_checkpoint(raw: bytes, verifiers: Iterable[NoteVerifier]) -> Checkpoint:
    """Return the checkpoint; raise VerificationError unless its own log signed it, by a key of `verifiers`.

    Witnesses among `verifiers` are verified too, but a checkpoint that only witnesses signed is refused.
    """
    note = open_note(raw, verifiers)
    checkpoint = decode_checkpoint(note.text)
    if not any(signature.kind == ED25519 and signature.name == checkpoint.origin for signature in note.verified):
        raise VerificationError(f"checkpoint of `{checkpoint.origin}` is not signed by a known key of that log")
    return checkpoint


def read_checkpoint_text(raw: bytes) -> Checkpoint:
    """Return what a signed checkpoint says, nothing verified: only for bytes that this log wrote itself."""
    return decode_checkpoint(split_note(raw)[0])


def log_note(raw: bytes) -> bytes:
    """Return a checkpoint as its log signed it: without the signature lines under other names. Nothing is verified."""
    text, lines = split_note(raw)
    own = b"\xe2\x80\x94 " + text.partition(b"\n")[0] + b" "
    return text + b"\n" + b"".join(line + b"\n" for line in lines if line.startswith(own))
