"""Rows of CSV and TSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence

from airflow_provider_engagevoice.exceptions import BadSourceError
from airflow_provider_engagevoice.leads.sources.base import (
    BATCH_ROWS,
    BATCH_TEXT,
    Batch,
    Format,
    RowBatch,
    check_columns,
)
from airflow_provider_engagevoice.leads.sources.lines import TextLines

_DELIMITERS = {Format.CSV: ",", Format.TSV: "\t"}


class DelimitedSource:
    """A CSV or TSV file with a header, which is read by the constructor.

    Quoting is strict: a quote that is not closed, or text after a closing quote, is an error. Empty lines are
    skipped.

    :raises BadSourceError: if the header is invalid
    """

    def __init__(self, lines: TextLines, format: Format) -> None:
        self.name = lines.name
        self.format = format
        self._lines = lines
        self._delimiter = _DELIMITERS[format]
        self._reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        self.columns = self._read_header()
        lines.column_of = self._column_of

    @property
    def encoding(self) -> str:
        """The file's encoding."""
        return self._lines.encoding

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the rows, with all columns."""
        width = len(self.columns)
        empty = True
        while True:
            numbers, rows = self._read(BATCH_ROWS)
            if not rows:
                break
            empty = False
            if set(map(len, rows)) != {width}:
                self._raise_ragged(numbers, rows)
            yield RowBatch(self.columns, numbers, rows)
        if empty:
            raise self._bad("the file has a header but no rows")

    def _read(self, most: int) -> tuple[list[int], list[list[str]]]:
        """Read up to ``most`` rows with their numbers; none at the end of the file."""
        lines = self._lines
        numbers: list[int] = []
        rows: list[list[str]] = []
        length = 0
        try:
            for row in self._reader:
                if row:
                    numbers.append(lines.row)
                    rows.append(row)
                    length += lines.row_length
                lines.row_length = 0
                if len(rows) == most or length > BATCH_TEXT:
                    break
        except csv.Error as error:
            raise self._bad(f"the row is not readable as {self.format}: {error}", lines.row) from None
        return numbers, rows

    def _read_header(self) -> tuple[str, ...]:
        numbers, rows = self._read(1)
        if not rows:
            raise self._bad("the file is empty")
        [number], [header] = numbers, rows
        if len(header) == 1:
            for separator, name in ((";", "';'"), ("\t", "tabs"), ("|", "'|'"), (",", "','")):
                if separator in header[0]:
                    raise self._bad(
                        f"the header has one column, {header[0][:80]!r}; are columns separated by {name}? "
                        "Separate them with commas (csv) or tabs (tsv)",
                        number,
                    )
        return check_columns([name.strip() for name in header], self.name, number)

    def _column_of(self, line: str, at: int) -> str | int | None:
        if self._lines.row_length != len(line):
            # Not the first line of the row.
            return None
        index = len(next(csv.reader([line[: at + 1]], delimiter=self._delimiter))) - 1
        return self.columns[index] if index < len(self.columns) else index + 1

    def _raise_ragged(self, numbers: Sequence[int], rows: Sequence[Sequence[str]]) -> None:
        width = len(self.columns)
        for number, row in zip(numbers, rows, strict=True):
            if len(row) < width:
                raise self._bad(
                    f"the row has {len(row)} cells, the header {width}", number, self.columns[len(row)]
                )
            if len(row) > width:
                raise self._bad(f"the row has {len(row)} cells, the header {width}", number, width + 1)

    def _bad(self, what: str, row: int | None = None, column: str | int | None = None) -> BadSourceError:
        return BadSourceError(what, source=self.name, row=row, column=column)
