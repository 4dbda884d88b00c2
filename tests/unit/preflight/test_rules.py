"""Rules of users: added, replaced, turned off, and what is wrong in them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from airflow_provider_engagevoice.inputs import InvalidInputError
from airflow_provider_engagevoice.preflight.rules import load_rules

ROW: dict[str, Any] = {
    "id": "us-tx-hours",
    "country": "USA",
    "state": "TX",
    "check": "hours",
    "value": {"sun": "12:00-21:00"},
    "source": "our lawyers",
    "as_of": "2027-01-15",
    "primary": True,
    "text": "No calls on Sunday mornings.",
}


def test_a_row_is_added() -> None:
    rules = load_rules({"rules": [ROW]})
    assert rules.rows[:-1] == load_rules().rows
    assert (rules.rows[-1].effective_severity, rules.rows[-1].as_of) == ("error", date(2027, 1, 15))


def test_a_row_of_the_same_id_replaces_the_keys_that_it_gives() -> None:
    changed = {"id": "us-fl-hours", "value": {"mon-sun": "09:00-19:00"}, "primary": True, "source": "us"}
    (one,) = [one for one in load_rules({"rules": [changed]}).rows if one.id == "us-fl-hours"]
    assert (one.value, one.effective_severity, one.state) == ({"mon-sun": "09:00-19:00"}, "error", "FL")


@pytest.mark.parametrize("off", ["off", False])
def test_a_row_is_turned_off(off) -> None:
    rules = load_rules({"rules": [{"id": "us-hours", "severity": off}]})
    assert "us-hours" not in {one.id for one in rules.rows}
    assert "us-hours" in {one.id for one in load_rules().rows}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "x"}, r"^rules.x.country=.* is not usable: the new rule needs country"),
        ("x", r"^rules.rules\[0\]='x' is not usable: write a mapping with the id of the rule"),
        ({"check": "hour"}, "^rules.us-tx-hours.check='hour' is not usable: write one of hours, holidays"),
        ({"states": "TX"}, "^rules.us-tx-hours.states='TX' is not usable: no such key; nearest: 'state'"),
        ({"value": {"sun": "noon"}}, r"^rules.us-tx-hours={'sun': 'noon'} is .*: value\['sun'\]='noon' is"),
        ({"value": None}, "is not usable: value=None is not usable: write a mapping"),
        ({"check": "attempts", "value": {"calls": 0, "hours": 24}}, r"value: write \{calls: 3, hours: 24\}"),
        ({"check": "abandon", "value": 3}, r"value: write \{percent: 3, days: 30\}"),
        ({"check": "do_not_call", "value": "ALL"}, "write a list of values of dncScrubOption"),
        ({"check": "do_not_call", "value": ["ALL"]}, "is not usable: value='ALL' is not usable: "),
        ({"check": "holidays"}, "value: holidays has none"),
        ({"primary": False, "severity": "error"},
         "severity: only a rule whose primary source was read may be an error"),
        ({"severity": "fatal"}, "rules.us-tx-hours.severity='fatal' is not usable"),
        ({"as_of": "soon"}, "rules.us-tx-hours.as_of='soon' is not usable"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_row_is_said(row, message) -> None:
    row = {**ROW, **row} if isinstance(row, dict) and row != {"id": "x"} else row
    with pytest.raises(InvalidInputError, match=message):
        load_rules({"rules": [row]})


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ([ROW], "write a mapping with the keys rules and as_of"),
        ({"rows": []}, "write a mapping with the keys rules and as_of"),
        ({"rules": "x"}, "^rules.rules='x' is not usable: write a list of rows"),
        ({"as_of": datetime(2027, 3, 1, 10)}, "^rules.as_of=datetime.* write a date such as 2027-03-01"),
        ({"as_of": "soon"}, "^rules.as_of='soon' is not usable: write a date such as 2027-03-01"),
    ],
)
def test_what_is_no_file_of_rules_is_said(added, message) -> None:
    with pytest.raises(InvalidInputError, match=message):
        load_rules(added)


def test_a_user_may_make_a_warning_of_a_primary_rule_an_error() -> None:
    rules = load_rules({"rules": [{"id": "us-do-not-call", "severity": "error"}]})
    assert {one.id: one.effective_severity for one in rules.rows}["us-do-not-call"] == "error"
