from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_ledger.audit.checkpoint import (
    Checkpoint,
    decode_checkpoint,
    encode_checkpoint,
    open_checkpoint,
    read_checkpoint_text,
    sign_checkpoint,
)
from consent_ledger.errors import MalformedError, VerificationError
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import COSIGNATURE, NoteVerifier, cosignature_line, sign_note

ORIGIN = "ledger.example/log"
LOG, WITNESS, OTHER = (SigningKey.from_seed(letter * 32) for letter in (b"l", b"w", b"o"))
VERIFIER = NoteVerifier(ORIGIN, LOG.public_key)
COSIGNER = NoteVerifier("witness.example", WITNESS.public_key, COSIGNATURE)
EMPTY = Checkpoint(ORIGIN, 0, sha256(b"").digest())

# The example of c2sp.org/tlog-checkpoint.
SPEC_TEXT = b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


@given(st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_opens_as_it_was_signed(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(ORIGIN, size, root)
    raw = sign_checkpoint(checkpoint, LOG)
    assert open_checkpoint(raw, [VERIFIER]) == checkpoint
    assert read_checkpoint_text(raw) == checkpoint


def test_the_example_of_the_specification_is_read_and_written() -> None:
    checkpoint = decode_checkpoint(SPEC_TEXT)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert encode_checkpoint(checkpoint) == SPEC_TEXT


def test_the_empty_log_has_a_checkpoint_and_only_one_root() -> None:
    assert open_checkpoint(sign_checkpoint(EMPTY, LOG), [VERIFIER]) == EMPTY
    with pytest.raises(MalformedError, match="size 0"):
        decode_checkpoint(encode_checkpoint(Checkpoint(ORIGIN, 0, bytes(32))))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"20852163", b"020852163"),
        (b"20852163", b"+20852163"),
        (b"20852163", b"20_852_163"),
        (b"20852163", b" 20852163"),
        (b"20852163", b"-1"),
        (b"20852163", b"9223372036854775808"),
        (b"20852163", "２".encode()),
        (b"q2I=", b"q2J="),
        (b"q2I=", b"q2I"),
        (b"q2I=", b"q2I=="),
        (b"CsUY", b""),
        (b"\nCsUY", b"\n\nCsUY"),
        (b"q2I=\n", b"q2I=\nextension\n"),
        (b"q2I=\n", b"q2I=\n\n"),
        (b"q2I=\n", b"q2I="),
        (b"example.com/behind-the-sofa", b""),
        (b"behind-the", b"behind the"),
        (b"behind-the", b"behind+the"),
        (b"behind-the", b"behind\xffthe"),
        (b"\n", b"\r\n"),
    ],
)
def test_another_spelling_of_a_checkpoint_is_refused(old: bytes, new: bytes) -> None:
    assert old in SPEC_TEXT
    with pytest.raises(MalformedError):
        decode_checkpoint(SPEC_TEXT.replace(old, new))


def test_only_the_log_itself_can_sign_its_checkpoint() -> None:
    text = encode_checkpoint(EMPTY)
    by_other_name = sign_note(text, "other.example", OTHER)
    with pytest.raises(VerificationError, match="not signed by a known key of that log"):
        open_checkpoint(by_other_name, [VERIFIER, NoteVerifier("other.example", OTHER.public_key)])
    only_witness = text + b"\n" + cosignature_line(text, COSIGNER.name, WITNESS, 1)
    with pytest.raises(VerificationError, match="not signed by a known key of that log"):
        open_checkpoint(only_witness, [VERIFIER, COSIGNER])
    as_witness = text + b"\n" + cosignature_line(text, ORIGIN, LOG, 1)
    with pytest.raises(VerificationError, match="not signed by a known key of that log"):
        open_checkpoint(as_witness, [NoteVerifier(ORIGIN, LOG.public_key, COSIGNATURE)])
    with pytest.raises(VerificationError):
        open_checkpoint(sign_checkpoint(EMPTY, OTHER), [VERIFIER])


def test_witnesses_sign_beside_the_log() -> None:
    text = encode_checkpoint(EMPTY)
    raw = sign_checkpoint(EMPTY, LOG) + cosignature_line(text, COSIGNER.name, WITNESS, 1_780_000_000)
    assert open_checkpoint(raw, [VERIFIER, COSIGNER]) == open_checkpoint(raw, [VERIFIER]) == EMPTY
