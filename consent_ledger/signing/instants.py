"""Instants are integers: microseconds since 1970-01-01T00:00:00Z.

Statements and entries spell them in one way only, `YYYY-MM-DDTHH:MM:SSZ`. Queries may use any RFC 3339 spelling, and
then instants are compared, not texts. Years 1970 to 9999, no leap seconds.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from consent_ledger.errors import MalformedError

SECOND = 1_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END = 253_402_300_800  # 10000-01-01T00:00:00Z, in seconds
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_INSTANT = re.compile(
    r"(?P<whole>[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.(?P<fraction>[0-9]{1,18}))?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<hours>[0-9]{2}):(?P<minutes>[0-9]{2}))"
)


@lru_cache(maxsize=4096)
def parse_time(text: str) -> int:
    """Return the instant of a `YYYY-MM-DDTHH:MM:SSZ` time; raise MalformedError for any other spelling."""
    if _TIME.fullmatch(text) is None:
        raise MalformedError(f"time `{text[:40]!a}` is not `YYYY-MM-DDTHH:MM:SSZ`", code="bad_time")
    return _within(_seconds(text[:19]), text) * SECOND


def parse_instant(text: str) -> int:
    """Return the instant of an RFC 3339 time with any offset; digits beyond microseconds are cut off."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise MalformedError(f"time `{text[:40]!a}` is not RFC 3339 with an offset", code="bad_time")
    seconds = _seconds(match["whole"].upper())
    if match["sign"]:
        hours, minutes = int(match["hours"]), int(match["minutes"])
        if hours > 23 or minutes > 59:
            raise MalformedError(f"time `{text[:40]!a}` has an offset that does not exist", code="bad_time")
        offset = hours * 3600 + minutes * 60
        seconds -= offset if match["sign"] == "+" else -offset
    fraction = (match["fraction"] or "")[:6].ljust(6, "0")
    return _within(seconds, text) * SECOND + int(fraction)


def format_time(instant: int) -> str:
    """Return the instant (microseconds) as `YYYY-MM-DDTHH:MM:SSZ`; a fraction of a second is cut off."""
    return _format_seconds(instant // SECOND)


@lru_cache(maxsize=4096)
def _format_seconds(seconds: int) -> str:
    if not 0 <= seconds < _END:
        raise MalformedError(f"instant `{seconds}` s is outside the years 1970 to 9999", code="bad_time")
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19] + "Z"


def _seconds(text: str) -> int:
    """Return the seconds since the epoch of `YYYY-MM-DDTHH:MM:SS` in UTC."""
    try:
        moment = datetime.fromisoformat(text + "+00:00")
    except ValueError as e:
        raise MalformedError(f"time `{text}` does not exist", code="bad_time") from e
    return (moment - _EPOCH) // timedelta(seconds=1)


def _within(seconds: int, text: str) -> int:
    if not 0 <= seconds < _END:
        raise MalformedError(f"time `{text[:40]}` is outside the years 1970 to 9999", code="bad_time")
    return seconds


def format_instant(instant: int) -> str:
    """Return the instant as RFC 3339 in UTC, with a fraction only where it has one: for answers, not for statements."""
    seconds, fraction = divmod(instant, SECOND)
    whole = format_time(seconds * SECOND)
    return f"{whole[:-1]}.{fraction:06d}Z" if fraction else whole
