"""Rows of JSON Lines files: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from airflow_provider_engagevoice.leads.errors import BadSourceError
from airflow_provider_engagevoice.leads.sources.base import (
    BATCH_ROWS,
    BATCH_TEXT,
    Batch,
    Format,
    record_batch,
)
from airflow_provider_engagevoice.leads.sources.lines import TextLines


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"duplicate key {twice!r}")
    return record


#: Numbers keep their digits and exponents.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=Decimal,
    parse_constant=lambda name: None if name == "NaN" else float(name),
)


class JsonLinesSource:
    """A file of JSON objects, one per line, each with any columns. Empty lines are skipped."""

    columns: tuple[str, ...] | None = None

    def __init__(self, lines: TextLines) -> None:
        self.name = lines.name
        self.format = Format.JSONL
        self._lines = lines

    @property
    def encoding(self) -> str:
        """The file's encoding."""
        return self._lines.encoding

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the rows, with all columns."""
        lines = self._lines
        numbers: list[int] = []
        records: list[dict[str, Any]] = []
        length = 0
        empty = True
        for line in lines:
            length += lines.row_length
            lines.row_length = 0
            if line.isspace():
                continue
            empty = False
            records.append(self._read(line))
            numbers.append(lines.row)
            if len(records) == BATCH_ROWS or length > BATCH_TEXT:
                yield record_batch(self.name, numbers, records)
                numbers, records, length = [], [], 0
        if records:
            yield record_batch(self.name, numbers, records)
        if empty:
            raise BadSourceError("the file is empty", source=self.name)

    def _read(self, line: str) -> dict[str, Any]:
        try:
            record = _DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            raise BadSourceError(
                f"the line is not valid JSON: {error}", source=self.name, row=self._lines.row
            ) from None
        if not isinstance(record, dict):
            raise BadSourceError(
                f"the line must be a JSON object, column to value, not {line.strip()[:80]}",
                source=self.name,
                row=self._lines.row,
            )
        return record
