"""Readers of arguments for lists: columns, text files, rows that may be bad, and files that are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from airflow_provider_engagevoice.inputs import InvalidInputError, read_text


def read_column(value: object, field: str) -> str:
    """Return the name or number of a column.

    :raises InvalidInputError: if it is neither, or 0
    """
    if value == 0 and not isinstance(value, bool):
        raise InvalidInputError(field, value, "columns are counted from 1")
    return read_text(value, field)


def read_columns(value: object, field: str) -> list[str]:
    """Return names or numbers of columns; one alone is a list of one."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        return [read_column(one, field) for one in value]
    return [read_column(value, field)]


def read_delimiter(value: object, field: str = "delimiter") -> str:
    """Return one character that separates cells.

    :raises InvalidInputError: if it is anything else, a quote or a line end
    """
    if isinstance(value, str) and len(value) == 1 and value not in '"\r\n':
        return value
    raise InvalidInputError(field, value, "write one character, such as ';' or '\\t'")


def read_encoding(value: object, field: str = "encoding") -> str:
    """Return the name of a text encoding.

    :raises InvalidInputError: if Python has no encoding with this name
    """
    try:
        "".encode(name := read_text(value, field))
    except (LookupError, ValueError):
        raise InvalidInputError(
            field, value, "must be a text encoding of Python, such as 'utf-8', 'cp1252' or 'utf-16'"
        ) from None
    return name


def read_row_limit(value: object, field: str) -> tuple[int | None, float]:
    """Return a limit of rows as their number and, if that is None, their share of all rows.

    :param value: ``"fail"`` for none, a number, ``"2%"``, ``{"rows": 10}`` or ``{"share": 0.02}``
    :raises InvalidInputError: if it is not one of these
    """
    limit = value
    if isinstance(value, Mapping) and len(value) == 1:
        [(name, number)] = value.items()
        if name == "share" and isinstance(number, int | float) and not isinstance(number, bool):
            if 0 <= number <= 1:
                return None, float(number)
        elif name == "rows":
            limit = number
    if isinstance(limit, str):
        limit = limit.strip()
        if limit == "fail":
            return 0, 0.0
        percent = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", limit, re.ASCII)
        if percent and float(percent[1]) <= 100:
            return None, float(percent[1]) / 100
        # A template renders numbers to text.
        limit = int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 10 else limit
    if isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0:
        return limit, 0.0
    raise InvalidInputError(field, value, "must be 'fail', a number of rows, or a share of them such as '2%'")


def read_rejects_path(value: object, field: str) -> str:
    """Return the path of a file of rejects.

    :raises InvalidInputError: if it is blank, or its suffix is that of a workbook or a compressed file
    """
    path = read_text(value, field)
    if path.lower().endswith((".xls", ".xlsx", ".xlsm", ".gz")):
        expected = "rejects are not compressed, and no workbooks: use .csv, .tsv, .jsonl or .parquet"
        raise InvalidInputError(field, value, expected)
    return path


def read_json_lines_path(value: object, field: str) -> str:
    """Return the path of a file that gets lines of JSON.

    :raises InvalidInputError: if it is blank, or its suffix is that of another format
    """
    path = read_text(value, field)
    if path.lower().endswith((".csv", ".tsv", ".parquet", ".xls", ".xlsx")):
        raise InvalidInputError(field, value, "it gets lines of JSON; use a name that ends in .jsonl")
    return path
