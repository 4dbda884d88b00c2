"""Rows of CSV and TSV files."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, BinaryIO, cast

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.leads.errors import BadSourceError
from airflow_provider_engagevoice.leads.sources.base import (
    BATCH_ROWS,
    BATCH_TEXT,
    LONGEST_ROW,
    Batch,
    Format,
    RowBatch,
    check_columns,
)

_UTF8_MARK_MISREAD = codecs.BOM_UTF8.decode("cp1252")


class Lines:
    """The lines of a file with their ends, as they stand: ``\\n``, ``\\r\\n`` or ``\\r``.

    Whoever reads rows of them sets ``row_length`` back to 0 after each row, which may have several lines.
    A byte-order mark is left out; ``encoding`` then says that there is one.

    :param packed: whether the file is compressed by gzip
    :raises InvalidInputError: when nobody knows the encoding
    """

    def __init__(self, file: BinaryIO, name: str, *, encoding: str, packed: bool) -> None:
        self.name = name
        self.encoding = encoding
        #: The line on which the row begins that is being read, and how much of it has been read.
        self.row = 0
        self.row_length = 0
        #: Tells the column that a character of a line stands in.
        self.column_of: Callable[[str, int], str | int | None] = lambda line, at: None
        self._number = 0
        self._raw = _Counted(gzip.GzipFile(fileobj=file) if packed else file)
        try:
            self._text = io.TextIOWrapper(cast("IO[bytes]", self._raw), encoding=encoding, newline="")
        except LookupError:
            raise InvalidInputError(
                "encoding", encoding, "write one that Python knows, such as 'utf-8', 'cp1252' or 'utf-16'"
            ) from None

    def __iter__(self) -> Iterator[str]:
        """Read the lines.

        :raises BadSourceError: when the file is damaged or in another encoding, or a row is too long
        """
        try:
            yield from self._read()
        except UnicodeDecodeError as error:
            raise self._other_encoding(error) from None
        except EOFError:
            raise self._bad("the compressed file ends too early; write it anew", self._number + 1) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise self._bad(f"the file is not readable as gzip: {error}", self._number + 1) from None

    def _read(self) -> Iterator[str]:
        readline = self._text.readline
        while line := readline(LONGEST_ROW + 1):
            self._number += 1
            if self._number == 1:
                line = self._without_mark(line)
            if not self.row_length:
                self.row = self._number
            self.row_length += len(line)
            if self.row_length > LONGEST_ROW:
                raise self._bad(
                    f"the row is longer than {LONGEST_ROW} characters; is a quote not closed, or is this "
                    "no list of leads?",
                    self.row,
                )
            if "\0" in line:
                raise self._bad(
                    "there is a NUL byte; is the file damaged, or encoded as 'utf-16'?",
                    self._number,
                    self.column_of(line, line.index("\0")),
                )
            yield line

    def _without_mark(self, line: str) -> str:
        if line.startswith(_UTF8_MARK_MISREAD):
            raise self._bad(f"the file begins as UTF-8 does; leave encoding={self.encoding!r} out", 1)
        if not line.startswith("\ufeff"):
            return line
        if codecs.lookup(self.encoding).name == "utf-8":
            self.encoding = "utf-8-sig"
        return line[1:]

    def _other_encoding(self, error: UnicodeDecodeError) -> BadSourceError:
        data = bytes(error.object)
        at = self._raw.count - len(data) + error.start
        hint = "give the file's own encoding, such as encoding='cp1252', or write it as UTF-8"
        if at == 0 and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            hint = "the file begins as UTF-16 does: give encoding='utf-16'"
        elif self._raw.count == len(data) and data.startswith(b"\x1f\x8b"):
            hint = "the file is compressed by gzip: have its name end in .gz"
        return self._bad(
            f"byte {data[error.start]:#04x} at offset {at} is not {self.encoding} ({error.reason}); {hint}",
            self._number + 1 + data[: error.start].count(b"\n"),
        )

    def _bad(self, what: str, row: int, column: str | int | None = None) -> BadSourceError:
        return BadSourceError(what, source=self.name, row=row, column=column)


class _Counted(io.RawIOBase):
    """Counts the bytes that are read; leaves the file open."""

    def __init__(self, file: BinaryIO | gzip.GzipFile) -> None:
        self._file = file
        self.count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.count += len(data)
        return data


_DELIMITERS = {Format.CSV: ",", Format.TSV: "\t"}


class DelimitedSource:
    """A file of lines with a header. The header is read at once.

    Quotes follow the rules strictly: what is not closed, or goes on after its end, is damage. Empty lines
    are skipped.

    :raises BadSourceError: when the header cannot be right
    """

    def __init__(self, lines: Lines, format: Format) -> None:
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
        """Read the rows; all columns are at hand."""
        width = len(self.columns)
        empty = True
        while True:
            numbers, rows = self._read(BATCH_ROWS)
            if not rows:
                break
            empty = False
            if set(map(len, rows)) != {width}:
                self._tell_ragged(numbers, rows)
            yield RowBatch(self.columns, numbers, rows)
        if empty:
            raise self._bad("the file has a header and no rows")

    def _read(self, most: int) -> tuple[list[int], list[list[str]]]:
        """Read some rows, and the number of each; none at the end of the file."""
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
                        "Write them with commas (csv) or tabs (tsv)",
                        number,
                    )
        return check_columns([name.strip() for name in header], self.name, number)

    def _column_of(self, line: str, at: int) -> str | int | None:
        if self._lines.row_length != len(line):
            # It is not the first line of its row.
            return None
        index = len(next(csv.reader([line[: at + 1]], delimiter=self._delimiter))) - 1
        return self.columns[index] if index < len(self.columns) else index + 1

    def _tell_ragged(self, numbers: Sequence[int], rows: Sequence[Sequence[str]]) -> None:
        width = len(self.columns)
        for number, row in zip(numbers, rows, strict=True):
            if len(row) < width:
                raise self._bad(
                    f"the row has {len(row)} cells and the header {width}", number, self.columns[len(row)]
                )
            if len(row) > width:
                raise self._bad(f"the row has {len(row)} cells and the header {width}", number, width + 1)

    def _bad(self, what: str, row: int | None = None, column: str | int | None = None) -> BadSourceError:
        return BadSourceError(what, source=self.name, row=row, column=column)
