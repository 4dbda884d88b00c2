"""Excluded dates are free of calls on every clock that hours may be read by, and other dates are not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_engagevoice.campaigns.closed_days import DayLimit, Exclusion, decide, is_open
from airflow_provider_engagevoice.dates import first_instant
from airflow_provider_engagevoice.models.schedule import CLOSED, SCHEDULE_FIELDS, read_day

PAGE = Path(__file__).parents[3] / "docs" / "season-plans.md"
DAY = timedelta(days=1)
USUAL = "08002000"
ALL_DAY = "00002359"
#: Zones of campaigns: both ends, and some whose clocks change around the dates.
ZONES = (
    "America/Los_Angeles",
    "America/New_York",
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Honolulu",
)
#: Minutes by which the clocks that hours may be read by are ahead of UTC.
CLOCKS = (*range(-720, 841, 60), -570, -210, 330, 345, 570, 765)
_MONDAY = datetime(2027, 1, 4, tzinfo=UTC)
_WEEK = 7 * 24 * 60
THANKSGIVING = date(2027, 11, 25)
#: Single dates, some on days on which clocks change, and ranges.
DATES: tuple[tuple[date, ...], ...] = (
    (THANKSGIVING,),
    (THANKSGIVING, THANKSGIVING + DAY),
    (THANKSGIVING, THANKSGIVING + 7 * DAY),
    (date(2027, 11, 7),),
    (date(2027, 3, 14),),
    (date(2027, 12, 31), date(2028, 1, 2)),
    tuple(date(2027, 12, 24) + number * DAY for number in range(9)),
)


def exclusion(zone: str, dates: Sequence[date], hours: str = USUAL) -> Exclusion:
    return Exclusion(zone, [one.isoformat() for one in dates], dict.fromkeys(SCHEDULE_FIELDS, hours))


def week(one: Exclusion, now: datetime) -> dict[str, str]:
    """Return the hours of a campaign after a run."""
    return {**one.hours, **{name: limit.hours for name, limit in one.limits_at(now).items()}}


def ahead(at: datetime, zone: str) -> int:
    """Return by how many minutes the clocks of a zone are ahead of UTC."""
    return int((at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()).total_seconds()) // 60


@cache
def _hours(week: tuple[str, ...]) -> list[tuple[int, int] | None]:
    days = map(read_day, week)
    return [
        one and (60 * one.opens.hour + one.opens.minute, 60 * one.closes.hour + one.closes.minute)
        for one in days
    ]


def dials(fields: dict[str, str], at: datetime, clocks: Iterable[int]) -> bool:
    """Return whether the server dials, by any of some clocks."""
    hours = _hours(tuple(fields[name] for name in SCHEDULE_FIELDS))
    minutes = int((at - _MONDAY).total_seconds()) // 60
    for clock in clocks:
        weekday, minute = divmod((minutes + clock) % _WEEK, 24 * 60)
        day = hours[weekday]
        if day is not None and day[0] <= minute < day[1]:
            return True
    return False


def instants(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    """Yield the instants from a start to an end, and the last minute."""
    while start < end:
        yield start
        start += step
    yield end - timedelta(minutes=1)


@pytest.mark.few(4)
@pytest.mark.parametrize("hours", [USUAL, ALL_DAY, "09302130"])
@pytest.mark.parametrize("zone", ZONES)
def test_one_run_in_five_days_keeps_a_date_free_on_every_clock(zone: str, hours: str) -> None:
    local = ZoneInfo(zone)
    for dates in DATES:
        one = exclusion(zone, dates, hours)
        for day in dates:
            start, end = first_instant(day, local), first_instant(day + DAY, local)
            for run in instants(first_instant(day - 5 * DAY, local), start, timedelta(hours=13)):
                fields = week(one, run)
                for at in instants(start, end, timedelta(minutes=30)):
                    assert not dials(fields, at, CLOCKS), (day, run, at)


@pytest.mark.few(2)
@pytest.mark.parametrize("zone", ZONES)
def test_one_run_in_six_days_keeps_a_date_free_on_clocks_no_more_than_the_first_hour_ahead(zone: str) -> None:
    local = ZoneInfo(zone)
    for dates in DATES:
        one = exclusion(zone, dates)
        for day in dates:
            start, end = first_instant(day, local), first_instant(day + DAY, local)
            for run in instants(first_instant(day - 6 * DAY, local), start, timedelta(hours=13)):
                fields = week(one, run)
                for at in instants(start, end, timedelta(minutes=30)):
                    clocks = [clock for clock in CLOCKS if clock - ahead(at, zone) <= 8 * 60]
                    assert not dials(fields, at, clocks), (day, run, at)


@pytest.mark.few(2)
@pytest.mark.parametrize("zone", ZONES)
def test_no_clock_that_shows_the_date_dials(zone: str) -> None:
    """Whatever runs there are, from six days before on."""
    for dates in DATES:
        one = exclusion(zone, dates, ALL_DAY)
        for day in dates:
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            begins = first_instant(day - 6 * DAY, ZoneInfo(zone))
            for run in instants(begins, midnight + 36 * timedelta(hours=1), timedelta(hours=13)):
                fields = week(one, run)
                for clock in CLOCKS:
                    shown = midnight - timedelta(minutes=clock)
                    for at in instants(max(shown, run), shown + DAY, timedelta(hours=3)):
                        assert run >= shown + DAY or not dials(fields, at, [clock]), (day, run, at)


@pytest.mark.parametrize("zone", ZONES)
def test_other_dates_are_open_as_usual_but_for_the_evening_before(zone: str) -> None:
    """With a run each hour, by the clock of the zone."""
    local = ZoneInfo(zone)
    one = exclusion(zone, (THANKSGIVING,))
    # The westernmost clock shows the evening before while the date begins.
    behind = ahead(first_instant(THANKSGIVING, local), zone) + 12 * 60
    evening = first_instant(THANKSGIVING, local) - timedelta(minutes=behind)
    start = first_instant(THANKSGIVING - 9 * DAY, local)
    for at in instants(start, start + 24 * DAY, timedelta(hours=1)):
        day = at.astimezone(local).date()
        usual = dials(one.hours, at, [ahead(at, zone)])
        is_evening = evening <= at < first_instant(THANKSGIVING, local)
        wanted = usual and day != THANKSGIVING and not is_evening
        assert dials(week(one, at), at, [ahead(at, zone)]) == wanted, at


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "America/New_York", "Europe/Berlin"])
def test_a_missed_run_leaves_days_closed(zone: str) -> None:
    one = exclusion(zone, (THANKSGIVING,))
    fields = week(one, first_instant(THANKSGIVING - DAY, ZoneInfo(zone)))
    assert fields["thuSched"] == CLOSED
    assert fields["monSched"] == fields["tueSched"] == fields["satSched"] == USUAL


def test_a_break_of_a_week_closes_all_days() -> None:
    dates = [date(2027, 12, 24) + number * DAY for number in range(9)]
    one = exclusion("America/New_York", dates)
    fields = week(one, datetime(2027, 12, 25, 12, tzinfo=UTC))
    assert set(fields.values()) == {CLOSED}


def test_days_that_are_closed_anyway_are_not_limited() -> None:
    one = exclusion("America/New_York", (THANKSGIVING,))
    one.hours["thuSched"] = CLOSED
    assert "thuSched" not in one.limits_at(datetime(2027, 11, 24, tzinfo=UTC))


def test_hours_that_nobody_documents_are_closed() -> None:
    one = exclusion("America/New_York", (THANKSGIVING,), "20000400")
    assert one.limits_at(datetime(2027, 11, 24, 12, tzinfo=UTC))["thuSched"].hours == CLOSED


@pytest.mark.parametrize(
    ("last", "stored", "written", "kept"),
    [
        # Before the first run, and after it.
        (None, USUAL, CLOSED, None),
        (DayLimit(CLOSED, ["2027-11-25"]), CLOSED, None, None),
        # A person has other hours, or has opened the date again.
        (None, "09001700", None, CLOSED),
        (DayLimit(CLOSED, ["2027-11-25"]), "10001200", None, CLOSED),
        (DayLimit(CLOSED, ["2027-11-25"]), USUAL, None, CLOSED),
        # A run that was killed has opened the day after another date.
        (DayLimit(CLOSED, ["2027-11-18"]), USUAL, CLOSED, None),
    ],
)
def test_what_a_person_has_set_stands(
    last: DayLimit | None, stored: str, written: str | None, kept: str | None
) -> None:
    one = exclusion("America/New_York", (THANKSGIVING,))
    one.limits = {} if last is None else {"thuSched": last}
    now = datetime(2027, 11, 22, tzinfo=UTC)
    found = decide(one, {**one.hours, "thuSched": stored}, now)
    assert (found.writes.get("thuSched"), found.kept.get("thuSched")) == (written, kept)
    one.limits = found.limits
    again = decide(one, {**one.hours, "thuSched": written or stored}, now)
    assert "thuSched" not in again.writes
    assert again.kept.get("thuSched") == kept
    after = decide(one, {**one.hours, "thuSched": written or stored}, now + 7 * DAY)
    is_ours = (written or stored) == CLOSED
    assert after.writes.get("thuSched") == (USUAL if is_ours else None)
    assert after.limits == {}


def test_what_a_person_has_closed_stays_closed() -> None:
    one = exclusion("America/New_York", (THANKSGIVING,))
    closed = {**one.hours, "thuSched": CLOSED}
    one.limits = decide(one, closed, datetime(2027, 11, 22, tzinfo=UTC)).limits
    assert "thuSched" not in one.limits
    assert decide(one, closed, datetime(2027, 11, 28, tzinfo=UTC)).writes.get("thuSched") is None


def test_shorter_hours_of_a_run_that_was_killed_are_closed() -> None:
    one = exclusion("America/New_York", (date(2027, 11, 19), THANKSGIVING))
    evening = {**one.hours, "thuSched": "08001700"}
    assert decide(one, evening, datetime(2027, 11, 22, tzinfo=UTC)).writes["thuSched"] == CLOSED
    # Only to close it: what is closed when an evening alone has to be, a person has closed.
    closed = {**one.hours, "thuSched": CLOSED}
    assert "thuSched" not in decide(one, closed, datetime(2027, 11, 16, tzinfo=UTC)).writes
    theirs = {**one.hours, "thuSched": "10001600"}
    assert decide(one, theirs, datetime(2027, 11, 22, tzinfo=UTC)).kept["thuSched"] == CLOSED


def test_what_a_person_has_closed_in_place_of_a_limit_stays_closed() -> None:
    """The evening before one date, and then another date itself."""
    one = exclusion("America/New_York", (date(2027, 11, 19), THANKSGIVING))
    one.limits = {"thuSched": DayLimit("08001700", ["2027-11-19"])}
    closed = {**one.hours, "thuSched": CLOSED}
    one.limits = decide(one, closed, datetime(2027, 11, 22, tzinfo=UTC)).limits
    assert "thuSched" not in one.limits


@pytest.mark.parametrize(
    ("stored", "allowed", "expected"),
    [
        (CLOSED, CLOSED, False),
        (USUAL, CLOSED, True),
        (None, CLOSED, True),
        ("09001600", "08001700", False),
        ("09001800", "08001700", True),
        ("07001600", "08001700", True),
    ],
)
def test_is_open(stored: object, allowed: str, expected: bool) -> None:
    assert is_open(stored, DayLimit(allowed, [])) is expected


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("Hawaii", "Pacific/Honolulu"),
        ("Los Angeles", "America/Los_Angeles"),
        ("Denver", "America/Denver"),
        ("Chicago", "America/Chicago"),
        ("New York", "America/New_York"),
        ("London", "Europe/London"),
        ("Berlin", "Europe/Berlin"),
        ("Sydney", "Australia/Sydney"),
    ],
)
def test_the_page_has_the_hours_of_the_neighbors(place: str, zone: str) -> None:
    row = re.search(rf"^\| {place} \| (.*) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert row is not None
    ends, begins = set(), set()
    for day in (date(2027, 1, 20), date(2027, 7, 21)):
        limits = exclusion(zone, (day,), ALL_DAY).limits_at(first_instant(day - DAY, ZoneInfo(zone)))
        before = read_day(limits[SCHEDULE_FIELDS[(day - DAY).weekday()]].hours)
        after = limits.get(SCHEDULE_FIELDS[(day + DAY).weekday()], DayLimit(CLOSED, []))
        assert before is not None
        ends.add(f"{before.closes.hour}:{before.closes:%M}")
        opened = read_day(after.hours)
        begins.add("not at all" if opened is None else f"{opened.opens.hour}:{opened.opens:%M}")
    assert ends == set(re.split(", in summer ", row[1]))
    assert begins == set(re.split(", in summer ", row[2]))
