"""Columns map to lead fields, or fail before anything is read."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_engagevoice.exceptions import BadSourceError, InvalidInputError
from airflow_provider_engagevoice.leads.loading.file_uploader import write_lead_file
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.sources.base import read_records, read_table
from airflow_provider_engagevoice.leads.validate import LeadValidator
from airflow_provider_engagevoice.models.lead import LeadFilePreview
from tests.unit.leads.lists import check, file

ADA = {"externId": "1", "leadPhone": "4155550123"}


def bound(
    *columns: str, mapping: dict[str, str | None] | None = None, send_unmapped: bool = False
) -> dict[str, str]:
    binding = read_mapping(mapping, send_unmapped=send_unmapped).bind(columns, "list.csv")
    return {column: str(target) for column, target in binding.targets.items()}


def test_columns_with_the_name_of_a_field() -> None:
    assert bound("extern_id", "Lead Phone", "FIRST-NAME", "auxdata1", "lead_priority", "phone", "mobile") == {
        "extern_id": "externId",
        "Lead Phone": "leadPhone",
        "FIRST-NAME": "firstName",
        "auxdata1": "auxData1",
        "lead_priority": "leadPriority",
    }


def test_explicit_mapping() -> None:
    mapping = {
        "mobile": "leadPhone",
        "id": "externId",
        "office": "personaPhoneConfig.Work Phone",
        "policy": "extendedLeadData.policy.no",
        "zip": None,
    }
    assert bound("mobile", "id", "office", "policy", "zip", "city", mapping=mapping) == {
        "mobile": "leadPhone",
        "id": "externId",
        "office": "personaPhoneConfig.Work Phone",
        "policy": "extendedLeadData.policy.no",
        "city": "city",
    }


def test_entries_of_objects_by_name() -> None:
    assert bound("personaPhoneConfig.Work", "extendedLeadData.a b", "extendedLeadData", "other.x") == {
        "personaPhoneConfig.Work": "personaPhoneConfig.Work",
        "extendedLeadData.a b": "extendedLeadData.a b",
        "extendedLeadData": "extendedLeadData",
    }


def test_other_columns_are_unmapped_or_extended_data() -> None:
    columns = ("externId", "policy", "reject_row", "reject_reason", "reject_source")
    plan = read_mapping()
    assert plan.bind(columns, "list.csv").unmapped == ["policy"]
    assert bound(*columns, send_unmapped=True) == {
        "externId": "externId",
        "policy": "extendedLeadData.policy",
    }
    assert "policy" not in bound(*columns, mapping={"policy": None}, send_unmapped=True)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"mobile": "leadFone"}, "mapping.mobile='leadFone' is not usable: leads have no such field; near"),
        ({"mobile": "phone"}, "leads have no such field"),
        ({"state": "leadState"}, "the vendor does not document that this field can be loaded"),
        ({"mobile": "leadphone"}, "nearest: 'leadPhone'"),
        ({"land": "country"}, "nearest: 'COUNTRY'"),
        ({"country": "COUNTRY"}, "only files have this column: method='file'"),
        ({"mobile": 7}, "leads have no such field"),
        ({"mobile": "personaPhoneConfig."}, "leads have no such field"),
        ({"a": "email", "b": "email"}, "mapping.b='email' is not usable: another column maps to the"),
        (["mobile"], 'write a mapping such as {"mobile": "leadPhone"}'),
    ],
)  # fmt: skip
def test_invalid_fields(mapping: Any, words: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_mapping(mapping)
    assert words in str(caught.value)


def test_a_first_row_that_is_no_header_is_not_shown() -> None:
    with pytest.raises(
        BadSourceError, match=r"externId.*; its first row is no header: it has a phone"
    ) as caught:
        check(file("Ada,Lovelace,(415) 555-0123\nBob,Lovelace,4155550124\n"))
    assert "Ada" not in str(caught.value)
    with pytest.raises(BadSourceError, match="the header has one column; are columns separated") as caught:
        check(file("Ada;Lovelace;4155550123\nBob;4155550124\n"))
    assert "Ada" not in str(caught.value)


def test_a_column_that_looks_like_a_required_one_is_named() -> None:
    with pytest.raises(BadSourceError, match=r"CYRILLIC SMALL LETTER IE in place of U\+0065"):
        check(file("\u0435xternId,leadPhone\n1,4155550123\n"))


def test_fields_that_only_one_method_has() -> None:
    columns = ("externId", "country", "maxPasses")
    as_file = read_mapping({"country": "COUNTRY"}, as_file=True).bind(columns, "list.csv")
    assert {column: str(target) for column, target in as_file.targets.items()} == {
        "externId": "externId",
        "country": "COUNTRY",
    }
    assert as_file.unmapped == ["maxPasses"]
    direct = read_mapping().bind(columns, "list.csv")
    assert {column: str(target) for column, target in direct.targets.items()} == {
        "externId": "externId",
        "maxPasses": "maxPasses",
    }
    assert direct.unmapped == ["country"]
    with pytest.raises(InvalidInputError, match="files have no column for it: method='direct'"):
        read_mapping({"passes": "maxPasses"}, as_file=True)


def test_the_country_has_a_column_in_files() -> None:
    written = write_lead_file([{"externId": "1", "leadPhone": "4155550123", "COUNTRY": "USA"}])
    at = [target.field for target in written.columns].index("COUNTRY")
    preview = LeadFilePreview.from_server(
        {
            "transactionId": "t",
            "mappingColumns": ["LEAD_PHONE", "EXTERN_ID", "COUNTRY"],
            "pagePreviews": [{"rowData": written.first_rows}],
        }
    )
    assert written.mappings(preview)["pageColumnMappings"]["COUNTRY"] == 2 * at + 1


def test_extra_data_of_a_search_is_extended_data_under_this_name_alone() -> None:
    assert bound("externId", "extraData", "extra data") == {
        "externId": "externId",
        "extraData": "extendedLeadData",
    }


@pytest.mark.parametrize(
    ("columns", "mapping"),
    [
        (("phone", "leadPhone"), {"phone": "leadPhone"}),
        (("first_name", "firstName"), {}),
        (("leadPhone", "leadPhoneE164"), {}),
        (("a", "extendedLeadData.b"), {"a": "extendedLeadData.b"}),
    ],
)
def test_two_columns_with_one_target(columns: tuple[str, ...], mapping: dict[str, str | None]) -> None:
    with pytest.raises(BadSourceError, match=r"both map to .*; ignore one of them: mapping=") as caught:
        bound(*columns, mapping=mapping)
    assert (caught.value.source, caught.value.column) == ("list.csv", columns[1])
    assert bound(*columns, mapping={**mapping, columns[0]: None})


def test_columns_that_look_alike_come_with_the_characters_that_differ() -> None:
    other = "leadPh\u043ene"
    with pytest.raises(BadSourceError, match=r"U\+006F LATIN SMALL LETTER O in place of U\+043E CYRILLIC"):
        bound(other, "leadPhone", mapping={other: "leadPhone"})
    with pytest.raises(BadSourceError, match=r"U\+0441 CYRILLIC SMALL LETTER ES, U\+0430 .* U\+0063 LATIN"):
        check(file("externId,\u0441\u0430\u0440\n1,4155550123\n"), mapping={"cap": "leadPhone"})


def test_a_missing_column_is_reported_with_the_nearest() -> None:
    for mapping in ({"mobil": "leadPhone"}, {"mobil": None}):
        with pytest.raises(BadSourceError) as caught:
            check(file("externId,mobile\n1,4155550123\n"), mapping=mapping)
        assert caught.value.column == "mobil"
        assert "nearest: 'mobile'; its columns: 'externId', 'mobile'" in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "options", "field"),
    [
        ("id,leadPhone", {}, "externId"),
        ("externId,phone", {}, "leadPhone"),
        ("externId,leadPhone", {"time_zone_option": "EXPLICIT"}, "leadTimezone"),
        ("externId,leadPhone", {"time_zone_option": "ZIPCODE"}, "zip"),
    ],
)
def test_required_fields(columns: str, options: dict[str, Any], field: str) -> None:
    with pytest.raises(
        BadSourceError, match=f"no column is mapped to {field}, .*mapping={{'<column>': '{field}'}}"
    ):
        check(file(columns + "\n1,4155550123\n"), **options)


def test_columns_of_records_are_known_only_while_they_are_read() -> None:
    with pytest.raises(BadSourceError, match="no column is mapped to leadPhone"):
        check(read_records([{"externId": "1", "phone": "4155550123"}]))
    with pytest.raises(BadSourceError, match="mapping names this column") as caught:
        check(read_records([ADA, ADA]), mapping={"mail": "email"})
    assert caught.value.column == "mail"
    assert check(read_records([ADA, ADA | {"externId": "2", "mail": "x"}]), mapping={"mail": "email"})
    late = [ADA | {"externId": str(n), "leadPhone": str(2125550000 + n)} for n in range(3000)]
    with pytest.raises(BadSourceError, match=r"both map to firstName"):
        check(read_records([*late, ADA | {"first_name": "A", "firstName": "B"}]))


def test_a_lead_is_converted_back_to_a_row_of_its_source() -> None:
    mapping = {"mobile": "leadPhone", "office": "personaPhoneConfig.Work"}
    table = read_table(["externId", "mobile", "office", "policy", "First Name"], [])
    body = {
        "externId": "1",
        "leadPhone": "4155550123",
        "leadPhoneE164": "+14155550123",
        "firstName": "Ada",
        "personaPhoneConfig": {"Work": "+14155550124"},
        "extendedLeadData": {"policy": "P"},
    }
    plan = read_mapping(mapping, send_unmapped=True)
    expected = {
        "externId": "1", "mobile": "4155550123", "First Name": "Ada", "office": "+14155550124", "policy": "P"
    }  # fmt: skip
    assert plan.record_of(body, table) == expected
    assert plan.record_of(body, read_records([])) == {
        ("firstName" if name == "First Name" else name): value for name, value in expected.items()
    }
    assert plan.record_of({"leadPhoneE164": "+442071838750"}, table) == {"mobile": "+442071838750"}
    body = {"extendedLeadData": {"policy": "P"}}
    assert read_mapping().record_of(body, read_records([])) == {"extendedLeadData.policy": "P"}


def test_the_persona_phones_and_fields_of_all_sources_are_noted() -> None:
    first = read_records([{**ADA, "midName": "", "personaPhoneConfig": {"Work": "4155550124"}}])
    rows = [{**ADA, "externId": str(at), "personaPhoneConfig": {f"Label {at}": None}} for at in range(300)]
    with LeadValidator(read_mapping()) as validator:
        for source in (first, file("externId,leadPhone,personaPhoneConfig.Cabin\n7,4155550127,")):
            list(validator.read(source))
        assert {str(one) for one in validator.targets} == {
            *("externId", "leadPhone", "midName", "personaPhoneConfig"),
            *("personaPhoneConfig.Work", "personaPhoneConfig.Cabin"),
        }
        list(validator.read(read_records(rows)))
        assert len(validator.targets) < 300
