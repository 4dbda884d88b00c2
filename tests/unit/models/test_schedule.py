"""models/schedule.py: the readable form and the vendor's format."""

from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.schedule import (
    CLOSED,
    DAYS,
    SCHEDULE_FIELDS,
    DayHours,
    parse_schedule,
    raw_day,
    read_day,
)

WEEKDAYS = dict.fromkeys(SCHEDULE_FIELDS[:5], "08002100")
WEEKEND_CLOSED = {"satSched": CLOSED, "sunSched": CLOSED}


@pytest.mark.parametrize(
    "schedule",
    [
        {"mon-fri": "08:00-21:00"},
        {"mon-fri": "8:00 - 21:00", "sat": None},
        {"MON-Fri": " 08:00-21:00 "},
        {"mon,tue,wed-fri": "08:00-21:00"},
        {" mon - wed , thu,fri ": "08:00-21:00"},
        {"monSched-friSched": "08002100"},
        {"monSched": "08002100", "tueSched": "08002100", "wed-fri": "08:00-21:00", "satSched": 0},
        {"mon-fri": "08002100", "sat-sun": "00000000"},
    ],
)
def test_forms_of_the_working_week(schedule: dict[str, object]) -> None:
    assert parse_schedule(schedule, whole_week=True) == WEEKDAYS | WEEKEND_CLOSED


def test_only_the_named_days_when_the_week_is_not_whole() -> None:
    assert parse_schedule({"tue": "10:00-21:00", "sun": None}, whole_week=False) == {
        "tueSched": "10002100",
        "sunSched": CLOSED,
    }


@pytest.mark.parametrize("raw", ["22000600", "08002400", "99999999", "00000000"])
def test_raw_forms_are_passed_unchanged(raw: str) -> None:
    assert parse_schedule({"mon": raw}, whole_week=False) == {"monSched": raw}


def test_an_integer_is_read_as_its_digits() -> None:
    assert parse_schedule({"mon": 10002100}, whole_week=False) == {"monSched": "10002100"}


@pytest.mark.parametrize(
    "schedule",
    [None, "None", "", [], {}, 0, True, "mon-fri 08:00-21:00", [("mon", "08:00-21:00")], '{"mon": nil}'],
)
def test_a_schedule_is_a_mapping_that_is_not_empty(schedule: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^schedule="):
        parse_schedule(schedule, whole_week=True)


@pytest.mark.parametrize(
    "key",
    ["", "monday", "fri-mon", "sat-fri", "mon-", "-fri", "mon,", "mon-tue-wed", "weekdays", 1, None, "Mo"],
)
def test_unknown_days_are_rejected(key: object) -> None:
    with pytest.raises(InvalidInputError, match="mon-fri"):
        parse_schedule({key: "08:00-21:00"}, whole_week=True)


@pytest.mark.parametrize(
    "value",
    [
        "", "None", "closed", True, False, 8, -10002100, 8.5, [], {}, ("08:00", "21:00"),
        "08:00", "08:00-", "8-21", "0800-2100", "08:00-21:00-22:00", "08:00\u201321:00", "8am-9pm",
        "22:00-06:00", "08:00-24:00", "24:00-08:00", "08:00-08:00", "00:00-00:00", "21:00-08:00",
        "08:60-21:00",
        "25:00-26:00", "0800210", "080021000", "0800210O",
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["wed", "wedSched"])
def test_undocumented_hours_are_rejected_naming_the_day(key: str, value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"wed.*HHMMHHMM"):
        parse_schedule({"mon": "08:00-21:00", key: value}, whole_week=True)


@pytest.mark.parametrize(
    "schedule",
    [
        {"mon-fri": None, "wed": None},
        {"mon": None, "monSched": None},
        {"mon,mon": None},
        {"mon": None, "MON": None},
    ],
)
def test_a_day_is_given_once(schedule: dict[str, None]) -> None:
    with pytest.raises(InvalidInputError, match="given twice"):
        parse_schedule(schedule, whole_week=True)


@pytest.mark.parametrize(
    "value",
    [
        "\u0660\u0668\u0660\u0660\u0662\u0661\u0660\u0660",
        "\uff10\uff18\uff10\uff10\uff12\uff11\uff10\uff10",
        "\u0660\u0668:\u0660\u0660-\u0662\u0661:\u0660\u0660",
    ],
)
def test_digits_of_other_scripts_do_not_reach_the_server(value: str) -> None:
    try:
        fields = parse_schedule({"mon": value}, whole_week=False)
    except InvalidInputError:
        return
    assert fields["monSched"].isascii()


@given(opens=st.times(), closes=st.times())
def test_hours_are_read_as_written(opens: time, closes: time) -> None:
    written = f"{opens:%H:%M}-{closes:%H:%M}"
    whole = DayHours(opens.replace(second=0, microsecond=0), closes.replace(second=0, microsecond=0))
    if whole.opens >= whole.closes:
        with pytest.raises(InvalidInputError):
            parse_schedule({"mon": written}, whole_week=False)
    else:
        raw = parse_schedule({"mon": written}, whole_week=False)["monSched"]
        assert raw == raw_day(raw)
        assert read_day(raw) == whole


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_range_includes_its_first_and_last_day(first: int, last: int) -> None:
    key = f"{DAYS[first]}-{DAYS[last]}"
    if first > last:
        with pytest.raises(InvalidInputError):
            parse_schedule({key: None}, whole_week=False)
    else:
        named = parse_schedule({key: "08:00-21:00"}, whole_week=False)
        assert list(named) == list(SCHEDULE_FIELDS[first : last + 1])


def test_read_day() -> None:
    assert read_day("08002100") == DayHours(time(8), time(21))
    assert read_day("00002359") == DayHours(time(0), time(23, 59))
    assert read_day(CLOSED) is None


@pytest.mark.parametrize(
    "raw", ["", "0800", "08002400", "24000000", "22000600", "08000800", "08602100", "abcdefgh", " 08002100"]
)
def test_undocumented_forms_are_not_guessed(raw: str) -> None:
    with pytest.raises(ValueError, match=repr(raw)):
        read_day(raw)


@given(st.text() | st.integers() | st.none() | st.booleans() | st.floats())
def test_raw_day_returns_eight_digits_or_raises_a_value_error(value: object) -> None:
    try:
        raw = raw_day(value)
    except ValueError:
        return
    assert len(raw) == 8
    assert raw.isdigit()


def test_a_schedule_may_be_json_text() -> None:
    text = '{"mon-fri": "08:00-21:00", "sat": null}'
    assert parse_schedule(text) == parse_schedule({"mon-fri": "08:00-21:00", "sat": None})
