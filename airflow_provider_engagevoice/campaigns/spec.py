"""From an operator's arguments to a campaign's fields, validated before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.lookup import DialGroupReference
from airflow_provider_engagevoice.dates import Edge, read_instant, read_zone
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.campaign import MAX_NAME_LENGTH, campaign_fields
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.models.schedule import parse_schedule

#: Vendor fields that have their own argument, and its name.
ARGUMENTS = {
    "campaignName": "campaign_name",
    "startDate": "campaign_start",
    "endDate": "campaign_end",
    "callerId": "caller_id",
    "isActive": "is_active",
}


class IfExists(StrEnum):
    """What to do when a campaign of that name is in the dial group already."""

    UPDATE = "update"
    SKIP = "skip"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class CampaignSpec:
    """The campaign that a task asks for.

    :param fields: vendor field to JSON value, dates to aware datetimes, without name and state
    :param state: ``isActive`` once it is complete, None where nobody said
    """

    dial_group: DialGroupReference | None
    name: str
    fields: Mapping[str, Any]
    state: CampaignState | None
    if_exists: IfExists = IfExists.UPDATE
    enforce_active: bool = False


def require(value: object, field: str) -> None:
    """Check that a value is there.

    :raises InvalidInputError: when it is None, which is what a template may render to
    """
    if value is None:
        raise InvalidInputError(field, value, "it is needed; did a template render to None?")


def read_name(value: object, field: str = "campaign_name") -> str:
    """Return a campaign's name.

    :raises InvalidInputError: when it is empty, too long or no text
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and value.strip() not in ("", "None"):
        name = value.strip()
        if len(name) <= MAX_NAME_LENGTH:
            return name
        raise InvalidInputError(field, value, f"at most {MAX_NAME_LENGTH} characters, not {len(name)}")
    raise InvalidInputError(field, value, "give a name; did a template render to None or to nothing?")


def read_state(value: object) -> CampaignState | None:
    """Return the state asked for: 0 inactive, 1 active, 2 agent callbacks only; None for none."""
    if value is None:
        return None
    return CampaignState(campaign_fields({"isActive": value}, labels=ARGUMENTS)["isActive"])


def read_if_exists(value: object) -> IfExists:
    """Return what ``if_exists`` means."""
    if isinstance(value, str) and value in list(IfExists):
        return IfExists(value)
    raise InvalidInputError("if_exists", value, "write 'update', 'skip' or 'fail'")


def read_flag(value: object, field: str) -> bool:
    """Return a boolean, also one that a template rendered to text."""
    flags: dict[object, bool] = {True: True, False: False, "true": True, "false": False}
    key = value.strip().lower() if isinstance(value, str) else value
    if isinstance(key, bool | str) and key in flags:
        return flags[key]
    raise InvalidInputError(field, value, "write True or False")


def read_country(value: object) -> str:
    """Return a country as ``newCountryCode`` takes it: three letters, such as ``USA``."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z]{3}", value.strip()):
        return value.strip().upper()
    raise InvalidInputError("country_code", value, "write three letters, such as 'USA'")


def wanted_fields(
    *,
    start: object = None,
    end: object = None,
    timezone: object = None,
    default_zone: str = "",
    caller_id: object = None,
    schedule: object = None,
    settings: object = None,
    whole_week: bool = True,
) -> dict[str, Any]:
    """Validate arguments of an operator and return them as vendor fields; None means omitted.

    :param timezone: zone of dates without an offset; default: ``default_zone``, the connection's
    :param whole_week: whether ``schedule`` closes the days it omits
    :raises InvalidInputError: for the first invalid argument
    """
    zone_name = timezone if timezone is not None else default_zone or None
    zone = read_zone(zone_name) if zone_name is not None else None
    values: dict[str, Any] = {}
    if settings is not None:
        values.update(_read_settings(settings))
    if schedule is not None:
        days = parse_schedule(schedule, whole_week=whole_week)
        for name in days.keys() & values.keys():
            raise InvalidInputError(
                f"settings.{name}", values[name], "schedule= sets it already; use one of them"
            )
        values.update(days)
    if caller_id is not None:
        values["callerId"] = caller_id
    fields = campaign_fields(values, labels=ARGUMENTS)
    if start is not None:
        fields["startDate"] = read_instant(start, "campaign_start", Edge.START, zone)
    if end is not None:
        fields["endDate"] = read_instant(end, "campaign_end", Edge.END, zone)
    return fields


def check_dates(fields: Mapping[str, Any], now: datetime | None = None) -> None:
    """Check that the dates in ``fields`` are a window that is not over.

    :raises InvalidInputError: if the end is not after the start, or has passed
    """
    start, end = (_read_date(fields, name) for name in ("startDate", "endDate"))
    if end <= start:
        raise InvalidInputError("campaign_end", str(end), f"it must be after the start, {start}")
    if end <= (now or clock.now()):
        raise InvalidInputError("campaign_end", str(end), "the window is already over")


def _read_date(fields: Mapping[str, Any], name: str) -> datetime:
    value = fields[name]
    if isinstance(value, datetime):
        return value
    raise InvalidInputError(
        ARGUMENTS[name], value, "the campaign's stored date is not readable; give both dates"
    )


def _read_settings(settings: object) -> dict[str, Any]:
    if not isinstance(settings, Mapping):
        raise InvalidInputError("settings", settings, 'write a mapping such as {"maxRingTime": 30}')
    for name, value in settings.items():
        if name in ARGUMENTS:
            raise InvalidInputError(f"settings.{name}", value, f"give it as {ARGUMENTS[name]}=")
        if name in ARGUMENTS.values():
            raise InvalidInputError(f"settings.{name}", value, "it is an argument, not a setting")
    return dict(settings)
