"""Compare what plans and records say of campaigns with what the server stores."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow_provider_engagevoice.seasons.plan import PlannedCampaign
from airflow_provider_engagevoice.seasons.work import NAME, STATE
from tests.simulation.dialects import Dialect
from tests.simulation.rows import DATES, PRECISION, Json, plain_name

_SECOND = 1000


def milliseconds(value: Any) -> int | None:
    """Return the milliseconds since the epoch of a date in a plan or record."""
    return None if value is None else round(datetime.fromisoformat(value).timestamp() * 1000)


def is_same(name: str, planned: Any, stored: Any) -> bool:
    """Return whether the server stores a value of a plan."""
    if name in DATES:
        wanted = milliseconds(planned)
        if wanted is None or stored is None:
            return wanted == stored
        return abs(wanted - stored) < _SECOND
    if name == NAME:
        return plain_name(planned) == plain_name(stored)
    if isinstance(planned, int) or isinstance(stored, int):
        return str(int(planned or 0)) == str(int(stored or 0))
    return bool(planned == stored)


def as_planned(planned: PlannedCampaign, fields: Json) -> bool:
    """Return whether each owned field is as the plan has found it, or as the season asks for."""
    before, wanted = planned.before or {}, {**planned.fields, NAME: planned.name}
    if planned.state_change is not None and planned.state_change.applied:
        wanted[STATE] = planned.state_change.new
    return all(
        is_same(name, before[name], fields.get(name)) or is_same(name, value, fields.get(name))
        for name, value in wanted.items()
        if name in before
    )


def has_dates(dialect: Dialect, wanted: Mapping[str, Any], fields: Json, *, exactly: bool) -> bool:
    """Return whether a campaign has the dates of a plan.

    :param exactly: whether what the dialect makes of dates counts as another date
    """
    unit = PRECISION[dialect.date_precision]
    for name in DATES:
        asked, stored = milliseconds(wanted[name]), fields[name]
        if stored is None or asked is None:
            return False
        coarse = asked - asked % unit
        if abs(stored - asked) >= _SECOND and (exactly or abs(stored - coarse) >= _SECOND):
            return False
    return True
