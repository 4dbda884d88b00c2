"""Criteria that name people: their phones and ids are read as the loader reads them."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.leads.named import NamedLeads, is_dialable, read_named
from airflow_provider_engagevoice.models.lead_search import read_criteria
from tests.unit.leads.lists import check, one


def named(criteria: dict[str, Any], country: str = "USA") -> NamedLeads:
    found = read_named(read_criteria(criteria), country)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "value", ["'0042", "12.0", "\ufeffC\u200b1", " C 1 ", 7.0, "007", "+12", "2026-01-02"]
)
def test_an_id_is_searched_as_the_loader_has_loaded_it_and_as_it_is_given(value: object) -> None:
    [lead] = check(one(value, "externId")).leads
    leads = named({"externIds": [value]})
    [(name, texts)] = leads.names.items()
    assert (name, texts[0]) == (lead.extern_id, lead.extern_id)
    rows = [{"leadId": at, "externId": text} for at, text in enumerate((lead.extern_id, "another"))]
    assert [row["leadId"] for row in leads.matching(rows)] == [0]
    assert leads.not_found == 0
    raw = value.strip() if isinstance(value, str) else "7"
    assert leads.matching([{"leadId": 5, "externId": raw}])


@pytest.mark.parametrize("value", ["NULL", "1.0000001E7", "9007199254740993.0", "=A2", "C\t1", "-", 2.0**53])
def test_an_id_that_the_loader_refuses_is_an_error(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^criteria\.externIds.*is not usable: "):
        named({"externIds": ["C1", value]})


def test_ids_beside_phones_are_read_too() -> None:
    leads = named({"leadPhoneNumbers": ["415-555-0100"], "externIds": ["12.0", "C1"]})
    assert leads.others == {"externIds": ["12", "12.0", "C1"]}


def test_a_plus_is_part_of_an_id_and_not_of_a_phone() -> None:
    ids, phones = named({"externIds": ["12"]}), named({"leadPhoneNumbers": ["415-555-0100"]})
    assert not ids.matching([{"leadId": 1, "externId": "+12"}])
    assert phones.matching([{"leadId": 1, "leadPhone": "+14155550100"}])


def test_two_forms_of_an_id_are_one_name() -> None:
    leads = named({"externIds": ["12.0", "12", "'12"]})
    assert leads.names == {"12": ("12", "12.0", "'12")}


@pytest.mark.parametrize(
    "fields",
    [
        {"leadPhone": "(415) 555-0100"},
        {"leadPhone": "4155550101|1-415-555-0100"},
        {"leadPhoneE164": "+1 415 555 0100"},
    ],
)
def test_a_phone_is_found_however_the_server_writes_it(fields: dict[str, Any]) -> None:
    phones = named({"leadPhoneNumbers": ["415-555-0100"]})
    assert phones.matching([{"leadId": 1, **fields}])
    assert not named({"leadPhoneNumbers": ["415-555-0102"]}).matching([{"leadId": 1, **fields}])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"leadState": "READY", "suppressed": True}, False),
        ({"leadState": "READY", "suppressed": "true"}, False),
        ({"leadState": "READY", "suppressed": 1}, False),
        ({"leadState": "READY", "suppressed": "1"}, False),
        ({"leadState": "READY", "suppressed": "false"}, True),
        ({"leadState": "READY", "suppressed": 0}, True),
        ({"leadState": "READY"}, True),
        ({"leadState": "CANCELLED", "suppressed": False}, False),
        ({}, True),
    ],
)
def test_whether_a_lead_can_be_called(row: dict[str, Any], expected: bool) -> None:
    assert is_dialable(row) is expected
