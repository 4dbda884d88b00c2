"""Hours in several time zones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS, minute_of, raw_hours, read_day

_MINUTE = timedelta(minutes=1)
_LAST_MINUTE = 24 * 60 - 1


def zones_apart(zones: Collection[str], day: date) -> timedelta:
    """Return the difference between the easternmost and the westernmost of IANA time zones on a day."""
    noon = datetime.combine(day, time(12))
    offsets = [ZoneInfo(zone).utcoffset(noon) or timedelta() for zone in zones]
    return max(offsets) - min(offsets) if offsets else timedelta()


def with_longer_hours(fields: Mapping[str, Any], by: timedelta) -> dict[str, Any]:
    """Return a campaign's fields with hours that begin earlier and end later, within the day."""
    longer = dict(fields)
    for name in SCHEDULE_FIELDS:
        with suppress(ValueError):
            if (hours := read_day(str(fields.get(name)))) is not None:
                opens = max(0, minute_of(hours.opens) - by // _MINUTE)
                closes = min(_LAST_MINUTE, minute_of(hours.closes) + by // _MINUTE)
                longer[name] = raw_hours(opens, closes)
    return longer
