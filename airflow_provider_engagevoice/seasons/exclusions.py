"""The dates on which a season makes no calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.closed_days import DayLimit, Exclusion
from airflow_provider_engagevoice.campaigns.excluded_dates import PER_REGION, dates_between
from airflow_provider_engagevoice.dates import read_zone
from airflow_provider_engagevoice.inputs import InvalidInputError
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS
from airflow_provider_engagevoice.seasons.model import Season
from airflow_provider_engagevoice.seasons.plan import PlannedCampaign
from airflow_provider_engagevoice.seasons.problems import Problem
from airflow_provider_engagevoice.seasons.work import Change, RecordedCampaign
from airflow_provider_engagevoice.seasons.yaml_text import Path

#: Dates from when to when a plan knows.
_PAST, _AHEAD = timedelta(days=10), timedelta(days=731)
#: Dates before a campaign's own that may be part of them on other clocks.
_AROUND = timedelta(days=2)


def dates_of(season: Season, region: str, problems: list[Problem]) -> list[date]:
    """Return the excluded dates of a region, from ten days ago to two years ahead.

    :param problems: what is wrong is added to them
    """
    today, state = clock.now().date(), season.regions[region].state
    found: set[date] = set()
    for path, item in _items(season, region):
        try:
            found |= dates_between([item], today - _PAST, today + _AHEAD, state)
        except InvalidInputError as error:
            place = f"region {region!r}: " if error.value == PER_REGION else ""
            problems.append(Problem.of((*path, error.field), error.value, f"{place}{error.expected}"))
    return sorted(found)


def _items(season: Season, region: str) -> Iterator[tuple[Path, Any]]:
    for number, item in enumerate(season.exclude):
        yield ("exclude", number), item
    for number, item in enumerate(season.regions[region].exclude):
        yield ("regions", region, "exclude", number), item


def excludes(season: Season, region: str) -> bool:
    """Return whether a season excludes dates in a region."""
    return bool(season.exclude or season.regions[region].exclude)


def exclusion_of(dates: Sequence[date], timezone: str, fields: Mapping[str, Any]) -> Exclusion:
    """Return the dates on which a campaign makes no calls.

    :param dates: of its region
    :param fields: of the campaign, with its dates and usual hours
    """
    zone = read_zone(timezone)
    start = fields["startDate"].astimezone(zone).date()
    # Someone may have it end later.
    own = [one.isoformat() for one in dates if one >= start - _AROUND]
    return Exclusion(timezone, own, {name: fields[name] for name in SCHEDULE_FIELDS})


def still_excluding(known: RecordedCampaign, season: Season) -> Exclusion | None:
    """Return the excluded dates of a campaign that a season does not ask for any more, with its region's."""
    region = season.regions.get(known.region)
    hours = {name: known.fields[name] for name in SCHEDULE_FIELDS if name in known.fields}
    if region is None or len(hours) < len(SCHEDULE_FIELDS):
        return known.exclusion
    dates = [one.isoformat() for one in dates_of(season, known.region, [])]
    return known.excluding(Exclusion(region.timezone, dates, hours) if dates else None)


def kept_free(one: PlannedCampaign, change: Change, known: RecordedCampaign | None) -> PlannedCampaign:
    """Return what is planned for a campaign, with the hours that the daily task has given it since.

    :param change: what the record has of it
    :param known: the campaign in the record
    """
    hours = {name: value for name, value in change.kept_free.items() if name in (one.before or {})}
    if not hours or known is None or known.exclusion is None:
        return one
    left = {name: value for name, value in hours.items() if not one.is_written(name)}
    exclusion = one.exclusion or known.exclusion
    limits = {name: limit for name, limit in exclusion.limits.items() if name not in left}
    limits |= {name: limit for name, limit in known.exclusion.limits.items() if name in left}
    return replace(
        one,
        before={**(one.before or {}), **hours},
        fields={**one.fields, **{name: value for name, value in left.items() if name in one.fields}},
        exclusion=replace(exclusion, limits=limits),
    )


def opened_day(one: PlannedCampaign, planned_at: datetime) -> tuple[str, DayLimit] | None:
    """Return what an apply would do with a day that has to be closed by now: open it, or leave it open.

    A day that had to be closed when the plan was made, and that it leaves open, was set by a person.

    :param planned_at: aware
    """
    change = one.state_change
    pauses = change is not None and change.applied and change.new == CampaignState.INACTIVE
    if one.exclusion is None or one.action == "protected":
        return None
    before, known = one.before or {}, one.exclusion.limits_at(planned_at)
    written = {name: one.fields[name] for name in one.exclusion.hours if one.is_written(name)}
    left = {name: before[name] for name in one.exclusion.hours if name in before and name not in written}
    for name, limit in one.exclusion.opens({**left, **written}, clock.now()).items():
        # A pause may be urgent, and stops its calls.
        if name in written or (known.get(name) != limit and not pauses):
            what = f"set {name} of {one.name!r} to" if name in written else f"leave {name} of {one.name!r} at"
            return f"{what} {({**left, **written})[name]!r}", limit
    return None
