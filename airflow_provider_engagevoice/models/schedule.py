"""Daily hours: the vendor's ``HHMMHHMM`` strings and the readable form that users write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from functools import lru_cache

from airflow_provider_engagevoice.inputs import InvalidInputError, from_json

#: Monday first, as ``datetime.weekday()`` counts.
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SCHEDULE_FIELDS = tuple(f"{day}Sched" for day in DAYS)
CLOSED = "00000000"

# Compiled at first use: DAG files are parsed over and over.
_RANGE = r"([0-9]{1,2}):([0-9]{2})\s*-\s*([0-9]{1,2}):([0-9]{2})"
_EXPECTED = "write '08:00-21:00', None for a closed day, or the vendor's own 'HHMMHHMM'"


class DayHours:
    """Opening hours of one day, local time, half-open: ``opens`` is included, ``closes`` is not."""

    # Not a NamedTuple, which takes longer to define than all else that parsing a schedule needs.
    __slots__ = ("closes", "opens")

    def __init__(self, opens: time, closes: time) -> None:
        self.opens = opens
        self.closes = closes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DayHours) and (self.opens, self.closes) == (other.opens, other.closes)

    def __repr__(self) -> str:
        return f"DayHours({self.opens}, {self.closes})"


def raw_day(value: object) -> str:
    """Validate one ``xxxSched`` value in the vendor's format: eight digits, ``HHMMHHMM``.

    An integer is read as its digits, because a template rendered to a native object converts ``"10002100"``
    to one, and ``"00000000"`` to 0.

    :raises ValueError: for anything else
    """
    text: object = value
    if isinstance(value, int) and not isinstance(value, bool):
        text = str(value) if value else CLOSED
    if isinstance(text, str) and _is_raw(text.strip()):
        return text.strip()
    raise ValueError("write eight digits, HHMMHHMM, such as '08002100'")


def raw_hours(opens: int, closes: int) -> str:
    """Return hours in the vendor's format, given the minutes of the day."""
    return f"{opens // 60:02}{opens % 60:02}{closes // 60:02}{closes % 60:02}"


def minute_of(moment: time) -> int:
    """Return the minutes since midnight."""
    return moment.hour * 60 + moment.minute


def _is_raw(text: str) -> bool:
    return len(text) == 8 and text.isascii() and text.isdigit()


def read_day(raw: str) -> DayHours | None:
    """Return the hours of one ``xxxSched`` value; None for a closed day.

    :raises ValueError: for forms that the vendor does not document (overnight windows, ``2400``)
    """
    if not _is_raw(raw):
        raise ValueError(f"{raw!r} is not HHMMHHMM")
    if raw == CLOSED:
        return None
    try:
        hours = DayHours(time(int(raw[:2]), int(raw[2:4])), time(int(raw[4:6]), int(raw[6:])))
    except ValueError:
        raise ValueError(f"{raw!r}: a time of day is 00:00 to 23:59") from None
    if hours.closes <= hours.opens:
        raise ValueError(f"{raw!r} closes before it opens; overnight windows are not documented")
    return hours


def parse_schedule(schedule: object, field: str = "schedule", *, whole_week: bool = True) -> dict[str, str]:
    """Return a user's schedule as the vendor's seven fields.

    Keys are days (``mon``), ranges (``mon-fri``), several of these (``mon,wed``), or the vendor's own names
    (``monSched``). Values are ``"08:00-21:00"``, None for a closed day, or the vendor's ``HHMMHHMM``, which
    is passed unchanged.

    :param whole_week: True closes every day that is omitted; False returns only the days that are named
    :raises InvalidInputError: naming the day, the value and what would be right
    """
    schedule = from_json(schedule, field)
    if not isinstance(schedule, Mapping) or not schedule:
        raise InvalidInputError(field, schedule, 'write a mapping such as {"mon-fri": "08:00-21:00"}')
    days: dict[str, str] = {}
    for key, value in schedule.items():
        try:
            raw = _to_raw(value)
        except ValueError as error:
            raise InvalidInputError(f"{field}[{key!r}]", value, str(error)) from None
        for day in _days_of(str(key), field):
            if day in days:
                raise InvalidInputError(f"{field}[{key!r}]", value, f"{day} is given twice")
            days[day] = raw
    if whole_week:
        return {f"{day}Sched": days.get(day, CLOSED) for day in DAYS}
    return {f"{day}Sched": days[day] for day in DAYS if day in days}


@lru_cache
def _days_of(key: str, field: str) -> tuple[str, ...]:
    days: list[str] = []
    for part in key.split(","):
        first, dash, last = (name.strip() for name in part.partition("-"))
        start, end = _day_index(first), _day_index(last if dash else first)
        if start is None or end is None or start > end:
            raise InvalidInputError(
                field, key, "name days as 'mon', 'mon-fri' (Monday comes first) or 'monSched'"
            )
        days += DAYS[start : end + 1]
    return tuple(days)


def _day_index(name: str) -> int | None:
    if name in SCHEDULE_FIELDS:
        return SCHEDULE_FIELDS.index(name)
    return DAYS.index(name.lower()) if name.lower() in DAYS else None


def _to_raw(value: object) -> str:
    if value is None:
        return CLOSED
    if isinstance(value, str):
        return _range_to_raw(value)
    try:
        return raw_day(value)
    except ValueError:
        raise ValueError(_EXPECTED) from None


@lru_cache
def _range_to_raw(text: str) -> str:
    """Return ``HH:MM-HH:MM``, or the vendor's ``HHMMHHMM``, as ``HHMMHHMM``.

    :raises ValueError: for anything else
    """
    text = text.strip()
    if len(text) == 11 and text[2] == text[8] == ":" and text[5] == "-":
        raw = text[:2] + text[3:5] + text[6:8] + text[9:]
    elif match := re.fullmatch(_RANGE, text):
        raw = "".join(part.zfill(2) for part in match.groups())
    elif _is_raw(text):
        return text
    else:
        raise ValueError(_EXPECTED)
    try:
        if read_day(raw) is not None:
            return raw
    except ValueError as error:
        raise ValueError(f"{error}; {_EXPECTED}") from None
    raise ValueError(_EXPECTED)
