from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_ledger.errors import MalformedError
from consent_ledger.signing.instants import SECOND, format_time, parse_instant, parse_time

LAST_SECOND = 253_402_300_799

moments = st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1))
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.integers(0, LAST_SECOND))
def test_a_time_is_read_back_as_it_was_written(seconds: int) -> None:
    assert parse_time(format_time(seconds * SECOND)) == seconds * SECOND


@given(moments, offsets)
def test_a_query_may_use_any_offset_and_fraction(moment: datetime, offset: timezone) -> None:
    aware = moment.replace(tzinfo=UTC)
    want = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_instant(aware.astimezone(offset).isoformat()) == want


def test_a_fraction_is_cut_off_and_not_rounded() -> None:
    assert format_time(1_999_999) == "1970-01-01T00:00:01Z"
    assert parse_instant("1970-01-01T00:00:00.9999999Z") == 999_999


def test_first_and_last_times_are_times() -> None:
    assert parse_time("1970-01-01T00:00:00Z") == 0
    assert parse_time("9999-12-31T23:59:59Z") == LAST_SECOND * SECOND
    assert parse_instant("2026-06-01t12:00:00z") == parse_time("2026-06-01T12:00:00Z")
    assert parse_instant("1970-01-01T01:00:00+01:00") == 0


@pytest.mark.parametrize(
    "text",
    ["", "2026-06-01", "2026-06-01T12:00:00", "2026-06-01T12:00:00+00:00", "2026-06-01t12:00:00z",
     "2026-06-01 12:00:00Z", "2026-06-01T12:00:00.0Z", "2026-06-01T12:00:60Z", "2026-06-01T24:00:00Z",
     "2026-02-30T12:00:00Z", "2026-13-01T12:00:00Z", "1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z",
     "2026-06-01T12:00:00Z\n",     "２026-06-01T12:00:00Z", "2026-W01-1T12:00:00Z", "+026-06-01T12:00:00Z"],
)  # fmt: skip
def test_a_statement_may_not_spell_a_time_in_another_way(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_time(text)


@pytest.mark.parametrize(
    "text",
    ["2026-06-01T12:00:00", "2026-06-01T12:00:00.Z", "2026-06-01T12:00:00+2:00", "2026-06-01T12:00:00+0200",
     "2026-06-01T12:00:00+24:00", "2026-06-01T12:00:00+00:60", "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
     "2026-06-01T12:00:00,5Z", "now"],
)  # fmt: skip
def test_what_is_not_rfc_3339_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_instant(text)


@pytest.mark.parametrize("instant", [-1, (LAST_SECOND + 1) * SECOND])
def test_an_instant_outside_the_calendar_is_not_written(instant: int) -> None:
    with pytest.raises(MalformedError):
        format_time(instant)
