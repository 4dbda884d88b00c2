"""Rows of CSV and TSV files."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from operator import methodcaller

from airflow_provider_engagevoice.characters import stripped
from airflow_provider_engagevoice.exceptions import BadSourceError
from airflow_provider_engagevoice.leads.sources.base import (
    BATCH_ROWS,
    BATCH_TEXT,
    Batch,
    CellBatch,
    ReadOptions,
    RowBatch,
    Table,
)
from airflow_provider_engagevoice.leads.sources.lines import TextLines

#: Delimiters that are detected.
_DETECTED = (",", ";", "\t", "|")
#: Rows from which the delimiter is detected.
_SAMPLE_ROWS = 20
#: The first line that tells Excel the delimiter.
_DELIMITER_LINE = re.compile(r'"?sep=(.)"?\1*\s*$', re.IGNORECASE)
#: Text that Excel is not to read as a number: ``="02134"``.
_TEXT_FORMULA = re.compile(r'\s*="(.*)"\s*$', re.DOTALL)


class DelimitedSource:
    """A CSV or TSV file, whose first row is read by the constructor.

    The delimiter is the given one, that of a first line such as ``sep=;``, or the only one that splits the
    first rows into as many cells each; otherwise the format's.

    Quoting is strict: a quote that is not closed, or text after a closing quote, is an error. Blanks before a
    quote are skipped, and so are lines without text. ``="02134"`` is the text in the quotes.

    :param delimiter: of the format
    :raises BadSourceError: if the header is invalid
    """

    def __init__(self, lines: TextLines, delimiter: str, options: ReadOptions) -> None:
        self.name = lines.name
        self.format = "tsv" if delimiter == "\t" else "csv"
        self._lines = lines
        self._options = options
        self._has_formulas = False
        sample = lines.sample()
        told = _DELIMITER_LINE.match(sample[0]) if sample else None
        if told is not None:
            next(iter(lines))
            lines.row_length = 0
        self._delimiter = options.delimiter or (told and told[1]) or _detect(sample, delimiter)
        self._quoted_after_blanks = re.compile(rf'(^|{re.escape(self._delimiter)}) +"').search
        #: The first line with such a cell.
        self._held: str | None = None
        self._parse = read = partial(csv.reader, delimiter=self._delimiter, strict=True)
        # Blanks before a cell are kept in the rows before the first cell quoted after blanks.
        self._rows = chain(read(lines), self._rest(partial(read, skipinitialspace=True)))
        lines.stops_before = self._stops_before
        #: The first row and its number, if it is not the header.
        self._ahead: list[tuple[list[int], list[list[str]]]] = []
        self._table = self._read_table()
        self.columns: tuple[str, ...] | None = None if self._table is None else self._table.columns
        lines.column_of = self._column_of

    def _stops_before(self, line: str) -> bool:
        """Return whether a line is the first one of a row with a cell that is quoted after blanks."""
        self._has_formulas = self._has_formulas or '="' in line
        begins_row = self._lines.row_length == len(line)
        if self._held is None and begins_row and self._quoted_after_blanks(line):
            self._held = line
            return True
        return False

    def _rest(self, read: Callable[[Iterable[str]], Iterator[list[str]]]) -> Iterator[list[str]]:
        """Read the rows from the first one with a cell that is quoted after blanks."""
        if self._held is not None:
            yield from read(chain([self._held], self._lines))

    @property
    def encoding(self) -> str:
        """The file's encoding."""
        return self._lines.encoding

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the rows, with all columns."""
        if self._table is None:
            return
        empty = True
        for batch in self._batches(self._table):
            empty = False
            yield batch
        if empty and not self._options.may_be_empty:
            raise self._bad("the file has a header but no rows")

    def _batches(self, table: Table) -> Iterator[Batch]:
        for numbers, rows in self._ahead:
            yield RowBatch(table.columns, numbers, table.named(numbers, rows))
        while True:
            if (batch := self._read_plain(table)) is not None:
                yield batch
                continue
            numbers, rows = self._read(BATCH_ROWS)
            if not rows:
                return
            yield RowBatch(table.columns, numbers, table.named(numbers, rows))

    def _read_plain(self, table: Table) -> Batch | None:
        """Read rows of one line each, which have a cell for each column: at once, which is much faster.

        :return: None if some rows are not so plain, or at the end of the file
        """
        width, delimiter = len(table.columns), self._delimiter
        if width == 1 or not table.is_plain or self._held is not None or self._has_formulas:
            return None
        lines = self._lines.ahead(BATCH_ROWS)
        if not lines or max(map(len, lines)) > csv.field_size_limit():
            return None
        quoted = [at for at, line in enumerate(lines) if '"' in line]
        parsed = self._parsed([lines[at] for at in quoted])
        if parsed is None or {len(row) for row in parsed} - {width}:
            return None
        for at in quoted:
            lines[at] = delimiter * (width - 1) + "\n"
        text = "".join(lines)
        if "\0" in text or set(map(methodcaller("count", delimiter), lines)) != {width - 1}:
            return None
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        cells = text.removesuffix("\n").replace("\n", delimiter).split(delimiter)
        for at, row in zip(quoted, parsed, strict=True):
            cells[at * width : (at + 1) * width] = row
        for at, cell in enumerate(cells[::width]):
            if not ("!" <= cell < "\x7f" or _is_row(cells[at * width : (at + 1) * width])):
                return None
        first = self._lines.skip(len(lines))
        return CellBatch(table.columns, range(first, first + len(lines)), cells)

    def _parsed(self, lines: list[str]) -> list[list[str]] | None:
        """Return the row of each line; None if one goes on, is damaged, or needs a closer look."""
        if any('="' in line or ' "' in line or "\0" in line for line in lines):
            return None
        try:
            rows = list(self._parse(lines))
        except csv.Error:
            return None
        return rows if len(rows) == len(lines) else None

    def _read(self, most: int) -> tuple[list[int], list[list[str]]]:
        """Read up to ``most`` rows with their numbers; none at the end of the file."""
        lines = self._lines
        numbers: list[int] = []
        rows: list[list[str]] = []
        length = 0
        try:
            for row in self._rows:
                if _is_row(row):
                    numbers.append(lines.row)
                    rows.append([_text(cell) for cell in row] if self._has_formulas else row)
                    length += lines.row_length
                lines.row_length = 0
                if len(rows) == most or length > BATCH_TEXT:
                    break
        except csv.Error as error:
            raise self._bad(f"the row is not readable as {self.format}: {error}", lines.row) from None
        return numbers, rows

    def _read_table(self) -> Table | None:
        numbers, rows = self._read(1)
        if not rows and self._options.may_be_empty:
            return None
        if not rows:
            raise self._bad("the file is empty")
        [number], [first] = numbers, rows
        table = Table(first, self.name, number, self._options)
        if not table.has_header:
            self._ahead.append((numbers, rows))
        elif len(first) == 1:
            for separator, name in ((";", "';'"), ("\t", "tabs"), ("|", "'|'"), (",", "','")):
                if separator in first[0]:
                    # Without the text: if there is no header, it is a person's data.
                    raise self._bad(
                        f"the header has one column; are columns separated by {name}? "
                        f"Set delimiter={separator!r}",
                        number,
                    )
        return table

    def _column_of(self, line: str, at: int) -> str | int | None:
        if self._lines.row_length != len(line):
            # Not the first line of the row.
            return None
        index = len(next(csv.reader([line[: at + 1]], delimiter=self._delimiter))) - 1
        columns = self.columns or ()
        return columns[index] if index < len(columns) else index + 1

    def _bad(self, what: str, row: int | None = None, column: str | int | None = None) -> BadSourceError:
        return BadSourceError(what, source=self.name, row=row, column=column)


def _is_row(row: Sequence[str]) -> bool:
    """Return whether a row is more than blanks, and than the invisible character at the end of DOS files."""
    # Most rows begin with a character of ASCII that is seen.
    return bool(row) and (
        "!" <= row[0] < "\x7f" or (any(map(str.strip, row)) and (len(row) > 1 or bool(stripped(row[0]))))
    )


def _text(cell: str) -> str:
    match = _TEXT_FORMULA.match(cell)
    return cell if match is None else match[1]


def _detect(sample: Sequence[str], default: str) -> str:
    """Return the only delimiter that splits all rows of a sample alike; the default if that does, too."""
    fitting = [delimiter for delimiter in _DETECTED if _splits_alike(sample, delimiter)]
    return fitting[0] if len(fitting) == 1 and default not in fitting else default


def _splits_alike(sample: Sequence[str], delimiter: str) -> bool:
    try:
        reader = csv.reader(sample, delimiter=delimiter, strict=True, skipinitialspace=True)
        rows = list(islice(filter(any, reader), _SAMPLE_ROWS))
    except csv.Error:
        return False
    width = len(rows[0]) if rows else 0
    # Rows may have a trailing delimiter that the first one lacks.
    return width > 1 and all(len(row) >= width and not any(row[width:]) for row in rows)
