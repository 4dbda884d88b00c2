"""Phone numbers are those of the library or refused, and the fast path agrees with it."""

from __future__ import annotations

import re
from functools import cache

import phonenumbers
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from airflow_provider_engagevoice.leads.phones import Phones
from airflow_provider_engagevoice.models.phone import BadNumberError, regions_of, without_prefix
from tests.support.cases import cases


@cache
def phones(country: str) -> Phones:
    return Phones(country)


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


SPECIAL = (
    phonenumbers.PhoneNumberType.PREMIUM_RATE,
    phonenumbers.PhoneNumberType.SHARED_COST,
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
    phonenumbers.PhoneNumberType.PAGER,
    phonenumbers.PhoneNumberType.VOICEMAIL,
)


def by_library(text: str, country: str) -> str | None:
    """Return the number in E.164 by the library alone; None if it is invalid.

    The library reads no outdated prefixes any more.
    """
    regions = regions_of(country)
    text = without_prefix(text, str(phonenumbers.country_code_for_region(regions[0])))
    try:
        number = phonenumbers.parse(text, regions[0])
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not any(phonenumbers.is_valid_number_for_region(number, one) for one in regions):
        return None
    if phonenumbers.number_type(number) in SPECIAL:
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
@settings(max_examples=cases(1000), deadline=None)
@given(numbers())
@example(("+1(415)5550123", "USA"))
@example(("011 1 415 555 0123", "USA"))
@example(("+5215512345678", "MEX"))
@example(("0961234567", "CHL"))
def test_a_number_is_the_librarys_or_refused(case: tuple[str, str]) -> None:
    text, country = case
    assert ours(text, country) in (None, by_library(text, country))


@settings(max_examples=cases(1500), deadline=None)
@given(st.text("0123456789+-() .", min_size=1, max_size=18), st.sampled_from(COUNTRIES))
def test_any_digits_are_the_librarys_number_or_refused(text: str, country: str) -> None:
    assume(not re.fullmatch(r"\d+\.0+", text.strip()))
    assert ours(text, country) in (None, by_library(text.strip(), country))


@pytest.mark.slow
@settings(max_examples=cases(150), deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(numbers())
def test_e164_is_read_if_the_number_is_valid(case: tuple[str, str]) -> None:
    text, country = case
    number = by_library(text, country)
    assume(number is not None and len(number) <= 16)
    assert ours(str(number), country) == number


@pytest.mark.slow
@settings(max_examples=cases(1000), deadline=None)
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


@settings(max_examples=cases(500), deadline=None)
@given(st.integers(2_000_000_000, 9_999_999_999), st.sampled_from(["USA", "CAN"]))
def test_ten_digits_are_plain_if_and_only_if_the_library_accepts_them(number: int, country: str) -> None:
    assert bool(phones(country).is_plain(str(number))) == (by_library(str(number), country) is not None)
