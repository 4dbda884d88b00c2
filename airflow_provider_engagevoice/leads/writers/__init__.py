"""Write rows to an open binary file, which stays open: one writer per format."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import IO, TYPE_CHECKING, Any, Protocol

from airflow_provider_engagevoice.leads.sources.parquet import arrow

if TYPE_CHECKING:
    import pyarrow

#: Rows in each row group of a Parquet file.
_ROW_GROUP = 5000


class RowWriter(Protocol):
    """Writes rows: values in the order of the columns, or anything serializable for JSON Lines."""

    def write(self, rows: Iterable[Any]) -> None:
        """Write rows."""

    def close(self) -> None:
        """Write what is still buffered."""


class JsonLinesWriter:
    """Writes each row as a line of JSON.

    :param to_json: serializes a row
    """

    def __init__(self, file: IO[bytes], to_json: Callable[[Any], str] = json.dumps) -> None:
        self._file = file
        self._to_json = to_json

    def write(self, rows: Iterable[Any]) -> None:
        """Write rows."""
        text = "".join(f"{self._to_json(row)}\n" for row in rows)
        # A lone surrogate has no UTF-8 encoding, but JSON has an escape for it.
        self._file.write(text.encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        """Do nothing: no rows are buffered."""


class DelimitedWriter:
    """Writes CSV or TSV, starting with the header.

    :param encoding: of the text; characters that it lacks are written as backslash escapes
    """

    def __init__(
        self, file: IO[bytes], columns: Sequence[str], *, delimiter: str = ",", encoding: str = "utf-8"
    ) -> None:
        self._file = file
        # An incremental encoder writes a byte-order mark once, if the encoding has one.
        self._encoder = codecs.getincrementalencoder(encoding)("backslashreplace")
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, delimiter=delimiter)
        self.write([columns])

    def write(self, rows: Iterable[Sequence[object]]) -> None:
        """Write rows."""
        self._writer.writerows(rows)
        self._file.write(self._encoder.encode(self._text.getvalue()))
        self._text.seek(0)
        self._text.truncate()

    def close(self) -> None:
        """Do nothing: no rows are buffered."""


class ParquetWriter:
    """Writes Parquet, one row group at a time."""

    def __init__(self, file: IO[bytes], schema: pyarrow.Schema) -> None:
        self._arrow = arrow()
        self._schema = schema
        self._writer = self._arrow.parquet.ParquetWriter(file, schema)
        self._rows: list[Sequence[object]] = []

    def write(self, rows: Iterable[Sequence[object]]) -> None:
        """Write rows."""
        for row in rows:
            self._rows.append(row)
            if len(self._rows) == _ROW_GROUP:
                self._flush()

    def close(self) -> None:
        """Write the last row group and the footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            columns = [
                self._arrow.array(cells, type=kind)
                for cells, kind in zip(zip(*self._rows, strict=True), self._schema.types, strict=True)
            ]
            self._writer.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))
            self._rows = []
