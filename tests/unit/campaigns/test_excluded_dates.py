"""Excluded dates as users write them."""

from __future__ import annotations

import sys
from datetime import date, datetime
from typing import Any

import pytest

from airflow_provider_engagevoice.campaigns.excluded_dates import _holidays, dates_between, read_dates
from airflow_provider_engagevoice.inputs import InvalidInputError

FIRST, LAST = date(2027, 1, 1), date(2027, 12, 31)


def between(items: Any, subdivision: str | None = None) -> list[str]:
    return sorted(one.isoformat() for one in dates_between(read_dates(items), FIRST, LAST, subdivision))


@pytest.mark.parametrize(
    ("items", "dates"),
    [
        (["2027-03-17"], ["2027-03-17"]),
        ([date(2027, 3, 17), "2028-03-17"], ["2027-03-17"]),
        ('["2027-03-17", ["2027-03-18", "2027-03-19"]]', ["2027-03-17", "2027-03-18", "2027-03-19"]),
        ([["2027-12-30", date(2028, 1, 2)]], ["2027-12-30", "2027-12-31"]),
        ([("2027-03-17", "2027-03-17")], ["2027-03-17"]),
    ],
)
def test_dates_and_ranges(items: Any, dates: list[str]) -> None:
    assert between(items) == dates


@pytest.mark.parametrize(
    ("items", "field", "expected"),
    [
        ("2027-03-17", "dates", "write a list"),
        ([], "dates", "write a list"),
        ("[2027", "dates", "write a list"),
        (["2027-13-17"], "dates[0]", "month must be in 1..12"),
        (["17.03.2027"], "dates[0]", "write a date such as 2027-03-17"),
        ([20270317], "dates[0]", "write a date such as 2027-03-17"),
        ([datetime(2027, 3, 17)], "dates[0]", "write a date such as 2027-03-17"),
        (["2027-03-17", ["2027-03-17"]], "dates[1]", "the first and the last"),
        ([["2027-03-17", "2027-03-16"]], "dates[0]", "on or after the first"),
        ([["2027-03-17", "2028-03-17"]], "dates[0]", "at most a year later"),
        ([{"holiday": "US"}], "dates[0]", "no such key 'holiday'; nearest: 'holidays'"),
        ([{"subdivision": "CA"}], "dates[0]", "{holidays: US, subdivision: CA}"),
        ([{"holidays": ""}], "dates[0]", "{holidays: US, subdivision: CA}"),
        ([{"holidays": "US", "subdivision": "per_region"}], "dates[0]", "a campaign has no region"),
    ],
)
def test_mistakes(items: Any, field: str, expected: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_dates(items)
    assert caught.value.field == field
    assert expected in str(caught.value)


def test_holidays_of_a_country_and_of_a_subdivision() -> None:
    national = between([{"holidays": "US"}])
    assert "2027-11-25" in national
    # Independence Day is a Sunday, and is observed on the Monday.
    assert {"2027-07-04", "2027-07-05"} <= set(national)
    assert "2027-11-26" not in national
    assert "2027-11-26" in between([{"holidays": "US", "subdivision": "CA"}])
    assert "2027-11-26" in between([{"holidays": "USA", "subdivision": "CA"}])


def test_per_region_is_the_state_of_the_region() -> None:
    items = [{"holidays": "US", "subdivision": "per_region"}]
    assert date(2027, 11, 26) in dates_between(items, FIRST, LAST, "CA")
    assert date(2027, 11, 26) not in dates_between(items, FIRST, LAST, "NY")
    with pytest.raises(InvalidInputError, match="the region has no state"):
        dates_between(items, FIRST, LAST)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"holidays": "UX"}, "holidays='UX' is not usable: no country .* nearest: "),
        ({"holidays": "US", "subdivision": "CAL"}, "subdivision='CAL' is not usable: .* nearest: 'CA'"),
    ],
)
def test_holidays_that_nobody_knows(item: dict[str, str], expected: str) -> None:
    with pytest.raises(InvalidInputError, match=expected):
        between([item])


def test_the_package_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    _holidays.cache_clear()
    with pytest.raises(InvalidInputError, match=r"airflow-provider-engagevoice\[holidays\]"):
        between([{"holidays": "US"}])
