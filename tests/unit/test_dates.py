"""dates.py: user input is read exactly or rejected."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pendulum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_engagevoice.campaigns.spec import wanted_fields
from airflow_provider_engagevoice.dates import (
    SECOND,
    check_literal_window,
    first_instant,
    read_instant,
    read_zone,
)
from airflow_provider_engagevoice.exceptions import InvalidInputError
from tests.support.cases import cases

LA = ZoneInfo("America/Los_Angeles")
#: Zones whose clocks jump at midnight, over it, by half an hour, far from UTC, or not at all.
ODD_ZONES = (
    "America/Havana",
    "Asia/Beirut",
    "Africa/Cairo",
    "America/Nuuk",
    "Atlantic/Azores",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "America/Los_Angeles",
    "Asia/Kathmandu",
    "UTC",
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def read(value: object, is_end: bool = False, zone: str | None = None) -> datetime:
    return read_instant(value, "campaign_start", is_end, ZoneInfo(zone) if zone else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-08 08:00:00+00:00", "2026-11-08T08:00"),
        ("2026-11-08T08:00:00Z", "2026-11-08T08:00"),
        ("2026-11-08T08:00:00+0000", "2026-11-08T08:00"),
        ("2026-11-08T08:00:00.000+0000", "2026-11-08T08:00"),
        ("2026-11-08T08:00:00-0800", "2026-11-08T16:00"),
        ("2026-11-08T08:00:00-08:00", "2026-11-08T16:00"),
        ("2026-11-08T08:00:00-08", "2026-11-08T16:00"),
        ("2026-11-08 08:00:00 -08:00", "2026-11-08T16:00"),
        ("2026-11-08T08:00+05:45", "2026-11-08T02:15"),
        ("2026-11-08T08:00:00.000000+00:00", "2026-11-08T08:00"),
        ("2026-11-08T08:00:00,0Z", "2026-11-08T08:00"),
        ("2028-02-29T23:59:59-12:00", "2028-03-01T11:59:59"),
        ("  2026-11-08T08:00:00Z\n", "2026-11-08T08:00"),
    ],
)
def test_text_with_an_offset_is_an_instant(text: str, expected: str) -> None:
    assert read(text) == utc(expected)
    assert read(text, True, "Asia/Tokyo") == utc(expected)
    assert read(text).tzinfo is UTC


@pytest.mark.parametrize("fraction", [".000001", ".001", ",5", ".999", ".999999"])
def test_a_fraction_of_a_second_is_dropped(fraction: str) -> None:
    value = f"2026-11-08T08:59:59{fraction}Z"
    for same in (value, datetime.fromisoformat(value), pendulum.parse(value.replace(",", "."))):
        assert read(same) == utc("2026-11-08T08:59:59")
        assert read(same, is_end=True) == utc("2026-11-08T08:59:59")


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        ("America/Los_Angeles", "2026-03-08T01:59:59", "2026-03-08T09:59:59"),
        ("America/Los_Angeles", "2026-03-08T03:00:00", "2026-03-08T10:00:00"),
        ("America/Los_Angeles", "2026-11-01T00:59:59", "2026-11-01T07:59:59"),
        ("America/Los_Angeles", "2026-11-01T02:00:00", "2026-11-01T10:00:00"),
        ("America/Havana", "2026-03-08T01:00:00", "2026-03-08T05:00:00"),
        ("America/Havana", "2026-11-01T01:00:00", "2026-11-01T06:00:00"),
        ("Asia/Beirut", "2026-03-29T01:00", "2026-03-28T22:00"),
        ("Asia/Beirut", "2026-10-25T00:00", "2026-10-24T22:00"),
        ("Africa/Cairo", "2026-04-24T01:00", "2026-04-23T22:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:30", "2026-10-03T15:30"),
        ("Asia/Kathmandu", "2026-10-04 02:30:00", "2026-10-03T20:45"),
    ],
)
def test_a_local_time_is_read_in_the_zone(zone: str, local: str, expected: str) -> None:
    assert read(local, zone=zone) == utc(expected)
    assert read(datetime.fromisoformat(local), zone=zone) == utc(expected)
    assert read(pendulum.instance(datetime.fromisoformat(local), tz=None), zone=zone) == utc(expected)


@pytest.mark.parametrize(
    ("zone", "local"),
    [
        ("America/Los_Angeles", "2026-03-08T02:00:00"),
        ("America/Los_Angeles", "2026-03-08T02:59:59.999"),
        ("America/Havana", "2026-03-08T00:00"),
        ("Asia/Beirut", "2026-03-29T00:30"),
        ("Africa/Cairo", "2026-04-24T00:00:00"),
        ("America/Nuuk", "2026-03-28T23:30"),
        ("Australia/Lord_Howe", "2026-10-04T02:29:59"),
        ("Pacific/Apia", "2011-12-30T12:00"),
    ],
)
def test_a_local_time_that_is_jumped_over_is_rejected(zone: str, local: str) -> None:
    naive = datetime.fromisoformat(local)
    for value in (local, naive, naive.replace(fold=1), pendulum.instance(naive, tz=None)):
        with pytest.raises(InvalidInputError, match=f"clocks in {zone} jump over it"):
            read(value, zone=zone)


@pytest.mark.parametrize(
    ("zone", "local", "offsets"),
    [
        ("America/Los_Angeles", "2026-11-01T01:00:00", "-0700 or -0800"),
        ("America/Los_Angeles", "2026-11-01T01:59:59.999", "-0700 or -0800"),
        ("America/Havana", "2026-11-01T00:00", "-0400 or -0500"),
        ("Asia/Beirut", "2026-10-24T23:00", r"\+0300 or \+0200"),
        ("Africa/Cairo", "2026-10-29T23:30", r"\+0300 or \+0200"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", r"\+1100 or \+1030"),
    ],
)
def test_a_local_time_that_happens_twice_is_rejected(zone: str, local: str, offsets: str) -> None:
    naive = datetime.fromisoformat(local)
    for value in (local, naive, naive.replace(fold=1), pendulum.instance(naive, tz=None)):
        with pytest.raises(InvalidInputError, match=rf"happens twice in {zone} .*\({offsets}\)"):
            read(value, zone=zone)


@pytest.mark.parametrize(
    ("zone", "day", "first", "last"),
    [
        ("America/Los_Angeles", "2026-03-08", "2026-03-08T08:00", "2026-03-09T06:59:59"),
        ("America/Los_Angeles", "2026-11-01", "2026-11-01T07:00", "2026-11-02T07:59:59"),
        ("America/Havana", "2026-03-08", "2026-03-08T05:00", "2026-03-09T03:59:59"),
        ("America/Havana", "2026-11-01", "2026-11-01T04:00", "2026-11-02T04:59:59"),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00", "2026-03-29T20:59:59"),
        ("Asia/Beirut", "2026-10-24", "2026-10-23T21:00", "2026-10-24T21:59:59"),
        ("Africa/Cairo", "2026-04-23", "2026-04-22T22:00", "2026-04-23T21:59:59"),
        ("Africa/Cairo", "2026-10-29", "2026-10-28T21:00", "2026-10-29T21:59:59"),
        ("America/Nuuk", "2026-03-28", "2026-03-28T02:00", "2026-03-29T00:59:59"),
        ("UTC", "2028-02-29", "2028-02-29T00:00", "2028-02-29T23:59:59"),
    ],
)
def test_a_date_without_a_time_is_the_first_or_the_last_second_of_its_day(
    zone: str, day: str, first: str, last: str
) -> None:
    for value in (day, f" {day} ", date.fromisoformat(day), pendulum.Date.fromisoformat(day)):
        assert read(value, False, zone) == utc(first)
        assert read(value, True, zone) == utc(last)


@settings(max_examples=cases(300))
@given(
    day=st.dates(date(2007, 1, 1), date(2037, 12, 30)),
    name=st.sampled_from(ODD_ZONES),
)
def test_a_day_begins_when_the_local_date_becomes_that_day(day: date, name: str) -> None:
    zone = ZoneInfo(name)
    begins = first_instant(day, zone)
    assert begins.astimezone(zone).date() == day
    assert (begins - timedelta(milliseconds=1)).astimezone(zone).date() < day
    assert read(day, True, name) == first_instant(day + timedelta(days=1), zone) - SECOND


@settings(max_examples=cases(300))
@given(
    instant=st.datetimes(datetime(1901, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
    offset=st.integers(-23 * 60, 23 * 60),
    zone=st.sampled_from(ODD_ZONES),
)
def test_every_notation_of_an_instant_gives_that_instant(instant: datetime, offset: int, zone: str) -> None:
    whole = instant.replace(microsecond=0)
    there = instant.astimezone(timezone(timedelta(minutes=offset)))
    local = instant.astimezone(ZoneInfo(zone))
    for value in (there, there.isoformat(), str(there), local, pendulum.instance(local)):
        assert read(value) == whole
        assert read(value, is_end=True) == whole


@settings(max_examples=cases(300))
@given(
    local=st.datetimes(datetime(2007, 1, 1), datetime(2037, 1, 1), allow_imaginary=False),
    name=st.sampled_from(ODD_ZONES),
)
def test_a_local_time_is_either_read_back_as_written_or_rejected(local: datetime, name: str) -> None:
    try:
        instant = read(local, zone=name)
    except InvalidInputError:
        zone = ZoneInfo(name)
        early, late = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
        assert early != late, "only a time near a change of clocks may be rejected"
    else:
        end = read(local, is_end=True, zone=name)
        assert end.astimezone(ZoneInfo(name)).replace(tzinfo=None, fold=0) == local.replace(microsecond=0)
        assert instant == end


@pytest.mark.parametrize(
    "value",
    [
        "2026-12-01",
        "2026-12-01T08:00",
        date(2026, 12, 1),
        datetime(2026, 12, 1, 8),
        pendulum.naive(2026, 12, 1),
    ],
)
def test_a_value_without_an_offset_needs_a_zone(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^campaign_start=.*no offset.*timezone=.*connection"):
        read(value)


@pytest.mark.parametrize(
    "value",
    [
        202612, 2026120100, "20261301", "202612", "2026120108",
        None, 0, 1, 1.5, float("nan"), True, False, "", " ", "None", "null", "tomorrow", "{{ ds }}",
        "2026-12", "2026-13-01", "2026-02-29", "2026-12-01T", "2026-12-01T8:00", "2026-12-01T08",
        "2026-12-01T25:00", "2026-12-01T08:60", "2026-12-01T08:00:60", "2026-12-01T08:00:00.1234567",
        "2026-12-01T08:00:00+25:00", "2026-12-01T08:00 America/Los_Angeles", "2026-12-01 08:00 PM",
        "2026-W49-2", "12/01/2026", "-2026-12-01", "\uff12\uff10\uff12\uff16-12-01", "2026-12-01\x00",
        b"2026-12-01", [], {},
        timedelta(days=1), object(),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_end", [False, True])
def test_anything_else_is_refused_and_the_message_names_the_field(value: object, is_end: bool) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_instant(value, "campaign_end", is_end, LA)
    assert caught.value.field == "campaign_end"
    assert str(caught.value).startswith("campaign_end=")


@pytest.mark.parametrize("value", ["", "None", " None "])
def test_the_error_for_empty_text_mentions_templates(value: str) -> None:
    with pytest.raises(InvalidInputError, match="template render to None"):
        read(value)


@pytest.mark.parametrize(
    "value",
    [
        "0001-01-01",
        "9999-12-31",
        date.min,
        date.max,
        datetime.min,
        datetime.max,
        "9999-12-31T23:59:59-08:00",
        "0001-01-01T00:00:00+14:00",
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=12))),
    ],
    ids=repr,
)
def test_at_the_ends_of_the_calendar_a_date_is_read_or_rejected(value: object) -> None:
    for zone in ("UTC", "America/Los_Angeles", "Pacific/Kiritimati"):
        for is_end in (False, True):
            try:
                instant = read(value, is_end, zone)
            except InvalidInputError:
                continue
            assert instant.tzinfo is UTC


@settings(max_examples=cases(300))
@given(value=st.text() | st.from_regex(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:?\d{2})?"))
def test_no_text_raises_anything_but_the_typed_error(value: str) -> None:
    try:
        instant = read(value, zone="America/Havana")
    except InvalidInputError:
        return
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("America/Los_Angeles", "America/Los_Angeles"),
        (" UTC ", "UTC"),
        (ZoneInfo("Asia/Beirut"), "Asia/Beirut"),
        (pendulum.timezone("Europe/Paris"), "Europe/Paris"),
        (pendulum.UTC, "UTC"),
        (UTC, "UTC"),
    ],
)
def test_a_zone_is_read_by_name_or_from_an_object(value: object, key: str) -> None:
    assert read_zone(value) == ZoneInfo(key)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("America/Los_Angelos", "nearest: 'America/Los_Angeles'"),
        ("europe/paris", "nearest: 'Europe/Paris'"),
        ("", "IANA"),
        ("None", "IANA"),
        (None, "IANA"),
        (-8, "IANA"),
        ("+08:00", "IANA"),
        ("../etc/passwd", "IANA"),
        (timezone(timedelta(hours=-8)), "IANA"),
    ],
)
def test_an_unknown_zone_is_rejected_with_the_nearest(value: object, hint: str) -> None:
    with pytest.raises(InvalidInputError, match=hint) as caught:
        read_zone(value, "timezone")
    assert caught.value.field == "timezone"


@pytest.mark.parametrize("basic", ["20261201", " 20261201 ", 20261201])
@pytest.mark.parametrize("is_end", [False, True])
def test_a_date_in_the_basic_format_is_a_date(basic, is_end) -> None:
    zone = ZoneInfo("America/Los_Angeles")
    assert read_instant(basic, "campaign_end", is_end, zone) == read_instant(
        "2026-12-01", "campaign_end", is_end, zone
    )
    with pytest.raises(InvalidInputError, match="no offset"):
        read_instant(basic, "campaign_end", is_end, None)


def test_an_end_before_the_start_is_shown_as_typed_and_as_instants() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    with pytest.raises(InvalidInputError) as caught:
        check_literal_window("2026-12-02", "2026-12-01T12:00Z", zone)
    assert str(caught.value) == (
        "campaign_end='2026-12-01T12:00Z' is not usable: it is 2026-12-01 04:00:00-08:00, and must be after "
        "the start, 2026-12-02, which is 2026-12-02 00:00:00-08:00"
    )
    with pytest.raises(
        InvalidInputError, match=r"it is 2026-12-01 23:59:59-08:00.*2026-12-02 00:00:00-08:00"
    ):
        wanted_fields(start="2026-12-02", end="2026-12-01", timezone="America/Los_Angeles")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("PST", "nearest: 'America/Los_Angeles'"),
        ("pdt", "nearest: 'America/Los_Angeles'"),
        ("CT", "nearest: 'America/Chicago'"),
        ("EDT", "nearest: 'America/New_York'"),
        ("UTC-5", "nearest: 'America/New_York', 'Etc/GMT+5'"),
        ("GMT-08:00", "nearest: 'America/Los_Angeles', 'Etc/GMT+8'"),
        ("UTC+9", "nearest: 'Asia/Tokyo', 'Etc/GMT-9'"),
        ("utc +05:30", "nearest: 'Asia/Kolkata'"),
        ("-0330", "nearest: 'America/St_Johns'"),
        ("UTC-2", "nearest: 'Etc/GMT+2'"),
        ("UTC-0", "nearest: 'UTC'"),
        ("AKDT", "nearest: 'America/Anchorage'"),
        ("BST", "nearest: 'Europe/London'"),
        ("aest", "nearest: 'Australia/Sydney'"),
        ("Pacific Time", "nearest: 'America/Los_Angeles'"),
        ("Central Standard Time", "nearest: 'America/Chicago'"),
    ],
)
def test_an_abbreviation_or_offset_is_answered_with_zones(name, hint) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(hint) + "$"):
        read_zone(name)
    for zone in re.findall(r"[A-Z]\w+/[\w+-]+", hint):
        read_zone(zone)


@pytest.mark.parametrize("name", ["UTC+99", "UTC-13", "GMT+10:30", "QQT"])
def test_what_is_no_zone_of_anybody_is_answered_without_a_hint(name) -> None:
    with pytest.raises(InvalidInputError, match=r"write an IANA time zone such as 'America/Los_Angeles'$"):
        read_zone(name)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("24/12/2026", "'2026-12-24'"),
        ("12/24/2026", "'2026-12-24'"),
        ("24.12.2026", "'2026-12-24'"),
        ("01/12/2027", "'2027-12-01' or '2027-01-12'"),
        ("1-1-2027", "'2027-01-01'"),
    ],
)
def test_a_date_of_everyday_life_is_answered_with_what_it_may_mean(text: str, meant: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(f"write the year first: {meant}") + "$"):
        read_instant(text, "campaign_start", False, ZoneInfo("UTC"))
