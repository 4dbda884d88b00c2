"""Pydantic models of the vendor's JSON. Field names are the vendor's own; bounds live here once.

This module has the fields of a campaign that are arguments of operators, without pydantic, for DAG files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_engagevoice.inputs import InvalidInputError, from_json

#: Vendor fields that have their own argument, and its name.
ARGUMENTS = {
    "campaignName": "campaign_name",
    "startDate": "campaign_start",
    "endDate": "campaign_end",
    "callerId": "caller_id",
    "isActive": "is_active",
}

# Compiled at first use, and not needed for ten digits: DAG files are parsed over and over.
_PUNCTUATION = r"[\s()\[\].\-]+"
_INTERNATIONAL = r"\+?[1-9][0-9]{6,14}"
_TRUNK_PREFIXED = r"0[0-9]{6,14}"


def read_campaign_settings(settings: object, field: str = "settings") -> dict[str, Any]:
    """Return further fields of a campaign; their names and values are checked later.

    :raises InvalidInputError: if it is no mapping, or a field has an argument
    """
    settings = from_json(settings, field)
    if not isinstance(settings, Mapping):
        raise InvalidInputError(field, settings, 'write a mapping such as {"maxRingTime": 30}')
    for name, value in settings.items():
        if name in ARGUMENTS:
            raise InvalidInputError(f"{field}.{name}", value, f"give it as {ARGUMENTS[name]}=")
        if name in ARGUMENTS.values():
            raise InvalidInputError(f"{field}.{name}", value, "it is an argument, not a setting")
    return dict(settings)


def caller_id(value: object) -> str:
    """Normalize a caller ID to the digits that the API stores.

    Numbers of the North American plan, with or without a leading ``1`` or ``+1``, become ten digits; other
    numbers keep their leading ``+`` or ``0``. Spaces, dots, dashes and parentheses are removed. An integer
    may have lost a ``+`` or ``0``, so only one that is a number of the North American plan is read.

    :raises ValueError: if it cannot be a phone number
    """
    if isinstance(value, bool) or not isinstance(value, str | int) or (isinstance(value, int) and value < 0):
        raise ValueError("expected a phone number such as '4155550123'")
    if is_north_american(str(value)):
        return str(value)
    # Not needed for ten digits: DAG files are parsed over and over.
    from airflow_provider_engagevoice.models.phone import BadNumberError, number_text

    try:
        number = re.sub(_PUNCTUATION, "", number_text(str(value))[0])
    except BadNumberError as error:
        raise ValueError(f"expected a phone number such as '4155550123': {error}") from None
    national = re.sub(r"^\+?1(?=\d{10}$)", "", number)
    if is_north_american(national):
        return national
    is_other_plan = number.startswith(("+", "0")) or len(number) != 10
    if is_other_plan and not number.startswith("+1") and _is_foreign(number):
        if isinstance(value, int):
            raise ValueError("expected text such as '+442071838750', since a number loses its '+' or '0'")
        return number
    raise ValueError("expected a phone number such as '4155550123' (ten digits) or '+442071838750'")


def read_caller_id(value: object, field: str = "caller_id") -> str:
    """Return a caller ID as the API stores it.

    :raises InvalidInputError: if it cannot be a phone number
    """
    try:
        return caller_id(value)
    except ValueError as error:
        raise InvalidInputError(field, value, f"{error}; did a template render to None?") from None


def is_north_american(number: str) -> bool:
    """Return whether ten digits can be a number of the North American plan."""
    return (
        len(number) == 10
        and number.isascii()
        and number.isdigit()
        and min(number[0], number[3]) >= "2"
        # 211, 311 … 911 are services, neither area codes nor exchanges.
        and "11" not in (number[1:3], number[4:6])
    )


def _is_foreign(number: str) -> bool:
    return bool(re.fullmatch(_INTERNATIONAL, number) or re.fullmatch(_TRUNK_PREFIXED, number))


def transfer_caller_id(value: object) -> str:
    """Normalize ``transferCallerId``: ten digits (the document's ``##########``), or empty for none."""
    if value == "":
        return ""
    number = caller_id(value)
    if not is_north_american(number):
        raise ValueError("expected ten digits such as '4155550123', or '' for none")
    return number


#: Countries of the North American plan whose numbers the vendor documents: ten digits.
_TEN_DIGITS = ("USA", "CAN")
#: With the country's code, or the prefix 0 or 00 before other digits than zeros.
_POSSIBLE = r"\+[1-9][0-9]{6,14}|[1-9][0-9]{10,14}|00?[1-9][0-9]{5,13}"


def check_caller_id(number: str, country: str | None) -> None:
    """Check a caller ID for a campaign's country.

    Numbers such as 415-555-0123, which are assigned to no one, are taken for the USA and Canada.

    :param number: as ``caller_id`` returns it
    :param country: three letters; None if it is not known
    :raises InvalidInputError: if it cannot be a number of the country
    """
    if is_north_american(number):
        if country is None or country in _TEN_DIGITS:
            return
    elif country in _TEN_DIGITS:
        expected = f"a campaign of {country} needs ten digits such as '4155550123'"
        raise InvalidInputError("caller_id", number, expected)
    elif country is None:
        if not re.fullmatch(_POSSIBLE, number):
            raise InvalidInputError(
                "caller_id",
                number,
                "expected ten digits such as '4155550123', or a number with its country's code, such as "
                "'+442071838750'",
            )
        return
    # Takes long to import, and most campaigns are of the USA.
    import phonenumbers

    from airflow_provider_engagevoice.models.phone import regions_of

    regions = regions_of(country)
    code = phonenumbers.country_code_for_region(regions[0])
    try:
        parsed = phonenumbers.parse(number, regions[0])
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or parsed.country_code != code or not phonenumbers.is_valid_number(parsed):
        raise InvalidInputError(
            "caller_id",
            number,
            f"it is no number of {country}, the campaign's country; write it with +{code}",
        )
