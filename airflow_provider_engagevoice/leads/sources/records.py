"""Rows of queries, and records from other tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from airflow_provider_engagevoice.leads.errors import BadSourceError
from airflow_provider_engagevoice.leads.sources.base import (
    BATCH_ROWS,
    Batch,
    Format,
    RowBatch,
    check_columns,
    record_batch,
)


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
                        f"the record must be a mapping of column name to value, not {record!r:.80}",
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
