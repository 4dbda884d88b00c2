"""Readers of arguments about files: columns, and the path of a file that gets lines of JSON."""

from __future__ import annotations

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


def read_json_lines_path(value: object, field: str) -> str:
    """Return the path of a file that gets lines of JSON.

    :raises InvalidInputError: if it is blank, or its suffix is that of another format
    """
    path = read_text(value, field)
    if path.lower().endswith((".csv", ".tsv", ".parquet", ".xls", ".xlsx")):
        raise InvalidInputError(field, value, "it gets lines of JSON; use a name that ends in .jsonl")
    return path
