"""Phone numbers: which are valid, and which have several readings."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.leads.numbering_plan import NumberingPlan, numbering_plan
from airflow_provider_engagevoice.leads.phones import Phones
from airflow_provider_engagevoice.models.phone import COUNTRIES as CODES
from airflow_provider_engagevoice.models.phone import BadNumberError, regions_of
from tests.support.written_numbers import FORMS, Cell, cells, read


@cache
def phones(country: str = "USA") -> Phones:
    return Phones(country)


@cache
def all_phones(country: str) -> Phones:
    return Phones(country, special=True)


@pytest.mark.parametrize(
    "value",
    [
        "4155550123",
        " 4155550123\t",
        "(415) 555-0123",
        "415.555.0123",
        "415-555-0123",
        "+1 415 555 0123",
        "+1 (415) 555-0123",
        "1-415-555-0123",
        "14155550123",
        "1 415 555 0123",
        "415\u00a0555\u20110123",
        "\uff14\uff11\uff15 555 0123",
        "[415] 555/0123",
        "4155550123.0",
        4155550123,
        4155550123.0,
        Decimal("4155550123"),
        Decimal("4155550123.00"),
        "4155550123.00",
        "4155550123,0",
        "\u202a+1 415 555 0123\u202c",
        14155550123,
    ],
)
def test_usa(value: object) -> None:
    assert phones().read(value) == "4155550123"
    assert phones().read_e164(value) == "+14155550123"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("4.15555E+09", "scientific notation: digits are lost; write it as text"),
        ("4,15555E+09", "scientific notation: digits are lost; write it as text"),
        ("4.155550123e9", "scientific notation: digits are lost; write it as text"),
        (Decimal("4.15555E+09"), "scientific notation: digits are lost; write it as text"),
        (4155550123.5, "the number has a fraction or has lost digits; write it as text"),
        (4e300, "the number has a fraction or has lost digits; write it as text"),
        (float("inf"), "the number has a fraction or has lost digits; write it as text"),
        (-4155550123.0, "the number has a fraction or has lost digits; write it as text"),
        (Decimal("4155550123.5"), "the number has a fraction or has lost digits; write it as text"),
        (Decimal("Infinity"), "the number has a fraction or has lost digits; write it as text"),
        (-4155550123, "not a phone number; write digits, such as 4155550123 or +442071838750"),
        (10**30, "not a phone number; write digits, such as 4155550123 or +442071838750"),
        (True, "a boolean, not a number; give the phone"),
        (b"4155550123", "expected text or a number, got bytes"),
        ([4155550123], "expected text or a number, got list"),
        ("415-555-0123 x12", "the number has an extension, which the dialer cannot dial; remove it"),
        ("415-555-0123 ext. 12", "the number has an extension, which the dialer cannot dial; remove it"),
        ("415-555-0123;ext=12", "the number has an extension, which the dialer cannot dial; remove it"),
        ("415-555-0123 #12", "the number has an extension, which the dialer cannot dial; remove it"),
        ("1-800-FLOWERS", "the number contains letters; write digits alone"),
        ("tel:4155550123", "the number contains letters; write digits alone"),
        ("=A1", "a formula, not a number; write its value"),
        ('="4155550123"', "a formula, not a number; write its value"),
        ("+cmd|' /C calc'!A0", "a formula, not a number; write its value"),
        ("-sum(A1)", "a formula, not a number; write its value"),
        ("@sum(A1)", "a formula, not a number; write its value"),
        ("-4155550123", "not a phone number; write digits, such as 4155550123 or +442071838750"),
        ("*67 4155550123", "not a phone number; write digits, such as 4155550123 or +442071838750"),
        ("41555501.00", "the number is too short; write it whole, with the area code"),
        ("41555501.23", "a decimal number, not a phone number; write digits alone"),
        ("41.55550123", "a decimal number, not a phone number; write digits alone"),
        ("415 555 01.00", "the number ends like a decimal number; remove the decimal places"),
        ("?", "not a phone number; write digits, such as 4155550123 or +442071838750"),
        ("(", "not a phone number; write digits, such as 4155550123 or +442071838750"),
        ("1", "not a phone number; write digits, such as 4155550123 or +442071838750"),
        ("4155550123, 4155550124", "not a phone number; write digits, such as 4155550123 or +442071838750"),
        ("5550123", "the number is too short: the area code is missing; add it"),
        ("555012", "the number is too short; write it whole, with the area code"),
        ("41555501234", "the number is too long; write one number alone"),
        ("9" * 300, "the number is too long; write one number alone"),
        ("900-234-5678", "a premium-rate or other special number; allow_special_numbers allows it"),
        ("500-234-5678", "a premium-rate or other special number; allow_special_numbers allows it"),
        (
            "1155550123",
            "no such number exists: its leading digits are not in use; correct it, or check the country",
        ),
        (
            "9995550123",
            "no such number exists: its leading digits are not in use; correct it, or check the country",
        ),
        (
            "4151550123",
            "no such number exists: its leading digits are not in use; correct it, or check the country",
        ),
        (
            "416-555-0123",
            "the number belongs to another country (CA); load it into a campaign of that country",
        ),
        (
            "809-555-0123",
            "the number belongs to another country (DO); load it into a campaign of that country",
        ),
        (
            "+44 20 7183 8750",
            "the number belongs to another country (GB); load it into a campaign of that country",
        ),
        ("+999 20 7183 8750", "no country has this code; correct the digits after +"),
        ("4155550123|12", "the number is too short; write it whole, with the area code"),
    ],
)
def test_invalid_in_the_usa(value: object, reason: str) -> None:
    with pytest.raises(BadNumberError, match=f"^{re.escape(reason)}$"):
        phones().read(value)


@pytest.mark.parametrize("value", [None, "", "  ", "|", " | ", "#N/A", "\\N", float("nan"), Decimal("NaN")])
def test_missing_is_empty(value: object) -> None:
    assert phones().read(value) == phones().read_e164(value) == ""


def test_several_numbers() -> None:
    assert phones().read("415-555-0123 | +1 (415) 555-0124") == "4155550123|4155550124"
    assert phones().read("|4155550123||(415) 555-0123|") == "4155550123"
    with pytest.raises(BadNumberError, match="the field takes only one number; remove the others"):
        phones().read_e164("4155550123|4155550124")
    with pytest.raises(BadNumberError, match="the field takes only one number; remove the others"):
        phones("GBR").read("020 7183 8750|020 7183 8751")


def test_territories_belong_to_the_usa_and_not_to_canada() -> None:
    assert phones().read("787-234-5678") == "7872345678"
    assert phones().read("340-642-1234") == "3406421234"
    with pytest.raises(BadNumberError, match=r"another country \(PR\)"):
        phones("CAN").read("787-234-5678")
    assert phones("CAN").read("416-555-0123") == "4165550123"
    # Valid in both countries.
    assert phones("CAN").read("800-234-5678") == phones().read("800-234-5678") == "8002345678"


@pytest.mark.parametrize(
    ("country", "value", "number"),
    [
        ("GBR", "020 7183 8750", "+442071838750"),
        ("GBR", "+44 (0)20 7183 8750", "+442071838750"),
        ("GBR", "0044 20 7183 8750", "+442071838750"),
        ("gbr", 2071838750, "+442071838750"),
        ("DEU", "030/123456", "+4930123456"),
        ("ITA", "06 1234 5678", "+390612345678"),
        ("ITA", "+39 06 1234 5678", "+390612345678"),
        ("ARG", "011 15-3456-7890", "+5491134567890"),
        ("MEX", "55 1234 5678", "+525512345678"),
        ("BRA", "(11) 96123-4567", "+5511961234567"),
        ("JAM", "876-523-0123", "+18765230123"),
        ("RUS", "8 (912) 345-67-89", "+79123456789"),
    ],
)
def test_other_countries(country: str, value: object, number: str) -> None:
    assert phones(country).read(value) == number


@pytest.mark.parametrize(
    ("country", "value", "number"),
    [
        ("DEU", "30123456.00", "+4930123456"),
        ("DEU", 30123456, "+4930123456"),
        ("DEU", "030 12345-67", "+49301234567"),
        ("DEU", "+49 (0)30 123456", "+4930123456"),
        ("DEU", "04931 12345", "+49493112345"),
        ("ITA", "3331234567", "+393331234567"),
        ("ITA", "+39331234567", "+39331234567"),
        ("GAB", "+24106031234", "+24106031234"),
        ("LUX", "27 12 34 56", "+35227123456"),
        ("DEU", 4930123456, "+4930123456"),
    ],
)
def test_one_reading(country: str, value: object, number: str) -> None:
    assert phones(country).read(value) == number


@pytest.mark.parametrize(
    ("country", "value", "reason"),
    [
        ("DEU", "030 12345/23456", "the text may be two numbers; write one of them alone"),
        ("DEU", "030 12345 / 67", "the text may be two numbers; write one of them alone"),
        ("DEU", "030 1234 030 2345", "the text may be two numbers; write one of them alone"),
        ("DEU", "030 12345 (23456)", "the text may be two numbers; write one of them alone"),
        ("DEU", "4917212345678", "the digits have two readings"),
        ("DEU", 4917212345678, "the digits have two readings"),
        ("DEU", "263712345678", "the number may belong to another country (ZW); write it with +"),
        ("DEU", 15123456789, "the number may belong to another country (US); write it with +"),
        ("DEU", "2026-07-24", "a date, not a phone number; give the phone"),
        ("DEU", "24.07.2026", "a date, not a phone number; give the phone"),
        ("DEU", "20260724", "a date, not a phone number; give the phone"),
        ("DEU", "202607241200", "a date, not a phone number; give the phone"),
        ("SWE", 19991231, "a date, not a phone number; give the phone"),
        ("HUN", "24072026", "a date, not a phone number; give the phone"),
        ("DEU", "7/24/26", "a date, not a phone number; give the phone"),
        ("DEU", "030 12345.00", "the number ends like a decimal number; remove the decimal places"),
        ("DEU", "30123456.5", "a decimal number, not a phone number; write digits alone"),
        ("DEU", "+49301234567890123", "the number is too long; write one number alone"),
        (
            "ITA",
            331234567,
            "numbers of this country may begin with 0, which a number type loses; write it as text",
        ),
        (
            "ITA",
            331234567.0,
            "numbers of this country may begin with 0, which a number type loses; write it as text",
        ),
        (
            "ITA",
            Decimal(331234567),
            "numbers of this country may begin with 0, which a number type loses; write it as text",
        ),
        (
            "ITA",
            "331234567.0",
            "numbers of this country may begin with 0, which a number type loses; write it as text",
        ),
        ("ITA", "331234567", "the number may have lost the 0 in front; write it with +"),
        ("ITA", "+39 (0)331 2345678", "the number may begin with 0 or not"),
        (
            "GAB",
            6031234,
            "numbers of this country may begin with 0, which a number type loses; write it as text",
        ),
        ("THA", "0066 62 120 4962", "the digits have two readings"),
        ("GBR", "0909 879 0123", "a premium-rate or other special number"),
        ("AUS", "1900 654 321", "a premium-rate or other special number"),
    ],
)
def test_several_readings_or_none(country: str, value: object, reason: str) -> None:
    with pytest.raises(BadNumberError, match=f"^{re.escape(reason)}"):
        phones(country).read(value)


@pytest.mark.parametrize("country", ["USA", "CAN", "DEU", "GBR", "ITA", "AUS"])
@pytest.mark.parametrize(
    "value",
    [
        *("2027-03-31", "31.03.2027", "20270331", "03-31-2027", "3/31/2027", "3/31/27"),
        *("20270331120000", 20270331, 20270331.0, "20270331.0", "'2027-03-31"),
        *("2027-03-31 00:00:00", "2027-03-31T08:30:00.000Z", "2027-03-31T08:30:00+02:00", "31.03.2027 8:30"),
        *("3/31/2027 12:00 AM", "3/31/2027, 5:00 p.m.", "2027\u201103\u201131"),
        *("March 31, 2027", "31 Mar 2027", "31-Mar-27", "31-Mar", "Wed, 31 March 2027 08:30", "2027 Mar 31"),
        *("sept. 3rd, 2027", "MARCH 31 2027 08:30 GMT"),
        *(date(2027, 3, 31), datetime(2027, 3, 31, 8, 30)),
    ],
)
def test_a_refused_date_is_called_one(country: str, value: object) -> None:
    with pytest.raises(BadNumberError, match=r"\Aa date, not a phone number; give the phone\Z"):
        phones(country).read(value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("24 Market Street", "the number contains letters"),
        ("32 March 2027", "the number contains letters"),
        ("March 31, 2027 or later", "the number contains letters"),
        ("415555", "the number is too short"),
        ("13/32/2027", "the number is too short"),
        ("20271331", "the number is too short"),
        ("2027-03-31 25:61", "not a phone number"),
        ("2027-03-31" + " " * 80 + "y", "the number contains letters"),
    ],
)
def test_what_is_no_date_is_not_called_one(value: str, reason: str) -> None:
    with pytest.raises(BadNumberError, match=reason):
        phones("USA").read(value)


def test_digits_of_a_date_that_are_a_number_are_read() -> None:
    assert phones("USA").read("2026072412") == "2026072412"
    assert phones("DEU").read("03312027") == "+493312027"
    with pytest.raises(BadNumberError, match="a date"):
        phones("USA").read("03312027")


@pytest.mark.parametrize(
    ("country", "value", "number"),
    [
        ("USA", "900-234-5678", "9002345678"),
        ("GBR", "0909 879 0123", "+449098790123"),
        ("AUS", "1900 654 321", "+611900654321"),
    ],
)
def test_special_numbers_if_allowed(country: str, value: str, number: str) -> None:
    assert all_phones(country).read(value) == number


#: Countries with many lengths of numbers, leading zeros or unusual prefixes, and large ones.
SAMPLE = ("USA", "DEU", "ITA", "GAB", "AUT", "IDN", "FIN", "BRA", "ARG", "MEX", "RUS", "THA", "SRB", "LUX")


def wrong_cells(country: str) -> list[tuple[Cell, str]]:
    """Return the cells of a country that are read as another number."""
    reader = all_phones(country)
    return [(cell, reader.read_e164(cell.value)) for cell in cells(country) if read(reader, cell) == "wrong"]


@pytest.mark.parametrize("country", SAMPLE)
def test_no_cell_is_read_as_another_number(country: str) -> None:
    assert not wrong_cells(country)


@pytest.mark.slow
def test_no_cell_of_any_country_is_read_as_another_number() -> None:
    assert not {country: wrong for country in CODES if (wrong := wrong_cells(country))}


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("two numbers", "date", "(0)")])
def test_most_cells_are_read(form: str) -> None:
    given = [(country, cell) for country in SAMPLE for cell in cells(country) if cell.form == form]
    results = [read(all_phones(country), cell) for country, cell in given]
    assert results.count("right") >= len(results) * (0.4 if form in ("00", "decimal tail") else 0.7)


@pytest.mark.parametrize("country", ["US", "", "XYZ", "Germany", None, 1])
def test_unknown_countries(country: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"country=.*write the three-letter code of a country"):
        Phones(country)


@given(
    st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.decimals(allow_nan=True), st.booleans())
)
def test_any_value_is_a_number_or_an_error(value: object) -> None:
    try:
        read = phones().read(value)
    except BadNumberError:
        return
    assert re.fullmatch(r"(\d{10}(\|\d{10})*)?", read)


def test_a_plan_is_made_once_and_compiles_what_is_needed() -> None:
    plan = numbering_plan("USA")
    assert numbering_plan("USA") is plan
    fresh = NumberingPlan(regions_of("USA"))
    assert [fresh.read(text) for text in ("4155550123", "415-555-0123")] == ["4155550123"] * 2
    patterns = {"is_plain_national", "is_plain_e164", "_is_valid", "_is_ordinary"}
    assert patterns & vars(fresh).keys() == {"is_plain_national", "_is_valid"}
