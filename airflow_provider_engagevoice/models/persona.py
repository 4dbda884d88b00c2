"""Calling windows of a campaign with several phones for each lead: ``personaCallSchedules``.

Rules are those of the vendor's OpenAPI file and of its document on persona-based calling: phone ids 1 to 7,
of which 1 is the lead's primary phone; the windows of a day cover its hours, and each one begins a minute
after the one before it ends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import time
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from airflow_provider_engagevoice.inputs import InvalidInputError
from airflow_provider_engagevoice.models.resource import expected_of
from airflow_provider_engagevoice.models.schedule import CLOSED, DAYS, DayHours, read_day

FIELD = "settings.personaCallSchedules"
PRIMARY_PHONE, MAX_PHONE = 1, 7
_STRATEGIC = "STRATEGIC"
#: Vendor's name of each day, Monday first.
_DAY_NAMES = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
#: Fields of a window or a preference that only the server writes.
_READ_ONLY = frozenset({"scheduleId", "campaignId", "phoneLabel"})


class _Preference(BaseModel):
    model_config = ConfigDict(extra="forbid")

    phoneId: int = Field(ge=PRIMARY_PHONE, le=MAX_PHONE)
    priority: int = Field(ge=1)

    @field_validator("phoneId", "priority", mode="before")
    @classmethod
    def _check_number(cls, value: object) -> object:
        if isinstance(value, bool):
            raise ValueError("write a number")
        return value


class _Times(BaseModel):
    """The day and the times of a window; what else it has is ignored."""

    day: str
    start: str
    end: str

    @field_validator("day")
    @classmethod
    def _check_day(cls, value: str) -> str:
        if value not in _DAY_NAMES:
            raise ValueError(f"write one of {', '.join(_DAY_NAMES)}")
        return value

    @field_validator("start", "end")
    @classmethod
    def _check_time(cls, value: str) -> str:
        if not _TIME.fullmatch(value):
            raise ValueError("write HH:MM, 00:00 to 23:59")
        return value

    @property
    def opens(self) -> int:
        """Its first minute of the day."""
        return _minute(time.fromisoformat(self.start))

    @property
    def closes(self) -> int:
        """Its last minute of the day."""
        return _minute(time.fromisoformat(self.end))


class _Window(_Times):
    model_config = ConfigDict(extra="forbid")

    callPreferences: list[_Preference] = Field(min_length=1)


_WINDOWS = TypeAdapter(list[_Window])
_STORED_WINDOWS = TypeAdapter(list[_Times])


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def read_windows(value: object, field: str = FIELD) -> list[dict[str, Any]]:
    """Check calling windows by themselves and return them as they are sent.

    :param value: list of ``{"day": "MONDAY", "start": "08:00", "end": "12:00", "callPreferences":
        [{"phoneId": 1, "priority": 1}]}``; what only the server writes is dropped
    :raises InvalidInputError: naming the window, the value and what would be right
    """
    return [window.model_dump() for window in _parse(value, field)]


def _parse(value: object, field: str) -> list[_Window]:
    try:
        windows = _WINDOWS.validate_python(
            [without_ids(row) for row in value] if isinstance(value, list) else value
        )
    except ValidationError as error:
        problem = error.errors()[0]
        place = "".join(f"[{part!r}]" for part in problem["loc"])
        raise InvalidInputError(f"{field}{place}", problem["input"], expected_of(problem)) from None
    for number, window in enumerate(windows):
        for name in ("phoneId", "priority"):
            given = [getattr(one, name) for one in window.callPreferences]
            if len(set(given)) < len(given):
                raise InvalidInputError(
                    f"{field}[{number}]['callPreferences']", given, f"each {name} may be given once"
                )
    for day in _DAY_NAMES:
        _check_day(day, _of_day(windows, day), field)
    return windows


def without_ids(row: object) -> object:
    """Return a window, or a preference in it, without what only the server writes."""
    if not isinstance(row, Mapping):
        return row
    return {
        name: [without_ids(one) for one in value] if isinstance(value, list) else value
        for name, value in row.items()
        if name not in _READ_ONLY
    }


def _of_day(windows: Sequence[_Times], day: str) -> list[_Times]:
    return sorted((one for one in windows if one.day == day), key=lambda one: one.opens)


def _check_day(day: str, windows: list[_Times], field: str) -> None:
    for window in windows:
        if window.closes <= window.opens:
            raise InvalidInputError(
                f"{field}.{day}", f"{window.start}-{window.end}", "a window must end after its start"
            )
    for before, after in pairwise(windows):
        if after.opens != before.closes + 1:
            raise InvalidInputError(
                f"{field}.{day}", after.start, f"it must begin one minute after {before.end}"
            )


def check_windows(fields: Mapping[str, Any]) -> None:
    """Check that the calling windows of a campaign cover its hours.

    :param fields: the campaign as it is to be, by vendor field
    :raises InvalidInputError: if they do not, or the campaign has no use for windows
    """
    value = fields.get("personaCallSchedules")
    if not value:
        return
    if fields.get("callingConfiguration") != _STRATEGIC:
        raise InvalidInputError(FIELD, value, 'it needs {"callingConfiguration": "STRATEGIC"}')
    windows = _parse(value, FIELD)
    for day, name in zip(DAYS, _DAY_NAMES, strict=True):
        _check_cover(name, fields.get(f"{day}Sched"), _of_day(windows, name))


def check_hours(hours: Mapping[str, Any], campaign: Mapping[str, Any]) -> None:
    """Check that the calling windows that a campaign has on the server cover new hours of its days.

    A day may be closed whatever windows it has. Windows that are not used, or not readable, do not count.

    :param hours: new values by vendor field; those of other fields are ignored
    :param campaign: the campaign as it is, by vendor field
    :raises InvalidInputError: naming the day and its new hours
    """
    if campaign.get("callingConfiguration") != _STRATEGIC:
        return
    try:
        windows = _STORED_WINDOWS.validate_python(campaign.get("personaCallSchedules"))
    except ValidationError:
        return
    for day, name in zip(DAYS, _DAY_NAMES, strict=True):
        opened = _hours_of(hours.get(f"{day}Sched"))
        of_day = _of_day(windows, name)
        if windows and opened is not None and not _covers(of_day, opened):
            raise InvalidInputError(
                f"schedule[{day!r}]",
                f"{opened.opens:%H:%M}-{opened.closes:%H:%M}",
                f"the campaign's {FIELD} must cover the hours of the day, and have "
                f"{_shown(of_day) or 'none'}; give both, or other hours",
            )


def _hours_of(raw: object) -> DayHours | None:
    """Return the hours of a day; None if it is closed, or they are not readable."""
    try:
        return read_day(raw) if isinstance(raw, str) else None
    except ValueError:
        return None


def _covers(windows: list[_Times], hours: DayHours) -> bool:
    first, last = _minute(hours.opens), _minute(hours.closes)
    # The last minute of a window is part of it.
    return bool(windows) and windows[0].opens <= first and windows[-1].closes >= last - 1


def _shown(windows: list[_Times]) -> str | None:
    return ", ".join(f"{one.start}-{one.end}" for one in windows) or None


def _check_cover(day: str, hours: object, windows: list[_Times]) -> None:
    opened = _hours_of(hours)
    if opened is None:
        if windows and hours == CLOSED:
            raise InvalidInputError(f"{FIELD}.{day}", windows[0].start, "the campaign is closed on this day")
        return
    if not _covers(windows, opened):
        raise InvalidInputError(
            f"{FIELD}.{day}",
            _shown(windows),
            f"the windows must cover the hours of the day, {opened.opens:%H:%M}-{opened.closes:%H:%M}",
        )
