"""Rows that a program hands over: those of a database's cursor, and mappings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from airflow_provider_engagevoice.leads.errors import BadSourceError
from airflow_provider_engagevoice.leads.source import (
    BATCH_ROWS,
    Batch,
    Format,
    RowBatch,
    check_columns,
    record_batch,
)


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
