"""Open files of rows in any supported format, with the columns in their paths."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO, NamedTuple
from urllib.parse import unquote

from airflow_provider_engagevoice.exceptions import BadSourceError, InvalidInputError
from airflow_provider_engagevoice.inputs import read_choice
from airflow_provider_engagevoice.leads.coerce import is_empty
from airflow_provider_engagevoice.leads.sources.base import Batch, EmptySource, ReadOptions, Source
from airflow_provider_engagevoice.leads.sources.delimited import DelimitedSource
from airflow_provider_engagevoice.leads.sources.excel import ExcelSource
from airflow_provider_engagevoice.leads.sources.lines import JsonLinesSource, TextLines
from airflow_provider_engagevoice.leads.sources.parquet import ParquetSource

_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
#: How files of formats that are not read begin.
_OTHERS = {
    b"%PDF-": "PDF",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "RAR",
    b"BZh91AY&": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"Obj\x01": "Avro",
}
#: What Hive writes for a missing value.
_HIVE_MISSING = "__HIVE_DEFAULT_PARTITION__"


def _delimited(delimiter: str) -> Callable[[BinaryIO, str, ReadOptions], Source]:
    return lambda file, name, options: DelimitedSource(_lines(file, name, options), delimiter, options)


class _Reader(NamedTuple):
    """How files of a format are read.

    :param suffixes: of their names
    :param begins: how they begin; nothing for text
    """

    suffixes: Sequence[str]
    open: Callable[[BinaryIO, str, ReadOptions], Source]
    begins: tuple[bytes, ...] = ()


#: A row for each format.
_READERS: Mapping[str, _Reader] = {
    "csv": _Reader(["csv", "txt"], _delimited(",")),
    "tsv": _Reader(["tsv"], _delimited("\t")),
    "jsonl": _Reader(
        ["jsonl", "ndjson"],
        lambda file, name, options: JsonLinesSource(_lines(file, name, options), options),
    ),
    "parquet": _Reader(["parquet"], ParquetSource, (b"PAR1",)),
    "excel": _Reader(["xlsx", "xlsm", "xls"], ExcelSource, (*_ZIP, _OLD_EXCEL)),
}
#: The formats that are read.
FORMATS = tuple(_READERS)
_BY_SUFFIX = {suffix: kind for kind, reader in _READERS.items() for suffix in reader.suffixes}


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
    kind = detect_format(name) if format is None else read_choice(format, "source_format", FORMATS)
    if options.may_be_empty and file.seekable() and not _first_bytes(file):
        return EmptySource(name, kind)
    _check_content(file, name, kind)
    return _READERS[kind].open(file, name, options)


def detect_format(name: str) -> str:
    """Return the format of a file's suffix.

    :raises InvalidInputError: if there is no such format
    """
    suffix = name.lower().removesuffix(".gz").rpartition(".")[2]
    if suffix not in _BY_SUFFIX:
        raise InvalidInputError(
            "source", name, f"the name must end in .{', .'.join(_BY_SUFFIX)}, or set source_format"
        )
    return _BY_SUFFIX[suffix]


def _lines(file: BinaryIO, name: str, options: ReadOptions) -> TextLines:
    return TextLines(file, name, encoding=options.encoding, compressed=_is_compressed(file, name))


def _is_compressed(file: BinaryIO, name: str) -> bool:
    return name.lower().endswith(".gz") or _first_bytes(file).startswith(_GZIP)


def _check_content(file: BinaryIO, name: str, kind: str) -> None:
    """Check that a file does not begin like one of another format."""
    begins = _READERS[kind].begins
    compressed = _is_compressed(file, name)
    if begins and compressed:
        raise InvalidInputError("source", name, f"{kind.capitalize()} has its own compression: remove gzip")
    first = _uncompressed(file) if compressed else _first_bytes(file)
    found = next((one for one, reader in _READERS.items() if first.startswith(reader.begins)), None)
    other = next((text for one, text in _OTHERS.items() if first.startswith(one)), None)
    what = None if other is None else f"{other}; unpack or convert it"
    if first.startswith(_ZIP) and (compressed or not _is_workbook(file)):
        what = "a zip archive or a workbook; unpack it" if compressed else "a zip archive; unpack it"
    elif found not in (None, kind):
        what = f"{found}; remove gzip" if compressed else f"{found}; set source_format={found!r}"
    elif begins and _is_text(first):
        is_page = first.removeprefix(BOM_UTF8).lstrip().startswith(b"<")
        what = "HTML or XML" if is_page else "text; set source_format, such as 'csv'"
    if what is not None:
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


def _uncompressed(file: BinaryIO) -> bytes:
    """Return the first bytes in a compressed file; nothing if it is damaged, which its reader reports."""
    if not file.seekable():
        return b""
    at = file.tell()
    first = b""
    with suppress(OSError, EOFError, zlib.error):
        first = gzip.GzipFile(fileobj=file).read(8)
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
    """Return the columns in the folders of a path, such as ``state=CA/part-0.parquet``.

    :raises BadSourceError: if two folders give a column different values
    """
    found: dict[str, str | None] = {}
    for part in path.split("/")[:-1]:
        key, equals, text = part.partition("=")
        if not (equals and key):
            continue
        column, value = unquote(key), None if text == _HIVE_MISSING else unquote(text)
        if found.setdefault(column, value) != value:
            raise BadSourceError(
                "two folders of the path give it different values", source=path, column=column
            )
    return found


class PartitionedSource:
    """The rows of a file, with the columns in its path. A column of the file itself takes precedence."""

    def __init__(self, source: Source, partitions: Mapping[str, str | None]) -> None:
        self._source = source
        self.name = source.name
        own = source.columns or ()
        self._added = {key: value for key, value in partitions.items() if key not in own}
        self.columns = None if source.columns is None else (*own, *self._added)

    @property
    def format(self) -> str | None:
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
