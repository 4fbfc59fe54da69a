import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_ledger.errors import MalformedError
from consent_ledger.signing.text import decode_base64, decode_decimal, encode_base64


@given(st.binary(max_size=100))
def test_base64_is_read_back_as_it_was_written(raw: bytes) -> None:
    assert encode_base64(raw) == base64.b64encode(raw)
    assert decode_base64(encode_base64(raw)) == raw


@pytest.mark.parametrize(
    "text", [b"QQ", b"QQ=", b"QR==", b"QQ==\n", b" QQ==", b"QQ== ", b"Q Q==", b"QQ==QQ==", b"=", b"QUI", b"QUJ=",
             b"-_8=", b"QQ===", "QQ=\uff1d".encode()]
)  # fmt: skip
def test_another_spelling_of_base64_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedError, match="base64"):
        decode_base64(text)


def test_decimals_run_from_zero_to_the_largest_signed_64_bit_integer() -> None:
    assert [decode_decimal(text) for text in (b"0", b"10", b"9223372036854775807")] == [0, 10, 2**63 - 1]


@pytest.mark.parametrize(
    "text", [b"", b"00", b"01", b"+1", b"-1", b"1_0", b" 1", b"1 ", b"1\n", b"1.0", b"0x1", "\u0661".encode(),
             b"9223372036854775808", b"1" * 5000]
)  # fmt: skip
def test_another_spelling_of_an_integer_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_decimal(text)
