"""Rows of Parquet files, read by pyarrow, an optional dependency."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import UUID

from airflow_provider_engagevoice.exceptions import BadSourceError, InvalidInputError
from airflow_provider_engagevoice.leads.sources.base import (
    BATCH_ROWS,
    Batch,
    ReadOptions,
    check_columns,
)
from airflow_provider_engagevoice.models.lead import (
    AUX_PHONE,
    CALLER_ID,
    EXTENDED,
    EXTERN_ID,
    PERSONA_PHONES,
    PHONE,
    PHONE_E164,
)

if TYPE_CHECKING:
    import pyarrow

#: Fields whose numbers lose digits in single precision.
_WHOLE_NUMBERS = (EXTERN_ID, PHONE, PHONE_E164, AUX_PHONE, CALLER_ID)
#: Bytes of a column read at a time: a row group may be larger than memory.
_BUFFER = 1 << 16
#: The name under which a writer keeps the Arrow types of the columns.
_ARROW_SCHEMA = b"ARROW:schema"
#: Bytes at the end of a file: the length of what is before them, and ``PAR1``.
_FOOTER = 8
_EXTRA = "pip install 'airflow-provider-engagevoice[parquet]'"


def arrow() -> Any:
    """Return pyarrow with its Parquet part.

    :raises InvalidInputError: if it is not installed
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InvalidInputError("format", "parquet", f"pyarrow is not installed: {_EXTRA}") from None
    return pyarrow


@contextmanager
def _system_memory_pool(arrow: Any) -> Iterator[None]:
    """Allocate from the system: Arrow's default pool keeps memory that it no longer needs."""
    before = arrow.default_memory_pool()
    arrow.set_memory_pool(arrow.system_memory_pool())
    try:
        yield
    finally:
        arrow.set_memory_pool(before)


class ParquetSource:
    """A Parquet file, of which only the requested columns are read.

    A row's record has only these columns. The length of values is not limited, since it is not known before
    they are read.

    :raises BadSourceError: if the file is damaged
    """

    encoding = "utf-8"

    def __init__(self, file: BinaryIO, name: str, options: ReadOptions) -> None:
        self.name = name
        self._options = options
        self.format = "parquet"
        self._arrow = arrow()
        with self._damage_as_bad_source(), _system_memory_pool(self._arrow):
            try:
                self._file = self._open(file)
            except self._arrow.ArrowNotImplementedError:
                file.seek(0)
                self._file = self._open(WithoutArrowTypes(file))
            self.schema: pyarrow.Schema = self._file.schema_arrow
            self._of_bytes = self._converters()
        self.columns: tuple[str, ...] | None = None
        if self.schema.names or self._file.metadata.num_rows or not options.may_be_empty:
            self.columns = check_columns(self.schema.names, name)
        #: The requested columns.
        self.columns_read = self.columns

    def _open(self, file: Any) -> Any:
        self._has_arrow_types = not isinstance(file, WithoutArrowTypes)
        return self._arrow.parquet.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)

    def _converters(self) -> Mapping[str, Callable[[bytes], object]]:
        """Return what converts columns of 16 bytes: UUIDs, and integers if there are no Arrow types."""
        kinds: dict[str, Callable[[bytes], object]] = {"UUID": _uuid}
        if not self._has_arrow_types:
            kinds["NONE"] = _whole_number
        leaves = [self._file.schema.column(at) for at in range(self._file.metadata.num_columns)]
        of_bytes = [leaf for leaf in leaves if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY"]
        return {
            leaf.path: kinds[leaf.logical_type.type]
            for leaf in of_bytes
            if leaf.length == 16 and leaf.logical_type.type in kinds
        }

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the rows, counted from 1."""
        columns = self.schema.names if fields is None else list(fields)
        self.columns_read = tuple(columns)
        for column in columns:
            self._check_type(column, EXTENDED if fields is None else fields[column])
        if not self._file.metadata.num_rows and not self._options.may_be_empty:
            raise BadSourceError("the file has no rows", source=self.name)
        first = 1
        with self._damage_as_bad_source():
            for batch in self._file.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
                yield ArrowBatch(batch, first, self._of_bytes)
                first += batch.num_rows
                # Some allocations still use Arrow's default pool.
                self._arrow.default_memory_pool().release_unused()

    def _check_type(self, column: str, field: str) -> None:
        kind = self.schema.field(column).type
        types = self._arrow.types
        if types.is_dictionary(kind):
            kind = kind.value_type
        text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
        text |= column in self._of_bytes
        if text or types.is_integer(kind) or types.is_decimal(kind) or types.is_null(kind):
            return
        accepted = types.is_float64(kind)
        is_number = field in _WHOLE_NUMBERS or field.startswith(PERSONA_PHONES)
        if not is_number:
            accepted |= types.is_floating(kind) or types.is_boolean(kind) or types.is_temporal(kind)
            accepted &= not types.is_duration(kind) and not types.is_interval(kind)
        if field.startswith(EXTENDED):
            accepted |= types.is_nested(kind)
        if not accepted:
            raise BadSourceError(
                f"its type {kind} cannot be converted to {field}; write it as string, or ignore the column: "
                f"mapping={{{column!r}: None}}",
                source=self.name,
                column=column,
            )

    @contextmanager
    def _damage_as_bad_source(self) -> Iterator[None]:
        try:
            yield
        except self._arrow.ArrowException as error:
            raise self._damaged(error) from None
        except OSError as error:
            # Errors of the storage have an errno.
            if error.errno is not None:
                raise
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> BadSourceError:
        return BadSourceError(f"the file is not valid Parquet: {error}", source=self.name)


class ArrowBatch:
    """Rows of an Arrow record batch.

    :param of_bytes: converts the bytes of some columns
    """

    def __init__(
        self, batch: pyarrow.RecordBatch, first: int, of_bytes: Mapping[str, Callable[[bytes], object]]
    ) -> None:
        self.columns = tuple(batch.schema.names)
        self.numbers: Sequence[int] = range(first, first + batch.num_rows)
        self._batch = batch
        self._of_bytes = of_bytes
        self._cells: dict[str, Sequence[object]] = {}

    def cells(self, column: str) -> Sequence[object]:
        if column not in self._cells:
            values = self._batch.column(column)
            try:
                self._cells[column] = values.to_pylist()
            except ValueError:
                # A time with more decimals than Python's types have.
                self._cells[column] = values.cast("string").to_pylist()
            if convert := self._of_bytes.get(column):
                cells = self._cells[column]
                self._cells[column] = [convert(cell) if isinstance(cell, bytes) else cell for cell in cells]
        return self._cells[column]

    def record(self, index: int) -> Mapping[str, object]:
        return {column: self.cells(column)[index] for column in self.columns}


def _uuid(value: bytes) -> UUID:
    """Convert a UUID as older releases of pyarrow return it."""
    return UUID(bytes=value)


def _whole_number(value: bytes) -> int | bytes:
    """Convert an integer of 128 bits; one that may be negative or not stays as it is."""
    number = int.from_bytes(value, "little")
    return number if number < 1 << 127 else value


class WithoutArrowTypes(io.RawIOBase):
    """A Parquet file without its Arrow types, so that columns have those of Parquet. The file stays open.

    pyarrow lacks some of the types that others write, such as the integers of 128 bits of Polars.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        size = file.seek(0, io.SEEK_END)
        file.seek(size - _FOOTER)
        length = min(int.from_bytes(file.read(4), "little") + _FOOTER, size)
        start = file.seek(size - length)
        at = file.read(length).find(_ARROW_SCHEMA)
        #: Where the name begins; before the file if there is none.
        self._at = -1 if at < 0 else start + at
        file.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1, /) -> bytes:
        start = self._file.tell()
        data = self._file.read(-1 if size is None else size)
        at = self._at - start
        # Another name means nothing to Arrow.
        return data if not 0 <= at < len(data) else b"%sa%s" % (data[:at], data[at + 1 :])
