"""Signed notes (c2sp.org/signed-note) and witness cosignatures over them (c2sp.org/tlog-cosignature).

A note is text, an empty line, and signature lines. Only a line whose key name *and* key id are those of a known key
counts; the id alone is four bytes and identifies nothing. Types: 0x01 Ed25519 over the text, 0x04 Ed25519 over a time
and the text.
"""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

import msgspec

from consent_ledger.errors import MalformedError, VerificationError
from consent_ledger.signing.keys import SIGNATURE_BYTES, PublicKey, SigningKey, enrol_public_key, verify_signature
from consent_ledger.signing.text import MAX_DECIMAL, decode_base64, encode_base64

ED25519 = 0x01
COSIGNATURE = 0x04
MAX_NOTE = 1_000_000
MAX_NOTE_SIGNATURES = 100

_DASH = "— ".encode()
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")
_LINE = re.compile(_DASH + rb"([^ ]+) ([A-Za-z0-9+/]+={0,2})")
_VKEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")


class NoteVerifier(msgspec.Struct, frozen=True):
    """A key that is trusted to sign notes under `name`; `kind` is its signature type, 0x01 or 0x04."""

    name: str
    public_key: PublicKey
    kind: int = ED25519

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before this key's signatures."""
        return key_id(self.name, self.kind, self.public_key)

    @classmethod
    def from_vkey(cls, vkey: str) -> "NoteVerifier":
        """Return the verifier that a C2SP vkey text describes; raise MalformedError if it does not hold together."""
        match = _VKEY.fullmatch(vkey)
        if match is None:
            raise MalformedError(f"verifier key `{vkey[:100]!a}` is not `name+hex id+base64 key`")
        name, stated_id, material = match.groups()
        check_key_name(name)
        key = decode_base64(material.encode())
        if key[0] not in (ED25519, COSIGNATURE):
            raise MalformedError(f"verifier key `{name}` has type {key[0]}, want {ED25519} or {COSIGNATURE}")
        verifier = cls(name, enrol_public_key(key[1:]), key[0])
        if verifier.key_id.hex() != stated_id:
            raise MalformedError(f"verifier key `{name}` has id `{stated_id}`, want `{verifier.key_id.hex()}`")
        return verifier


class NoteSignature(NamedTuple):
    """A signature that was verified: by whom, of what type, and for a cosignature at which POSIX second."""

    name: str
    kind: int
    time: int | None


class OpenedNote(NamedTuple):
    """The text of a note, the signatures that were verified, and the lines by unknown keys, not verified at all."""

    text: bytes
    verified: tuple[NoteSignature, ...]
    unverified: tuple[bytes, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the keys whose signatures were verified."""
        return tuple(signature.name for signature in self.verified)


def key_id(name: str, kind: int, public_key: PublicKey) -> bytes:
    """Return SHA-256(name, LF, type, key), cut to four bytes."""
    return sha256(b"%b\n%c%b" % (name.encode(), kind, public_key.raw)).digest()[:4]


def check_key_name(name: str) -> None:
    """Raise MalformedError unless `name` can name a note key: not empty, UTF-8, no space, no plus, no control."""
    if not name or "+" in name or any(c.isspace() or c < " " or "\ud800" <= c <= "\udfff" for c in name):
        raise MalformedError(f"key name `{name[:100]!a}` is empty or has a space, a plus or a control character")


def vkey_text(name: str, public_key: PublicKey, kind: int = ED25519) -> str:
    """Return the verifier key text that others configure to trust `public_key` under `name`."""
    check_key_name(name)
    material = encode_base64(bytes([kind]) + public_key.raw).decode()
    return f"{name}+{key_id(name, kind, public_key).hex()}+{material}"


def sign_note(text: bytes, name: str, *signing_keys: SigningKey) -> bytes:
    """Return the note: `text`, which must end in a line feed, and a signature line under `name` by each key."""
    check_key_name(name)
    _check_text(text)
    blobs = [key_id(name, ED25519, key.public_key) + key.sign(text) for key in signing_keys]
    return text + b"\n" + b"".join(_line(name, blob) for blob in blobs)


def cosignature_line(text: bytes, name: str, signing_key: SigningKey, time: int) -> bytes:
    """Return the type 0x04 line, at POSIX second `time`, to append to a note that has this `text`."""
    check_key_name(name)
    _check_text(text)
    if not 0 <= time <= MAX_DECIMAL:
        raise MalformedError(f"cosignature time `{time}` is not between 0 and 2**63 - 1")
    signature = signing_key.sign(_cosigned(time, text))
    return _line(name, key_id(name, COSIGNATURE, signing_key.public_key) + time.to_bytes(8, "big") + signature)


def open_note(raw: bytes, verifiers: Iterable[NoteVerifier]) -> OpenedNote:
    """Return what the note says and who of `verifiers` signed it.

    Raise MalformedError for bytes that are no note, VerificationError if a known key's signature is bad or repeated, or
    if no known key signed.
    """
    text, lines = split_note(raw)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    verified: dict[NoteVerifier, NoteSignature] = {}
    unverified = []
    for line in lines:
        name, blob = _parse_line(line)
        verifier = known.get((name, blob[:4]))
        if verifier is None:
            unverified.append(line)
            continue
        if verifier in verified:
            raise VerificationError(f"note has two signatures by `{name}`")
        verified[verifier] = _verify_line(verifier, text, blob[4:])
    if not verified:
        raise VerificationError("note has no signature by a known key", code="key_unknown")
    return OpenedNote(text, tuple(verified.values()), tuple(unverified))


def split_note(raw: bytes) -> tuple[bytes, list[bytes]]:
    """Return the text and the signature lines of a note, nothing verified: do not believe the text."""
    if len(raw) > MAX_NOTE:
        raise MalformedError(f"note has {len(raw)} bytes, want at most {MAX_NOTE}", code="too_large")
    end = raw.rfind(b"\n\n")
    if end < 0 or not raw.endswith(b"\n") or end + 2 >= len(raw):
        raise MalformedError("note is not text, an empty line and signature lines")
    text = raw[: end + 1]
    _check_text(raw)
    lines = raw[end + 2 : -1].split(b"\n")
    if len(lines) > MAX_NOTE_SIGNATURES:
        raise MalformedError(f"note has {len(lines)} signatures, want at most {MAX_NOTE_SIGNATURES}")
    for line in lines:
        _parse_line(line)
    return text, lines


def _parse_line(line: bytes) -> tuple[str, bytes]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise MalformedError("note has a signature line that is not `— name base64`")
    name = match[1].decode()
    check_key_name(name)
    blob = decode_base64(match[2])
    if len(blob) < 5:
        raise MalformedError(f"note signature by `{name}` has {len(blob)} bytes, want a 4-byte key id and a signature")
    return name, blob


def _verify_line(verifier: NoteVerifier, text: bytes, signature: bytes) -> NoteSignature:
    time, signed = None, text
    if verifier.kind == COSIGNATURE:
        if len(signature) != 8 + SIGNATURE_BYTES:
            raise VerificationError(f"cosignature by `{verifier.name}` has {len(signature)} bytes, want 72")
        time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        if time > MAX_DECIMAL:
            raise VerificationError(f"cosignature by `{verifier.name}` has a time above 2**63 - 1")
        signed = _cosigned(time, text)
    try:
        verify_signature(verifier.public_key.raw, signed, signature)
    except VerificationError as e:
        raise VerificationError(f"note signature by `{verifier.name}`: {e}", code="signature_invalid") from e
    return NoteSignature(verifier.name, verifier.kind, time)


def _check_text(text: bytes) -> None:
    if not text.endswith(b"\n"):
        raise MalformedError("note text does not end in a line feed")
    if _CONTROL.search(text):
        raise MalformedError("note has a control character")
    try:
        text.decode()
    except UnicodeDecodeError as e:
        raise MalformedError("note is not UTF-8") from e


def _cosigned(time: int, text: bytes) -> bytes:
    return b"cosignature/v1\ntime %d\n%b" % (time, text)


def _line(name: str, blob: bytes) -> bytes:
    return _DASH + name.encode() + b" " + encode_base64(blob) + b"\n"
