"""One encoding for one value: RFC 8785 JSON, restricted to what formats.md section 1 allows.

ASCII keys `[a-z0-9_]`, integers within plus or minus 2**53 - 1, no floats, no null, strings in NFC. Within that
restriction msgspec's sorted encoder writes RFC 8785. Reading is decode, encode again, compare: that one comparison
refuses repeated keys, white space, other escapes, unsorted keys and unknown spellings of numbers.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Any, TypeVar, overload

import msgspec

from consent_ledger.errors import MalformedError

MAX_INTEGER = 2**53 - 1

T = TypeVar("T")

_encoder = msgspec.json.Encoder(order="sorted")

_NUMBER = re.compile(rb'[:,\[](?<![^"]:)-?[0-9]++(?:[.eE]|(?<=[0-9]{16}))')
_ODD_KEY = re.compile(rb'[{,]"[^"]+":')  # what is left of a key without the characters it may have
_KEY_CHARACTERS = b"abcdefghijklmnopqrstuvwxyz0123456789_"
_KEY = re.compile(r"[a-z0-9_]+", re.ASCII)


def encode_canonical(value: object) -> bytes:
    """Return the RFC 8785 bytes of `value`, whose keys must be ASCII and whose numbers must be integers."""
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError, RecursionError, OverflowError) as e:  # ValueError: a lone surrogate
        raise MalformedError("value cannot be written as canonical JSON") from e


@overload
def decode_canonical(raw: bytes, type_: type[T], *, limit: int) -> T: ...
@overload
def decode_canonical(raw: bytes, type_: Any, *, limit: int) -> Any: ...  # unions and annotated types
def decode_canonical(raw: bytes, type_: Any, *, limit: int) -> Any:
    """Return the `type_` that `raw` spells; raise MalformedError unless it is canonical and at most `limit` bytes."""
    if len(raw) > limit:
        raise MalformedError(f"document has {len(raw)} bytes, want at most {limit}", code="too_large")
    value = decode_json(raw, type_)
    if _encoder.encode(value) != raw:
        raise MalformedError("document is not in canonical form (RFC 8785, no repeated key)", code="not_canonical")
    if _is_suspect(raw):
        _check_restrictions(msgspec.json.decode(raw))
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
        raise MalformedError(f"document is not what was wanted: {_lowered(str(e))}") from e


@lru_cache(maxsize=256)
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]


def _is_suspect(raw: bytes) -> bool:
    """Return whether canonical JSON may hold what a typed decode lets through: a cheap look at its bytes.

    A string may hold the same characters, so yes is no verdict. It only sends the document to the exact check.
    """
    return (
        not raw.startswith((b"{", b"["))
        or not raw.isascii()
        or b"\\" in raw
        or b"null" in raw
        or b'"":' in raw
        or _NUMBER.search(raw) is not None
        or _ODD_KEY.search(raw.translate(None, _KEY_CHARACTERS)) is not None
    )


def _check_restrictions(root: object) -> None:
    """Raise MalformedError for a float, a null, a string outside NFC, a large integer or an unusual key anywhere."""
    pending = [root]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            if not unicodedata.is_normalized("NFC", value):
                raise MalformedError("document has a string that is not in NFC", code="not_nfc")
        elif isinstance(value, bool):
            continue
        elif isinstance(value, int):
            if abs(value) > MAX_INTEGER:
                raise MalformedError(f"document has the integer {value}, want at most 2**53 - 1", code="not_canonical")
        elif isinstance(value, dict):
            for key in value:
                if _KEY.fullmatch(key) is None:
                    raise MalformedError(f"document has the key `{key!a}`, want `[a-z0-9_]`", code="not_canonical")
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        else:
            raise MalformedError("document has a float or a null", code="not_canonical")
