"""Envelopes: who said it. DSSE (github.com/secure-systems-lab/dsse), with full SHA-256 keyids (formats.md section 3).

An ordinary signature is over the PAE of the payload. Two others are told apart by their extra fields: a passkey's
(`authenticator_data`, `client_data_json`; WebAuthn, whose challenge is the SHA-256 of the PAE) and a trusted time
source's (`time`), which vouches that the statement existed then and says nothing about what it states.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any

import msgspec

from consent_ledger.errors import MalformedError, VerificationError
from consent_ledger.signing.canonical import decode_json, encode_canonical
from consent_ledger.signing.instants import parse_time
from consent_ledger.signing.keys import SigningKey, verify_signature

PAYLOAD_TYPE = "application/vnd.consent-ledger.statement.v1+json"
TIME_CONTEXT = b"consent-ledger/time/v1\n"
MAX_ENVELOPE = 128 * 1024
MAX_SIGNATURES = 8

# The lengths are there because `$` also matches before a final line feed.
KeyId = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$", min_length=71, max_length=71)]


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One signature of an envelope; the optional fields say what kind it is."""

    keyid: KeyId
    sig: Annotated[bytes, msgspec.Meta(min_length=1, max_length=1024)]
    authenticator_data: bytes | None = None
    client_data_json: bytes | None = None
    time: str | None = None

    @property
    def is_passkey(self) -> bool:
        """Whether this is a WebAuthn assertion."""
        return self.authenticator_data is not None


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A payload and the signatures over it. The payload is opaque here."""

    payload: bytes
    payload_type: str = msgspec.field(name="payloadType")
    signatures: Annotated[tuple[Signature, ...], msgspec.Meta(min_length=1, max_length=MAX_SIGNATURES)]


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding: what an ordinary signature is over."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def encode_envelope(envelope: Envelope) -> bytes:
    """Return the envelope as canonical JSON."""
    return encode_canonical(envelope)


def decode_envelope(raw: bytes) -> Envelope:
    """Return the envelope that `raw` spells: JSON in any white space and order, the rest in one spelling only."""
    if len(raw) > MAX_ENVELOPE:
        raise MalformedError(f"envelope has {len(raw)} bytes, want at most {MAX_ENVELOPE}", code="too_large")
    envelope = decode_json(raw, Envelope)
    canonical = encode_envelope(envelope)
    # Equal bytes prove strict base64, no null and no repeated key; only another spelling needs the slow comparison.
    if canonical != raw and json.loads(raw, object_pairs_hook=_object) != json.loads(canonical):
        raise MalformedError("envelope has a null, or base64 with non-zero trailing bits")
    _check_envelope(envelope)
    return envelope


def sign_envelope(payload: bytes, *signing_keys: SigningKey) -> bytes:
    """Return the encoded envelope of `payload`, signed by each key in turn."""
    message = pae(PAYLOAD_TYPE, payload)
    signatures = tuple(Signature(key.public_key.keyid, key.sign(message)) for key in signing_keys)
    envelope = Envelope(payload, PAYLOAD_TYPE, signatures)
    _check_envelope(envelope)
    return encode_envelope(envelope)


def signed_message(envelope: Envelope, signature: Signature) -> bytes:
    """Return what `signature` must be over, unless it is a passkey's: the PAE, or the vouching for its `time`."""
    message = pae(envelope.payload_type, envelope.payload)
    if signature.time is not None:
        return time_message(message, signature.time)
    return message


def time_message(signed: bytes, time: str) -> bytes:
    """Return what a trusted time source signs to vouch that `signed` (a PAE) existed at `time`."""
    return b"%b%b\n%b\n" % (TIME_CONTEXT, time.encode(), sha256(signed).hexdigest().encode())


def verify_envelope(envelope: Envelope, public_keys: Mapping[str, bytes]) -> None:
    """Raise VerificationError, naming the keyid, unless every signature is Ed25519 and by one of `public_keys`.

    `public_keys` maps keyids to raw keys that were enrolled. Passkeys are refused here: they need their relying party.
    """
    for signature in envelope.signatures:
        key = public_keys.get(signature.keyid)
        if key is None:
            raise VerificationError(f"signature by `{signature.keyid}`, a key that is not known", code="key_unknown")
        if signature.is_passkey:
            raise VerificationError(f"signature by `{signature.keyid}` is a passkey's, want plain Ed25519")
        try:
            verify_signature(key, signed_message(envelope, signature), signature.sig)
        except VerificationError as e:
            raise VerificationError(f"signature by `{signature.keyid}`: {e}", code="signature_invalid") from e


def _check_envelope(envelope: Envelope) -> None:
    if envelope.payload_type != PAYLOAD_TYPE:
        raise MalformedError(f"envelope has payload type `{envelope.payload_type[:100]!a}`, want `{PAYLOAD_TYPE}`")
    if not 1 <= len(envelope.signatures) <= MAX_SIGNATURES:
        raise MalformedError(f"envelope has {len(envelope.signatures)} signatures, want 1 to {MAX_SIGNATURES}")
    if len({signature.keyid for signature in envelope.signatures}) != len(envelope.signatures):
        raise MalformedError("envelope has two signatures by one keyid")
    for signature in envelope.signatures:
        if (signature.authenticator_data is None) != (signature.client_data_json is None):
            raise MalformedError("a passkey's signature has both `authenticator_data` and `client_data_json`")
        if signature.time is not None:
            if signature.is_passkey:
                raise MalformedError("a passkey's signature has no `time`")
            parse_time(signature.time)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedError("envelope has a repeated key")
    return members
