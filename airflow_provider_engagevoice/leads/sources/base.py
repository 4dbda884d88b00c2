"""The protocol of sources: rows in batches, with their row numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain
from operator import itemgetter
from typing import Protocol

from airflow_provider_engagevoice.leads.errors import BadSourceError

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

    def cells(self, column: str) -> Sequence[object]:
        return list(map(itemgetter(self.columns.index(column)), self._rows))

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
