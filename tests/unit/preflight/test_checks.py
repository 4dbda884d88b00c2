"""Each rule of the package, with values just inside and just outside."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from airflow_provider_engagevoice.models.schedule import DAYS
from airflow_provider_engagevoice.preflight.findings import ERROR, NOT_CHECKED, WARNING, Finding
from airflow_provider_engagevoice.preflight.rules import load_rules
from airflow_provider_engagevoice.preflight.run import check_campaigns
from airflow_provider_engagevoice.preflight.subjects import subject_of

RULES = load_rules()
TODAY = date(2026, 12, 1)
#: A campaign that no rule finds anything in.
CLEAN: dict[str, Any] = {
    **{f"{day}Sched": "10001700" for day in DAYS},
    **{"sunSched": "00000000", "dncScrubOption": "INTERNAL_AND_NATIONAL", "targetAbandonRate": 3.0},
    **{"maxPasses": 3, "maxDailyPasses": 1, "passDelayMin": 60, "callerId": "4155550123"},
    **{"holidays excluded": True},
}


def find(fields: dict[str, Any], state: str | None, country: str = "USA") -> list[Finding]:
    subject = subject_of("G / C", {**CLEAN, "countryId": country, **fields}, state=state)
    return check_campaigns([subject], RULES, TODAY)


def found(fields: dict[str, Any], state: str | None = None, country: str = "USA") -> dict[str, str]:
    """Return the severity of each rule that has found something."""
    return {one.rule: one.severity for one in find(fields, state, country) if one.severity != NOT_CHECKED}


def hours(raw: str, *days: str) -> dict[str, Any]:
    return {f"{day}Sched": raw for day in days or DAYS[:6]}


#: Rule, state, fields just inside, fields just outside.
CASES: list[tuple[str, str | None, dict[str, Any], dict[str, Any]]] = [
    ("us-hours", None, hours("08002100"), hours("07592100")),
    ("us-hours", None, hours("08002100"), hours("08002101", "sat")),
    ("us-hours", None, hours("08002100", "sun"), hours("00002359", "sun")),
    ("us-do-not-call", None, {}, {"dncScrubOption": "DO_NOT_SCRUB"}),
    ("us-do-not-call", None, {}, {"dncScrubOption": "INTERNAL_ONLY"}),
    ("us-abandon", None, {"targetAbandonRate": "3.0"}, {"targetAbandonRate": 3.01}),
    ("us-caller-id", None, {"callerId": "", "callerIdBucket": {"id": 1}}, {"callerId": ""}),
    ("us-daily-attempts", None, {"maxDailyPasses": 0}, {"maxDailyPasses": -1}),
    ("us-fl-hours", "FL", hours("08002000"), hours("08002001")),
    ("us-fl-attempts", "FL", {"maxPasses": 3}, {"maxPasses": 4, "maxDailyPasses": 2}),
    ("us-fl-attempts", "FL", {"maxPasses": -1}, {"maxPasses": -1, "maxDailyPasses": -1}),
    ("us-fl-attempts", "FL", {"maxPasses": -1, "maxDailyPasses": 9, "passDelayMin": 480},
     {"maxPasses": -1, "maxDailyPasses": 9, "passDelayMin": 479}),
    ("us-ok-hours", "OK", hours("08002000"), hours("07592000")),
    ("us-ok-attempts", "OK", {"maxPasses": 3}, {"maxPasses": 4, "maxDailyPasses": 2}),
    ("us-wa-hours", "WA", hours("08002000"), hours("08002001")),
    ("us-md-hours", "MD", hours("08002000"), hours("08002001")),
    ("us-ky-hours", "KY", hours("10002100"), hours("09592100")),
    ("us-ct-hours", "CT", hours("09002000"), hours("09002001")),
    ("us-al-sundays", "AL", hours("08002100"), hours("12001300", "sun")),
    ("us-la-sundays", "LA", hours("08002100"), hours("12001300", "sun")),
    ("us-ms-sundays", "MS", hours("08002100"), hours("12001300", "sun")),
    *((f"us-{state.lower()}-holidays", state, {}, {"holidays excluded": False})
      for state in ("AL", "LA", "MS", "PA")),
]  # fmt: skip
AUSTRALIAN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("au-hours", hours("09002000", *DAYS[:5]), hours("08592000", *DAYS[:5])),
    ("au-hours", hours("09001700", "sat"), hours("09001701", "sat")),
    ("au-hours", {}, hours("12001300", "sun")),
    ("au-holidays", {}, {"holidays excluded": False}),
]


@pytest.mark.parametrize(("rule", "state", "inside", "outside"), CASES)
def test_each_rule_finds_what_is_outside_and_nothing_else(rule, state, inside, outside) -> None:
    assert rule not in found(inside, state)
    severity = ERROR if rule == "us-hours" else WARNING
    assert found(outside, state)[rule] == severity


@pytest.mark.parametrize(("rule", "inside", "outside"), AUSTRALIAN)
def test_rules_of_another_country(rule, inside, outside) -> None:
    assert found(inside, country="AUS") == {}
    assert found(outside, country="AUS") == {rule: WARNING}


def test_each_rule_of_the_package_is_tested() -> None:
    tested = {case[0] for case in (*CASES, *AUSTRALIAN)}
    assert tested == {one.id for one in RULES.rows}


def test_only_rules_whose_primary_source_was_read_are_errors() -> None:
    assert {one.id for one in RULES.rows if one.effective_severity == ERROR} == {"us-hours"}
    assert {one.id for one in RULES.rows if one.primary} == {"us-hours", "us-do-not-call"}


def test_a_clean_campaign_in_a_state_with_rules_has_no_findings() -> None:
    assert find({}, "FL") == []
    assert find({}, "Florida") == []


def test_a_rule_of_a_state_is_for_that_state_alone() -> None:
    assert found(hours("08002100"), "CA") == {}


def test_what_is_found_names_days_and_hours() -> None:
    (one,) = [one for one in find(hours("07302130", *DAYS[:5]), "FL") if one.rule == "us-hours"]
    assert one.found.endswith("Found: mon-fri 07:30-21:30, allowed: 08:00-21:00")
    assert one.campaigns == ["G / C"]
    assert (one.as_of, one.leads) == ("2026-11-30", None)
    (one,) = [one for one in find(hours("12001300", "sun"), "AL") if one.rule == "us-al-sundays"]
    assert one.found.endswith("Found: sun 12:00-13:00, allowed: no calls at all")


@pytest.mark.parametrize(
    ("fields", "state", "country", "rule", "text"),
    [
        ({}, "CA", "USA", "no-rules", "there are no rules for CA of USA, only those of the country"),
        ({}, None, "GBR", "no-rules", "there are no rules for country GBR"),
        ({}, None, None, "no-rules", "there are no rules for an unknown country"),
        ({}, None, "USA", "no-state",
         "the state is not known, so the rules of AL, CT, FL, KY, LA, MD, MS, OK, PA, WA were not applied"),
        ({}, "Atlantis", "USA", "no-state", "the state is not known"),
        ({"dncScrubOption": None}, "FL", "USA", "us-do-not-call", "dncScrubOption is not known"),
        ({"monSched": "22000600"}, "WA", "USA", "us-hours", "monSched is not known"),
    ],
)  # fmt: skip
def test_what_was_not_checked_is_said(fields, state, country, rule, text) -> None:
    one = next(one for one in find(fields, state, country) if one.rule == rule)
    assert one.severity == NOT_CHECKED
    assert text in one.found


def test_states_of_a_filter_count() -> None:
    filtered = {"campaignFilterStates": [{"filterId": 9, "state": "FL"}, "CA"]}
    assert found({**hours("08002100"), **filtered}) == {"us-fl-hours": WARNING}


def test_campaigns_of_which_the_same_is_found_are_one_finding() -> None:
    subjects = [
        subject_of(name, {**CLEAN, "countryId": "USA", **hours(raw)}, state="FL")
        for name, raw in (("A", "08002100"), ("B", "08002100"), ("C", "08002030"))
    ]
    assert [one.campaigns for one in check_campaigns(subjects, RULES, TODAY)] == [["A", "B"], ["C"]]


def test_rules_of_long_ago_are_a_warning() -> None:
    subject = subject_of("C", {**CLEAN, "countryId": "USA"}, state="FL")
    assert check_campaigns([subject], RULES, date(2027, 5, 27)) == []
    (one,) = check_campaigns([subject], RULES, date(2027, 5, 28))
    assert (one.rule, one.severity, one.as_of) == ("rules-outdated", WARNING, "2026-11-28")
    assert one.found == "the rules were read 181 days ago, more than 180"
    renewed = load_rules({"as_of": "2027-05-01"})
    assert check_campaigns([subject], renewed, date(2027, 5, 28)) == []
