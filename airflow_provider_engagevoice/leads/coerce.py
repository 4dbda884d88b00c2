"""Convert values of any source to the text that is sent, without loss or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from numbers import Integral
from typing import Any
from uuid import UUID

from airflow_provider_engagevoice.characters import stripped

#: Below this, floats represent every whole number.
EXACT_FLOAT = 1 << 53
#: Decimals with more places than this are written with an exponent.
_MAX_PLACES = 40
#: Types of pandas for missing values.
_MISSING = ("NAType", "NaTType")
#: Texts that are no value: of databases, of floats, and the errors of spreadsheets. People are called Null.
EMPTY_TEXTS = frozenset(
    {"\\N", "NaN", "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#ERROR!"}
    | {"#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#BUSY!", "#GETTING_DATA"}
    | {"#EXTERNAL!", "#PYTHON!", "#TIMEOUT!"}
)
#: Each of them has one of these.
EMPTY_MARKS = ("#", "\\N", "NaN")


class BadValueError(ValueError):
    """A value cannot be converted. The message is the reason, without the value."""


def is_missing(value: object) -> bool:
    """Return whether a value is missing: None, not a number, blank text or one of :data:`EMPTY_TEXTS`."""
    if isinstance(value, str):
        return not value or value.isspace() or value.strip() in EMPTY_TEXTS
    if isinstance(value, float):
        return value != value
    if isinstance(value, Decimal):
        return value.is_nan()
    return value is None or type(value).__name__ in _MISSING


def is_empty(record: Mapping[str, object]) -> bool:
    """Return whether a row has no value: all are missing, or text of invisible characters alone."""
    return all(is_missing(one) or (isinstance(one, str) and not stripped(one)) for one in record.values())


def text_of(value: object) -> str:
    """Return a value as text, stripped; an empty text for a missing value.

    Whole numbers have no fraction, dates are ISO 8601, booleans ``true`` or ``false``.

    :raises BadValueError: if it is a collection, infinite or of an unknown type
    """
    if isinstance(value, str):
        text = value.strip()
        return "" if text in EMPTY_TEXTS else text
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
    raise BadValueError(f"expected text, got {type(value).__name__}")


class ScientificText(str):
    """A number of JSON with an exponent, as it is written there. Of other files such text may be an id."""

    __slots__ = ()


def json_fraction(text: str) -> Decimal | ScientificText:
    """Return a number of JSON that is not whole, with all its digits."""
    return ScientificText(text) if "e" in text or "E" in text else Decimal(text)


def json_constant(name: str) -> float | None:
    """Return ``NaN``, which is no value, or an infinite number of JSON."""
    return None if name == "NaN" else float(name)


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
    except BadValueError:
        return repr(value)


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:
        # Python refuses to write more digits than sys.get_int_max_str_digits().
        raise BadValueError("the number has thousands of digits") from None


def _float_text(value: float) -> str:
    if value in (float("inf"), float("-inf")):
        raise BadValueError("the number is infinite")
    return str(int(value)) if value.is_integer() and abs(value) < EXACT_FLOAT else repr(float(value))


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        raise BadValueError("the number is infinite")
    exponent: Any = value.as_tuple().exponent
    return f"{value:f}" if -_MAX_PLACES <= exponent <= 0 else str(value)
