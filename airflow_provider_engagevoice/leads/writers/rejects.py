"""Write rejected rows unchanged, with the reason; once corrected, the file can be loaded as it is.

Values are never altered. A spreadsheet may therefore evaluate a cell that begins with ``=``, ``+``, ``-`` or
``@``, as it would in the source itself: any escape would be loaded as part of the value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from airflow_provider_engagevoice.inputs import read_choice
from airflow_provider_engagevoice.leads.coerce import BadValueError, is_missing, json_of, text_of
from airflow_provider_engagevoice.leads.report import REJECT_COLUMNS, Reject
from airflow_provider_engagevoice.leads.sources.base import Source
from airflow_provider_engagevoice.leads.sources.parquet import ParquetSource, arrow
from airflow_provider_engagevoice.leads.writers import (
    DelimitedWriter,
    JsonLinesWriter,
    ParquetWriter,
    RowWriter,
)

if TYPE_CHECKING:
    import pyarrow


#: The formats of files of rejects.
WRITTEN = ("csv", "tsv", "jsonl", "parquet")


class RejectWriter(ABC):
    """Writes rejects to an open binary file, which stays open.

    The columns are those of the source, then ``reject_source``, ``reject_row`` and ``reject_reason``.
    """

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
        self._add(row, reject.source, reject.row, reason)

    @abstractmethod
    def close(self) -> None:
        """Write what is still buffered."""

    @abstractmethod
    def _add(self, row: Mapping[str, object], source: str, number: int, reason: str) -> None:
        """Add a row of the source, with its origin and the reason."""


def open_rejects(file: BinaryIO, source: Source, *, format: str | None = None) -> RejectWriter:
    """Start a file of rejects.

    :param file: written to as rejects are added
    :param source: where the rejects come from
    :param format: default: the source's own, CSV for Excel; JSON Lines for queries and records
    :raises InvalidInputError: if the format is unknown, or needs a package that is not installed
    """
    kind = source.format or "jsonl"
    if format is not None:
        kind = read_choice(format, "format", WRITTEN)
    if kind == "jsonl":
        return _JsonRejects(file)
    if kind == "parquet":
        return _ParquetRejects(file, source)
    return _DelimitedRejects(file, source, "\t" if kind == "tsv" else ",")


class _JsonRejects(RejectWriter):
    def __init__(self, file: BinaryIO) -> None:
        self._writer = JsonLinesWriter(file, json_of)

    def close(self) -> None:
        self._writer.close()

    def _add(self, row: Mapping[str, object], source: str, number: int, reason: str) -> None:
        self._writer.write([{**row, **dict(zip(REJECT_COLUMNS, (source, number, reason), strict=True))}])


class _TableRejects(RejectWriter):
    """Rows of one set of columns: the source's, or the first reject's if the source has none.

    Values that do not fit these columns are appended to the reason, so that none is lost.
    """

    def __init__(self, file: BinaryIO, source: Source) -> None:
        self._file = file
        self._source = source
        self._columns: list[str] = []
        self._writer: RowWriter | None = None

    def close(self) -> None:
        self._open(()).close()

    def _add(self, row: Mapping[str, object], source: str, number: int, reason: str) -> None:
        writer = self._open(row)
        cells = {column: self._cell(column, row.get(column)) for column in self._columns}
        others = {
            column: value
            for column, value in row.items()
            if cells.get(column) is None and not is_missing(value)
        }
        if others:
            reason += f"; other values: {json_of(others)}"
        writer.write([[*cells.values(), source, number, reason]])

    def _open(self, first: Iterable[str]) -> RowWriter:
        if self._writer is None:
            source = self._source
            columns = source.columns_read if isinstance(source, ParquetSource) else source.columns
            names = first if columns is None else columns
            self._columns = [column for column in names if column not in REJECT_COLUMNS]
            self._writer = self._start([*self._columns, *REJECT_COLUMNS])
        return self._writer

    @abstractmethod
    def _start(self, columns: Sequence[str]) -> RowWriter:
        """Return a writer of rows with these columns."""

    def _cell(self, column: str, value: object) -> object:
        """Return a value as it is written; None if there is none or it does not fit."""
        if value is None or isinstance(value, str):
            return value
        try:
            return text_of(value)
        except BadValueError:
            return json_of(value)


class _DelimitedRejects(_TableRejects):
    def __init__(self, file: BinaryIO, source: Source, delimiter: str) -> None:
        super().__init__(file, source)
        self._delimiter = delimiter

    def _start(self, columns: Sequence[str]) -> RowWriter:
        return DelimitedWriter(self._file, columns, delimiter=self._delimiter, encoding=self._source.encoding)


class _ParquetRejects(_TableRejects):
    """Columns have the types of the source if that is Parquet; otherwise they are text."""

    def __init__(self, file: BinaryIO, source: Source) -> None:
        super().__init__(file, source)
        self._arrow = arrow()
        self._types: pyarrow.Schema | None = source.schema if isinstance(source, ParquetSource) else None

    def _start(self, columns: Sequence[str]) -> RowWriter:
        text = self._arrow.string()
        types = [text if self._types is None else self._types.field(name).type for name in self._columns]
        schema = self._arrow.schema(zip(columns, [*types, text, self._arrow.int64(), text], strict=True))
        return ParquetWriter(self._file, schema)

    def _cell(self, column: str, value: object) -> object:
        """Convert a value to the source's type: a lead that was sent to the server is all text."""
        if self._types is None:
            return super()._cell(column, value)
        kind = self._types.field(column).type
        if value is None or self._arrow.types.is_dictionary(kind):
            return value
        # Arrow raises ArrowException or a built-in error, depending on what does not fit.
        unfit = (self._arrow.ArrowException, TypeError, ValueError)
        with suppress(*unfit):
            return self._arrow.scalar(value, kind).as_py()
        with suppress(*unfit):
            return self._arrow.scalar(text_of(value)).cast(kind).as_py()
        return None
