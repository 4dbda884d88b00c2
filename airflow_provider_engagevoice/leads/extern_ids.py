"""The ids of leads: one and the same text from every format, or none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, time
from decimal import Decimal

from airflow_provider_engagevoice.characters import without_invisible
from airflow_provider_engagevoice.inputs import is_encodable
from airflow_provider_engagevoice.leads.coerce import (
    EMPTY_TEXTS,
    EXACT_FLOAT,
    BadValueError,
    ScientificText,
    text_of,
)
from airflow_provider_engagevoice.models.lead import DAMAGED_ID

#: What programs write for a missing value, in lower case.
_MISSING = frozenset(
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
            if "e-" in folded or _BEGINS_WITH_DASH(folded) or not _MISSING.isdisjoint(texts):
                suspects = [
                    at for at, one in enumerate(texts) if one in _MISSING or "e-" in one or one[0] in "-_"
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
            raise BadValueError("the id begins with an apostrophe")
        text = text[1:]
    if not text:
        raise BadValueError("the externId is missing")
    if not is_encodable(text):
        # Another reason to reject a row.
        return text
    if text.casefold() in _MISSING or not any(map(str.isalnum, text)):
        raise BadValueError("the text stands for a missing value; it is not an id")
    if not text.isprintable():
        raise BadValueError("an id has no tabs, line breaks or other characters that are not shown")
    if text.startswith("=") or isinstance(cell, ScientificText) or _EXPONENT(text):
        raise BadValueError("a formula, or a number in scientific notation, is not an id")
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
