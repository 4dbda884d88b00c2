"""Values of any source as the text that is sent: nothing of them is lost, or they are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from numbers import Integral
from typing import Any
from uuid import UUID

#: Up to here, a float holds every whole number.
EXACT_FLOAT = 1 << 53
#: Decimals of more places than this are written with an exponent, as they came.
_MOST_PLACES = 40
#: What pandas has for a missing value; neither equals itself.
_MISSING = ("NAType", "NaTType")


class UnfitValueError(ValueError):
    """The value cannot be what is due; the message is the reason, and does not name the value."""


def is_missing(value: object) -> bool:
    """Tell whether a value stands for none: None, not a number, or a text of spaces."""
    if isinstance(value, str):
        return not value or value.isspace()
    if isinstance(value, float):
        return value != value
    if isinstance(value, Decimal):
        return value.is_nan()
    return value is None or type(value).__name__ in _MISSING


def text_of(value: object) -> str:
    """Return a value as text, without the space around it; an empty text for a missing one.

    Whole numbers have no fraction, dates are ISO 8601, truth is ``true`` or ``false``.

    :raises UnfitValueError: when it has several values, or none that can be written
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Integral):
        return _digits(int(value))
    if is_missing(value):
        return ""
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Decimal):
        return _decimal_text(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise UnfitValueError(f"it is of type {type(value).__name__}, and text is due")


def json_of(value: object) -> str:
    """Return a value as JSON; numbers keep their digits."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        number = float(value)
        return number if Decimal(repr(number)).as_tuple() == value.as_tuple() else str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return list(value)
    try:
        return text_of(value)
    except UnfitValueError:
        return repr(value)


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:
        # Python refuses to write more digits than sys.get_int_max_str_digits().
        raise UnfitValueError("the number has thousands of digits") from None


def _float_text(value: float) -> str:
    if value in (float("inf"), float("-inf")):
        raise UnfitValueError("the number is infinite")
    return str(int(value)) if value.is_integer() and abs(value) < EXACT_FLOAT else repr(float(value))


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        raise UnfitValueError("the number is infinite")
    exponent: Any = value.as_tuple().exponent
    return f"{value:f}" if -_MOST_PLACES <= exponent <= 0 else str(value)
