"""The protocol of sources: rows in batches, with their row numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from typing import Protocol

from airflow_provider_engagevoice.exceptions import BadSourceError

#: The most rows of a batch.
BATCH_ROWS = 2000
#: The most characters of a batch, not counting its last row.
BATCH_TEXT = 1 << 22
#: The most characters of a row; a longer one is not part of a lead list.
MAX_ROW_LENGTH = 1 << 20
#: The most columns of a source.
MAX_COLUMNS = 1000


class Format(StrEnum):
    """The format of a file of rows."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    EXCEL = "excel"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are read.

    :param encoding: of text files
    :param delimiter: between the cells of a CSV or TSV file; None for that of the format, or the only one
        that fits the first rows
    :param sheet: of an Excel workbook; None for the first
    :param header: whether the first row of a CSV, TSV or Excel file has the names of its columns, which
        otherwise are called 1, 2, …; None if it has when ``columns`` are among its cells
    :param columns: columns that are wanted
    :param drop_unnamed: whether to drop columns without a name, which otherwise must be empty
    :param may_be_empty: whether a file without rows is no error, because it is one of several
    """

    encoding: str = "utf-8"
    delimiter: str | None = None
    sheet: str | None = None
    header: bool | None = True
    columns: Collection[str] = ()
    drop_unnamed: bool = False
    may_be_empty: bool = False


class Batch(Protocol):
    """Some rows of a source, read column by column."""

    columns: tuple[str, ...]
    #: The number of each row: of its first line in a text file, otherwise of the record; from 1.
    numbers: Sequence[int]

    def cells(self, column: str) -> Sequence[object]:
        """Return the value of a column in each row."""

    def record(self, index: int) -> Mapping[str, object]:
        """Return a row with all its columns."""


class Source(Protocol):
    """Rows with named columns, which can be read once."""

    @property
    def name(self) -> str:
        """The name of the source in messages."""

    @property
    def format(self) -> Format | None:
        """The format of the file; None if the source is not a file."""

    @property
    def encoding(self) -> str:
        """The encoding of text."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The columns of all rows; None if each row may have others."""

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the rows.

        :param fields: the lead field of each column; None if the columns are not known beforehand
        :raises BadSourceError: if the source is damaged or not a lead list
        """


class RowBatch:
    """Rows that are sequences with one value per column."""

    def __init__(
        self, columns: tuple[str, ...], numbers: Sequence[int], rows: Sequence[Sequence[object]]
    ) -> None:
        self.columns = columns
        self.numbers = numbers
        self._rows = rows
        self._cells: Sequence[Sequence[object]] = ()

    def cells(self, column: str) -> Sequence[object]:
        # All columns at once: most are read, and this is much faster than one by one.
        self._cells = self._cells or tuple(zip(*self._rows, strict=True))
        return self._cells[self.columns.index(column)] if self._cells else ()

    def record(self, index: int) -> Mapping[str, object]:
        return dict(zip(self.columns, self._rows[index], strict=True))


class RecordBatch:
    """Rows that are mappings, each with any columns."""

    def __init__(
        self, columns: tuple[str, ...], numbers: Sequence[int], records: Sequence[Mapping[str, object]]
    ) -> None:
        self.columns = columns
        self.numbers = numbers
        self._records = records

    def cells(self, column: str) -> Sequence[object]:
        return [record.get(column) for record in self._records]

    def record(self, index: int) -> Mapping[str, object]:
        return self._records[index]


def record_batch(name: str, numbers: Sequence[int], records: Sequence[Mapping[str, object]]) -> RecordBatch:
    """Return a batch of mappings.

    :raises BadSourceError: if they have too many different columns
    """
    columns = dict.fromkeys(chain.from_iterable(records))
    if len(columns) > MAX_COLUMNS:
        raise BadSourceError(
            f"rows {numbers[0]} to {numbers[-1]} have {len(columns)} different columns, "
            f"more than {MAX_COLUMNS}",
            source=name,
        )
    return RecordBatch(tuple(columns), numbers, records)


def check_columns(columns: Sequence[str], name: str, row: int | None = None) -> tuple[str, ...]:
    """Return column names.

    :param row: of the header in the file
    :raises BadSourceError: if there are none or too many, or if a name is empty or a duplicate
    """
    if len(columns) > MAX_COLUMNS:
        raise BadSourceError(
            f"there are {len(columns)} columns, more than {MAX_COLUMNS}", source=name, row=row
        )
    first: dict[str, int] = {}
    for number, column in enumerate(columns, 1):
        if not column:
            raise BadSourceError("the column has no name", source=name, row=row, column=number)
        if column in first:
            raise BadSourceError(
                f"columns {first[column]} and {number} have the same name",
                source=name,
                row=row,
                column=column,
            )
        first[column] = number
    if not columns:
        raise BadSourceError("there are no columns", source=name, row=row)
    return tuple(columns)


class TableSource:
    """The rows of a query; there may be none."""

    format: Format | None = None
    encoding = "utf-8"

    def __init__(self, columns: Sequence[str], rows: Iterable[Sequence[object]], name: str) -> None:
        self.name = name
        self.columns = check_columns(columns, name)
        self._rows = rows

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the rows, numbered from 1, with all columns."""
        rows = iter(self._rows)
        width = len(self.columns)
        first = 1
        while batch := list(islice(rows, BATCH_ROWS)):
            for number, row in enumerate(batch, first):
                if len(row) != width:
                    raise BadSourceError(
                        f"the row has {len(row)} values, the query {width} columns",
                        source=self.name,
                        row=number,
                    )
            yield RowBatch(self.columns, range(first, first + len(batch)), batch)
            first += len(batch)


class RecordSource:
    """Mappings of column to value, each with any columns; there may be none."""

    format: Format | None = None
    encoding = "utf-8"
    columns: tuple[str, ...] | None = None

    def __init__(self, records: Iterable[Mapping[str, object]], name: str) -> None:
        self.name = name
        self._records = records

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the records, numbered from 1, with all columns."""
        records = iter(self._records)
        first = 1
        while batch := list(islice(records, BATCH_ROWS)):
            for number, record in enumerate(batch, first):
                if not isinstance(record, Mapping) or not all(isinstance(key, str) for key in record):
                    raise BadSourceError(
                        f"the record must be a mapping of column name to value, not {type(record).__name__}",
                        source=self.name,
                        row=number,
                    )
            yield record_batch(self.name, range(first, first + len(batch)), batch)
            first += len(batch)


def read_table(columns: Sequence[str], rows: Iterable[Sequence[object]], name: str = "query") -> TableSource:
    """Read the rows of a database cursor.

    :param columns: names of the columns
    :param rows: sequences with one value per column
    :raises BadSourceError: if a column name is empty or a duplicate
    """
    return TableSource(columns, rows, name)


def read_records(records: Iterable[Mapping[str, object]], name: str = "records") -> RecordSource:
    """Read mappings of column name to value."""
    return RecordSource(records, name)
