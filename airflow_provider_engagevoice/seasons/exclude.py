"""The dates on which a season calls nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.closed_days import Exclusion
from airflow_provider_engagevoice.campaigns.excluded_dates import PER_REGION, dates_between
from airflow_provider_engagevoice.dates import read_zone
from airflow_provider_engagevoice.inputs import InvalidInputError
from airflow_provider_engagevoice.models.campaign import DATE_FIELDS
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS
from airflow_provider_engagevoice.seasons.model import Season
from airflow_provider_engagevoice.seasons.problems import Problem
from airflow_provider_engagevoice.seasons.yaml_text import Path

#: Dates from when to when a plan knows: those of two years, if campaigns last as long.
_PAST, _AHEAD = timedelta(days=10), timedelta(days=731)
#: Dates before and after a campaign's own that may be part of them on other clocks.
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
    """Return the dates on which a campaign calls nobody.

    :param dates: of its region
    :param fields: of the campaign, with its dates and usual hours
    """
    zone = read_zone(timezone)
    start, end = (_local_date(fields[name], zone) for name in DATE_FIELDS)
    own = [one.isoformat() for one in dates if start - _AROUND <= one <= end + _AROUND]
    return Exclusion(timezone, own, {name: fields[name] for name in SCHEDULE_FIELDS})


def _local_date(instant: datetime, zone: Any) -> date:
    return instant.astimezone(zone).date()
