"""models/vendor_dates.py: the vendor's format."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_engagevoice.dates import format_vendor_date, parse_vendor_date

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2020-05-26T07:00:00.000+0000", "2020-05-26T07:00:00+00:00"),
        ("2020-04-22T00:00:00.000-0000", "2020-04-22T00:00:00+00:00"),
        ("2020-05-26T07:00:00.000Z", "2020-05-26T07:00:00+00:00"),
        ("2020-05-26T07:00:00.000-0700", "2020-05-26T14:00:00+00:00"),
        ("2020-05-26T07:00:00+05:30", "2020-05-26T01:30:00+00:00"),
        ("2020-05-26T07:00Z", "2020-05-26T07:00:00+00:00"),
        ("2020-02-29T23:59:59.999+0000", "2020-02-29T23:59:59.999+00:00"),
        (1590476400123, "2020-05-26T07:00:00.123+00:00"),
        (0, "1970-01-01T00:00:00+00:00"),
        (-1, "1969-12-31T23:59:59.999+00:00"),
    ],
)
def test_dates_of_a_server_are_read(value: object, expected: str) -> None:
    assert parse_vendor_date(value) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "value",
    [
        None, "", "None", True, False, 1.5, [], {}, "2020-05-26", "2020-05-26T07:00:00.000", "1590476400123",
        "2020-13-26T07:00:00.000+0000", "2020-02-30T07:00:00.000+0000", "2020-05-26T07:00:00.000+9900",
        "0001-01-01T00:00:00.000+0100", "9999-12-31T23:59:59.000-0100", 10**15, 10**400, -(10**400),
        {"millis": 1590476400123}, datetime(2020, 5, 26),
    ],
)  # fmt: skip
def test_anything_else_is_a_value_error(value: object) -> None:
    with pytest.raises(ValueError):
        parse_vendor_date(value)


@given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))
def test_dates_are_written_in_the_documented_format_and_read_again(instant: datetime) -> None:
    text = format_vendor_date(instant)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", text)
    assert parse_vendor_date(text) == instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def test_years_have_four_digits() -> None:
    assert format_vendor_date(datetime(999, 1, 1, tzinfo=UTC)) == "0999-01-01T00:00:00.000+0000"


@given(st.integers(-62135596800000, 253402300799999))
def test_milliseconds_since_the_epoch_are_exact(millis: int) -> None:
    assert parse_vendor_date(millis) == EPOCH + timedelta(milliseconds=millis)


@given(st.text() | st.integers() | st.floats() | st.none() | st.lists(st.integers()))
def test_no_value_raises_anything_but_a_value_error(value: object) -> None:
    try:
        instant = parse_vendor_date(value)
    except ValueError:
        return
    assert instant.tzinfo is UTC
