"""One encoding for one value: RFC 8785 JSON, restricted to what formats.md section 1 allows.

ASCII keys `[a-z0-9_]`, integers within plus or minus 2**53 - 1, no floats, no null, strings in NFC, at most 16 levels.
Within that restriction msgspec's sorted encoder writes RFC 8785. Reading is decode, encode again, compare: that one
comparison refuses repeated keys, white space, other escapes, unsorted keys and unknown spellings of numbers.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, TypeVar, overload

import msgspec

from consent_ledger.errors import MalformedError

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 16

T = TypeVar("T")

_encoder = msgspec.json.Encoder(order="sorted")


def encode_canonical(value: object) -> bytes:
    """Return the RFC 8785 bytes of `value`, whose keys must be ASCII and whose numbers must be integers."""
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError, RecursionError, OverflowError) as e:  # ValueError: a lone surrogate
        raise MalformedError("value cannot be written as canonical JSON") from e


@overload
def decode_canonical(raw: bytes, type_: type[T], *, limit: int, closed: bool = False) -> T: ...
@overload
def decode_canonical(raw: bytes, type_: Any, *, limit: int, closed: bool = False) -> Any: ...  # unions and annotated
def decode_canonical(raw: bytes, type_: Any, *, limit: int, closed: bool = False) -> Any:
    """Return the `type_` that `raw` spells; raise MalformedError unless it is canonical and at most `limit` bytes.

    `closed` promises that the type itself bounds every key, number and level, and has no null and no float: then
    nothing is left to check but NFC, and that only where there is more than ASCII.
    """
    if len(raw) > limit:
        raise MalformedError(f"document has {len(raw)} bytes, want at most {limit}", code="too_large")
    value = decode_json(raw, type_)
    if _encoder.encode(value) != raw:
        raise MalformedError("document is not in canonical form (RFC 8785, no repeated key)", code="not_canonical")
    if not (closed and raw.isascii()):
        _check_restrictions(raw)
    return value


@overload
def decode_json(raw: bytes, type_: type[T]) -> T: ...
@overload
def decode_json(raw: bytes, type_: Any) -> Any: ...
def decode_json(raw: bytes, type_: Any) -> Any:
    """Return the `type_` that the JSON `raw` spells, in any spelling; raise MalformedError for anything else."""
    try:
        return _decoder(type_).decode(raw)
    except RecursionError as e:
        raise MalformedError("document is nested too deeply") from e
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        message = str(e)
        raise MalformedError(f"document is not what was wanted: {message[:1].lower()}{message[1:]}") from e


@lru_cache(maxsize=256)
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)


def _restricted(levels: int) -> msgspec.json.Decoder[Any]:
    """Return a decoder of any value without floats, null or large integers, of at most `levels` levels."""
    scalar = bool | Annotated[int, msgspec.Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)] | str
    value: Any = scalar
    for _ in range(levels):
        value = scalar | list[value] | dict[str, value]
    return msgspec.json.Decoder(value)


# Each level doubles the type that is built at import: all 16 would take seconds, and no statement has more than 7.
_common = _restricted(7)
_KEY = re.compile(r"[a-z0-9_]+")

# Looking at every key costs more than all the rest, so first look at what is left of the document without the
# characters that keys may have. A string may leave the same, so a hit is no verdict.
_KEY_CHARACTERS = b"abcdefghijklmnopqrstuvwxyz0123456789_"
_ODD_KEY = re.compile(rb'[{,]"[^"]+":')


def _check_restrictions(raw: bytes) -> None:
    """Raise MalformedError if canonical JSON holds what a typed decode may let through."""
    suspect = b'"":' in raw or b"\\" in raw or _ODD_KEY.search(raw.translate(None, _KEY_CHARACTERS)) is not None
    try:
        value = _common.decode(raw)
    except msgspec.ValidationError:
        suspect, value = True, decode_json(raw, Any)
    if suspect:
        _check_value(value, MAX_DEPTH)
    if raw.isascii() or unicodedata.is_normalized("NFC", raw.decode()):
        return
    # An escape may end in a letter, which seems to compose with a mark after it: look at each string alone.
    if not all(unicodedata.is_normalized("NFC", text) for text in _strings(value)):
        raise MalformedError("document has a string that is not in NFC", code="not_nfc")


def _check_value(value: object, levels: int) -> None:
    """Raise MalformedError if a value holds what the restrictions forbid or has more than `levels` levels."""
    if isinstance(value, dict | list):
        if not levels:
            raise MalformedError(f"document is nested too deeply, want at most {MAX_DEPTH} levels")
        for key in value if isinstance(value, dict) else ():
            if _KEY.fullmatch(key) is None:
                raise MalformedError(f"document has the key `{key[:40]!a}`, want small letters, digits and `_`")
        for member in value.values() if isinstance(value, dict) else value:
            _check_value(member, levels - 1)
    elif value is None or isinstance(value, float):
        raise MalformedError("document holds null or a number with a fraction, want integers")
    elif isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise MalformedError(f"document holds the integer `{value}`, want at most 2**53 - 1 either way")


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _strings(member)
