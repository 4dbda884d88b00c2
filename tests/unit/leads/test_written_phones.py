"""Phones as lists have them: with marks and invisible characters around, outdated, two in one cell."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from random import Random

import phonenumbers
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_engagevoice.leads.phones import Phones
from airflow_provider_engagevoice.models import caller_id
from airflow_provider_engagevoice.models.phone import COUNTRIES, BadNumberError, without_prefix
from tests.support.cases import cases
from tests.support.written_numbers import cells, examples, random_number
from tests.support.written_numbers import read as read_cell

ALL = sorted(COUNTRIES)
NATIONAL, INTERNATIONAL = (
    phonenumbers.PhoneNumberFormat.NATIONAL,
    phonenumbers.PhoneNumberFormat.INTERNATIONAL,
)


@cache
def phones(country: str) -> Phones:
    return Phones(country, special=True)


def read(country: str, value: object) -> str | None:
    try:
        return phones(country).read_e164(value)
    except BadNumberError:
        return None


@pytest.mark.parametrize(
    "value",
    [
        "p:+14155550123",
        "p: (415) 555-0123",
        "P:+1 415 555 0123",
        "'4155550123",
        "\u2019415-555-0123",
        " '+1 415 555 0123 ",
        "'p:+14155550123",
        "\t4155550123\t",
        "415\t555\t0123",
        "\u200e+1\u200b415\u2060555\ufeff0123\u00ad",
        "415\ufe0f5550123\u202c",
        "\x014155550123\x7f",
        "\u00a0415\u2009555\u202f0123",
        "\uff0b\uff11 415 555 0123",
    ],
)
def test_what_is_around_a_number_is_removed(value: str) -> None:
    assert phones("USA").read(value) == "4155550123"
    assert phones("USA").read(f"{value}|{value[:-1] + '4' if value.endswith('3') else value}")
    assert caller_id(value) == "4155550123"


@pytest.mark.parametrize("value", ["q:+14155550123", "p:", "p:p:4155550123", "tel:4155550123"])
def test_other_marks_are_not_removed(value: str) -> None:
    assert read("USA", value) is None


@pytest.mark.parametrize("tail", ["\u00b2", "\u2460", "\u2081", "\u00bd", "\u3007", "\u4e00"])
def test_a_digit_that_is_not_of_the_number_is_not_read(tail: str) -> None:
    assert read("DEU", f"030 12345{tail}") is None


@pytest.mark.parametrize("end", ["\n", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
def test_the_end_of_a_line_separates_numbers(end: str) -> None:
    assert read("DEU", f"030 12345{end}23456") is None
    assert read("DEU", f"030 12345{end}") == "+493012345"


@pytest.mark.parametrize(
    ("country", "values", "number"),
    [
        (
            "MEX",
            [
                "+52 1 55 1234 5678", "+5215512345678", "5215512345678", 5215512345678, "0052 1 55 1234 5678",
                "00 52 1 55 1234 5678",
                "+52 (1) 55 1234-5678", "01 55 1234 5678", "(01) 55 1234 5678", "045 55 1234 5678",
                "+52 044 55 1234 5678", "55 1234 5678",
            ],
            "+525512345678",
        ),
        (
            "BRA",
            [
                "(0xx11) 96123-4567", "0XX11 96123-4567", "0 xx 11 96123 4567", "+55 (0xx11) 96123-4567",
                "0 15 11 96123-4567", "+55 011 96123-4567",
            ],
            "+5511961234567",
        ),
        ("ARG", ["011 15-3456-7890", "+54 11 15 3456 7890", "+54 9 11 3456 7890"], "+5491134567890"),
        ("CHL", ["09 6123 4567", "(09) 6123 4567", "+56 09 6123 4567", 961234567], "+56961234567"),
        ("UZB", ["8 91 234 56 78", "+998 8 91 234 56 78", "91 234 56 78"], "+998912345678"),
        ("TJK", ["8 917 12 3456", "+992 (8) 917 123456"], "+992917123456"),
    ],
)  # fmt: skip
def test_outdated_forms(country: str, values: list[object], number: str) -> None:
    assert {value: read(country, value) for value in values} == dict.fromkeys(values, number)


@pytest.mark.parametrize(
    ("country", "value"),
    [
        # Ten digits of the USA behind its country code.
        ("MEX", "1 551 234 5678"),
        ("MEX", 15512345678),
        ("MEX", "+52 1 55 1234 567"),
        ("MEX", "+52 1 55 1234 56789"),
        ("MEX", "+1 55 1234 5678"),
        ("CHL", "+1 09 6123 4567"),
        ("DEU", "0xx30 123456"),
        ("BRA", "(11) 9xx23-4567"),
        ("BRA", "0xx11 96123-4567 x12"),
        ("UZB", "8 912 345 67 89"),
    ],
)
def test_forms_that_are_not_certain(country: str, value: object) -> None:
    assert read(country, value) is None


@pytest.mark.parametrize("country", ["MEX", "CHL", "TJK", "UZB"])
def test_no_number_begins_with_an_outdated_prefix(country: str) -> None:
    code = phones(country).e164("")
    for number in examples(country):
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        for text in (e164, e164[1:], national, e164.removeprefix(code)):
            assert without_prefix(text, code[1:]) == text


@pytest.mark.parametrize(
    ("country", "value"),
    [
        ("URY", "2112 2113"),
        ("URY", "2112-2113"),
        ("URY", "2112.2113"),
        ("URY", "\t2112\t2113"),
        ("DEU", "1644 1645"),
        ("LUX", "5870 5871"),
        ("LUX", "58-70 58-71"),
    ],
)
def test_two_short_numbers_are_not_one(country: str, value: str) -> None:
    assert read(country, value) is None


@pytest.mark.parametrize(
    ("country", "value", "number"),
    [
        ("URY", "2112", "+5982112"),
        ("URY", "+598 21122113", "+59821122113"),
        ("URY", "21122113", "+59821122113"),
        ("LUX", "27 12 34 56", "+35227123456"),
    ],
)
def test_one_number_in_groups_is_read(country: str, value: str, number: str) -> None:
    assert read(country, value) == number


@pytest.mark.parametrize(
    ("country", "value"),
    [
        # A code in front of both, which 49 691 may also be an area of.
        ("DEU", "4969153/4969154"),
        ("DEU", "49 69153 / 49 69154"),
        ("LUX", "352 5870 / 352 5871"),
        # Where the first digit may as well be a prefix, and what follows a number is one digit too many.
        ("TJK", "81 819 0447/7"),
        ("TJK", "81 819 0447 7"),
        ("RUS", "840 123-45-67/8"),
        ("RUS", "840 123-45-67 (8)"),
        ("RUS", "840 123-45-67 8"),
        # 06 is the prefix there.
        ("HUN", "+36 (0)68 026 7466"),
        ("HUN", "+36 068 026 7466"),
        ("HUN", "[ 0 ] 68 026 7466"),
        # +91 000 800 215 3701 is a toll-free number.
        ("IND", 8002153701),
        ("IND", 8002153701.0),
        ("IND", Decimal("8002153701")),
        ("IND", "8002153701.0"),
    ],
)
def test_what_may_be_another_number_is_not_read(country: str, value: object) -> None:
    assert read(country, value) is None


@pytest.mark.parametrize(
    ("country", "value", "number"),
    [
        ("RUS", "8 (912) 345-67-89", "+79123456789"),
        # A code that stands apart.
        ("FRA", "33 6 12 34 56 78", "+33612345678"),
        ("NOR", "47 21 23 45 67", "+4721234567"),
        ("URY", "00 598 2123 1234", "+59821231234"),
        ("AUS", "+61 16 312 34", "+611631234"),
        ("RUS", "8 401 234-56-78", "+74012345678"),
        ("TJK", "8 917 12 3456.", "+992917123456"),
        ("AUS", "(0412) 345 678)", "+61412345678"),
        ("HUN", "06 80 267 466", "+3680267466"),
        ("HUN", "(06) 80 267 466", "+3680267466"),
        ("HUN", "+36 1 234 5678", "+3612345678"),
        ("LTU", "+370 (0)612 34567", "+37061234567"),
        ("ITA", "+39 0331234567", "+390331234567"),
        ("IND", 9812345678, "+919812345678"),
        ("IND", "8002153701", "+918002153701"),
    ],
)
def test_what_is_one_number_is_read(country: str, value: object, number: str) -> None:
    assert read(country, value) == number


MARKS = ["", "", "", "'", "p:", "\t", "\u200b", "\u202a", "\ufeff", "\u00a0", " "]
BETWEEN = [
    "",
    "",
    "",
    "",
    " ",
    "-",
    ".",
    "/",
    "\u00a0",
    "\u2011",
    "\u200b",
    "\u00ad",
    "\t",
    "(",
    ")",
    "  ",
    " - ",
]


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str, str]:
    """Draw a number of a country and a form in which a list may have it."""
    country = draw(st.sampled_from(ALL))
    number = random_number(country, draw(st.randoms(use_true_random=False)))
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    digits = phonenumbers.national_significant_number(number)
    national = phonenumbers.format_number(number, NATIONAL)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(COUNTRIES[country])
    trunk = None if metadata is None else metadata.national_prefix
    text = draw(
        st.sampled_from(
            [
                e164,
                national,
                phonenumbers.format_number(number, INTERNATIONAL),
                phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.RFC3966).removeprefix(
                    "tel:"
                ),
                digits,
                re.sub(r"\D", "", national),
                f"00{e164[1:]}",
                e164[1:],
                # Elsewhere a 0 in front is part of the number.
                f"+{number.country_code} (0) {digits}" if trunk == "0" else e164,
                f"+{number.country_code} {national}",
            ]
        )
    )
    if draw(st.booleans()):
        text = re.sub(r"\D+", lambda _: draw(st.sampled_from(BETWEEN)), text)
    else:
        text = "".join(char + (draw(st.sampled_from(BETWEEN)) if char.isdigit() else "") for char in text)
    text = (
        draw(st.sampled_from(MARKS)) + text + draw(st.sampled_from(["", "", ".0", ",0", "\u200b", "\t", " "]))
    )
    return country, text, e164


@settings(max_examples=cases(1500), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written())
@example(("MEX", "+52 1 200 123 4567", "+522001234567"))
def test_a_written_number_is_never_read_as_another(case: tuple[str, str, str]) -> None:
    country, text, e164 = case
    found = read(country, text)
    assert found in (None, e164), (country, text, found)


@pytest.mark.parametrize("text", ["61221234 .0", "6122 1234. 0", "61.22.1234.0", "061 221 234 .00"])
def test_a_decimal_tail_is_no_part_of_a_number(text: str) -> None:
    assert read("NAM", text) is None


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """Draw two numbers of a country side by side in one cell."""
    country = draw(st.sampled_from(ALL))
    number = random_number(country, draw(st.randoms(use_true_random=False)))
    digits = phonenumbers.national_significant_number(number)
    last = draw(st.integers(1, 2))
    other = phonenumbers.PhoneNumber(
        country_code=number.country_code,
        national_number=int(
            digits[:-last] + "".join(draw(st.sampled_from("0123456789")) for _ in range(last))
        ),
        italian_leading_zero=number.italian_leading_zero,
        number_of_leading_zeros=number.number_of_leading_zeros,
    )
    form = draw(st.sampled_from([phonenumbers.PhoneNumberFormat.E164, NATIONAL, INTERNATIONAL]))
    one, two = (phonenumbers.format_number(each, form) for each in (number, other))
    between = draw(
        st.sampled_from(["/", " / ", "  ", ",", ", ", ";", " - ", "\n", "\t", "\u2028", " or ", "&", " ("])
    )
    return country, one + between + two


@settings(max_examples=cases(1500), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pairs())
@example(("URY", "2112 2113"))
def test_two_numbers_in_a_cell_are_never_one(case: tuple[str, str]) -> None:
    country, text = case
    assert read(country, text) is None, (country, text)


@settings(max_examples=cases(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(ALL), st.randoms(use_true_random=False))
def test_no_form_of_any_number_is_read_as_another(country: str, random: Random) -> None:
    number = random_number(country, random)
    wrong = [one for one in cells(country, [number]) if read_cell(phones(country), one) == "wrong"]
    assert wrong == []
