"""models/__init__.py: caller IDs."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models import caller_id, check_caller_id, transfer_caller_id
from airflow_provider_engagevoice.models.phone import COUNTRIES


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("4155550123", "4155550123"),
        (4155550123, "4155550123"),
        ("(415) 555-0123", "4155550123"),
        ("415.555.0123", "4155550123"),
        (" 415 555 0123\n", "4155550123"),
        ("+1 415-555-0123", "4155550123"),
        ("14155550123", "4155550123"),
        (14155550123, "4155550123"),
        ("+442071838750", "+442071838750"),
        ("+44 20 7183 8750", "+442071838750"),
        ("442071838750", "442071838750"),
        ("02071838750", "02071838750"),
    ],
)
def test_phone_numbers_become_digits(value: object, expected: str) -> None:
    assert caller_id(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -4155550123, 4155550123.0, "", " ", "None", "911", "55-0123", "1155550123",
        "4151550123", "4155550123x12", "415555012a", "anonymous", "+", "+1", "+1 115 555 0123",
        "+14155550", "++14155550123", "4155550123,4155550124", "+1234567890123456", "{{ var.value.caller }}",
        [], {}, b"4155550123",
    ],
)  # fmt: skip
def test_other_values_are_rejected(value: object) -> None:
    with pytest.raises(ValueError, match="4155550123"):
        caller_id(value)


@given(
    st.text("+0123456789 ()-.\u0664\u0665\u0666\uff14\uff15\uff16", max_size=20) | st.text() | st.integers()
)
def test_only_ascii_digits_are_sent(value: object) -> None:
    try:
        number = caller_id(value)
    except ValueError:
        return
    assert re.fullmatch(r"\+?[0-9]{7,15}", number)
    assert caller_id(number) == number


@pytest.mark.parametrize(
    "value",
    [
        "\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff12\uff13",
        "+44\uff12\uff10\uff17\uff11\uff18\uff13\uff18\uff17\uff15\uff10",
        "415\u0665\u0665\u06650123",
    ],
)
def test_digits_of_other_scripts_are_rejected_or_converted(value: str) -> None:
    try:
        number = caller_id(value)
    except ValueError:
        return
    assert number.isascii()


@pytest.mark.parametrize(
    ("value", "expected"), [("", ""), ("4155550123", "4155550123"), ("+1 (415) 555-0123", "4155550123")]
)
def test_a_transfer_caller_id_is_ten_digits_or_empty(value: str, expected: str) -> None:
    assert transfer_caller_id(value) == expected


@pytest.mark.parametrize("value", ["+442071838750", "415555", " ", None, True, 0])
def test_invalid_transfer_caller_ids(value: object) -> None:
    with pytest.raises(ValueError, match="4155550123"):
        transfer_caller_id(value)


def test_an_integer_that_may_have_lost_its_sign_is_rejected() -> None:
    assert caller_id(4155550123) == caller_id(14155550123) == "4155550123"
    with pytest.raises(ValueError, match="loses its"):
        caller_id(442071838750)


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("4155550123", "USA"),
        ("4155550123", "CAN"),
        ("4155550123", None),
        ("+442071838750", "GBR"),
        ("02071838750", "GBR"),
        ("+442071838750", None),
        ("02071838750", None),
        ("442071838750", None),
        ("912345678", "ESP"),
    ],
)
def test_numbers_of_the_country(number: str, country: str | None) -> None:
    check_caller_id(number, country)


@pytest.mark.parametrize(
    ("number", "country", "expected"),
    [
        ("415555012", "USA", "ten digits"),
        ("415555012", None, "ten digits"),
        ("0005550123", "USA", "ten digits"),
        ("0005550123", None, "with its country's code"),
        ("+442071838750", "USA", "a campaign of USA needs ten digits"),
        ("4155550123", "GBR", "no number of GBR, the campaign's country; write it with +44"),
        ("+14155550123", "GBR", "no number of GBR"),
        ("+49301234567", "GBR", "no number of GBR"),
        ("+442071838750", "ATLANTIS", "three-letter code"),
    ],
)
def test_other_numbers(number: str, country: str | None, expected: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_caller_id(caller_id(number), country)
    assert expected in str(caught.value)


def test_the_example_of_each_country_is_one_of_its_numbers() -> None:
    for country, region in COUNTRIES.items():
        example = phonenumbers.example_number(region)
        if example is not None:
            number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            check_caller_id(caller_id(number), country)
