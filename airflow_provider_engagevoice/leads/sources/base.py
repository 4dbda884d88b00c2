"""A source of rows, whatever it is made of: it gives them in batches, and tells where each one stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain, islice
from operator import itemgetter
from typing import Protocol

from airflow_provider_engagevoice.leads.errors import BadSourceError

#: How many rows a batch has at most.
BATCH_ROWS = 2000
#: How many characters of text a batch has at most, but for its last row.
BATCH_TEXT = 1 << 22
#: No row may be longer than so many characters: whatever is, is no list of leads.
LONGEST_ROW = 1 << 20
#: No source may have more columns than this.
MOST_COLUMNS = 1000


class Format(StrEnum):
    """How rows are written in a file."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Batch(Protocol):
    """Rows of a source that are looked at together, column by column."""

    columns: tuple[str, ...]
    #: The number of each row: the line on which it starts, or which record it is, from 1.
    numbers: Sequence[int]

    def cells(self, column: str) -> Sequence[object]:
        """Return the value that each row has in a column."""

    def record(self, index: int) -> Mapping[str, object]:
        """Return a row of the batch with all its columns."""


class Source(Protocol):
    """Rows with named columns. It can be read once."""

    @property
    def name(self) -> str:
        """What the source is called in messages."""

    @property
    def format(self) -> Format | None:
        """How the file is written; None when it is no file."""

    @property
    def encoding(self) -> str:
        """How its text is encoded."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The columns of every row; None when each row may have others."""

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the rows.

        :param fields: the lead field that each column is for; None when the columns are not known before
        :raises BadSourceError: when the source is damaged, or cannot have been meant
        """


class RowBatch:
    """Rows that are sequences, one value for each column."""

    def __init__(
        self, columns: tuple[str, ...], numbers: Sequence[int], rows: Sequence[Sequence[object]]
    ) -> None:
        self.columns = columns
        self.numbers = numbers
        self._rows = rows

    def cells(self, column: str) -> Sequence[object]:
        return list(map(itemgetter(self.columns.index(column)), self._rows))

    def record(self, index: int) -> Mapping[str, object]:
        return dict(zip(self.columns, self._rows[index], strict=True))


class RecordBatch:
    """Rows that are mappings, each with its own columns."""

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
    """Make a batch of mappings.

    :raises BadSourceError: when they have too many different columns
    """
    columns = dict.fromkeys(chain.from_iterable(records))
    if len(columns) > MOST_COLUMNS:
        raise BadSourceError(
            f"rows {numbers[0]} to {numbers[-1]} have {len(columns)} different columns; "
            f"at most {MOST_COLUMNS} are read",
            source=name,
        )
    return RecordBatch(tuple(columns), numbers, records)


def check_columns(columns: Sequence[str], name: str, row: int | None = None) -> tuple[str, ...]:
    """Return the names of columns.

    :param row: where they stand in the file
    :raises BadSourceError: when there are none or too many, or one has no name or that of another
    """
    if len(columns) > MOST_COLUMNS:
        raise BadSourceError(
            f"there are {len(columns)} columns; at most {MOST_COLUMNS} are read", source=name, row=row
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
    """Rows of a query, which may be none."""

    format: Format | None = None
    encoding = "utf-8"

    def __init__(self, columns: Sequence[str], rows: Iterable[Sequence[object]], name: str) -> None:
        self.name = name
        self.columns = check_columns(columns, name)
        self._rows = rows

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the rows, counted from 1; all columns are at hand."""
        rows = iter(self._rows)
        width = len(self.columns)
        first = 1
        while batch := list(islice(rows, BATCH_ROWS)):
            for number, row in enumerate(batch, first):
                if len(row) != width:
                    raise BadSourceError(
                        f"the row has {len(row)} values and the table {width} columns",
                        source=self.name,
                        row=number,
                    )
            yield RowBatch(self.columns, range(first, first + len(batch)), batch)
            first += len(batch)


class RecordSource:
    """Mappings of column to value, which may be none, each with columns of its own."""

    format: Format | None = None
    encoding = "utf-8"
    columns: tuple[str, ...] | None = None

    def __init__(self, records: Iterable[Mapping[str, object]], name: str) -> None:
        self.name = name
        self._records = records

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the records, counted from 1; all columns are at hand."""
        records = iter(self._records)
        first = 1
        while batch := list(islice(records, BATCH_ROWS)):
            for number, record in enumerate(batch, first):
                if not isinstance(record, Mapping) or not all(isinstance(key, str) for key in record):
                    raise BadSourceError(
                        f"the record must be a mapping of column name to value, not {record!r:.80}",
                        source=self.name,
                        row=number,
                    )
            yield record_batch(self.name, range(first, first + len(batch)), batch)
            first += len(batch)


def read_table(columns: Sequence[str], rows: Iterable[Sequence[object]], name: str = "query") -> TableSource:
    """Read rows as a database's cursor gives them.

    :param columns: names of the columns
    :param rows: one value for each column
    :raises BadSourceError: when the columns cannot be told apart
    """
    return TableSource(columns, rows, name)


def read_records(records: Iterable[Mapping[str, object]], name: str = "records") -> RecordSource:
    """Read mappings of column name to value."""
    return RecordSource(records, name)
