from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_ledger.audit.entry import decode_entry
from consent_ledger.audit.receipt import Receipt, decode_receipt, encode_receipt, verify_receipt
from consent_ledger.errors import LedgerError, MalformedError, VerificationError
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import NoteVerifier
from tests.audit.chain import ORIGIN, VERIFIER, make_log

LOG = make_log(11)
RAW = LOG.receipt(6)
CHECKPOINT = decode_receipt(RAW).checkpoint

hashes = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize("size", [1, 2, 11])
def test_every_receipt_proves_its_entry(size: int) -> None:
    log = make_log(size)
    for index, entry in enumerate(log.entries):
        proved = verify_receipt(log.receipt(index), entry, [VERIFIER])
        assert proved == (decode_entry(entry), log.checkpoint())


@given(st.integers(0, 2**63 - 1), st.lists(hashes, max_size=63), st.none() | st.binary(max_size=20))
def test_a_receipt_is_read_back_as_it_was_written(index: int, proof: list[bytes], extra: bytes | None) -> None:
    receipt = Receipt(index, tuple(proof), CHECKPOINT, extra)
    assert decode_receipt(encode_receipt(receipt)) == receipt


def test_a_receipt_is_the_text_of_the_specification() -> None:
    lines = RAW.split(b"\n")
    assert lines[:2] == [b"c2sp.org/tlog-proof@v1", b"index 6"]
    assert [len(line) for line in lines[2:6]] == [44] * 4
    assert lines[6:9] == [b"", ORIGIN.encode(), b"11"]


def test_a_receipt_proves_no_other_entry() -> None:
    with pytest.raises(VerificationError, match="the entry says 7"):
        verify_receipt(RAW, LOG.entries[7], [VERIFIER])
    with pytest.raises(VerificationError, match="another root"):
        verify_receipt(RAW, LOG.entries[6].replace(b"2026", b"2025"), [VERIFIER])
    with pytest.raises(VerificationError):
        verify_receipt(RAW.replace(b"index 6", b"index 7"), LOG.entries[7], [VERIFIER])
    with pytest.raises(VerificationError):
        verify_receipt(RAW, LOG.entries[6], [NoteVerifier(ORIGIN, SigningKey.from_seed(bytes(32)).public_key)])


@given(st.integers(0, len(RAW) * 8 - 1))
def test_a_flipped_bit_breaks_a_receipt(bit: int) -> None:
    changed = bytearray(RAW)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(LedgerError):
        verify_receipt(bytes(changed), LOG.entries[6], [VERIFIER])


MALFORMED: list[Callable[[bytes], bytes]] = [
    lambda raw: b"",
    lambda raw: raw.replace(b"@v1", b"@v2"),
    lambda raw: raw[1:],
    lambda raw: b"\n" + raw,
    lambda raw: raw.replace(b"index 6\n", b""),
    lambda raw: raw.replace(b"index 6", b"index 06"),
    lambda raw: raw.replace(b"index 6", b"index  6"),
    lambda raw: raw.replace(b"index 6", b"index"),
    lambda raw: raw.replace(b"index 6", b"index 6\nindex 6"),
    lambda raw: raw.replace(b"index 6", b"index 6\nextra QQ=="),
    lambda raw: raw.replace(b"index 6", b"extra QR==\nindex 6"),
    lambda raw: raw.replace(b"index 6", b"extra QQ==\nextra QQ==\nindex 6"),
    lambda raw: raw.replace(b"index 6\n", b"index 6\nQQ==\n"),
    lambda raw: raw.replace(b"index 6\n", b"index 6\n" + b"A" * 43 + b"=\n" * 65),
    lambda raw: raw.replace(b"\n", b"\r\n"),
    lambda raw: raw.replace(b"\n\n", b"\n"),
    lambda raw: raw + bytes(3_000_000),
]


@pytest.mark.parametrize("change", MALFORMED)
def test_what_is_no_receipt_is_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(MalformedError):
        verify_receipt(change(RAW), LOG.entries[6], [VERIFIER])


def test_extra_lines_are_allowed_and_prove_nothing() -> None:
    raw = RAW.replace(b"index 6", b"extra QQ==\nindex 6")
    assert decode_receipt(raw).extra == b"A"
    assert verify_receipt(raw, LOG.entries[6], [VERIFIER])[0].index == 6
