"""Open a file of rows, whatever its format."""

from __future__ import annotations

from typing import BinaryIO

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.leads.sources.base import Format, Source
from airflow_provider_engagevoice.leads.sources.delimited import DelimitedSource, Lines
from airflow_provider_engagevoice.leads.sources.json_lines import JsonLinesSource
from airflow_provider_engagevoice.leads.sources.parquet import ParquetSource

_SUFFIXES = {
    "csv": Format.CSV,
    "tsv": Format.TSV,
    "jsonl": Format.JSONL,
    "ndjson": Format.JSONL,
    "parquet": Format.PARQUET,
}


def open_source(file: BinaryIO, name: str, *, format: str | None = None, encoding: str = "utf-8") -> Source:
    """Read rows from an open file, which is left open.

    :param file: where it stands, the rows begin; Parquet has to seek
    :param name: what the file is called; text may be compressed, and its name then ends in ``.gz``
    :param format: ``csv``, ``tsv``, ``jsonl`` or ``parquet``; None goes by the name
    :param encoding: of text
    :raises InvalidInputError: when the format or the encoding is not known
    :raises BadSourceError: when the file is damaged
    """
    packed = name.lower().endswith(".gz")
    kind = detect_format(name) if format is None else _read_format(format)
    if kind is Format.PARQUET:
        if packed:
            raise InvalidInputError("source", name, "Parquet compresses by itself; give the file unpacked")
        return ParquetSource(file, name)
    lines = Lines(file, name, encoding=encoding, packed=packed)
    return JsonLinesSource(lines) if kind is Format.JSONL else DelimitedSource(lines, kind)


def detect_format(name: str) -> Format:
    """Return the format of a file by its name.

    :raises InvalidInputError: when the name does not tell
    """
    suffix = name.lower().removesuffix(".gz").rpartition(".")[2]
    if suffix not in _SUFFIXES:
        raise InvalidInputError(
            "source", name, f"its name ends in none of .{', .'.join(_SUFFIXES)}; give the format"
        )
    return _SUFFIXES[suffix]


def _read_format(value: str) -> Format:
    if value in list(Format):
        return Format(value)
    raise InvalidInputError("format", value, f"write one of {', '.join(Format)}")
