"""Write the rows that were not loaded, as they stood, and why; the file can be loaded again once mended.

Values stay exactly as they were. A spreadsheet may therefore run a cell that begins with ``=``, ``+``,
``-`` or ``@``, as it would in the list itself: marks to prevent that would be loaded with the value.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.leads.coerce import UnfitValueError, is_missing, json_of, text_of
from airflow_provider_engagevoice.leads.report import REJECT_COLUMNS, Reject
from airflow_provider_engagevoice.leads.sources.base import Format, Source
from airflow_provider_engagevoice.leads.sources.parquet import ParquetSource, arrow

if TYPE_CHECKING:
    import pyarrow

#: Rows that are written to a Parquet file together.
_ROW_GROUP = 5000


class RejectWriter:
    """Writes rejects to an open binary file, which is left open.

    Beside the columns of the source there are ``reject_source``, ``reject_row`` and ``reject_reason``. Where
    the file has the same columns for all rows and the source has not, they are those of the first row; what
    a later row has in others is told in its reason.
    """

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, reject: Reject) -> None:
        """Write a reject."""
        row = {column: value for column, value in reject.record.items() if column not in REJECT_COLUMNS}
        reason = f"{reject.column or reject.field}: {reject.explanation}" if reject.field else reject.reason
        self._rows.add(row, dict(zip(REJECT_COLUMNS, (reject.source, reject.row, reason), strict=True)))

    def close(self) -> None:
        """Write what has not been written yet."""
        self._rows.close()


def open_rejects(file: BinaryIO, source: Source, *, format: str | None = None) -> RejectWriter:
    """Begin a file of rejects.

    :param file: is written as the rejects come
    :param source: where they come from
    :param format: None is the source's own; for tables and records, which have none, JSON Lines
    :raises InvalidInputError: when the format is not known, or needs what is not installed
    """
    kind = source.format or Format.JSONL
    if format is not None:
        if format not in list(Format):
            raise InvalidInputError("format", format, f"write one of {', '.join(Format)}")
        kind = Format(format)
    if kind is Format.JSONL:
        return RejectWriter(_JsonRows(file))
    if kind is Format.PARQUET:
        return RejectWriter(_ParquetRows(file, source))
    return RejectWriter(_DelimitedRows(file, source, "," if kind is Format.CSV else "\t"))


class _Rows(Protocol):
    def add(self, row: Mapping[str, object], more: Mapping[str, object]) -> None:
        """Add a row of the source, and what there is to say of it."""

    def close(self) -> None:
        """Write what has not been written yet."""


class _JsonRows:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def add(self, row: Mapping[str, object], more: Mapping[str, object]) -> None:
        # What UTF-8 cannot write, half a surrogate, JSON can: by its escape.
        self._file.write((json_of({**row, **more}) + "\n").encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        pass


class _DelimitedRows:
    def __init__(self, file: BinaryIO, source: Source, delimiter: str) -> None:
        self._source = source
        self._writer = csv.writer(_Encoded(file, source.encoding), delimiter=delimiter)
        self._columns: list[str] | None = None

    def add(self, row: Mapping[str, object], more: Mapping[str, object]) -> None:
        if self._columns is None:
            self._begin(row)
        assert self._columns is not None
        more = _with_further(more, row, self._columns)
        self._writer.writerow([*(_cell(row.get(column)) for column in self._columns), *more.values()])

    def close(self) -> None:
        if self._columns is None:
            self._begin(())

    def _begin(self, first: Iterable[str]) -> None:
        self._columns = _columns_of(self._source, first)
        self._writer.writerow([*self._columns, *REJECT_COLUMNS])


class _Encoded:
    """Takes text, and writes it in an encoding, with a byte-order mark where the encoding has one."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._encoder = codecs.getincrementalencoder(encoding)("backslashreplace")

    def write(self, text: str) -> None:
        self._file.write(self._encoder.encode(text))


class _ParquetRows:
    """Rows with the types of the source where that is Parquet too; else they are text."""

    def __init__(self, file: BinaryIO, source: Source) -> None:
        self._file = file
        self._source = source
        self._arrow = arrow()
        self._types: pyarrow.Schema | None = source.schema if isinstance(source, ParquetSource) else None
        self._columns: list[str] | None = None
        self._schema: pyarrow.Schema = None
        self._writer: pyarrow.parquet.ParquetWriter = None
        self._rows: list[Mapping[str, object]] = []

    def add(self, row: Mapping[str, object], more: Mapping[str, object]) -> None:
        if self._columns is None:
            self._begin(row)
        assert self._columns is not None
        fit = {column: row.get(column) for column in self._columns}
        if self._types is None:
            fit = {column: _cell(value) for column, value in fit.items()}
        else:
            fit = {column: self._typed(column, value) for column, value in fit.items()}
        told = [column for column, value in fit.items() if value is not None or row.get(column) is None]
        self._rows.append({**fit, **_with_further(more, row, told)})
        if len(self._rows) == _ROW_GROUP:
            self._write()

    def close(self) -> None:
        if self._columns is None:
            self._begin(())
        self._write()
        self._writer.close()

    def _typed(self, column: str, value: object) -> object:
        """Return a value as the source's type has it; what was sent to the server is all text."""
        assert self._types is not None
        kind = self._types.field(column).type
        if value is None or self._arrow.types.is_dictionary(kind):
            return value
        # Arrow raises either ArrowException or one of Python's own, by what does not fit.
        unfit = (self._arrow.ArrowException, TypeError, ValueError)
        with suppress(*unfit):
            return self._arrow.scalar(value, kind).as_py()
        with suppress(*unfit):
            return self._arrow.scalar(text_of(value)).cast(kind).as_py()
        return None

    def _begin(self, first: Iterable[str]) -> None:
        text = self._arrow.string()
        self._columns = _columns_of(self._source, first)
        types = [text if self._types is None else self._types.field(name).type for name in self._columns]
        names = [*self._columns, *REJECT_COLUMNS]
        self._schema = self._arrow.schema(zip(names, [*types, text, self._arrow.int64(), text], strict=True))
        self._writer = self._arrow.parquet.ParquetWriter(self._file, self._schema)

    def _write(self) -> None:
        if self._rows:
            self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


def _columns_of(source: Source, first: Iterable[str]) -> list[str]:
    """Return the columns of a file of rejects; those of the first row where the source has none."""
    columns = source.columns_read if isinstance(source, ParquetSource) else source.columns
    return [column for column in (first if columns is None else columns) if column not in REJECT_COLUMNS]


def _with_further(
    more: Mapping[str, object], row: Mapping[str, object], columns: Sequence[str]
) -> Mapping[str, object]:
    """Tell in the reason what a row has in columns that the file has not."""
    further = {
        column: value for column, value in row.items() if column not in columns and not is_missing(value)
    }
    if not further:
        return more
    return {**more, "reject_reason": f"{more['reject_reason']}; further columns: {json_of(further)}"}


def _cell(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    try:
        return text_of(value)
    except UnfitValueError:
        return json_of(value)
