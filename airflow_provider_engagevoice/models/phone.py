"""Caller ID numbers."""

from __future__ import annotations

import re

from airflow_provider_engagevoice.inputs import InvalidInputError

# Compiled at first use: DAG files are parsed over and over.
_PUNCTUATION = r"[\s().\-]+"
_INTERNATIONAL = r"\+?[1-9][0-9]{6,14}"
_TRUNK_PREFIXED = r"0[0-9]{6,14}"


def caller_id(value: object) -> str:
    """Normalize a caller ID to the digits that the API stores.

    Numbers of the North American plan, with or without a leading ``1`` or ``+1``, become ten digits; other
    numbers keep their leading ``+`` or ``0``. Spaces, dots, dashes and parentheses are removed. An integer
    may have lost a ``+`` or ``0``, so only one that is a number of the North American plan is read.

    :raises ValueError: if it cannot be a phone number
    """
    if isinstance(value, bool) or not isinstance(value, str | int) or (isinstance(value, int) and value < 0):
        raise ValueError("expected a phone number such as '4155550123'")
    if _is_north_american(str(value)):
        return str(value)
    number = re.sub(_PUNCTUATION, "", str(value))
    national = re.sub(r"^\+?1(?=\d{10}$)", "", number)
    if _is_north_american(national):
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


def _is_north_american(number: str) -> bool:
    return len(number) == 10 and number.isascii() and number.isdigit() and min(number[0], number[3]) >= "2"


def _is_foreign(number: str) -> bool:
    return bool(re.fullmatch(_INTERNATIONAL, number) or re.fullmatch(_TRUNK_PREFIXED, number))


def transfer_caller_id(value: object) -> str:
    """Normalize ``transferCallerId``: ten digits (the document's ``##########``), or empty for none."""
    if value == "":
        return ""
    number = caller_id(value)
    if not _is_north_american(number):
        raise ValueError("expected ten digits such as '4155550123', or '' for none")
    return number
