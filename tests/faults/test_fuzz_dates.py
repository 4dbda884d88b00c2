"""Dates, schedules and windows: values survive a round trip, keep their order, and change when predicted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume
from hypothesis import strategies as st

from airflow_provider_engagevoice import inputs
from airflow_provider_engagevoice.campaigns import spec
from airflow_provider_engagevoice.dates import (
    SECOND,
    first_instant,
    format_vendor_date,
    parse_vendor_date,
    read_instant,
    read_zone,
)
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.campaign import Campaign, CampaignFields, request_body
from airflow_provider_engagevoice.models.schedule import (
    DAYS,
    SCHEDULE_FIELDS,
    DayHours,
    parse_schedule,
    read_day,
)
from airflow_provider_engagevoice.polling.windows import CampaignTimes, Goal, Phase, Window, judge
from tests.faults.fuzz import in_zones, jsons, run_cases, texts, zone_names


def read(value: object, zone: str, is_end: bool = False) -> datetime:
    return read_instant(value, "campaign_start", is_end, ZoneInfo(zone))


def readings(local: datetime, zone: ZoneInfo) -> set[datetime]:
    """Return every instant at which a zone's clocks show a local time, by trying all offsets around it."""
    hours = range(-48, 49, 3)
    about = (local.replace(tzinfo=UTC) + timedelta(hours=hour) for hour in hours)
    offsets = {moment.astimezone(zone).utcoffset() for moment in about}
    found = {local.replace(tzinfo=UTC) - (offset or timedelta(0)) for offset in offsets}
    return {one for one in found if one.astimezone(zone).replace(tzinfo=None, fold=0) == local}


@run_cases(60, 1500, case=in_zones, writing=st.sampled_from(["T", " "]))
def test_a_local_time_means_the_one_instant_at_which_clocks_show_it(case: Any, writing: str) -> None:
    name, instants = case
    zone = ZoneInfo(name)
    for shift in (timedelta(0), timedelta(hours=1), timedelta(minutes=30)):
        local = (instants[0].astimezone(zone) + shift).replace(tzinfo=None, fold=0, microsecond=0)
        possible = readings(local, zone)
        text = local.isoformat(writing)
        if len(possible) == 1:
            assert {read(text, name)} == possible
        else:
            with pytest.raises(InvalidInputError, match="happens twice" if possible else "jump over"):
                read(text, name)


@run_cases(60, 1500, case=in_zones)
def test_an_instant_survives_a_round_trip_in_every_notation(case: Any) -> None:
    name, instants = case
    instants = sorted(instant.replace(microsecond=0) for instant in instants)
    assume(instants[0] < instants[1])
    there = instants[0].astimezone(ZoneInfo(name))
    for value in (there, there.isoformat(), there.isoformat(" ", "milliseconds"), there.astimezone(UTC)):
        fields = spec.wanted_fields(start=value, end=instants[1] + timedelta(milliseconds=999))
        body = request_body(fields)
        assert parse_vendor_date(body["startDate"]) == instants[0] == fields["startDate"]
        assert format_vendor_date(parse_vendor_date(body["startDate"])) == body["startDate"]
        stored = {"campaignId": 1, "campaignName": "x", **json.loads(json.dumps(body))}
        campaign = Campaign.from_server(stored)
        assert (campaign.start, campaign.end) == (instants[0], instants[1])


@run_cases(60, 1000, case=in_zones)
def test_the_order_of_local_times_is_the_order_of_their_instants(case: Any) -> None:
    name, instants = case
    zone = ZoneInfo(name)
    read_back: list[tuple[datetime, datetime]] = []
    for local in sorted(instant.astimezone(zone).replace(tzinfo=None, fold=0) for instant in instants):
        try:
            read_back.append((local, read(local, name)))
        except InvalidInputError:
            continue
    assert [instant for _, instant in read_back] == sorted(instant for _, instant in read_back)


@run_cases(60, 1000, case=in_zones)
def test_days_are_contiguous_and_contain_their_times(case: Any) -> None:
    name, instants = case
    zone = ZoneInfo(name)
    for instant in instants:
        day = instant.astimezone(zone).date()
        first, last = read(day, name), read(day.isoformat(), name, True)
        assert first <= instant < last + SECOND
        assert first == first_instant(day, zone)
        assert read(day + timedelta(days=1), name) == last + SECOND
        spec.check_dates(spec.wanted_fields(start=day, end=day, timezone=name))


any_zone = zone_names | texts | st.none() | jsons


@run_cases(40, 500, start=texts | jsons, end=texts | jsons, zone=any_zone, default=zone_names | st.just(""))
def test_any_dates_are_read_or_rejected(start: object, end: object, zone: object, default: str) -> None:
    try:
        fields = spec.wanted_fields(start=start, end=end, timezone=spec.zone_of_dates(zone, default))
        spec.check_dates({"startDate": None, "endDate": None} | fields)
    except InvalidInputError:
        return
    assert {key: parse_vendor_date(value) for key, value in request_body(fields).items()} == fields
    read_zone(default or "UTC")


# Schedules

times = st.times().map(lambda at: at.replace(second=0, microsecond=0))
hours = st.tuples(times, times).map(sorted).filter(lambda pair: pair[0] < pair[1]).map(lambda p: DayHours(*p))
weeks = st.lists(st.none() | hours, min_size=7, max_size=7)


def written(day: DayHours | None) -> str | None:
    return None if day is None else f"{day.opens:%H:%M}-{day.closes:%H:%M}"


@run_cases(60, 1000, week=weeks, named=st.sets(st.sampled_from(range(7)), min_size=1))
def test_a_week_survives_a_round_trip(week: list[DayHours | None], named: set[int]) -> None:
    schedule = {DAYS[day]: written(week[day]) for day in named}
    fields = spec.wanted_fields(schedule=json.loads(json.dumps(schedule)))
    assert set(fields) == set(SCHEDULE_FIELDS)
    for day, name in enumerate(SCHEDULE_FIELDS):
        assert read_day(fields[name]) == (week[day] if day in named else None)
    # What is stored equals what was written, in the vendor's own form too.
    assert spec.wanted_fields(schedule=fields) == fields
    changed = spec.wanted_fields(schedule=schedule, whole_week=False)
    assert changed == {SCHEDULE_FIELDS[day]: fields[SCHEDULE_FIELDS[day]] for day in sorted(named)}


day_keys = st.sampled_from([*DAYS, *SCHEDULE_FIELDS, "mon-fri", "sat,sun", "Mon", "fri-mon"]) | texts
day_values = st.sampled_from(["08:00-21:00", "8:00-21:00", "08002100", "24:00-24:00", "08:00-24:00"]) | jsons


@run_cases(100, 1500, schedule=st.dictionaries(day_keys, day_values, max_size=4) | jsons, whole=st.booleans())
def test_any_schedule_is_read_or_rejected(schedule: Any, whole: bool) -> None:
    try:
        fields = parse_schedule(schedule, whole_week=whole)
    except InvalidInputError:
        return
    assert set(fields) <= set(SCHEDULE_FIELDS)
    assert all(len(value) == 8 and value.isascii() and value.isdigit() for value in fields.values())


arguments = st.fixed_dictionaries(
    {},
    optional={
        "caller_id": texts | jsons,
        "schedule": jsons,
        "settings": st.dictionaries(
            st.sampled_from(sorted(CampaignFields.model_fields)) | texts, jsons, max_size=3
        )
        | jsons,
    },
)


@run_cases(
    100, 1500, given=arguments, name=texts | jsons, state=texts | jsons, others=st.lists(jsons, max_size=3)
)
def test_any_argument_a_template_may_render_is_read_or_rejected(
    given: dict[str, Any], name: object, state: object, others: list[object]
) -> None:
    for read_one, value in (
        (inputs.read_campaign_name, name),
        (inputs.read_state, state),
        *((inputs.read_if_exists, other) for other in others),
        *((inputs.read_country, other) for other in others),
        *((lambda value: inputs.read_flag(value, "enforce_active"), other) for other in others),
    ):
        try:
            read_one(value)  # type: ignore[operator]
        except InvalidInputError:
            continue
    try:
        fields = spec.wanted_fields(**given)
    except InvalidInputError:
        return
    sent = json.dumps(fields, allow_nan=False, ensure_ascii=False).encode()
    assert (
        spec.wanted_fields(settings=_as_settings(json.loads(sent)), caller_id=fields.get("callerId"))
        == fields
    )


def _as_settings(fields: dict[str, Any]) -> dict[str, Any] | None:
    return {name: value for name, value in fields.items() if name != "callerId"} or None


# Windows


@run_cases(60, 1500, case=in_zones, week=weeks | st.just([]), steps=st.lists(st.floats(0, 1), max_size=6))
def test_nothing_changes_before_the_predicted_instant(
    case: Any, week: list[DayHours | None], steps: list[float]
) -> None:
    name, instants = case
    now, (start, *_, end) = instants[0], sorted(instants)
    zone = ZoneInfo(name)
    window = Window(start, end + timedelta(days=9), dict(enumerate(week)), zone)
    for _ in range(4):
        phase, changes_at = window.phase(now)
        if changes_at is None:
            assert phase is Phase.OVER
            return
        assert changes_at > now
        between = [now + (changes_at - now) * step for step in steps]
        # Clocks show each time of a day at most twice, an offset apart: check those in any case.
        between += [changes_at - timedelta(hours=back) for back in (0.5, 1, 2, 24)] + [
            changes_at - timedelta(milliseconds=1)
        ]
        for moment in between:
            if now <= moment < changes_at:
                assert window.phase(moment)[0] is phase, f"{phase} at {now}, and not at {moment}"
        assert window.phase(changes_at)[0] is not phase, f"{phase} at {now}, and still at {changes_at}"
        now = changes_at


@run_cases(
    60,
    1000,
    case=in_zones,
    week=weeks,
    state=st.sampled_from([0, 1, 2, 7, None, "1"]),
    goal=st.sampled_from(Goal),
    hours_count=st.booleans(),
    step=st.floats(0, 1),
)
def test_a_verdict_is_valid_until_the_instant_it_gives(
    case: Any, week: list[DayHours | None], state: object, goal: Goal, hours_count: bool, step: float
) -> None:
    name, (now, start, *_) = case
    end = start + timedelta(days=3)
    raw = {field: _raw(day) for field, day in zip(SCHEDULE_FIELDS, week, strict=True)}
    dates = {"startDate": format_vendor_date(start), "endDate": format_vendor_date(end)}
    campaign = Campaign.from_server({"campaignId": 1, "campaignName": "x", "isActive": state, **raw, **dates})
    zone = ZoneInfo(name) if hours_count else None
    verdict = judge(CampaignTimes.of(campaign), goal, now, zone)
    assert verdict.reached is False or goal is Goal.CLOSED or (state in (1, "1") and start <= now < end)
    assert not verdict.unreachable or (goal is Goal.OPEN and now >= end)
    assert verdict.reached is True or goal is Goal.OPEN or now < end
    if verdict.changes_at is None:
        assert now >= end
        return
    later = judge(CampaignTimes.of(campaign), goal, now + (verdict.changes_at - now) * step * 0.999999, zone)
    assert (later.reached, later.unreachable, later.reason) == (
        verdict.reached,
        verdict.unreachable,
        verdict.reason,
    )


def _raw(day: DayHours | None) -> str:
    return "00000000" if day is None else f"{day.opens:%H%M}{day.closes:%H%M}"
