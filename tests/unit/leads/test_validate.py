"""Rows become leads with the vendor's fields, or rejects with a reason."""

from __future__ import annotations

import datetime
import enum
import json
import uuid
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.leads.coerce import EMPTY_TEXTS
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.sources.base import read_records
from airflow_provider_engagevoice.leads.validate import LeadValidator
from airflow_provider_engagevoice.models.enums import TimeZoneOption
from tests.support.cases import cases
from tests.unit.leads.lists import Lead, check, file, one

ADA = {"externId": "1", "leadPhone": "4155550123"}


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ada", "Ada"),
        ("  Ada Lovelace\t", "Ada Lovelace"),
        ("", None),
        (" \t", None),
        (None, None),
        (float("nan"), None),
        (Decimal("NaN"), None),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-7, "-7"),
        (10**30, "1" + "0" * 30),
        (1001.0, "1001"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (Decimal("12.50"), "12.50"),
        (Decimal("0E-7"), "0.0000000"),
        (Decimal("1E+3"), "1E+3"),
        (Decimal("1E-5000"), "1E-5000"),
        (datetime.date(2026, 11, 1), "2026-11-01"),
        (datetime.datetime(2026, 11, 1, 8, 30, tzinfo=datetime.UTC), "2026-11-01T08:30:00+00:00"),
        (datetime.time(8, 30), "08:30:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Colour.RED, "red"),
        ("=1+1", "=1+1"),
    ],
)
def test_values_become_text_without_loss(value: object, text: str | None) -> None:
    assert check(one(value, "auxData1")).bodies == [ADA if text is None else ADA | {"auxData1": text}]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"Ada", "expected text, got bytes"),
        (["Ada"], "expected text, got list"),
        ({"a": 1}, "expected text, got dict"),
        (float("inf"), "the number is infinite"),
        (Decimal("-Infinity"), "the number is infinite"),
        (object, "expected text, got type"),
        pytest.param(10**5000, "the number has thousands of digits", id="digits"),
    ],
)
def test_values_that_cannot_be_text_are_rejected(value: object, reason: str) -> None:
    checked = check(one(value, "auxData1"))
    assert checked.reasons == [(1, "auxData1", reason)]
    assert len(checked.rejects[0].value) <= 81


@pytest.mark.parametrize("value", [5, "5", " 5 ", 5.0, "5.0", Decimal(5), Decimal("5.00")])
def test_a_priority_is_a_number(value: object) -> None:
    assert check(one(value, "leadPriority")).bodies == [ADA | {"leadPriority": 5}]
    assert check(one(0, "leadPriority")).bodies == [ADA | {"leadPriority": 0}]
    assert check(one("", "leadPriority")).bodies == [ADA]


@pytest.mark.parametrize("value", ["high", 5.5, "5.5", 2**31, "99999999999", 10**50, "1e3", True, "\uff15"])
def test_invalid_priorities(value: object) -> None:
    is_whole = value in (2**31, "99999999999", 10**50)
    reason = "the number is out of range" if is_whole else "not a whole number"
    assert check(one(value, "leadPriority")).reasons == [(1, "leadPriority", reason)]


def test_the_phone_field_depends_on_the_country() -> None:
    source = {"externId": "1", "leadPhone": "020 7183 8750"}
    [lead] = check(read_records([source]), country="GBR").leads
    number = "+442071838750"
    body = {"externId": "1", "leadPhone": number, "leadPhoneE164": number}
    assert lead == Lead(1, "1", number, body)
    source = {"externId": "1", "leadPhoneE164": "(415) 555-0123"}
    [lead] = check(read_records([source])).leads
    assert (lead.phone, lead.body) == ("4155550123", ADA | {"leadPhoneE164": "+14155550123"})
    [lead] = check(read_records([ADA])).leads
    assert lead.body == ADA | {"leadPhoneE164": "+14155550123"}
    [lead] = check(read_records([ADA | {"leadPhone": "4155550123|4155550124"}])).leads
    assert lead.body == ADA | {"leadPhone": "4155550123|4155550124"}


@pytest.mark.parametrize(
    ("field", "value", "sent"),
    [
        ("callerId", "(415) 555-0199", "4155550199"),
        ("callerId", 4155550199.0, "4155550199"),
        ("callerId", 14155550199, "4155550199"),
        ("auxPhone", "+1 415 555 0198", "4155550198"),
        ("auxPhone", 4155550198, "4155550198"),
    ],
)
def test_other_phones_are_normalized(field: str, value: object, sent: str) -> None:
    assert check(one(value, field)).bodies == [ADA | {field: sent}]
    assert check(one("", field)).bodies == [ADA]


@pytest.mark.parametrize(
    ("country", "value", "sent"),
    [
        ("GBR", "+44 20 7183 8750", "+442071838750"),
        ("GBR", "020 7183 8750", "02071838750"),
        ("DEU", "0049 30 123456", "004930123456"),
        ("CAN", "(416) 555-0199", "4165550199"),
        # A campaign of the country refuses each of these, too.
        ("USA", "+44 20 7183 8750", None),
        ("USA", "020 7183 8750", None),
        ("GBR", "+1 212 200 0123", None),
        ("GBR", "415-555-0199", None),
        ("GBR", 442071838750, None),
        ("GBR", 442071838750.0, None),
        ("GBR", Decimal("442071838750"), None),
        ("GBR", Decimal("442071838750.00"), None),
        ("DEU", "+44 20 7183 8750", None),
        ("USA", "900-555-0199", None),
        ("GBR", "0909 879 0123", None),
        ("USA", "800-234-5678", "8002345678"),
    ],
)
def test_a_caller_id_is_one_of_the_campaigns_country(country: str, value: object, sent: str | None) -> None:
    phone = {"GBR": "+442071838751", "DEU": "+4930123457"}.get(country, "4155550123")
    checked = check(
        one(value, "callerId", leadPhone=phone if country != "CAN" else "4165550123"), country=country
    )
    assert [lead.body["callerId"] for lead in checked.leads] == ([] if sent is None else [sent])
    assert [column for _, column, _ in checked.reasons] == (["callerId"] if sent is None else [])


@pytest.mark.parametrize("field", ["auxPhone", "personaPhoneConfig.Work"])
def test_further_phones_are_one_number_each(field: str) -> None:
    [(_, column, reason)] = check(one("4155550198|4155550199", field)).reasons
    assert (column, reason) == (field, "the field takes only one number; remove the others")


@pytest.mark.parametrize("field", ["callerId", "auxPhone", "personaPhoneConfig.Work"])
@pytest.mark.parametrize(
    "value",
    ["911", "4.15555E+09", 4.15555e300, "=A1", "n/a", "2026-07-24", "41555501.23", True, "4155550198 x1"],
)
def test_other_phones_must_be_phones(field: str, value: object) -> None:
    [(row, column, _)] = check(one(value, field)).reasons
    assert (row, column) == (1, field)


def test_special_numbers_are_rejected_unless_allowed() -> None:
    source = {"externId": "1", "leadPhone": "900-234-5678"}
    [(_, column, reason)] = check(read_records([source])).reasons
    assert column == "leadPhone"
    assert "special number" in reason
    [lead] = check(read_records([source]), special_numbers=True).leads
    assert lead.phone == "9002345678"
    [(_, column, reason)] = check(one("900-234-5678", "callerId")).reasons
    assert (column, "special number" in reason) == ("callerId", True)
    [lead] = check(one("900-234-5678", "callerId"), special_numbers=True).leads
    assert lead.body["callerId"] == "9002345678"


def test_persona_phones_are_e164_and_allow_one_primary_phone() -> None:
    mapping = {"office": "personaPhoneConfig.Work Phone", "cell": "personaPhoneConfig.Mobile Phone"}
    records = [
        ADA | {"office": "415-555-0124", "cell": ""},
        {"externId": "2", "leadPhone": "4155550125", "office": "12", "cell": None},
        {"externId": "3", "leadPhone": "4155550126|4155550127", "office": None, "cell": None},
        {"externId": "4", "leadPhone": "4155550128", "office": "4155550129|4155550130", "cell": None},
    ]
    checked = check(read_records(records), mapping=mapping)
    assert checked.bodies == [ADA | {"personaPhoneConfig": {"Work Phone": "+14155550124"}}]
    assert checked.reasons == [
        (2, "office", "the number is too short; write it whole, with the area code"),
        (3, "leadPhone", "a lead with persona phones can have only one number here; remove the others"),
        (4, "office", "the field takes only one number; remove the others"),
    ]
    checked = check(read_records([ADA | {"personaPhoneConfig": {"Work": 4155550124, "Home": None}}]))
    assert checked.bodies == [ADA | {"personaPhoneConfig": {"Work": "+14155550124"}}]


def test_extended_data() -> None:
    record = ADA | {"policy": 7, "tags": ["a", Decimal("1.5")], "empty": "", "extendedLeadData": {"x": True}}
    checked = check(read_records([record]), send_unmapped=True)
    assert checked.bodies == [ADA | {"extendedLeadData": {"policy": "7", "tags": '["a",1.5]', "x": "true"}}]
    for empty in ({}, {"x": None}, None, "", "null", "{}"):
        checked = check(read_records([ADA | {"extendedLeadData": empty}]))
        assert checked.bodies == [ADA]
    checked = check(read_records([record | {"extendedLeadData": {"policy": "8"}}]), send_unmapped=True)
    assert checked.reasons == [(1, "extendedLeadData", "another column has the same entry")]
    checked = check(read_records([record | {"extendedLeadData": "text"}]), send_unmapped=True)
    assert checked.reasons == [(1, "extendedLeadData", "expected an object, or its JSON")]
    checked = check(read_records([ADA | {"extraData": '{"a": 1, "a": 2}'}]))
    assert checked.reasons == [(1, "extraData", "expected an object, or its JSON")]
    checked = check(read_records([ADA | {"extraData": "[1]"}]))
    assert checked.reasons == [(1, "extraData", "expected an object, got list")]


# No lead field has such a name.
NAMES = st.text(max_size=5).map(lambda text: f"x{text}")


@settings(max_examples=cases(100), deadline=None)
@given(st.lists(st.dictionaries(NAMES, st.text(max_size=8), max_size=4), min_size=1, max_size=8))
@example([{"x": "#N/A", "xy": " NaN"}, {"x": "Null"}])
def test_leads_are_valid_json_for_any_column_names(further: list[dict[str, str]]) -> None:
    records = [
        ADA | more | {"externId": f"{at}", "leadPhone": f"{4155550100 + at}"}
        for at, more in enumerate(further)
    ]
    checked = check(read_records(records), send_unmapped=True)
    names = {name: None for more in further for name in more}
    for (*_, body), text, more in zip(checked.leads, checked.texts, further, strict=True):
        texts = {name: more.get(name, "").strip() for name in names}
        expected = {name: one for name, one in texts.items() if one and one not in EMPTY_TEXTS}
        assert body.get("extendedLeadData", {}) == expected
        assert text == json.dumps(body, separators=(",", ":"))


@pytest.mark.parametrize(
    "zone",
    [
        "America/New_York",
        "US/Eastern",
        "EST",
        "PDT",
        " UTC ",
        "NSW1",
        "WA01",
        "EAST",
        "BER",
        "Eastern 2",
        "東",
    ],
)
def test_explicit_zones_are_any_text(zone: str) -> None:
    checked = check(one(zone, "leadTimezone"), time_zone_option=TimeZoneOption.EXPLICIT)
    assert checked.bodies == [ADA | {"leadTimezone": zone.strip()}]
    assert not checked.report.warnings


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("america/new_york", "America/New_York"),
        ("America/New York", "America/New_York"),
        ("America\\New_York", "America/New_York"),
        ("America/Los_Angles", "America/Los_Angeles"),
        ("US/Estern", "US/Eastern"),
        ("US/Eastem", "US/Eastern"),
        ("\u0410merica/New_York", "America/New_York"),
        ("est", "EST"),
    ],
)
def test_nearly_a_time_zone_is_loaded_with_a_warning(zone: str, meant: str) -> None:
    rows = "".join(f"{n},{2125550000 + n},{zone}\n" for n in range(3)) + "9,2125550009,NSW1\n"
    checked = check(file("externId,leadPhone,leadTimezone\n" + rows), time_zone_option="EXPLICIT")
    assert [lead.body["leadTimezone"] for lead in checked.leads] == [zone, zone, zone, "NSW1"]
    [(warning, count)] = checked.report.warnings.items()
    assert warning.startswith(f"the time zone {zone!r} is not {meant!r}")
    assert ("CYRILLIC" in warning, count) == ("\u0410" in zone, 3)
    assert f"3  the time zone {zone!r} is not" in checked.report.text()
    assert not check(one(zone, "leadTimezone"), time_zone_option="NPA_NXX").report.warnings


def test_an_explicit_zone_is_required() -> None:
    for value in ("", " ", None, "#N/A"):
        checked = check(one(value, "leadTimezone"), time_zone_option="EXPLICIT")
        reason = "the time zone is missing; time_zone_option=EXPLICIT requires it"
        assert checked.reasons == [(1, "leadTimezone", reason)]
        assert len(check(one(value, "leadTimezone")).leads) == 1


@pytest.mark.parametrize(("value", "number"), [(3, 3), ("3", 3), (3.0, 3), ("-1", -1), (0, 0), ("", None)])
def test_max_passes_of_a_lead(value: object, number: int | None) -> None:
    assert check(one(value, "maxPasses")).bodies == [ADA if number is None else ADA | {"maxPasses": number}]
    assert check(one(value, "Max Passes")).bodies == [ADA if number is None else ADA | {"maxPasses": number}]


@pytest.mark.parametrize(
    ("value", "reason"),
    [("many", "not a whole number"), (2.5, "not a whole number"), (-2, "the number is out of range")],
)
def test_invalid_max_passes(value: object, reason: str) -> None:
    assert check(one(value, "maxPasses")).reasons == [(1, "maxPasses", reason)]


@pytest.mark.parametrize(
    ("value", "country", "reason"),
    [
        ("94105", "USA", None),
        ("94105-1804", "USA", None),
        (94105, "USA", None),
        (2134, "USA", "a zip has five digits: was a leading zero lost?"),
        ("941051804", "USA", "a zip has five digits, or nine such as 94105-1804"),
        ("K1A 0B1", "USA", "a zip has five digits, or nine such as 94105-1804"),
        ("", "USA", "the zip is missing; time_zone_option=ZIPCODE requires it"),
        ("K1A 0B1", "CAN", None),
        ("", "CAN", "the zip is missing; time_zone_option=ZIPCODE requires it"),
    ],
)
def test_zips(value: object, country: str, reason: str | None) -> None:
    source = one(value, "zip", leadPhone="8002345678")
    reasons = check(source, time_zone_option="ZIPCODE", country=country).reasons
    assert reasons == ([] if reason is None else [(1, "zip", reason)])


def test_a_row_with_several_problems_is_rejected_once() -> None:
    checked = check(read_records([{"externId": "", "leadPhone": "x", "leadPriority": "y"}]))
    assert checked.reasons == [(1, "externId", "the externId is missing")]
    assert (checked.report.rows, checked.report.bad) == (1, 1)


def test_arguments_are_checked() -> None:
    with pytest.raises(InvalidInputError, match="time_zone_option='PHONE' is not usable: must be 'NPA_NXX'"):
        LeadValidator(read_mapping(), time_zone_option="PHONE")
    with pytest.raises(InvalidInputError, match="country='US'"):
        LeadValidator(read_mapping(), country="US")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("firstName", "Ada \ud83d"),
        ("externId", "\ude00"),
        ("extendedLeadData", {"note": "\ud83d!"}),
        ("extendedLeadData", {"\ud83d": "note"}),
        ("auxData1", "\ude00\ud83d"),
        ("extendedLeadData", '{"note": "\\ud83d"}'),
        ("extendedLeadData.note", "\ud83d"),
    ],
)
def test_half_a_surrogate_pair_is_rejected(field: str, value: object) -> None:
    checked = check(one(value, field), one("Ada \ud83d\ude00", "firstName"))
    assert checked.reasons == [(1, field, "half a character (a lone surrogate) cannot be sent")]
    assert [lead.body["firstName"] for lead in checked.leads] == ["Ada 😀"]


def test_half_a_surrogate_pair_in_the_name_of_a_column_is_rejected() -> None:
    record = {"externId": "1", "leadPhone": "4155550123", "k\ud83d": "x"}
    checked = check(read_records([record]), send_unmapped=True)
    assert checked.reasons == [(1, "k\ud83d", "half a character (a lone surrogate) cannot be sent")]


def test_a_backslash_is_no_surrogate() -> None:
    (found,) = check(one("\\ud83d", "firstName")).bodies
    assert found["firstName"] == "\\ud83d"


def test_rejects_have_the_row_unchanged() -> None:
    [reject] = check(
        file("id,phone,x\n 7 ,12,=A1\n"), mapping={"id": "externId", "phone": "leadPhone"}
    ).rejects
    assert reject.record == {"id": " 7 ", "phone": "12", "x": "=A1"}
    assert (
        str(reject)
        == "list.csv, row 2, column 'phone': the number is too short; write it whole, with the area code"
    )
