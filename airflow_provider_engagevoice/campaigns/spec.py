"""From an operator's arguments to a campaign's fields, validated before anything is sent."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.lookup import DialGroupReference
from airflow_provider_engagevoice.dates import check_order, read_instant, read_zone, shown
from airflow_provider_engagevoice.exceptions import InvalidInputError, WindowOverError
from airflow_provider_engagevoice.models import ARGUMENTS, read_campaign_settings
from airflow_provider_engagevoice.models.campaign import campaign_fields, unknown_fields
from airflow_provider_engagevoice.models.schedule import parse_schedule

log = logging.getLogger(__name__)


class IfExists(StrEnum):
    """What to do with a campaign that has the name already."""

    UPDATE = "update"
    SKIP = "skip"
    FAIL = "fail"


class OnIncompleteCopy(StrEnum):
    """What to do if a clone would lack rows that belong to its source, such as its dispositions."""

    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class CampaignSpec:
    """The campaign that a task asks for.

    :param fields: vendor field to JSON value, dates to aware datetimes, without name and state
    :param state: ``isActive`` once it is complete, None for the default
    :param zone: time zone in which people are shown dates; None for UTC
    """

    dial_group: DialGroupReference | None
    name: str
    fields: Mapping[str, Any]
    state: int | None
    if_exists: IfExists = IfExists.UPDATE
    enforce_active: bool = False
    zone: tzinfo | None = None


def zone_of_dates(timezone: object, default_zone: str) -> ZoneInfo | None:
    """Return the time zone of dates without an offset, in which people are shown dates, too.

    :param timezone: as an operator takes it; None: ``default_zone``, the connection's
    :return: None if neither is given
    :raises InvalidInputError: if there is no such zone
    """
    name = timezone if timezone is not None else default_zone or None
    return read_zone(name) if name is not None else None


def wanted_fields(
    *,
    start: object = None,
    end: object = None,
    timezone: object = None,
    caller_id: object = None,
    schedule: object = None,
    settings: object = None,
    whole_week: bool = True,
) -> dict[str, Any]:
    """Validate arguments of an operator and return them as vendor fields; None means omitted.

    :param timezone: zone of dates without an offset, see :func:`zone_of_dates`; None if none is known
    :param whole_week: whether ``schedule`` closes the days it omits
    :raises InvalidInputError: for the first invalid argument
    """
    zone = read_zone(timezone) if timezone is not None else None
    values: dict[str, Any] = {}
    if settings is not None:
        values.update(read_campaign_settings(settings))
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
    for name in unknown_fields(fields):
        log.warning("settings.%s is not in the vendor's document; it is sent only if the server has it", name)
    if start is not None:
        fields["startDate"] = read_instant(start, "campaign_start", False, zone)
    if end is not None:
        fields["endDate"] = read_instant(end, "campaign_end", True, zone)
    if start is not None and end is not None:
        check_order(start, end, *(fields[name].astimezone(zone or UTC) for name in ("startDate", "endDate")))
    return fields


def check_dates(fields: Mapping[str, Any], zone: tzinfo | None = None) -> None:
    """Check that the end in ``fields`` is after the start.

    :param zone: time zone in which the error shows dates; None for UTC
    :raises InvalidInputError: if it is not
    """
    start, end = (_read_date(fields, name) for name in ("startDate", "endDate"))
    if end <= start:
        raise InvalidInputError(
            "campaign_end", shown(end, zone), f"it must be after the start, {shown(start, zone)}"
        )


def check_not_over(fields: Mapping[str, Any]) -> None:
    """Check that a window that is about to be written is not over.

    :raises WindowOverError: if its end has passed
    """
    end = _read_date(fields, "endDate")
    if end <= clock.now():
        raise WindowOverError(
            end,
            "the window is already over; for past runs of a catchup or backfill, set if_over='skip', "
            "or catchup=False",
        )


def _read_date(fields: Mapping[str, Any], name: str) -> datetime:
    value = fields[name]
    if isinstance(value, datetime):
        return value
    raise InvalidInputError(
        ARGUMENTS[name], value, "the campaign's stored date is not readable; give both dates"
    )
