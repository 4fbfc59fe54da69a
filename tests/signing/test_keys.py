import pickle
from hashlib import sha256, sha512

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_core_ed25519_add, crypto_scalarmult_ed25519_base_noclamp

from consent_ledger.errors import MalformedError, VerificationError
from consent_ledger.signing.keys import SigningKey, enrol_public_key, verify_signature

L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
SEED = bytes(range(32))

# The eight points of small order, and their encodings with a coordinate that is not reduced (RFC 8032 5.1.3).
ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
SMALL_ORDER = [
    (1).to_bytes(32, "little"),
    (P - 1).to_bytes(32, "little"),
    (0).to_bytes(32, "little"),
    (2**255).to_bytes(32, "little"),
    ORDER_8,
    (int.from_bytes(ORDER_8, "little") | 2**255).to_bytes(32, "little"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
]
NOT_CANONICAL = [
    n.to_bytes(32, "little") for n in (P, P + 1, P + 3, 2**255 - 1, 2**256 - 1, P | 2**255, 1 | 2**255, P + 1 | 2**255)
]


def base(scalar: int) -> bytes:
    return crypto_scalarmult_ed25519_base_noclamp((scalar % L).to_bytes(32, "little"))


def secret_scalar(seed: bytes) -> int:
    scalar = int.from_bytes(sha512(seed).digest()[:32], "little")
    return scalar & ~7 & (2**254 - 1) | 2**254


def signature_with(commitment: bytes, r: int, key: bytes, scalar: int, message: bytes) -> tuple[bytes, int]:
    """Return R and S as an attacker who chooses R would make them."""
    k = int.from_bytes(sha512(commitment + key + message).digest(), "little")
    return commitment, (r + k * scalar) % L


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_signatures_are_those_of_rfc_8032(seed: bytes, message: bytes) -> None:
    key = SigningKey.from_seed(seed)
    other = Ed25519PrivateKey.from_private_bytes(seed)
    assert key.public_key.raw == other.public_key().public_bytes_raw()
    assert key.sign(message) == other.sign(message)
    verify_signature(key.public_key.raw, message, key.sign(message))
    assert enrol_public_key(key.public_key.raw) == key.public_key


@given(st.integers(0, 511), st.integers(0, 255))
def test_a_flipped_bit_breaks_a_signature(bit: int, key_bit: int) -> None:
    key = SigningKey.from_seed(SEED)
    signature = key.sign(b"message")
    flipped = int.from_bytes(signature, "big") ^ 1 << bit
    other = int.from_bytes(key.public_key.raw, "big") ^ 1 << key_bit
    for attempt in [
        (key.public_key.raw, b"message", flipped.to_bytes(64, "big")),
        (other.to_bytes(32, "big"), b"message", signature),
        (key.public_key.raw, b"massage", signature),
    ]:
        with pytest.raises(VerificationError):
            verify_signature(*attempt)


def test_the_keyid_is_the_hash_of_the_raw_key() -> None:
    key = SigningKey.from_seed(SEED).public_key
    assert key.keyid == "sha256:" + sha256(key.raw).hexdigest()


@pytest.mark.parametrize("raw", [*SMALL_ORDER, *NOT_CANONICAL, b"", bytes(31), bytes(33), (2).to_bytes(32, "little")])
def test_a_weak_or_malformed_key_is_not_enrolled(raw: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        enrol_public_key(raw)
    assert caught.value.code == "bad_key"


def test_a_key_with_a_small_order_part_is_not_enrolled() -> None:
    with pytest.raises(MalformedError):
        enrol_public_key(crypto_core_ed25519_add(SigningKey.from_seed(SEED).public_key.raw, ORDER_8))


@pytest.mark.parametrize("key", [*SMALL_ORDER, *NOT_CANONICAL])
@pytest.mark.parametrize("commitment", [SMALL_ORDER[0], base(1)])
def test_a_signature_that_fits_every_message_fits_none(key: bytes, commitment: bytes) -> None:
    scalar = 0 if commitment == SMALL_ORDER[0] else 1
    for message in (b"I consent", b"I do not"):
        with pytest.raises(VerificationError):
            verify_signature(key, message, commitment + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize("add", [L, 2 * L, 8 * L, 14 * L])
def test_s_is_below_the_group_order(add: int) -> None:
    key = SigningKey.from_seed(SEED)
    signature = key.sign(b"message")
    s = int.from_bytes(signature[32:], "little") + add
    with pytest.raises(VerificationError):
        verify_signature(key.public_key.raw, b"message", signature[:32] + s.to_bytes(32, "little"))


def test_a_commitment_with_a_small_order_part_is_refused() -> None:
    key, scalar, r = SigningKey.from_seed(SEED).public_key.raw, secret_scalar(SEED), 987654321
    assert base(scalar) == key
    plain, s = signature_with(base(r), r, key, scalar, b"message")
    verify_signature(key, b"message", plain + s.to_bytes(32, "little"))
    mixed, s = signature_with(crypto_core_ed25519_add(base(r), ORDER_8), r, key, scalar, b"message")
    with pytest.raises(VerificationError):
        verify_signature(key, b"message", mixed + s.to_bytes(32, "little"))


@pytest.mark.parametrize("commitment", [*SMALL_ORDER, *NOT_CANONICAL])
def test_a_commitment_of_small_order_or_not_canonical_is_refused(commitment: bytes) -> None:
    key = SigningKey.from_seed(SEED).public_key.raw
    _, s = signature_with(commitment, 0, key, secret_scalar(SEED), b"message")
    with pytest.raises(VerificationError):
        verify_signature(key, b"message", commitment + s.to_bytes(32, "little"))


@pytest.mark.parametrize(("key_size", "signature_size"), [(31, 64), (33, 64), (0, 64), (32, 63), (32, 65), (32, 0)])
def test_a_wrong_length_is_refused_before_anything_is_read(key_size: int, signature_size: int) -> None:
    with pytest.raises(VerificationError, match="bytes, want"):
        verify_signature(bytes(key_size), b"", bytes(signature_size))


def test_a_signing_key_never_shows_its_secret() -> None:
    key = SigningKey.from_seed(SEED)
    assert repr(key) == str(key) == f"SigningKey({key.public_key.keyid})"
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(MalformedError, match="31 bytes, want 32"):
        SigningKey.from_seed(SEED[:31])
