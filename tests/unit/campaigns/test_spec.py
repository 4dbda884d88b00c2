"""campaigns/spec.py: arguments are validated before anything is sent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.spec import (
    check_dates,
    check_not_over,
    wanted_fields,
    zone_of_dates,
)
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models import ARGUMENTS
from tests.support.clocks import FakeClock


def test_arguments_become_fields() -> None:
    assert wanted_fields(
        start="2026-11-08",
        end=date(2026, 12, 1),
        timezone="America/Los_Angeles",
        caller_id="(415) 555-0123",
        schedule={"mon-fri": "08:00-21:00"},
        settings={"maxRingTime": "30", "machineDetect": True},
    ) == {
        "startDate": datetime(2026, 11, 8, 8, tzinfo=UTC),
        "endDate": datetime(2026, 12, 2, 7, 59, 59, tzinfo=UTC),
        "callerId": "4155550123",
        **dict.fromkeys(["monSched", "tueSched", "wedSched", "thuSched", "friSched"], "08002100"),
        "satSched": "00000000",
        "sunSched": "00000000",
        "maxRingTime": 30,
        "machineDetect": True,
    }


def test_no_arguments_give_no_fields() -> None:
    assert wanted_fields() == {}
    assert wanted_fields(settings={}, timezone="UTC") == {}


@pytest.mark.parametrize(
    ("timezone", "default", "expected"),
    [
        ("America/New_York", "America/Los_Angeles", "2026-11-08T05:00:00+00:00"),
        (None, "America/Los_Angeles", "2026-11-08T08:00:00+00:00"),
        (pendulum.timezone("Asia/Tokyo"), "", "2026-11-07T15:00:00+00:00"),
    ],
)
def test_the_argument_overrides_the_connections_zone(timezone: object, default: str, expected: str) -> None:
    fields = wanted_fields(start="2026-11-08", timezone=zone_of_dates(timezone, default))
    assert fields == {"startDate": datetime.fromisoformat(expected)}
    assert fields["startDate"].isoformat() == expected


def test_without_any_zone_a_local_date_is_rejected() -> None:
    with pytest.raises(InvalidInputError, match=r"^campaign_start='2026-11-08'.*no offset"):
        wanted_fields(start="2026-11-08")
    assert wanted_fields(start="2026-11-08T00:00Z") == {"startDate": datetime(2026, 11, 8, tzinfo=UTC)}


def test_only_the_named_days_change_when_the_week_is_not_whole() -> None:
    assert wanted_fields(schedule={"sat": None}, whole_week=False) == {"satSched": "00000000"}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"start": "None"}, "campaign_start"),
        ({"start": ""}, "campaign_start"),
        ({"end": "2026-02-30"}, "campaign_end"),
        ({"end": "9999-12-31"}, "campaign_end"),
        ({"end": 20261301}, "campaign_end"),
        ({"timezone": ""}, "timezone"),
        ({"timezone": "None"}, "timezone"),
        ({"timezone": "America/Los_Angelos"}, "timezone"),
        ({"caller_id": ""}, "caller_id"),
        ({"caller_id": "None"}, "caller_id"),
        ({"caller_id": "me"}, "caller_id"),
        ({"caller_id": True}, "caller_id"),
        ({"schedule": "None"}, "schedule"),
        ({"schedule": {}}, "schedule"),
        ({"schedule": {"mon": "22:00-06:00"}}, "schedule['mon']"),
        ({"settings": "None"}, "settings"),
        ({"settings": [1]}, "settings"),
        ({"settings": {"maxRingTime": 61}}, "settings.maxRingTime"),
        ({"settings": {"maxRingTime": "None"}}, "settings.maxRingTime"),
        ({"settings": {"maxringtime": 30}}, "settings.maxringtime"),
        ({"settings": {"campaignId": 1}}, "settings.campaignId"),
        ({"settings": {"monSched": "x"}}, "settings.monSched"),
        ({"settings": {"monSched": "08002100"}, "schedule": {"mon": None}}, "settings.monSched"),
        *(({"settings": {name: 1}}, f"settings.{name}") for name in (*ARGUMENTS, *ARGUMENTS.values())),
    ],
)
def test_an_invalid_argument_is_named(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        wanted_fields(**{"timezone": "America/Los_Angeles", **arguments})
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}=")
    assert not caught.value.retryable


NOW = datetime(2026, 11, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "problem"),
    [
        ("2026-11-01T00:00:00.000+0000", "2026-11-08T00:00:01.000+0000", None),
        ("2026-12-01T00:00:00.000+0000", "2026-12-01T00:00:01.000+0000", None),
        ("2026-11-01T00:00:00.000+0000", "2026-11-08T00:00:00.000+0000", "already over"),
        ("2026-12-01T00:00:00.000+0000", "2026-12-01T00:00:00.000+0000", "after the start"),
        ("2026-12-01T00:00:00.000+0000", "2026-11-30T00:00:00.000+0000", "after the start"),
        ("2026-12-01T00:00:00.000+0000", "2026-11-30T23:00:00.000-0100", "after the start"),
    ],
)
def test_dates_make_a_window_that_is_not_over(start: str, end: str, problem: str | None) -> None:
    fields = {"startDate": datetime.fromisoformat(start), "endDate": datetime.fromisoformat(end)}
    with clock.use(FakeClock(NOW.timestamp())):
        if problem is None:
            check_dates(fields)
            check_not_over(fields)
        else:
            check = check_not_over if problem == "already over" else check_dates
            with pytest.raises(InvalidInputError, match=problem) as caught:
                check(fields)
            assert caught.value.field == "campaign_end"


def test_a_window_of_one_day_is_not_empty_even_where_the_day_is_short() -> None:
    for day in ("2026-03-08", "2026-11-01", "2028-02-29"):
        check_dates(wanted_fields(start=day, end=day, timezone="America/Havana"))


def test_a_date_error_shows_both_in_the_zone() -> None:
    day = datetime(2027, 7, 1, 7, tzinfo=UTC)
    with pytest.raises(InvalidInputError, match=r"'2027-07-01 00:00:00-07:00'.* 2027-07-01 00:00:00-07:00"):
        check_dates({"startDate": day, "endDate": day}, ZoneInfo("America/Los_Angeles"))
