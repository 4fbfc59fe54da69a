"""Ed25519 keys: what may be enrolled, and the one rule for which signature is valid.

PyNaCl (libsodium) is that rule, for the service and the auditor alike: `S < L`, canonical encodings, no low-order key
or commitment, and no cofactor. Libraries disagree on keys outside the prime-order subgroup, and under some of those one
signature fits two messages, so such keys are never enrolled.
"""

from hashlib import sha256

import msgspec
from nacl._sodium import ffi, lib  # type: ignore[import-not-found]  # a compiled module without types
from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign, crypto_sign_seed_keypair

from consent_ledger.errors import MalformedError, VerificationError

PUBLIC_KEY_BYTES = 32
SEED_BYTES = 32
SIGNATURE_BYTES = 64

_NULL = ffi.NULL
_open = lib.crypto_sign_open


class PublicKey(msgspec.Struct, frozen=True):
    """An Ed25519 public key that `enrol_public_key` found acceptable; `raw` is its 32 bytes."""

    raw: bytes

    @property
    def keyid(self) -> str:
        """`sha256:` and the hex SHA-256 of the raw key."""
        return keyid_of(self.raw)


class SigningKey:
    """An Ed25519 signing key. It does not show or give away its secret, also not in a traceback or a log."""

    __slots__ = ("_secret", "public_key")

    def __init__(self, public_key: PublicKey, secret: bytes) -> None:
        self.public_key = public_key
        self._secret = secret

    @classmethod
    def from_seed(cls, seed: bytes) -> "SigningKey":
        """Return the key that RFC 8032 derives from the 32-byte `seed`."""
        if len(seed) != SEED_BYTES:
            raise MalformedError(f"seed has {len(seed)} bytes, want {SEED_BYTES}")
        public, secret = crypto_sign_seed_keypair(seed)
        return cls(PublicKey(public), secret)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over `message`."""
        return crypto_sign(message, self._secret)[:SIGNATURE_BYTES]

    def __repr__(self) -> str:
        return f"SigningKey({self.public_key.keyid})"

    def __reduce__(self) -> str:
        raise TypeError("a signing key is not to be copied or pickled")


def keyid_of(raw: bytes) -> str:
    """Return the keyid of raw public key bytes."""
    return "sha256:" + sha256(raw).hexdigest()


def enrol_public_key(raw: bytes) -> PublicKey:
    """Return the key; raise MalformedError if it is low-order, non-canonical, mixed-order or not a point at all."""
    if len(raw) != PUBLIC_KEY_BYTES:
        raise MalformedError(f"public key has {len(raw)} bytes, want {PUBLIC_KEY_BYTES}", code="bad_key")
    if not crypto_core_ed25519_is_valid_point(raw):
        raise MalformedError(
            f"public key `{raw.hex()}` is not a canonical point of the prime-order subgroup", code="bad_key"
        )
    return PublicKey(raw)


def verify_signature(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Raise VerificationError unless `signature` is over `message` by the raw `public_key`. Releases the GIL."""
    # The lengths are checked here because libsodium reads that many bytes whatever it is given. Calling it without an
    # output buffer spares a copy of the message and two allocations.
    if len(signature) != SIGNATURE_BYTES:
        raise VerificationError(f"signature has {len(signature)} bytes, want {SIGNATURE_BYTES}")
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise VerificationError(f"public key has {len(public_key)} bytes, want {PUBLIC_KEY_BYTES}")
    signed = signature + message
    if _open(_NULL, _NULL, signed, len(signed), public_key) != 0:
        raise VerificationError(f"signature by `{keyid_of(public_key)}` does not verify", code="signature_invalid")
