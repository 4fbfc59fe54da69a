import base64
import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as OtherEnvelope

from consent_ledger.errors import MalformedError, VerificationError
from consent_ledger.signing.envelope import (
    MAX_ENVELOPE,
    PAYLOAD_TYPE,
    Envelope,
    Signature,
    decode_envelope,
    encode_envelope,
    pae,
    sign_envelope,
    signed_message,
    verify_envelope,
)
from consent_ledger.signing.keys import SigningKey, verify_signature

KEYS = [SigningKey.from_seed(bytes([n]) * 32) for n in range(9)]
PUBLIC = {key.public_key.keyid: key.public_key.raw for key in KEYS}
TIME = "2026-06-01T12:00:00Z"


def spelled(change: Callable[[dict[str, Any]], object], *, indent: int | None = None) -> bytes:
    document: dict[str, Any] = json.loads(sign_envelope(b"payload", KEYS[0]))
    change(document)
    return json.dumps(document, indent=indent).encode()


@given(st.text(max_size=40), st.binary(max_size=200))
def test_the_signed_bytes_are_those_of_dsse(payload_type: str, payload: bytes) -> None:
    assert pae(payload_type, payload) == OtherEnvelope(payload, payload_type, {}).pae()


@given(st.binary(max_size=200), st.integers(1, 8))
def test_an_envelope_is_read_back_and_verifies(payload: bytes, count: int) -> None:
    raw = sign_envelope(payload, *KEYS[:count])
    envelope = decode_envelope(raw)
    assert (envelope.payload, envelope.payload_type, len(envelope.signatures)) == (payload, PAYLOAD_TYPE, count)
    assert encode_envelope(envelope) == raw
    verify_envelope(envelope, PUBLIC)


def test_another_implementation_reads_an_envelope() -> None:
    document = json.loads(sign_envelope(b"payload", KEYS[0]))
    signature = base64.b64decode(document["signatures"][0]["sig"])
    other = OtherEnvelope.from_dict(document)
    assert (other.payload, other.payload_type) == (b"payload", PAYLOAD_TYPE)
    verify_signature(KEYS[0].public_key.raw, other.pae(), signature)


def test_white_space_and_order_are_free() -> None:
    raw = spelled(lambda document: document.update(payload=document.pop("payload")), indent=2)
    assert decode_envelope(raw) == decode_envelope(sign_envelope(b"payload", KEYS[0]))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(payload="cGF5bG9hZ"),
        lambda d: d.update(payload="cGF5bG9hZB=="),
        lambda d: d.update(payload="cGF5bG9hZA"),
        lambda d: d.update(payload="cGF5bG9hZA==\n"),
        lambda d: d.update(payload=None),
        lambda d: d.update(payloadType="application/json"),
        lambda d: d.pop("payloadType"),
        lambda d: d.update(extra=1),
        lambda d: d.update(signatures=[]),
        lambda d: d.update(signatures=d["signatures"] * 2),
        lambda d: d.update(signatures=d["signatures"] * 9),
        lambda d: d["signatures"][0].update(extra=1),
        lambda d: d["signatures"][0].update(sig=""),
        lambda d: d["signatures"][0].update(time=None),
        lambda d: d["signatures"][0].update(time="2026-06-01"),
        lambda d: d["signatures"][0].update(keyid=d["signatures"][0]["keyid"] + "\n"),
        lambda d: d["signatures"][0].update(keyid=d["signatures"][0]["keyid"].upper()),
        lambda d: d["signatures"][0].update(authenticator_data="QQ=="),
        lambda d: d["signatures"][0].update(client_data_json="QQ=="),
        lambda d: d["signatures"][0].update(authenticator_data="QQ==", client_data_json="QQ==", time=TIME),
    ],
)
def test_a_malformed_envelope_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(MalformedError):
        decode_envelope(spelled(change))


@pytest.mark.parametrize("key", ["payload", "payloadType", "signatures", "keyid", "sig"])
def test_a_repeated_key_is_refused(key: str) -> None:
    raw = sign_envelope(b"payload", KEYS[0])
    field = json.dumps(key).encode() + b":"
    start = raw.index(field)
    value = json.JSONDecoder().raw_decode(raw[start + len(field) :].decode())[0]
    repeated = raw[:start] + field + json.dumps(value, separators=(",", ":")).encode() + b"," + raw[start:]
    with pytest.raises(MalformedError, match="repeated key"):
        decode_envelope(repeated)


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"{", b'{"payload":' + b"[" * 100_000, b"\xff" * 9, b"{}"])
def test_what_is_no_envelope_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_envelope(raw)


def test_an_envelope_that_is_too_large_is_refused() -> None:
    with pytest.raises(MalformedError, match="at most"):
        decode_envelope(sign_envelope(bytes(MAX_ENVELOPE), KEYS[0]))


def test_more_than_eight_signatures_or_none_are_not_made() -> None:
    for keys in ([], KEYS):
        with pytest.raises(MalformedError):
            sign_envelope(b"payload", *keys)


@given(st.integers(0, 56 * 8 - 1))
def test_a_flipped_bit_in_the_payload_breaks_the_signature(bit: int) -> None:
    payload = b"x" * 56
    signatures = decode_envelope(sign_envelope(payload, KEYS[0])).signatures
    changed = (int.from_bytes(payload, "big") ^ 1 << bit).to_bytes(56, "big")
    with pytest.raises(VerificationError, match=KEYS[0].public_key.keyid):
        verify_envelope(Envelope(changed, PAYLOAD_TYPE, signatures), PUBLIC)


def test_an_unknown_or_wrong_key_is_named() -> None:
    envelope = decode_envelope(sign_envelope(b"payload", *KEYS[:3]))
    known = {key.public_key.keyid: key.public_key.raw for key in KEYS[:2]}
    with pytest.raises(VerificationError, match=KEYS[2].public_key.keyid) as caught:
        verify_envelope(envelope, known)
    assert caught.value.code == "key_unknown"
    with pytest.raises(VerificationError, match=KEYS[1].public_key.keyid) as caught:
        verify_envelope(envelope, PUBLIC | {KEYS[1].public_key.keyid: KEYS[0].public_key.raw})
    assert caught.value.code == "signature_invalid"


def timed(time: str) -> Envelope:
    """An envelope that its issuer signed, and a time source that says when."""
    issuer, source = KEYS[:2]
    envelope = decode_envelope(sign_envelope(b"payload", issuer))
    blank = Signature(source.public_key.keyid, b"", time=time)
    signature = Signature(blank.keyid, source.sign(signed_message(envelope, blank)), time=time)
    return Envelope(envelope.payload, PAYLOAD_TYPE, (*envelope.signatures, signature))


def test_a_time_source_vouches_for_the_time_and_for_nothing_else() -> None:
    envelope = decode_envelope(encode_envelope(timed(TIME)))
    verify_envelope(envelope, PUBLIC)
    own, source = envelope.signatures
    assert signed_message(envelope, own) == pae(PAYLOAD_TYPE, b"payload")
    assert signed_message(envelope, source).startswith(b"consent-ledger/time/v1\n" + TIME.encode() + b"\n")
    for forged in (
        Signature(source.keyid, source.sig, time="2020-01-01T00:00:00Z"),
        Signature(source.keyid, source.sig),
        Signature(own.keyid, own.sig, time=TIME),
    ):
        with pytest.raises(VerificationError):
            verify_envelope(Envelope(envelope.payload, PAYLOAD_TYPE, (forged,)), PUBLIC)


def test_a_passkey_is_not_taken_for_a_plain_signature() -> None:
    message = pae(PAYLOAD_TYPE, b"payload")
    signature = Signature(KEYS[0].public_key.keyid, KEYS[0].sign(message), b"data", b"client data")
    envelope = decode_envelope(encode_envelope(Envelope(b"payload", PAYLOAD_TYPE, (signature,))))
    assert envelope.signatures[0].is_passkey
    with pytest.raises(VerificationError, match="passkey"):
        verify_envelope(envelope, PUBLIC)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(MalformedError):
        decode_envelope(raw)
