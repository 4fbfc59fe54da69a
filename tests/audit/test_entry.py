from hashlib import sha256
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from consent_ledger.audit.entry import NO_PREVIOUS, Entry, commit, decode_entry, encode_entry
from consent_ledger.errors import MalformedError
from consent_ledger.signing.instants import format_time

hashes = st.binary(min_size=32, max_size=32)
indexes = st.integers(0, 2**53 - 1)
times = st.integers(0, 253_402_300_799).map(lambda seconds: seconds * 1_000_000)


@given(indexes, times, hashes, hashes)
def test_an_entry_is_canonical_json_and_read_back(index: int, time: int, commitment: bytes, previous: bytes) -> None:
    raw = encode_entry(index, time, commitment, previous)
    assert raw == rfc8785.dumps(
        {
            "commitment": commitment.hex(),
            "index": index,
            "previous": previous.hex(),
            "recorded_at": format_time(time),
            "v": 1,
        }
    )
    assert decode_entry(raw) == Entry(commitment, index, previous, time)


def test_a_commitment_is_the_hash_of_context_salt_and_envelope() -> None:
    salt = bytes(range(32))
    assert commit(salt, b"{}") == sha256(b"consent-ledger/opening/v1\n" + salt + b"{}").digest()


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_salt_of_another_length_commits_to_nothing(size: int) -> None:
    with pytest.raises(MalformedError, match="want 32"):
        commit(bytes(size), b"{}")


GOOD: dict[str, Any] = msgspec.json.decode(encode_entry(7, 0, bytes(32), NO_PREVIOUS))


@pytest.mark.parametrize(
    "change",
    [
        {"index": -1},
        {"index": 7.5},
        {"index": "7"},
        {"index": 2**53},
        {"index": 10**15 * 99},
        {"v": 2},
        {"v": True},
        {"more": 1},
        {"commitment": "0" * 63},
        {"commitment": "0" * 65},
        {"commitment": "A" * 64},
        {"previous": "g" * 64},
        {"recorded_at": "1970-01-01T00:00:60Z"},
        {"recorded_at": "1970-01-01T00:00:0Z"},
        {"recorded_at": "1970-13-01T00:00:00Z"},
        {"recorded_at": 0},
    ],
)
def test_another_entry_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        decode_entry(msgspec.json.Encoder(order="sorted").encode(GOOD | change))


@pytest.mark.parametrize(
    ("old", "new"),
    [(b":7,", b":07,"), (b":7,", b": 7,"), (b":7,", b":+7,"), (b"}", b"}\n"), (b"{", b" {"), (b'"v"', b'"\\u0076"')],
)  # fmt: skip
def test_another_spelling_of_an_entry_is_refused(old: bytes, new: bytes) -> None:
    raw = msgspec.json.encode(GOOD, order="sorted")
    assert decode_entry(raw).index == 7
    with pytest.raises(MalformedError):
        decode_entry(raw.replace(old, new))
