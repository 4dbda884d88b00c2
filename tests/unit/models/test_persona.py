"""models/persona.py: calling windows of campaigns with several phones for each lead."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.campaign import campaign_fields
from airflow_provider_engagevoice.models.persona import check_hours, check_windows, read_windows

STRATEGIC = {"callingConfiguration": "STRATEGIC"}
FIRST = [{"phoneId": 1, "priority": 1}]


def window(start: str, end: str, day: str = "MONDAY", **more: Any) -> dict[str, Any]:
    return {"day": day, "start": start, "end": end, "callPreferences": FIRST, **more}


def test_windows_are_sent_without_what_only_the_server_writes() -> None:
    read = window("08:00", "21:00", scheduleId=4, campaignId=7)
    read["callPreferences"] = [{"phoneId": 2, "priority": 1, "phoneLabel": "Work"}]
    sent = window("08:00", "21:00", callPreferences=[{"phoneId": 2, "priority": 1}])
    assert read_windows([read]) == [sent]
    assert campaign_fields({"personaCallSchedules": [read]}) == {"personaCallSchedules": [sent]}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"day": "Mon"}, r"\[0\]\['day'\]='Mon' is not usable: write one of MONDAY"),
        ({"start": "8:00"}, r"\[0\]\['start'\]='8:00' is not usable: write HH:MM, 00:00 to 23:59"),
        ({"end": "24:00"}, r"\[0\]\['end'\]='24:00'"),
        ({"end": "21:00\n"}, r"\[0\]\['end'\]='21:00\\n' is not usable: write HH:MM"),
        ({"start": "\u0660\u0668:00"}, r"\[0\]\['start'\]="),
        ({"end": "08:00"}, r"MONDAY='08:00-08:00' is not usable: a window must end after its start"),
        ({"callPreferences": []}, r"\[0\]\['callPreferences'\]"),
        ({"callPreferences": [{"phoneId": 0, "priority": 1}]}, r"\['phoneId'\]=0"),
        ({"callPreferences": [{"phoneId": 8, "priority": 1}]}, r"\['phoneId'\]=8"),
        ({"callPreferences": [{"phoneId": 1, "priority": 0}]}, r"\['priority'\]=0"),
        ({"callPreferences": [{"phoneId": True, "priority": 1}]}, r"\['phoneId'\]=True .* write a number"),
        (
            {"callPreferences": [{"phoneId": 1, "priority": 1}, {"phoneId": 1, "priority": 2}]},
            r"=\[1, 1\] is not usable: each phoneId may be given once",
        ),
        (
            {"callPreferences": [{"phoneId": 1, "priority": 1}, {"phoneId": 2, "priority": 1}]},
            r"=\[1, 1\] is not usable: each priority may be given once",
        ),
        ({"label": "Morning"}, r"\[0\]\['label'\]='Morning'"),
    ],
)
def test_a_bad_window_is_named(change: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"settings\.personaCallSchedules.*{place}"):
        read_windows([window("08:00", "21:00") | change])


@pytest.mark.parametrize("value", ["text", {"day": "MONDAY"}, [5], 7])
def test_windows_are_a_list_of_mappings(value: object) -> None:
    with pytest.raises(InvalidInputError, match="personaCallSchedules"):
        campaign_fields({"personaCallSchedules": value})


@pytest.mark.parametrize("start", ["12:00", "12:02", "13:00"])
def test_the_next_window_begins_a_minute_later(start: str) -> None:
    with pytest.raises(InvalidInputError, match="must begin one minute after 12:00"):
        read_windows([window(start, "21:00"), window("08:00", "12:00")])
    read_windows([window("12:01", "21:00"), window("08:00", "12:00"), window("10:00", "11:00", "TUESDAY")])


@pytest.mark.parametrize(
    ("hours", "windows"),
    [
        ("08002100", [window("08:00", "21:00")]),
        ("08002100", [window("08:00", "20:59")]),
        ("08002100", [window("08:00", "12:00"), window("12:01", "21:00")]),
        ("08002100", [window("07:00", "22:00")]),
        ("00000000", []),
        ("22000600", [window("22:00", "23:00")]),
        (None, [window("10:00", "11:00")]),
    ],
)
def test_windows_that_cover_the_hours(hours: str | None, windows: list[Any]) -> None:
    check_windows({**STRATEGIC, "monSched": hours, "personaCallSchedules": windows})


@pytest.mark.parametrize(
    ("hours", "windows", "problem"),
    [
        ("08002100", [window("08:01", "21:00")], "must cover the hours of the day, 08:00-21:00"),
        ("08002100", [window("08:00", "20:58")], "must cover"),
        ("08002100", [window("08:00", "21:00", "TUESDAY")], "MONDAY=None is not usable: the windows must"),
        ("00000000", [window("08:00", "21:00")], "closed on this day"),
    ],
)
def test_windows_that_do_not(hours: str, windows: list[Any], problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        check_windows({**STRATEGIC, "monSched": hours, "personaCallSchedules": windows})


@pytest.mark.parametrize("configuration", [None, "SIMPLE"])
def test_windows_need_a_strategic_campaign(configuration: str | None) -> None:
    fields = {"callingConfiguration": configuration, "personaCallSchedules": [window("08:00", "21:00")]}
    with pytest.raises(InvalidInputError, match="STRATEGIC"):
        check_windows(fields)
    check_windows(fields | {"personaCallSchedules": []})


STORED = [window("08:00", "12:00", scheduleId=1, label="New"), window("12:01", "20:00"), {"day": "SUNDAY"}]


@pytest.mark.parametrize(
    ("hours", "windows"),
    [
        ({"monSched": "08002000"}, STORED[:2]),
        ({"monSched": "09001000"}, STORED[:2]),
        ({"monSched": "08002001"}, STORED[:2]),
        # A day may always be closed.
        ({"monSched": "00000000"}, STORED[:2]),
        ({"monSched": "22000600"}, STORED[:2]),
        ({"monSched": None, "maxRingTime": 30}, STORED[:2]),
        ({"monSched": "08002200"}, []),
        ({"monSched": "08002200"}, None),
        ({"monSched": "08002200"}, "text"),
        ({"monSched": "08002200"}, STORED),
    ],
)
def test_new_hours_that_stored_windows_allow(hours: dict[str, Any], windows: Any) -> None:
    check_hours(hours, {**STRATEGIC, "tueSched": "08002200", "personaCallSchedules": windows})


@pytest.mark.parametrize(
    ("hours", "problem"),
    [
        (
            {"monSched": "07592000"},
            r"schedule\['mon'\]='07:59-20:00' is not usable: .* have 08:00-12:00, 12:01",
        ),
        ({"monSched": "08002002"}, r"schedule\['mon'\]='08:00-20:02'"),
        ({"monSched": "08001000", "tueSched": "08001000"}, r"schedule\['tue'\]=.* and have none; give both"),
    ],
)
def test_new_hours_that_stored_windows_do_not_cover(hours: dict[str, Any], problem: str) -> None:
    campaign = {**STRATEGIC, "monSched": "00000000", "personaCallSchedules": STORED[:2]}
    with pytest.raises(InvalidInputError, match=problem):
        check_hours(hours, campaign)
    # Of another campaign, windows are not used.
    check_hours(hours, campaign | {"callingConfiguration": "SIMPLE"})
