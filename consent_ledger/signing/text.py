"""Base64 and decimal integers in text, each with exactly one accepted spelling.

Two spellings of one value would be two documents with one meaning, so what is read must be what would be written
(formats.md: RFC 4648 section 4 with padding; integers without sign or leading zero).
"""

import binascii
import re

from consent_ledger.errors import MalformedError

MAX_DECIMAL = 2**63 - 1

_DECIMAL = re.compile(rb"0|[1-9][0-9]{0,18}")


def encode_base64(raw: bytes) -> bytes:
    """Return the padded base64 of `raw`, without a line end."""
    return binascii.b2a_base64(raw, newline=False)


def decode_base64(text: bytes) -> bytes:
    """Return the bytes that `text` spells; raise MalformedError unless they are spelled as `encode_base64` would."""
    try:
        raw = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as e:
        raise MalformedError(f"`{_shown(text)}` is not base64 with padding") from e
    # strict_mode still lets the unused bits of the last digit be anything.
    if binascii.b2a_base64(raw, newline=False) != text:
        raise MalformedError(f"base64 `{_shown(text)}` has non-zero trailing bits")
    return raw


def decode_decimal(text: bytes) -> int:
    """Return the integer, 0 to 2**63 - 1, that `text` spells in ASCII digits without sign or leading zero."""
    if _DECIMAL.fullmatch(text) is None:
        raise MalformedError(f"`{_shown(text)}` is not a decimal integer without sign or leading zero")
    value = int(text)
    if value > MAX_DECIMAL:
        raise MalformedError(f"`{_shown(text)}` is above 2**63 - 1")
    return value


def _shown(text: bytes) -> str:
    return text[:80].decode("ascii", "backslashreplace")
