"""Convert values of any source to text, without loss or not at all; ids, to one and the same text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from numbers import Integral
from typing import Any
from uuid import UUID

from airflow_provider_engagevoice.characters import stripped, without_invisible
from airflow_provider_engagevoice.inputs import is_encodable
from airflow_provider_engagevoice.models.lead import DAMAGED_ID

#: Below this, floats represent every whole number.
EXACT_FLOAT = 1 << 53
#: Decimals with more places than this are written with an exponent.
_MAX_PLACES = 40
#: Types of pandas for missing values.
_MISSING = ("NAType", "NaTType")
#: The errors of spreadsheets in English, German, French, Spanish, Italian, Portuguese and Dutch.
_ERRORS = """
    #N/A #REF! #VALUE! #NAME? #DIV/0! #NUM! #NULL! #ERROR! #SPILL! #CALC! #FIELD! #BLOCKED! #CONNECT!
    #UNKNOWN! #BUSY! #GETTING_DATA #EXTERNAL! #PYTHON! #TIMEOUT!
    #BEZUG! #WERT! #ZAHL! #ÜBERLAUF! #KALK!
    #VALEUR! #NOM? #NOMBRE! #NUL! #PROPAGATION!
    #N/D #¡REF! #¡VALOR! #¿NOMBRE? #¡DIV/0! #¡NUM! #¡NULO! #¡DESBORDAMIENTO!
    #RIF! #VALORE! #NOME? #NULLO! #VALOR! #NÚM! #NULO!
    #N/B #VERW! #WAARDE! #NAAM? #DEEL/0! #GETAL! #LEEG!
"""
#: Texts that are no value: of databases, of floats, and of spreadsheets. People are called Null.
EMPTY_TEXTS = frozenset({"\\N", "NaN", *_ERRORS.split()})
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


def has_no_value(cell: object) -> bool:
    """Return whether a cell is missing, text of invisible characters alone, or an empty object or list."""
    if isinstance(cell, str):
        return is_missing(cell) or not stripped(cell)
    return is_missing(cell) or (isinstance(cell, Mapping | list | tuple) and not cell)


def is_empty(record: Mapping[str, object]) -> bool:
    """Return whether a row has no value."""
    return all(map(has_no_value, record.values()))


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


def json_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON.

    :raises ValueError: if it has a key twice
    """
    record = dict(pairs)
    if len(record) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"duplicate key {twice!r}")
    return record


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


#: What programs write for a missing value, in lower case.
_MISSING_IDS = frozenset(
    {
        "null",
        "(null)",
        "[null]",
        "<null>",
        "none",
        "nan",
        "-nan",
        "nat",
        "na",
        "n/a",
        "<na>",
        "nil",
        "undefined",
        # Of Excel in German; elsewhere it may be a tag.
        "#nv",
        "inf",
        "-inf",
        "infinity",
        "-infinity",
    }
    | {text.casefold() for text in EMPTY_TEXTS}
)
#: Lines of text that need no check, except for those above, small numbers, and dashes alone.
_are_ordinary = re.compile(r"[A-Za-z0-9_\n-]*").fullmatch
_BEGINS_WITH_DASH = re.compile(r"(?:\A|\n)[-_]").search
#: A number that lost digits in a spreadsheet or a program: ``1.23E+15``, ``1E+15``, ``1.0000001E7``.
_EXPONENT = re.compile(r"[+-]?\d+([.,]\d+[eE][+-]?|[eE]\+|e-)\d+").fullmatch
#: A whole number that was written as a float, such as a column of pandas with a missing value.
_FLOAT = re.compile(r"(-?(?:0|[1-9]\d*))[.,](0+)", re.ASCII).fullmatch
#: The same, whatever its digits are.
WHOLE = re.compile(r"(\d+)\.0+", re.ASCII).fullmatch
#: Places behind the point that cannot be thousands, and digits of which a float may represent all.
_MOST_PLACES = 2
_EXACT_DIGITS = 17
_APOSTROPHES = ("'", "\u2018", "\u2019")


def read_ids(cells: Sequence[object]) -> tuple[list[str], dict[int, str]]:
    """Return the id of each cell, and by index why a cell has none."""
    ids = list(cells)
    suspects: Iterable[int] = range(len(ids))
    if set(map(type, ids)) == {str} and "" not in ids:
        lines = "\n".join(ids)  # type: ignore[arg-type]
        folded = lines.casefold()
        texts = folded.split("\n")
        if _are_ordinary(lines) and len(texts) == len(ids):
            # All at once is much faster than one by one.
            suspects = ()
            if "e-" in folded or _BEGINS_WITH_DASH(folded) or not _MISSING_IDS.isdisjoint(texts):
                suspects = [
                    at for at, one in enumerate(texts) if one in _MISSING_IDS or "e-" in one or one[0] in "-_"
                ]
    bad: dict[int, str] = {}
    for at in suspects:
        try:
            ids[at] = read_id(cells[at])
        except BadValueError as error:
            ids[at], bad[at] = "", str(error)
    return ids, bad  # type: ignore[return-value]


def read_id(cell: object) -> str:
    """Return the id of a cell: a whole number without a fraction, or text without invisible characters.

    :raises BadValueError: if there is none, or if it may have been damaged on the way
    """
    if isinstance(cell, bool | date | time):
        raise BadValueError(f"expected an id, got {type(cell).__name__}")
    text = cell if isinstance(cell, str) else _text_of_value(cell)
    text = without_invisible(text).strip()
    if text.startswith(_APOSTROPHES):
        # A spreadsheet's mark of text.
        if not text[1:].isdecimal():
            raise BadValueError("the id begins with an apostrophe; remove it")
        text = text[1:]
    if not text:
        raise BadValueError("the externId is missing")
    if not is_encodable(text):
        # Another reason to reject a row.
        return text
    if text.casefold() in _MISSING_IDS or not any(map(str.isalnum, text)):
        raise BadValueError("the text stands for a missing value; give the lead an id")
    if not text.isprintable():
        raise BadValueError(
            "an id has no tabs, line breaks or other characters that are not shown; remove them"
        )
    if text.startswith("=") or isinstance(cell, ScientificText) or _EXPONENT(text):
        raise BadValueError("a formula, or a number in scientific notation, is not an id; write it as text")
    number = _FLOAT(text)
    return text if number is None else _whole(number[1], number[2])


def _text_of_value(cell: object) -> str:
    if isinstance(cell, float) and abs(cell) >= EXACT_FLOAT:
        raise BadValueError(DAMAGED_ID)
    text = text_of(cell)
    if isinstance(cell, Decimal) and _FLOAT(text):
        # Of a number it is certain that these are no thousands.
        return text.rstrip("0") + "0"
    return text


def _whole(digits: str, fraction: str) -> str:
    if len(fraction) > _MOST_PLACES:
        raise BadValueError("the number may have a fraction or thousands; write ids as text")
    if len(digits) > _EXACT_DIGITS or abs(int(digits)) >= EXACT_FLOAT:
        raise BadValueError(DAMAGED_ID)
    return str(int(digits))
