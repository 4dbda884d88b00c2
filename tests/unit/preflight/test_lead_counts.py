"""Leads by place: a state or ZIP of their own first, an area code as weak evidence."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from airflow_provider_engagevoice.exceptions import BadSourceError
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.sources.base import read_records, read_table
from airflow_provider_engagevoice.models.schedule import DAYS
from airflow_provider_engagevoice.preflight import places
from airflow_provider_engagevoice.preflight.findings import NOT_CHECKED, WARNING, Finding
from airflow_provider_engagevoice.preflight.lead_counts import LeadCounts, count_leads
from airflow_provider_engagevoice.preflight.rules import load_rules
from airflow_provider_engagevoice.preflight.run import check_campaigns
from airflow_provider_engagevoice.preflight.subjects import Subject, subject_of

TODAY = date(2026, 12, 1)
TERRITORIES = ("AS", "GU", "MP", "PR", "VI")
EAST, CENTRAL = "America/New_York", "America/Chicago"


def counted(*rows: dict[str, Any], country: str = "USA", **mapping: str) -> LeadCounts:
    return count_leads([read_records(rows)], read_mapping(mapping or None), country)


def place(**row: Any) -> tuple[set[str], set[str], bool]:
    """Return states and zones of a lead, and whether the evidence is weak."""
    ((one, count),) = counted(row).by_place.items()
    assert count == 1
    return set(one.states), set(one.zones), one.is_weak


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"state": "FL", "zip": "10001", "leadPhone": "4155550123"}, ({"FL"}, {EAST, CENTRAL}, False)),
        ({"state": " new  york "}, ({"NY"}, {EAST}, False)),
        ({"state": "Atlantis", "zip": "10001-1234"}, ({"NY"}, {EAST}, False)),
        ({"zip": 2134, "leadPhone": "4155550123"}, ({"MA"}, {EAST}, False)),
        ({"zip": "1", "leadPhone": "2125550123"}, ({"NY"}, {EAST}, True)),
        # A ZIP across a border, and others that begin like it.
        ({"zip": "99362-0001"}, ({"WA", "OR"}, {"America/Los_Angeles", "America/Denver"}, False)),
        ({"zip": "99361"}, ({"WA"}, {"America/Los_Angeles"}, False)),
        ({"zip": "20598"}, ({"DC", "VA"}, {EAST}, False)),
        ({"zip": "83414"}, ({"ID", "WY"}, {"America/Los_Angeles", "America/Denver"}, False)),
        ({"zip": "83001"}, ({"WY"}, {"America/Denver"}, False)),
        # Territories; a spreadsheet takes the zeros of 00601 away.
        ({"zip": 601}, ({"PR"}, {"America/Puerto_Rico"}, False)),
        ({"state": "guam", "zip": "10001"}, ({"GU"}, {"Pacific/Guam"}, False)),
        ({"zip": "96799"}, ({"AS", "HI"}, {"Pacific/Pago_Pago", "Pacific/Honolulu"}, False)),
        ({"leadPhone": "6715550123"}, ({"GU"}, {"Pacific/Guam"}, True)),
        # The armed forces abroad, and a country of its own.
        ({"zip": "09012"}, (set(), set(), True)),
        ({"zip": "96941"}, (set(), set(), True)),
        ({"state": None, "leadPhone": "(205) 555-0123"}, ({"AL"}, {CENTRAL}, True)),
        # Its exchanges are in two states.
        ({"leadPhone": "2015550123"}, ({"NJ", "NY"}, {EAST}, True)),
        ({"leadPhone": "2125550123|2055550123"}, ({"NY", "AL"}, {EAST, CENTRAL}, True)),
        ({"leadPhone": "8005550123"}, (set(), set(), True)),
        ({"leadPhone": "555"}, (set(), set(), True)),
    ],
)
def test_where_a_lead_is(row, expected) -> None:
    assert place(**row) == expected


def test_an_area_code_of_several_zones_has_all_of_them() -> None:
    _, zones, is_weak = place(leadPhone="2085550123")
    assert (zones, is_weak) == ({"America/Boise", "America/Los_Angeles"}, True)


def test_rows_without_any_of_the_columns_are_no_leads_and_a_list_without_them_is_an_error() -> None:
    assert counted({"state": "", "city": "Austin"}).total == 0
    with pytest.raises(BadSourceError, match="no column is mapped to state, zip or leadPhone"):
        counted({"name": "Ann"})
    table = read_table(["st", "tel"], [("TX", "2125550123")])
    counts = count_leads([table], read_mapping({"st": "state", "tel": "leadPhone"}), "USA")
    assert counts.states == {"TX"}


def test_other_countries_have_no_states_here() -> None:
    counts = counted({"state": "NSW", "leadPhone": "0491570156"}, country="AUS")
    assert (counts.total, counts.nowhere, counts.weak, counts.zones) == (1, 1, 0, set())


def subject(
    leads: LeadCounts, state: str | None = None, hours: str = "08002030", name: str = "G / C"
) -> Subject:
    fields = {
        **{f"{day}Sched": hours for day in DAYS},
        **{"sunSched": "00000000", "dncScrubOption": "INTERNAL_AND_NATIONAL", "targetAbandonRate": 3.0},
        **{"maxPasses": 3, "maxDailyPasses": 1, "passDelayMin": 60, "callerId": "4155550123"},
        **{"countryId": "USA", "holidays excluded": True},
    }
    return subject_of(name, fields, state=state, leads=leads)


def find(*args: Any, **options: Any) -> dict[str, Finding]:
    return {one.rule: one for one in check_campaigns([subject(*args, **options)], load_rules(), TODAY)}


def test_rules_of_each_state_that_leads_may_be_in_are_applied() -> None:
    found = find(counted({"state": "FL"}, {"state": "FL"}, {"leadPhone": "2015550123"}), state="CA")
    assert (found["us-fl-hours"].leads, found["us-fl-hours"].severity) == (2, WARNING)
    assert (found["no-rules"].leads, found["no-rules"].severity) == (1, NOT_CHECKED)
    assert "there are no rules for CA, NJ, NY of USA" in found["no-rules"].found
    assert (found["area-codes-alone"].leads, found["area-codes-alone"].severity) == (1, WARNING)
    # Florida has two time zones.
    assert found.keys() == {"us-fl-hours", "no-rules", "area-codes-alone", "several-zones"}


def test_a_list_of_several_campaigns_is_counted_once() -> None:
    shared, other = counted({"state": "FL"}, {"state": "FL"}), counted({"state": "FL"})
    subjects = [subject(leads, name=name) for name, leads in (("A", shared), ("B", shared), ("C", other))]
    (one,) = [one for one in check_campaigns(subjects, load_rules(), TODAY) if one.rule == "us-fl-hours"]
    assert (one.campaigns, one.leads) == (["A", "B", "C"], 3)


def test_a_weak_area_code_makes_its_rules_apply_too() -> None:
    found = find(counted({"leadPhone": "3055550123"}))
    assert found["us-fl-hours"].leads == 1
    assert found["area-codes-alone"].leads == 1


def test_leads_of_unknown_states_are_counted() -> None:
    found = find(counted({"state": "FL"}, {"leadPhone": "8005550123"}), hours="09001900")
    assert (found["no-state"].leads, found["no-state"].severity) == (1, NOT_CHECKED)
    assert find(counted({"leadPhone": "8005550123"}))["no-state"].leads == 1


def test_a_rule_of_the_country_is_about_all_leads() -> None:
    assert find(counted({"state": "TX"}, {"state": "CA"}), hours="07002030")["us-hours"].leads == 2


@pytest.mark.parametrize(("hours", "fits"), [("11001800", True), ("10591800", False), ("11001801", False)])
def test_hours_must_be_right_in_all_zones_of_the_leads(hours, fits) -> None:
    found = find(counted({"state": "CA"}, {"state": "NY"}), hours=hours)
    assert ("several-zones" not in found) == fits
    if not fits:
        assert "up to 3 hours apart" in found["several-zones"].found
        assert (found["several-zones"].severity, found["several-zones"].leads) == (WARNING, 2)


def test_findings_have_nothing_of_a_lead() -> None:
    found = find(counted({"state": "FL", "zip": "33101", "leadPhone": "3055550123", "firstName": "Ann"}))
    assert not {word for one in found.values() for word in ("33101", "305555", "Ann") if word in repr(one)}


@pytest.mark.slow
def test_area_codes_are_those_that_phonenumbers_knows() -> None:
    import phonenumbers
    from phonenumbers.geodata import GEOCODE_DATA

    unknown = []
    for prefix, described in GEOCODE_DATA.items():
        code, text = prefix[1:4], described.get("en", "").replace("Washington D.C.", "DC")
        number = phonenumbers.PhoneNumber(country_code=1, national_number=int(f"{code:0<3}5550123"))
        region = phonenumbers.region_code_for_number(number)
        if prefix[0] != "1" or len(code) < 3 or region not in ("US", *TERRITORIES):
            continue
        place = region if region in TERRITORIES else text.removesuffix(" State").rpartition(", ")[2]
        states = places.states_of(place)
        if not states or not states <= places.states_of_number(code):
            unknown.append((code, text))
    assert unknown == []
