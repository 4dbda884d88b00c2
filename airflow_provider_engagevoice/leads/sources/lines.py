"""The lines of a text file, plain or compressed, with their row numbers; and JSON Lines, an object a line."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

from airflow_provider_engagevoice.exceptions import BadSourceError, InvalidInputError
from airflow_provider_engagevoice.leads.coerce import is_empty, json_constant, json_fraction, json_object
from airflow_provider_engagevoice.leads.sources.base import (
    BATCH_ROWS,
    BATCH_TEXT,
    MAX_ROW_LENGTH,
    Batch,
    ReadOptions,
    record_batch,
)

#: Bytes from which the encoding and the delimiter are detected, and bytes that are read at once.
_SAMPLE, _BLOCK = 1 << 16, 1 << 18
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF_8_OR_16 = ("utf-8", "utf-16")
_UTF8_MARK_AS_CP1252 = codecs.BOM_UTF8.decode("cp1252")


class TextLines:
    """The lines of a file with their line ends: ``\\n``, ``\\r\\n`` or ``\\r``.

    The caller resets ``row_length`` to 0 after each row, which may have several lines. A byte-order mark is
    removed; ``encoding`` then names an encoding with a mark, also if UTF-8 was given and the mark is of
    UTF-16.

    :param compressed: whether the file is compressed with gzip
    :raises InvalidInputError: if the encoding is unknown
    """

    def __init__(self, file: BinaryIO, name: str, *, encoding: str, compressed: bool) -> None:
        self.name = name
        self.encoding = encoding
        #: The first line of the current row, and the characters read of the row.
        self.row = 0
        self.row_length = 0
        #: Returns the column of a character in a line; set by the reader of the rows.
        self.column_of: Callable[[str, int], str | int | None] = lambda line, at: None
        #: Returns whether to stop before a line with a double quote, which is not read again; set likewise.
        self.stops_before: Callable[[str], bool] | None = None
        self._number = 0
        #: Lines that are split, from the next one on, and the text after them.
        self._lines: list[str] = []
        self._at = 0
        self._rest = ""
        self._raw = _CountingReader(gzip.GzipFile(fileobj=file) if compressed else file)
        with self._damage():
            self._first = self._raw.first()
        try:
            if self._first.startswith(_UTF16_MARKS) and codecs.lookup(encoding).name.startswith(_UTF_8_OR_16):
                self.encoding = encoding = "utf-16"
            # Only encodings of text, which incremental decoders need not be.
            b" ".decode(encoding, errors="ignore")
            self._decoder = codecs.getincrementaldecoder(encoding)()
        except LookupError:
            raise InvalidInputError(
                "encoding",
                encoding,
                "use an encoding that Python supports, such as 'utf-8', 'cp1252' or 'utf-16'",
            ) from None

    def __iter__(self) -> Iterator[str]:
        """Read the lines.

        :raises BadSourceError: if the file is damaged or has another encoding, or a row is too long
        """
        with self._damage():
            yield from self._read()

    def sample(self) -> list[str]:
        """Return the first whole lines, which are read again."""
        with self._damage():
            text = self._first.decode(self.encoding, errors="ignore").removeprefix("\ufeff")
        lines = io.StringIO(text, newline="").readlines()
        return lines if len(self._first) < _SAMPLE and lines[-1:] else lines[:-1] or lines

    @contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except UnicodeError as error:
            # Python 3.13 says that a mark is missing by an error that others are raised as, too.
            if isinstance(error, UnicodeDecodeError) and "BOM" not in error.reason:
                raise self._encoding_error(error) from None
            what = "the file has no byte-order mark: set encoding='utf-16-le' or 'utf-16-be'"
            raise self._bad(what, self._number + 1) from None
        except EOFError:
            raise self._bad("the compressed file is truncated; write it again", self._number + 1) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise self._bad(f"the file is not valid gzip: {error}", self._number + 1) from None

    def ahead(self, most: int) -> list[str]:
        """Return up to ``most`` of the next lines, which remain to be read; none at the end of the file.

        :raises BadSourceError: see :meth:`__iter__`
        """
        with self._damage():
            if len(self._lines) - self._at < most:
                self._split()
        return self._lines[self._at : self._at + most]

    def skip(self, count: int) -> int:
        """Skip lines, each of which is a row; return the number of the first one."""
        first = self._number + 1
        self._at += count
        self._number += count
        return first

    def _read(self) -> Iterator[str]:
        while self._at < len(self._lines) or self._split():
            line = self._lines[self._at]
            self._at += 1
            self._number += 1
            if self._number == 1:
                line = self._without_mark(line)
            if not self.row_length:
                self.row = self._number
            self.row_length += len(line)
            if self.row_length > MAX_ROW_LENGTH:
                raise self._bad(
                    f"the row is longer than {MAX_ROW_LENGTH} characters; is a quote not closed, or is this "
                    "not a lead list?",
                    self.row,
                )
            if "\0" in line:
                utf16 = "utf-16-be" if self._first.startswith(b"\0") else "utf-16-le"
                raise self._bad(
                    f"the line has a NUL byte; is the file damaged, or encoded as {utf16!r}?",
                    self._number,
                    self.column_of(line, line.index("\0")),
                )
            if self.stops_before is not None and '"' in line and self.stops_before(line):
                return
            yield line

    def _split(self) -> bool:
        """Split more lines; return whether there are any."""
        self._lines, self._at = self._lines[self._at :], 0
        lines: list[str] = []
        data = b" "
        while data and not lines:
            data = self._raw.read(_BLOCK)
            text = self._rest + self._decoder.decode(data, final=not data)
            lines = io.StringIO(text, newline="").readlines()
            # The last line, or its end, may go on. What is too long for a row is an error of its own.
            goes_on = data and lines and not lines[-1].endswith("\n") and len(lines[-1]) <= MAX_ROW_LENGTH
            self._rest = lines.pop() if goes_on else ""
        self._lines += lines
        return bool(lines)

    def _without_mark(self, line: str) -> str:
        if line.startswith(_UTF8_MARK_AS_CP1252):
            raise self._bad(f"the file has a byte-order mark of UTF-8; remove encoding={self.encoding!r}", 1)
        if not line.startswith("\ufeff"):
            return line
        if codecs.lookup(self.encoding).name == "utf-8":
            self.encoding = "utf-8-sig"
        return line[1:]

    def _encoding_error(self, error: UnicodeDecodeError) -> BadSourceError:
        data = bytes(error.object)
        at = self._raw.count - len(data) + error.start
        hint = "set the encoding of the file, such as encoding='cp1252', or write it as UTF-8"
        if at == 0 and data.startswith(_UTF16_MARKS):
            hint = "the file has a byte-order mark of UTF-16: set encoding='utf-16'"
        elif self._first.startswith(_UTF16_MARKS):
            hint = "the file is damaged; write it again"
        elif self._raw.count == len(data) and data.startswith(b"\x1f\x8b"):
            hint = "the file is compressed with gzip: its name must end in .gz"
        before = data[: error.start]
        lines = max(before.count(b"\n"), before.count(b"\r"))
        return self._bad(
            f"byte {data[error.start]:#04x} at offset {at} is not {self.encoding} ({error.reason}); {hint}",
            self._number + len(self._lines) - self._at + 1 + lines,
        )

    def _bad(self, what: str, row: int, column: str | int | None = None) -> BadSourceError:
        return BadSourceError(what, source=self.name, row=row, column=column)


class _CountingReader:
    """Counts the bytes read, and shows the first ones."""

    def __init__(self, file: BinaryIO | gzip.GzipFile) -> None:
        self._file = file
        self.count = 0

    def first(self) -> bytes:
        """Return the first bytes, which are read again."""
        # Of a damaged compressed file, what can be read.
        self._ahead: bytes = getattr(self._file, "read1", self._file.read)(_SAMPLE)
        return self._ahead

    def read(self, size: int) -> bytes:
        """Read up to ``size`` bytes."""
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            data = self._file.read(size)
        self.count += len(data)
        return data


_DECODER = json.JSONDecoder(
    object_pairs_hook=json_object, parse_float=json_fraction, parse_constant=json_constant
)


class JsonLinesSource:
    """A file of JSON objects, one per line, each with any columns. Empty lines are skipped."""

    columns: tuple[str, ...] | None = None

    def __init__(self, lines: TextLines, options: ReadOptions) -> None:
        self.name = lines.name
        self.format = "jsonl"
        self._lines = lines
        self._options = options

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
            records.append(self._read(line))
            empty = empty and is_empty(records[-1])
            numbers.append(lines.row)
            if len(records) == BATCH_ROWS or length > BATCH_TEXT:
                yield record_batch(self.name, numbers, records)
                numbers, records, length = [], [], 0
        if records:
            yield record_batch(self.name, numbers, records)
        if empty and not self._options.may_be_empty:
            raise BadSourceError("the file is empty", source=self.name)

    def _read(self, line: str) -> dict[str, Any]:
        text = line.rstrip(" \t\r\n")
        try:
            end = -1
            if text.startswith("{"):
                # Without looking for blanks at both ends, which takes longer than short lines themselves.
                record, end = _DECODER.raw_decode(text)
            if end != len(text):
                record = _DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            hint = "; write an object a line, without an array around them"
            what = f"the line is not valid JSON: {error}{hint if text.lstrip().startswith('[') else ''}"
            raise BadSourceError(what, source=self.name, row=self._lines.row) from None
        if not isinstance(record, dict):
            raise BadSourceError(
                f"the line must be a JSON object, column to value, not {type(record).__name__}",
                source=self.name,
                row=self._lines.row,
            )
        return record
