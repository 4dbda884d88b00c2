"""Phone numbers: which are valid, and that the fast path agrees with the library."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import Any

import phonenumbers
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.leads.numbering_plan import BadNumberError, regions_of
from airflow_provider_engagevoice.leads.phones import Phones


@cache
def phones(country: str = "USA") -> Phones:
    return Phones(country)


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
        14155550123,
    ],
)
def test_usa(value: object) -> None:
    assert phones().read(value) == "4155550123"
    assert phones().read_e164(value) == "+14155550123"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("4.15555E+09", "scientific notation: digits are lost"),
        ("4,15555E+09", "scientific notation: digits are lost"),
        ("4.155550123e9", "scientific notation: digits are lost"),
        (Decimal("4.15555E+09"), "scientific notation: digits are lost"),
        (4155550123.5, "the number has a fraction or has lost digits"),
        (4e300, "the number has a fraction or has lost digits"),
        (float("inf"), "the number has a fraction or has lost digits"),
        (-4155550123.0, "the number has a fraction or has lost digits"),
        (Decimal("4155550123.5"), "the number has a fraction or has lost digits"),
        (Decimal("Infinity"), "the number has a fraction or has lost digits"),
        (-4155550123, "not a phone number"),
        (10**30, "not a phone number"),
        (True, "a boolean, not a number"),
        (b"4155550123", "expected text or a number, got bytes"),
        ([4155550123], "expected text or a number, got list"),
        ("415-555-0123 x12", "the number has an extension, which the dialer cannot dial"),
        ("415-555-0123 ext. 12", "the number has an extension, which the dialer cannot dial"),
        ("415-555-0123;ext=12", "the number has an extension, which the dialer cannot dial"),
        ("415-555-0123 #12", "the number has an extension, which the dialer cannot dial"),
        ("1-800-FLOWERS", "the number contains letters"),
        ("tel:4155550123", "the number contains letters"),
        ("#N/A", "the number contains letters"),
        ("=A1", "a formula, not a number"),
        ('="4155550123"', "a formula, not a number"),
        ("+cmd|' /C calc'!A0", "a formula, not a number"),
        ("-sum(A1)", "a formula, not a number"),
        ("@sum(A1)", "a formula, not a number"),
        ("-4155550123", "not a phone number"),
        ("*67 4155550123", "not a phone number"),
        ("?", "not a phone number"),
        ("(", "not a phone number"),
        ("1", "not a phone number"),
        ("4155550123, 4155550124", "not a phone number"),
        ("5550123", "the number is too short: the area code is missing"),
        ("555012", "the number is too short"),
        ("41555501234", "the number is too long"),
        ("9" * 300, "the number is too long"),
        ("1155550123", "no such number exists: its leading digits are not in use"),
        ("9995550123", "no such number exists: its leading digits are not in use"),
        ("4151550123", "no such number exists: its leading digits are not in use"),
        ("416-555-0123", "the number belongs to another country (CA)"),
        ("809-555-0123", "the number belongs to another country (DO)"),
        ("+44 20 7183 8750", "the number belongs to another country (GB)"),
        ("+999 20 7183 8750", "no country has this code"),
        ("4155550123|12", "the number is too short"),
    ],
)
def test_invalid_in_the_usa(value: object, reason: str) -> None:
    with pytest.raises(BadNumberError, match=f"^{re.escape(reason)}$"):
        phones().read(value)


@pytest.mark.parametrize("value", [None, "", "  ", "|", " | ", float("nan"), Decimal("NaN")])
def test_missing_is_empty(value: object) -> None:
    assert phones().read(value) == phones().read_e164(value) == ""


def test_several_numbers() -> None:
    assert phones().read("415-555-0123 | +1 (415) 555-0124") == "4155550123|4155550124"
    assert phones().read("|4155550123||(415) 555-0123|") == "4155550123"
    with pytest.raises(BadNumberError, match="the field takes only one number"):
        phones().read_e164("4155550123|4155550124")
    with pytest.raises(BadNumberError, match="the field takes only one number"):
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


@pytest.mark.parametrize("country", ["US", "", "XYZ", "Germany", None, 1])
def test_unknown_countries(country: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"country=.*write the three-letter code of a country"):
        Phones(country)


COUNTRIES = [
    "USA",
    "CAN",
    "PRI",
    "JAM",
    "GBR",
    "GGY",
    "JEY",
    "DEU",
    "AUT",
    "FRA",
    "ITA",
    "ESP",
    "PRT",
    "NLD",
    "CHE",
    "SWE",
    "NOR",
    "FIN",
    "POL",
    "HUN",
    "RUS",
    "KAZ",
    "AUS",
    "NZL",
    "JPN",
    "KOR",
    "CHN",
    "IND",
    "IDN",
    "SGP",
    "PHL",
    "MEX",
    "BRA",
    "ARG",
    "CHL",
    "COL",
    "CRI",
    "ZAF",
    "NGA",
    "ISR",
    "TUR",
]


def by_library(text: str, country: str) -> str | None:
    """Return the number in E.164 by the library alone; None if it is invalid."""
    regions = regions_of(country)
    try:
        number = phonenumbers.parse(text, regions[0])
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not any(phonenumbers.is_valid_number_for_region(number, one) for one in regions):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def ours(text: str, country: str) -> str | None:
    try:
        return phones(country).read_e164(text) or None
    except BadNumberError:
        return None


@st.composite
def numbers(draw: st.DrawFn) -> tuple[str, str]:
    """Make nearly valid numbers in every notation."""
    country = draw(st.sampled_from(COUNTRIES))
    region = regions_of(country)[0]
    kinds = [phonenumbers.example_number_for_type(region, kind) for kind in range(11)]
    number = draw(st.sampled_from([kind for kind in kinds if kind is not None]))
    digits = list(phonenumbers.national_significant_number(number))
    for _ in range(draw(st.integers(0, 4))):
        digits[draw(st.integers(0, len(digits) - 1))] = draw(st.sampled_from("0123456789"))
    if draw(st.integers(0, 9)) == 0:
        digits.append(draw(st.sampled_from("0123456789")))
    code = str(number.country_code)
    prefix = draw(
        st.sampled_from(["", "", "", "0", "1", "8", "00", "011", code, "0" + code, f"+{code}", "++"])
    )
    between = st.sampled_from(["", "", "", "", " ", "-", ".", "/", "(", ") ", "\u2011", "(0)", "~", "+"])
    text = prefix + "".join(digit + draw(between) for digit in digits)
    return text, country


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@given(numbers())
@example(("+1(415)5550123", "USA"))
@example(("011 1 415 555 0123", "USA"))
def test_results_are_the_librarys(case: tuple[str, str]) -> None:
    text, country = case
    assert ours(text, country) == by_library(text, country)


@settings(max_examples=1500, deadline=None)
@given(st.text("0123456789+-() .", min_size=1, max_size=18), st.sampled_from(COUNTRIES))
def test_results_are_the_librarys_for_any_digits(text: str, country: str) -> None:
    assume(re.match(r"[+(0-9]", text.strip()))
    assume(not re.fullmatch(r"\d{1,15}\.0", text.strip()))
    assert ours(text, country) == by_library(text.strip(), country)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@given(numbers())
def test_plain_numbers_are_what_the_library_returns(case: tuple[str, str]) -> None:
    text, country = case
    text = re.sub(r"[^\d+]", "", text)
    reader = phones(country)
    if reader.is_plain(text):
        assert reader.read(text) == text
        assert by_library(text, country) == (f"+1{text}" if reader.ten_digits else text)
    if reader.is_plain_e164(text):
        assert by_library(text, country) == text


@settings(max_examples=500, deadline=None)
@given(st.integers(2_000_000_000, 9_999_999_999), st.sampled_from(["USA", "CAN"]))
def test_ten_digits_are_plain_if_and_only_if_the_library_accepts_them(number: int, country: str) -> None:
    assert bool(phones(country).is_plain(str(number))) == (by_library(str(number), country) is not None)


@given(
    st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.decimals(allow_nan=True), st.booleans())
)
def test_any_value_is_a_number_or_an_error(value: object) -> None:
    try:
        read = phones().read(value)
    except BadNumberError:
        return
    assert re.fullmatch(r"(\d{10}(\|\d{10})*)?", read)
