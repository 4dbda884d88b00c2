"""Dates without calls, as a user writes them: dates, ranges, and the holidays of a country."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest

#: As a subdivision: that of the region.
PER_REGION = "per_region"
_KEYS = ("holidays", "subdivision")
_EXPECTED = (
    "write a date such as 2027-03-17, the first and the last of several: [2027-12-24, 2028-01-02], "
    "or {holidays: US, subdivision: CA}"
)
_DAY = timedelta(days=1)
#: Days of a range: a campaign that pauses for longer has an end.
_LONGEST = 366


def read_item(value: object) -> Any:
    """Return one item of a list of dates as plain JSON.

    :raises ValueError: with what would be right
    """
    if isinstance(value, Mapping):
        return _read_holidays(value)
    if isinstance(value, list | tuple):
        if len(value) != 2:
            raise ValueError(_EXPECTED)
        first, last = map(_read_date, value)
        if not 0 <= (last - first).days < _LONGEST:
            raise ValueError("the last date must be on or after the first, and at most a year later")
        return [first.isoformat(), last.isoformat()]
    return _read_date(value).isoformat()


def _read_date(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if len(text) != 10:
        raise ValueError(_EXPECTED)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{error}; {_EXPECTED}") from None


def _read_holidays(value: Mapping[Any, Any]) -> dict[str, str]:
    for key in value:
        if key not in _KEYS:
            raise ValueError(f"no such key {key!r}{nearest(str(key), _KEYS)}; {_EXPECTED}")
    read = {key: str(one).strip() for key, one in value.items() if isinstance(one, str) and one.strip()}
    if read.keys() != value.keys() or "holidays" not in read:
        raise ValueError(_EXPECTED)
    return read


def read_dates(value: object, field: str = "dates") -> list[Any]:
    """Return a list of dates, ranges and holidays as plain JSON.

    :raises InvalidInputError: naming the item
    """
    items = value
    if isinstance(value, str) and value.strip().startswith("["):
        with suppress(ValueError):
            items = json.loads(value)
    if not isinstance(items, Sequence) or isinstance(items, str) or not items:
        raise InvalidInputError(field, value, f"write a list; in it, {_EXPECTED}")
    found = []
    for number, item in enumerate(items):
        try:
            found.append(read_item(item))
        except ValueError as error:
            raise InvalidInputError(f"{field}[{number}]", item, str(error)) from None
        if isinstance(found[-1], dict) and found[-1].get("subdivision") == PER_REGION:
            expected = "a campaign has no region; name the subdivision, such as CA"
            raise InvalidInputError(f"{field}[{number}]", item, expected)
    return found


def dates_between(items: Iterable[Any], first: date, last: date, subdivision: str | None = None) -> set[date]:
    """Return the dates of items, as :func:`read_item` returns them, between two dates.

    :param last: included
    :param subdivision: what ``per_region`` means
    :raises InvalidInputError: for holidays that are not known; its field is the key of the item
    """
    return {
        day for item in items for day in _dates_of(item, first, last, subdivision) if first <= day <= last
    }


def _dates_of(item: Any, first: date, last: date, subdivision: str | None) -> Iterable[date]:
    if isinstance(item, str):
        return (date.fromisoformat(item),)
    if isinstance(item, Mapping):
        named = item.get("subdivision")
        place = subdivision if named == PER_REGION else named
        if named == PER_REGION and place is None:
            raise InvalidInputError("subdivision", named, "the region has no state")
        return _holidays(item["holidays"], place, first.year, last.year)
    return _range(*map(date.fromisoformat, item))


def _range(first: date, last: date) -> Iterator[date]:
    yield first
    while first < last:
        first += _DAY
        yield first


# The package takes a while to import, and its holidays to work out.
@lru_cache(maxsize=256)
def _holidays(country: str, subdivision: str | None, first_year: int, last_year: int) -> frozenset[date]:
    try:
        import holidays
    except ImportError:
        raise InvalidInputError(
            "holidays",
            country,
            "holidays is not installed: pip install 'airflow-provider-engagevoice[holidays]'",
        ) from None
    known = holidays.list_supported_countries()
    try:
        holidays.country_holidays(country)
    except NotImplementedError:
        expected = f"no country of the package holidays; write its code, such as US{nearest(country, known)}"
        raise InvalidInputError("holidays", country, expected) from None
    years = range(first_year, last_year + 1)
    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=years))
    except NotImplementedError:
        places = known.get(country, [])
        expected = f"no subdivision of {country} in the package holidays{nearest(str(subdivision), places)}"
        raise InvalidInputError("subdivision", subdivision, expected) from None
