"""Open files of rows in any supported format."""

from __future__ import annotations

from typing import BinaryIO

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.inputs import read_choice
from airflow_provider_engagevoice.leads.sources.base import Format, Source
from airflow_provider_engagevoice.leads.sources.delimited import DelimitedSource
from airflow_provider_engagevoice.leads.sources.lines import JsonLinesSource, TextLines
from airflow_provider_engagevoice.leads.sources.parquet import ParquetSource

_SUFFIXES = {
    "csv": Format.CSV,
    "tsv": Format.TSV,
    "jsonl": Format.JSONL,
    "ndjson": Format.JSONL,
    "parquet": Format.PARQUET,
}


def open_source(file: BinaryIO, name: str, *, format: str | None = None, encoding: str = "utf-8") -> Source:
    """Read rows from an open file, which stays open.

    :param file: positioned at the first row; must be seekable for Parquet
    :param name: of the file; text whose name ends in ``.gz`` is decompressed
    :param format: ``csv``, ``tsv``, ``jsonl`` or ``parquet``; default: by the name
    :param encoding: of text
    :raises InvalidInputError: if the format or the encoding is unknown
    :raises BadSourceError: if the file is damaged
    """
    compressed = name.lower().endswith(".gz")
    kind = detect_format(name) if format is None else read_choice(format, "source_format", Format)
    if kind is Format.PARQUET:
        if compressed:
            raise InvalidInputError("source", name, "Parquet has its own compression: remove gzip")
        return ParquetSource(file, name)
    lines = TextLines(file, name, encoding=encoding, compressed=compressed)
    return JsonLinesSource(lines) if kind is Format.JSONL else DelimitedSource(lines, kind)


def detect_format(name: str) -> Format:
    """Return the format of a file's suffix.

    :raises InvalidInputError: if there is no such format
    """
    suffix = name.lower().removesuffix(".gz").rpartition(".")[2]
    if suffix not in _SUFFIXES:
        raise InvalidInputError(
            "source", name, f"the name must end in .{', .'.join(_SUFFIXES)}, or set source_format"
        )
    return _SUFFIXES[suffix]
