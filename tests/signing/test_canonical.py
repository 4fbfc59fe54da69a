import unicodedata
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from consent_ledger.errors import MalformedError
from consent_ledger.signing.canonical import MAX_DEPTH, MAX_INTEGER, decode_canonical, encode_canonical

texts = st.text().map(lambda text: unicodedata.normalize("NFC", text))
keys = st.from_regex(r"[a-z0-9_]{1,12}", fullmatch=True)
documents = st.recursive(
    st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
).filter(lambda value: depth(value) <= MAX_DEPTH)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    left: str
    right: int


@given(documents)
def test_the_encoding_is_that_of_rfc_8785(document: Any) -> None:
    assert encode_canonical(document) == rfc8785.dumps(document)


@given(documents)
def test_a_document_is_read_back_as_it_was_written(document: Any) -> None:
    assert decode_canonical(encode_canonical(document), Any, limit=100_000) == document


@pytest.mark.parametrize(
    "raw",
    [
        b'{"left":"a","left":"a","right":1}',
        b'{"right":1,"left":"a"}',
        b'{"left":"a", "right":1}',
        b'{"left":"a","right":1}\n',
        b'{"left":"\\u0061","right":1}',
        b'{"left":"\\/","right":1}',
        b'{"left":"a","right":-0}',
        b'{"left":"a","right":1.0}',
        b'{"left":"a","right":1e0}',
        b'{"left":"a","right":01}',
        b'{"left":"a","right":9007199254740992}',
        b'{"left":"a","right":-9007199254740992}',
        b'{"left":"a","right":null}',
        b'{"left":"\xff","right":1}',
        b'{"left":"\\ud800","right":1}',
        b'{"left":"a","other":1,"right":1}',
        b'{"left":"a"}',
        b"",
        b"\xef\xbb\xbf{}",
        '{"left":"e\u0301","right":1}'.encode(),
        '{"left":"\u212b","right":1}'.encode(),
    ],
)
def test_another_spelling_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_canonical(raw, Pair, limit=1000)


@pytest.mark.parametrize(
    "raw", [b"1.5", b"null", b"1e300", b'{"a":[null]}', b"[1.5]", b'{"A":1}', b'{"":1}', '{"é":1}'.encode(),
            b'{"a\\"":1}', b'{"a b":1}', b'{"a":{"b-c":1}}', b'{"a\\n":1}', b"18446744073709551616"]
)  # fmt: skip
def test_what_an_untyped_reader_would_let_through_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_canonical(raw, Any, limit=1000)


@pytest.mark.parametrize("text", ['":1.5', "null", '{"A":1}', "\n\u0303", "[9007199254740992", ',"X":'])
def test_a_string_may_hold_what_the_document_may_not(text: str) -> None:
    assert decode_canonical(encode_canonical({"a": [text, text]}), Any, limit=1000) == {"a": [text, text]}


def test_a_document_one_byte_too_long_is_refused() -> None:
    raw = encode_canonical("x" * 98)
    assert decode_canonical(raw, str, limit=100) == "x" * 98
    with pytest.raises(MalformedError, match="100 bytes, want at most 99") as caught:
        decode_canonical(raw, str, limit=99)
    assert caught.value.code == "too_large"


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_refused_and_not_fallen_over(opening: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_canonical(opening * 100_000, Any, limit=10**7)
    nested = b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)
    with pytest.raises(MalformedError):
        decode_canonical(nested, Any, limit=1000)
    assert decode_canonical(nested[1:-1], Any, limit=1000)


@pytest.mark.parametrize("value", ["\ud800", {1, "a"}.__iter__(), object()])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(MalformedError):
        encode_canonical(value)
