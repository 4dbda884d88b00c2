"""Open files of rows in any supported format, with the columns in their paths."""

from __future__ import annotations

import zipfile
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple
from urllib.parse import unquote

from airflow_provider_engagevoice.exceptions import BadSourceError, InvalidInputError
from airflow_provider_engagevoice.inputs import read_choice
from airflow_provider_engagevoice.leads.coerce import is_empty
from airflow_provider_engagevoice.leads.sources.base import Batch, EmptySource, Format, ReadOptions, Source
from airflow_provider_engagevoice.leads.sources.delimited import DelimitedSource
from airflow_provider_engagevoice.leads.sources.excel import ExcelSource
from airflow_provider_engagevoice.leads.sources.lines import JsonLinesSource, TextLines
from airflow_provider_engagevoice.leads.sources.parquet import ParquetSource

_GZIP, _ZIP, _PARQUET, _OLD_EXCEL = b"\x1f\x8b", b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0"
#: What Hive writes for a missing value.
_HIVE_MISSING = "__HIVE_DEFAULT_PARTITION__"


def _delimited(delimiter: str) -> Callable[[BinaryIO, str, ReadOptions], Source]:
    return lambda file, name, options: DelimitedSource(_lines(file, name, options), delimiter, options)


class _Reader(NamedTuple):
    suffixes: Sequence[str]
    open: Callable[[BinaryIO, str, ReadOptions], Source]


#: A row for each format.
_READERS: Mapping[Format, _Reader] = {
    Format.CSV: _Reader(["csv", "txt"], _delimited(",")),
    Format.TSV: _Reader(["tsv"], _delimited("\t")),
    Format.JSONL: _Reader(
        ["jsonl", "ndjson"],
        lambda file, name, options: JsonLinesSource(_lines(file, name, options), options),
    ),
    Format.PARQUET: _Reader(["parquet"], ParquetSource),
    Format.EXCEL: _Reader(["xlsx", "xlsm", "xls"], ExcelSource),
}
_FORMATS = {suffix: kind for kind, reader in _READERS.items() for suffix in reader.suffixes}


def open_source(
    file: BinaryIO, name: str, *, format: str | None = None, options: ReadOptions | None = None
) -> Source:
    """Read rows from an open file, which stays open.

    :param file: positioned at the first row; must be seekable for Parquet and Excel
    :param name: of the file
    :param format: ``csv``, ``tsv``, ``jsonl``, ``parquet`` or ``excel``; default: by the name
    :raises InvalidInputError: if the format, the encoding or the sheet is unknown
    :raises BadSourceError: if the file is damaged, or has another format
    """
    options = options or ReadOptions()
    kind = detect_format(name) if format is None else read_choice(format, "source_format", Format)
    if options.may_be_empty and file.seekable() and not _first_bytes(file):
        return EmptySource(name, kind)
    _check_content(file, name, kind)
    return _READERS[kind].open(file, name, options)


def detect_format(name: str) -> Format:
    """Return the format of a file's suffix.

    :raises InvalidInputError: if there is no such format
    """
    suffix = name.lower().removesuffix(".gz").rpartition(".")[2]
    if suffix not in _FORMATS:
        raise InvalidInputError(
            "source", name, f"the name must end in .{', .'.join(_FORMATS)}, or set source_format"
        )
    return _FORMATS[suffix]


def _lines(file: BinaryIO, name: str, options: ReadOptions) -> TextLines:
    return TextLines(file, name, encoding=options.encoding, compressed=_is_compressed(file, name))


def _is_compressed(file: BinaryIO, name: str) -> bool:
    return name.lower().endswith(".gz") or _first_bytes(file).startswith(_GZIP)


def _check_content(file: BinaryIO, name: str, kind: Format) -> None:
    """Check that a file does not begin like one of another format."""
    first = _first_bytes(file)
    found = None
    if kind in (Format.PARQUET, Format.EXCEL) and _is_compressed(file, name):
        raise InvalidInputError("source", name, f"{kind.capitalize()} has its own compression: remove gzip")
    if first.startswith(_ZIP):
        found = Format.EXCEL if _is_workbook(file) else "a zip archive; unpack it"
    elif first.startswith(_OLD_EXCEL):
        found = Format.EXCEL
    elif first.startswith(_PARQUET):
        found = Format.PARQUET
    elif kind is Format.EXCEL and _is_text(first):
        is_page = first.removeprefix(BOM_UTF8).lstrip().startswith(b"<")
        found = "HTML or XML" if is_page else "text; set source_format, such as 'csv'"
    if found is not None and found != kind:
        what = f"{found}; set source_format={str(found)!r}" if isinstance(found, Format) else found
        raise BadSourceError(f"the file is not {kind} but {what}", source=name)


def _is_text(first: bytes) -> bool:
    if first.startswith((BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE)):
        return True
    return first.isascii() and min(first, default=0) >= ord("\t")


def _first_bytes(file: BinaryIO) -> bytes:
    if not file.seekable():
        return b""
    at = file.tell()
    first = file.read(8)
    file.seek(at)
    return first


def _is_workbook(file: BinaryIO) -> bool:
    at = file.tell()
    try:
        with zipfile.ZipFile(file) as archive:
            return any(one.startswith("xl/") for one in archive.namelist())
    except zipfile.BadZipFile:
        # A damaged workbook is reported by its reader.
        return True
    finally:
        file.seek(at)


def partitions_of(path: str) -> dict[str, str | None]:
    """Return the columns in the folders of a path, such as ``state=CA/part-0.parquet``."""
    pairs = (part.partition("=") for part in path.split("/")[:-1])
    return {
        unquote(key): None if value == _HIVE_MISSING else unquote(value)
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
        own = self._batch.record(index)
        # A row without a value stays one.
        return own if is_empty(own) else {**own, **self._added}
