"""Caller ID numbers."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

from airflow_provider_engagevoice.exceptions import InvalidInputError

# Compiled at first use: DAG files are parsed over and over.
_PUNCTUATION = r"[\s().\-]+"
_INTERNATIONAL = r"\+?[1-9][0-9]{6,14}"
_NORTH_AMERICAN = r"[2-9][0-9]{2}[2-9][0-9]{6}"
_TRUNK_PREFIXED = r"0[0-9]{6,14}"


def caller_id(value: object) -> str:
    """Normalise a caller ID to the digits the API stores.

    Ten digits of the North American plan stay ten digits, with or without a leading ``1`` or ``+1``;
    other numbers keep their leading ``+`` or ``0``. Spaces, dots, dashes and brackets are dropped, and an
    integer is taken as its digits, because a template rendered to a native object makes one.

    :raises ValueError: when it cannot be a phone number
    """
    if isinstance(value, bool) or not isinstance(value, str | int) or (isinstance(value, int) and value < 0):
        raise ValueError("expected a phone number such as '4155550123'")
    if re.fullmatch(_NORTH_AMERICAN, str(value)):
        return str(value)
    number = re.sub(_PUNCTUATION, "", str(value))
    national = re.sub(r"^\+?1(?=\d{10}$)", "", number)
    if re.fullmatch(_NORTH_AMERICAN, national):
        return national
    is_other_plan = number.startswith(("+", "0")) or len(number) != 10
    if is_other_plan and not number.startswith("+1") and _is_foreign(number):
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


def _is_foreign(number: str) -> bool:
    return bool(re.fullmatch(_INTERNATIONAL, number) or re.fullmatch(_TRUNK_PREFIXED, number))


def transfer_caller_id(value: object) -> str:
    """Normalise ``transferCallerId``: ten digits (the document's ``##########``), or empty for none."""
    if value == "":
        return ""
    number = caller_id(value)
    if not re.fullmatch(_NORTH_AMERICAN, number):
        raise ValueError("expected ten digits such as '4155550123', or '' for none")
    return number


CallerId = Annotated[str, BeforeValidator(caller_id)]
TransferCallerId = Annotated[str, BeforeValidator(transfer_caller_id)]
