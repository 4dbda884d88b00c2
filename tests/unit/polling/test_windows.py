"""windows.py: the phase of every minute, and when it next changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.schedule import DayHours
from airflow_provider_engagevoice.polling.windows import CampaignTimes, Goal, Phase, Window, judge, window_of
from tests.support.cases import cases

LA = ZoneInfo("America/Los_Angeles")
WORKDAY = DayHours(time(8), time(21))
MINUTE = timedelta(minutes=1)
#: A day on which clocks change: forward, then back.
CHANGES = {
    "America/Los_Angeles": (datetime(2026, 3, 8), datetime(2026, 11, 1)),
    "America/Havana": (datetime(2026, 3, 8), datetime(2026, 11, 1)),
    "Asia/Beirut": (datetime(2026, 3, 29), datetime(2026, 10, 25)),
    "Africa/Cairo": (datetime(2026, 4, 24), datetime(2026, 10, 30)),
    "America/Nuuk": (datetime(2026, 3, 29), datetime(2026, 10, 25)),
    "Australia/Lord_Howe": (datetime(2026, 10, 4), datetime(2026, 4, 5)),
    "Europe/Lisbon": (datetime(2026, 3, 29), datetime(2026, 10, 25)),
    "Asia/Kathmandu": (datetime(2026, 3, 29), datetime(2026, 10, 25)),
}
HOURS: dict[str, dict[int, DayHours | None]] = {
    "dates alone": {},
    "working week": {day: WORKDAY if day < 5 else None for day in range(7)},
    "all day": dict.fromkeys(range(7), DayHours(time(0), time(23, 59))),
    "about midnight": dict.fromkeys(range(7), DayHours(time(0, 30), time(1, 30))),
    "late": dict.fromkeys(range(7), DayHours(time(23), time(23, 45))),
    "evening": dict.fromkeys(range(7), DayHours(time(18), time(23, 30))),
    "within the change": dict.fromkeys(range(7), DayHours(time(2, 15), time(2, 45))),
    "closed": dict.fromkeys(range(7)),
    "one day": {day: DayHours(time(1, 30), time(3)) if day == 6 else None for day in range(7)},
}


def window(zone: str, hours: str, start: datetime, end: datetime) -> Window:
    return Window(start, end, HOURS[hours], ZoneInfo(zone))


def instants(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    while start < end:
        yield start
        start += step


def assert_changes_are_predicted(window: Window, moments: Iterator[datetime]) -> None:
    """The phase stays the same until the predicted instant, which is in the future."""
    before: Phase | None = None
    until = datetime.min.replace(tzinfo=UTC)
    for now in moments:
        phase, changes_at = window.phase(now)
        if now < until:
            assert phase == before, f"at {now} it is {phase}; {before} was to last until {until}"
        if changes_at is None:
            assert phase is Phase.OVER
            changes_at = datetime.max.replace(tzinfo=UTC)
        assert changes_at > now
        before, until = phase, max(until, changes_at)


@pytest.mark.parametrize("hours", HOURS)
@pytest.mark.parametrize("zone", CHANGES)
@pytest.mark.few(8)
def test_the_phase_changes_only_as_predicted_around_a_change_of_clocks(zone: str, hours: str) -> None:
    for change in CHANGES[zone]:
        day = change.replace(tzinfo=UTC)
        start, end = day - timedelta(hours=31), day + timedelta(hours=40)
        moments = instants(start - timedelta(hours=2), end + timedelta(hours=2), 5 * MINUTE)
        assert_changes_are_predicted(window(zone, hours, start, end), moments)


@pytest.mark.parametrize("hours", ["working week", "about midnight"])
@pytest.mark.few(1)
def test_the_phase_changes_only_as_predicted_minute_by_minute(hours: str) -> None:
    start = datetime(2026, 2, 27, 15, 3, tzinfo=UTC)
    end = start + timedelta(weeks=3)
    moments = instants(start - timedelta(hours=1), end + timedelta(hours=1), MINUTE)
    assert_changes_are_predicted(window("America/Los_Angeles", hours, start, end), moments)


@settings(max_examples=cases(200))
@given(
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    lead=st.timedeltas(timedelta(days=-40), timedelta(days=40)),
    length=st.timedeltas(timedelta(0), timedelta(days=60)),
    zone=st.sampled_from(sorted(CHANGES)),
    hours=st.sampled_from(sorted(HOURS)),
)
def test_following_the_changes_leads_to_the_end(
    now: datetime, lead: timedelta, length: timedelta, zone: str, hours: str
) -> None:
    checked = window(zone, hours, now + lead, now + lead + length)
    for _ in range(500):
        phase, changes_at = checked.phase(now)
        if changes_at is None:
            assert phase is Phase.OVER
            return
        assert changes_at > now
        now = changes_at
    pytest.fail("the window does not end")


@pytest.mark.parametrize("hours", ["working week", "all day", "late", "evening", "one day"])
@pytest.mark.parametrize("zone", CHANGES)
@pytest.mark.few(8)
def test_it_is_open_by_local_time(zone: str, hours: str) -> None:
    _assert_follows_local_time(zone, hours)


@pytest.mark.parametrize("hours", ["about midnight", "within the change"])
@pytest.mark.parametrize("zone", CHANGES)
@pytest.mark.few(4)
def test_also_when_hours_start_or_end_within_the_change(zone: str, hours: str) -> None:
    _assert_follows_local_time(zone, hours)


def _assert_follows_local_time(zone: str, hours: str) -> None:
    for change in CHANGES[zone]:
        day = change.replace(tzinfo=UTC)
        start, end = day - timedelta(hours=31), day + timedelta(hours=40)
        checked = window(zone, hours, start, end)
        for now in instants(start, end, 5 * MINUTE):
            local = now.astimezone(ZoneInfo(zone))
            today = HOURS[hours][local.weekday()]
            expected = Phase.CLOSED_DAY
            if today is not None:
                inside = today.opens <= local.time() < today.closes
                expected = Phase.OPEN if inside else Phase.OUT_OF_HOURS
            assert checked.phase(now)[0] == expected, f"at {local}"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "phase", "changes_at"),
    [
        ("2026-10-30T06:59:59.999", Phase.NOT_STARTED, "2026-10-30T07:00"),
        ("2026-10-30T07:00", Phase.OUT_OF_HOURS, "2026-10-30T15:00"),
        ("2026-10-30T15:00", Phase.OPEN, "2026-10-31T04:00"),
        ("2026-10-31T03:59:59.999", Phase.OPEN, "2026-10-31T04:00"),
        ("2026-10-31T04:00", Phase.OUT_OF_HOURS, "2026-10-31T07:00"),
        ("2026-10-31T07:00", Phase.CLOSED_DAY, "2026-11-02T08:00"),
        ("2026-11-01T07:00", Phase.CLOSED_DAY, "2026-11-02T08:00"),
        ("2026-11-02T08:00", Phase.OUT_OF_HOURS, "2026-11-02T16:00"),
        ("2026-11-02T16:00", Phase.OPEN, "2026-11-02T20:00"),
        ("2026-11-02T20:00", Phase.OVER, None),
        ("2030-01-01T00:00", Phase.OVER, None),
    ],
)
def test_phases_of_a_window_over_a_weekend_in_which_clocks_change(
    now: str, phase: Phase, changes_at: str | None
) -> None:
    checked = window("America/Los_Angeles", "working week", utc("2026-10-30T07:00"), utc("2026-11-02T20:00"))
    assert checked.phase(utc(now)) == (phase, utc(changes_at) if changes_at else None)


@pytest.mark.parametrize(
    ("now", "hours", "opens_at"),
    [
        ("2026-10-29T12:00", "working week", "2026-10-30T15:00"),  # its dates begin at night
        ("2026-10-30T07:00", "working week", "2026-10-30T15:00"),
        ("2026-10-31T05:00", "working week", "2026-11-02T16:00"),  # Friday night
        ("2026-10-31T07:00", "working week", "2026-11-02T16:00"),
        ("2026-10-29T12:00", "dates alone", "2026-10-30T07:00"),
        ("2026-10-30T12:00", "closed", None),
        ("2026-11-02T20:00", "working week", None),
    ],
)
def test_the_opening_is_found_behind_closed_days(now: str, hours: str, opens_at: str | None) -> None:
    checked = window("America/Los_Angeles", hours, utc("2026-10-30T07:00"), utc("2026-11-02T20:00"))
    assert checked.opens_at(utc(now)) == (utc(opens_at) if opens_at else None)


@pytest.mark.parametrize("zone", CHANGES)
def test_the_opening_is_the_first_open_minute(zone: str) -> None:
    for change in CHANGES[zone]:
        start = change.replace(tzinfo=UTC) - timedelta(days=3)
        checked = window(zone, "one day", start, start + timedelta(days=7))
        opens_at = checked.opens_at(start)
        assert opens_at is not None
        assert checked.phase(opens_at)[0] is Phase.OPEN
        assert checked.phase(opens_at - timedelta(seconds=1))[0] is not Phase.OPEN
        assert opens_at.astimezone(ZoneInfo(zone)).weekday() == 6


def test_a_window_whose_end_is_not_after_its_start_never_opens() -> None:
    start = utc("2026-10-30T07:00")
    for end in (start, start - timedelta(days=1)):
        checked = window("UTC", "dates alone", start, end)
        assert checked.phase(end - MINUTE) == (Phase.NOT_STARTED, end)
        assert checked.phase(end) == (Phase.OVER, None)
        assert checked.phase(start) == (Phase.OVER, None)


def campaign(sample: dict[str, Any], **fields: object) -> Campaign:
    dates = {"startDate": "2026-10-30T07:00:00.000+0000", "endDate": "2026-11-02T20:00:00.000+0000"}
    return Campaign.from_server({**sample, **dates, "isActive": 1, **fields})


INSIDE, BEFORE, AFTER = utc("2026-10-31T00:00"), utc("2026-10-30T00:00"), utc("2026-11-02T20:00")


@pytest.mark.parametrize(
    ("state", "now", "reached", "unreachable", "reason"),
    [
        (1, INSIDE, True, False, "open"),
        (1, BEFORE, False, False, "not started"),
        (1, AFTER, False, True, "over"),
        (0, INSIDE, False, False, "inactive"),
        (0, BEFORE, False, False, "inactive, not started"),
        (0, AFTER, False, True, "over"),
        (2, INSIDE, False, False, "callbacks only"),
        (2, BEFORE, False, False, "callbacks only, not started"),
        (7, INSIDE, False, False, "isActive is 7"),
        (None, INSIDE, False, False, "isActive is None"),
    ],
)
def test_waiting_for_open(
    sample: dict[str, Any], state: object, now: datetime, reached: bool, unreachable: bool, reason: str
) -> None:
    verdict = judge(CampaignTimes.of(campaign(sample, isActive=state)), Goal.OPEN, now)
    assert (verdict.reached, verdict.unreachable, verdict.reason) == (reached, unreachable, reason)


@pytest.mark.parametrize("state", [0, 1, 2])
@pytest.mark.parametrize(
    ("now", "zone", "reached"),
    [
        (BEFORE, None, False),
        (INSIDE, None, False),
        (AFTER, None, True),
        (INSIDE, LA, False),
        (utc("2026-10-31T04:00"), LA, True),
        (utc("2026-10-31T12:00"), LA, True),
        (utc("2026-10-31T12:00"), None, False),
    ],
)
def test_waiting_for_closed(
    sample: dict[str, Any], state: int, now: datetime, zone: ZoneInfo | None, reached: bool
) -> None:
    verdict = judge(CampaignTimes.of(campaign(sample, isActive=state)), Goal.CLOSED, now, zone)
    assert (verdict.reached, verdict.unreachable) == (reached, False)


@pytest.mark.parametrize(
    ("now", "reason"),
    [("2026-10-30T08:00", "out of hours"), ("2026-10-31T12:00", "closed day"), ("2026-10-30T15:00", "open")],
)
def test_hours_apply_only_with_a_zone(sample: dict[str, Any], now: str, reason: str) -> None:
    assert judge(CampaignTimes.of(campaign(sample)), Goal.OPEN, utc(now), LA).reason == reason
    assert judge(CampaignTimes.of(campaign(sample)), Goal.OPEN, utc(now)).reason == "open"
    inactive = judge(CampaignTimes.of(campaign(sample, isActive=0)), Goal.OPEN, utc(now), LA).reason
    assert inactive == ("inactive" if reason == "open" else f"inactive, {reason}")


@pytest.mark.parametrize("field", ["startDate", "endDate"])
@pytest.mark.parametrize("value", [None, "", "soon", []])
@pytest.mark.parametrize("goal", Goal)
def test_a_campaign_without_readable_dates_is_neither_open_nor_closed(
    sample: dict[str, Any], goal: Goal, field: str, value: object
) -> None:
    times = CampaignTimes.of(campaign(sample, **{field: value}))
    for now in (BEFORE, INSIDE, AFTER):
        verdict = judge(times, goal, now)
        assert (verdict.reached, verdict.unreachable, verdict.readable) == (False, False, False)
        assert repr(value) in verdict.reason
    with pytest.raises(InvalidInputError, match=r"136785 dates.*no readable"):
        window_of(times, None)


@pytest.mark.parametrize("value", [None, "", " ", 8, []])
def test_missing_hours_count_as_neither_only_with_daily_hours(sample: dict[str, Any], value: object) -> None:
    times = CampaignTimes.of(campaign(sample, wedSched=value))
    assert not judge(times, Goal.CLOSED, INSIDE, LA).readable
    assert judge(times, Goal.OPEN, INSIDE).reached


@pytest.mark.parametrize("value", ["08002400", "22000600"])
def test_undocumented_hours_are_an_error(sample: dict[str, Any], value: str) -> None:
    with pytest.raises(InvalidInputError, match="136785 wedSched"):
        judge(CampaignTimes.of(campaign(sample, wedSched=value)), Goal.OPEN, INSIDE, LA)


@pytest.mark.parametrize(
    ("forms", "reason"),
    [
        ((1, "1", " 1", True, "true", "True", 1.0), "open"),
        ((0, "0", False, "false", 0.0), "inactive"),
        ((2, "2", "2 ", 2.0), "callbacks only"),
    ],
)
def test_every_form_of_a_state_is_judged_alike(
    sample: dict[str, Any], forms: tuple[object, ...], reason: str
) -> None:
    verdicts = [judge(CampaignTimes.of(campaign(sample, isActive=one)), Goal.OPEN, INSIDE) for one in forms]
    assert {one.reason for one in verdicts} == {reason}


@pytest.mark.parametrize("value", [[], {}, "yes", 1.5, -1])
def test_a_state_of_no_known_form_keeps_it_waiting(sample: dict[str, Any], value: object) -> None:
    verdict = judge(CampaignTimes.of(campaign(sample, isActive=value)), Goal.OPEN, INSIDE)
    assert (verdict.reached, verdict.unreachable) == (False, False)
    assert verdict.reason.startswith("isActive is")


@pytest.mark.parametrize(
    "start",
    [
        "2026-10-30T07:00:00.000+0000",
        "2026-10-30T07:00:00Z",
        "2026-10-30T07:00:00+0000",
        "2026-10-30T07:00Z",
        "2026-10-30T12:30:00.000+0530",
        "2026-10-30 00:00:00-07:00",
        1_793_343_600_000,
    ],
)
def test_every_form_of_a_date_is_judged_alike(sample: dict[str, Any], start: object) -> None:
    times = CampaignTimes.of(campaign(sample, startDate=start))
    opens = utc("2026-10-30T07:00")
    assert judge(times, Goal.OPEN, opens).reached
    assert judge(times, Goal.OPEN, opens - timedelta(milliseconds=1)).changes_at == opens


@pytest.mark.parametrize("value", [None, "", "08002400", "22000600", 8, []])
def test_undocumented_hours_are_an_error_only_with_daily_hours(sample: dict[str, Any], value: object) -> None:
    with pytest.raises(InvalidInputError, match="136785 wedSched"):
        window_of(CampaignTimes.of(campaign(sample, wedSched=value)), LA)
    assert window_of(CampaignTimes.of(campaign(sample, wedSched=value)), None).hours == {}
