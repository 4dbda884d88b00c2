"""Whether a caller ID can be one of a campaign's country."""

from __future__ import annotations

import re

from airflow_provider_engagevoice.inputs import InvalidInputError
from airflow_provider_engagevoice.models.phone import is_north_american

#: Countries of the North American plan whose numbers the vendor documents: ten digits.
_TEN_DIGITS = ("USA", "CAN")
#: With the country's code, or the prefix 0 or 00 before other digits than zeros.
_POSSIBLE = re.compile(r"\+[1-9]\d{6,14}|[1-9]\d{10,14}|00?[1-9]\d{5,13}", re.ASCII)


def check_caller_id(number: str, country: str | None) -> None:
    """Check a caller ID for a campaign's country.

    Numbers such as 415-555-0123, which are assigned to nobody, are taken for the USA and Canada.

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
        if not _POSSIBLE.fullmatch(number):
            raise InvalidInputError(
                "caller_id",
                number,
                "expected ten digits such as '4155550123', or a number with its country's code, such as "
                "'+442071838750'",
            )
        return
    # Takes long to import, and most campaigns are of the USA.
    import phonenumbers

    from airflow_provider_engagevoice.models.countries import regions_of

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
