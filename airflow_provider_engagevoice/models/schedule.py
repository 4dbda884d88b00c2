"""Day windows: the vendor's ``HHMMHHMM`` strings and the readable form users write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from functools import lru_cache
from typing import NamedTuple

from airflow_provider_engagevoice.exceptions import InvalidInputError

#: Monday first, as ``datetime.weekday()`` counts.
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SCHEDULE_FIELDS = tuple(f"{day}Sched" for day in DAYS)
CLOSED = "00000000"

# Compiled at first use: DAG files are parsed over and over.
_RANGE = r"([0-9]{1,2}):([0-9]{2})\s*-\s*([0-9]{1,2}):([0-9]{2})"
_RAW = r"[0-9]{8}"
_EXPECTED = "write '08:00-21:00', None for a closed day, or the vendor's own 'HHMMHHMM'"


class DayHours(NamedTuple):
    """Opening hours of one day, local time, half open: ``opens`` is inside, ``closes`` is not."""

    opens: time
    closes: time


def raw_day(value: object) -> str:
    """Check one ``xxxSched`` value as the vendor writes it: eight digits, ``HHMMHHMM``.

    An integer is taken as its digits, because a template rendered to a native object makes one of
    ``"10002100"``, and 0 of ``"00000000"``.

    :raises ValueError: for anything else
    """
    text: object = value
    if isinstance(value, int) and not isinstance(value, bool):
        text = str(value) if value else CLOSED
    if isinstance(text, str) and re.fullmatch(_RAW, text.strip()):
        return text.strip()
    raise ValueError("write eight digits, HHMMHHMM, such as '08002100'")


def read_day(raw: str) -> DayHours | None:
    """Read one ``xxxSched`` value; None for a closed day.

    :raises ValueError: for forms the vendor has not documented (overnight windows, ``2400``), whose
        meaning nobody may guess
    """
    if not re.fullmatch(_RAW, raw):
        raise ValueError(f"{raw!r} is not HHMMHHMM")
    if raw == CLOSED:
        return None
    try:
        hours = DayHours(time(int(raw[:2]), int(raw[2:4])), time(int(raw[4:6]), int(raw[6:])))
    except ValueError:
        raise ValueError(f"{raw!r} has a time of day the vendor has not documented") from None
    if hours.closes <= hours.opens:
        raise ValueError(f"{raw!r} closes before it opens; overnight windows are not documented")
    return hours


def parse_schedule(schedule: object, field: str = "schedule", *, whole_week: bool = True) -> dict[str, str]:
    """Turn what a user wrote into the vendor's seven fields.

    Keys are days (``mon``), ranges (``mon-fri``), several of them (``mon,wed``), or the vendor's own names
    (``monSched``). Values are ``"08:00-21:00"``, None for a closed day, or the raw ``HHMMHHMM``, which is
    passed on as it is.

    :param whole_week: True closes every day that is not named, so that no day is dialed that nobody
        named; False returns the named days alone
    :raises InvalidInputError: naming the day, the value and what would be right
    """
    if not isinstance(schedule, Mapping) or not schedule:
        raise InvalidInputError(field, schedule, 'write a mapping such as {"mon-fri": "08:00-21:00"}')
    days: dict[str, str] = {}
    for key, value in schedule.items():
        raw = _to_raw(value, f"{field}[{key!r}]")
        for day in _days_of(str(key), field):
            if day in days:
                raise InvalidInputError(f"{field}[{key!r}]", value, f"{day} is named twice")
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


def _to_raw(value: object, field: str) -> str:
    if value is None:
        return CLOSED
    if isinstance(value, str) and (match := re.fullmatch(_RANGE, value.strip())):
        raw = "".join(part.zfill(2) for part in match.groups())
        try:
            if read_day(raw) is not None:
                return raw
        except ValueError as error:
            raise InvalidInputError(field, value, f"{error}; {_EXPECTED}") from None
    try:
        return raw_day(value)
    except ValueError:
        raise InvalidInputError(field, value, _EXPECTED) from None
