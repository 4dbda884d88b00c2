"""Columns that are part of a file's path, as Spark and Hive write them: ``state=CA/part-0.parquet``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

from airflow_provider_engagevoice.leads.sources.base import Batch, Format, Source

#: What Hive writes for a missing value.
_MISSING = "__HIVE_DEFAULT_PARTITION__"


def partitions_of(path: str) -> dict[str, str | None]:
    """Return the columns in the folders of a path."""
    pairs = (part.partition("=") for part in path.split("/")[:-1])
    return {
        unquote(key): None if value == _MISSING else unquote(value)
        for key, equals, value in pairs
        if equals and key
    }


class PartitionedSource:
    """The rows of a file, with the columns in its path. A column of the file itself takes precedence."""

    def __init__(self, source: Source, partitions: Mapping[str, str | None]) -> None:
        self._source = source
        self.name = source.name
        own = source.columns or ()
        self._added = {key: value for key, value in partitions.items() if key not in own}
        self.columns = None if source.columns is None else (*own, *self._added)

    @property
    def format(self) -> Format | None:
        """The format of the file."""
        return self._source.format

    @property
    def encoding(self) -> str:
        """The encoding of text."""
        return self._source.encoding

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the rows; see :meth:`Source.batches`."""
        own = None
        if fields is not None:
            own = {column: field for column, field in fields.items() if column not in self._added}
        for batch in self._source.batches(own):
            yield _PartitionedBatch(batch, self._added)


class _PartitionedBatch:
    def __init__(self, batch: Batch, added: Mapping[str, str | None]) -> None:
        self._batch = batch
        self._added = {key: value for key, value in added.items() if key not in batch.columns}
        self.columns = (*batch.columns, *self._added)
        self.numbers = batch.numbers

    def cells(self, column: str) -> Sequence[object]:
        if column in self._added:
            return [self._added[column]] * len(self.numbers)
        return self._batch.cells(column)

    def record(self, index: int) -> Mapping[str, object]:
        return {**self._batch.record(index), **self._added}
