"""models/caller_ids.py: caller IDs of a country."""

from __future__ import annotations

import phonenumbers
import pytest

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.caller_ids import check_caller_id
from airflow_provider_engagevoice.models.countries import COUNTRIES
from airflow_provider_engagevoice.models.phone import caller_id


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
