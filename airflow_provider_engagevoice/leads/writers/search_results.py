"""Write leads that a search found: JSON Lines as the server sent them, CSV or Parquet by fixed columns."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Protocol

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.leads.sources.parquet import arrow
from airflow_provider_engagevoice.models.vendor_dates import parse_vendor_date

if TYPE_CHECKING:
    import pyarrow

Row = Mapping[str, Any]

#: Fields of the vendor's ``CampaignLeadSearchResultsView`` that are no text.
_NUMBERS = frozenset(
    {
        "campaignId",
        "dialGroupId",
        "dupeKeyOverride",
        "leadId",
        "leadPasses",
        "listId",
        "maxPasses",
        "speedToLeadAgentConn",
        "speedToLeadFirstPass",
    }
)
_INSTANTS = frozenset({"lastPassDate", "lastPassDts", "loadedDts", "nextDialTime", "stateDts", "uploadDate"})
_FLAGS = frozenset({"suppressed"})
_OBJECTS = frozenset({"campaignLead"})
#: All fields of that view.
COLUMNS = (
    "leadId",
    "externId",
    "leadPhone",
    "leadState",
    "leadPasses",
    "lastPassDispo",
    "lastPassDisposition",
    "agentDispostion",
    "lastPassDts",
    "lastPassDate",
    "lastPassAgentName",
    "nextDialTime",
    "stateDts",
    "loadedDts",
    "suppressed",
    "campaignId",
    "campaignName",
    "dialGroupId",
    "listId",
    "listDesc",
    "uploadDate",
    "uploadedBy",
    "title",
    "firstName",
    "midName",
    "lastName",
    "suffix",
    "email",
    "address1",
    "address2",
    "city",
    "state",
    "zip",
    "leadTimezone",
    "auxData1",
    "auxData2",
    "auxData3",
    "auxData4",
    "auxData5",
    "auxPhone",
    "auxExternalUrl",
    "auxGreeting",
    "callerId",
    "gateKeeper",
    "liveAnswerMessage",
    "machAnswerMessage",
    "sortCol",
    "maxPasses",
    "dupeKeyOverride",
    "pendingAgentName",
    "speedToLeadAgentConn",
    "speedToLeadFirstPass",
    "extraData",
    "campaignLead",
)
#: Of a row, as a JSON object: fields that are not documented, and values that are not of the type documented.
OTHER = "other"
#: Rows that are written to a Parquet file together.
_ROW_GROUP = 5000


class LeadWriter(Protocol):
    """Writes leads to an open binary file, which is left open."""

    def write(self, rows: Iterable[Row]) -> None:
        """Write some."""

    def close(self) -> None:
        """Write what has not been written yet."""


def format_of(path: str) -> str:
    """Return the format that a file's suffix stands for.

    :raises InvalidInputError: when it stands for none
    """
    suffix = path.lower().rpartition("/")[2].rpartition(".")[2]
    if suffix not in _WRITERS:
        raise InvalidInputError("path", path, f"let it end in .{', .'.join(_WRITERS)}")
    if suffix == "parquet":
        arrow()
    return suffix


def open_leads(file: IO[bytes], format: str) -> LeadWriter:
    """Begin a file of leads.

    :param format: as :func:`format_of` returns it
    """
    return _WRITERS[format](file)


class _JsonLines:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, rows: Iterable[Row]) -> None:
        self._file.write("".join(f"{json.dumps(row)}\n" for row in rows).encode())

    def close(self) -> None:
        pass


class _Csv:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lines([(*COLUMNS, OTHER)])

    def write(self, rows: Iterable[Row]) -> None:
        self._lines([_text(value) for value in _cells(row, _as_sent)] for row in rows)

    def _lines(self, lines: Iterable[Sequence[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(lines)
        self._file.write(text.getvalue().encode())

    def close(self) -> None:
        pass


class _Parquet:
    def __init__(self, file: IO[bytes]) -> None:
        self._arrow = arrow()
        self._schema: pyarrow.Schema = self._arrow.schema(
            [*((name, self._type(name)) for name in COLUMNS), (OTHER, self._arrow.string())]
        )
        self._writer = self._arrow.parquet.ParquetWriter(file, self._schema)
        self._rows: list[list[Any]] = []

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._rows.append(_cells(row, parse_vendor_date))
            if len(self._rows) == _ROW_GROUP:
                self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _type(self, name: str) -> Any:
        if name in _NUMBERS:
            return self._arrow.int64()
        if name in _INSTANTS:
            return self._arrow.timestamp("ms", tz="UTC")
        return self._arrow.bool_() if name in _FLAGS else self._arrow.string()

    def _flush(self) -> None:
        if self._rows:
            columns = [
                self._arrow.array(cells, type=kind)
                for cells, kind in zip(zip(*self._rows, strict=True), self._schema.types, strict=True)
            ]
            self._writer.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))
            self._rows = []


_WRITERS: Mapping[str, Callable[[IO[bytes]], LeadWriter]] = {
    "jsonl": _JsonLines,
    "csv": _Csv,
    "parquet": _Parquet,
}


def _cells(row: Row, read_instant: Callable[[Any], Any]) -> list[Any]:
    """Return the values of a row by column, :data:`OTHER` at the end."""
    other = {name: value for name, value in row.items() if name not in _KINDS}
    cells = []
    for name, fits in _KINDS.items():
        value = row.get(name)
        if value is not None:
            try:
                value = read_instant(value) if name in _INSTANTS else fits(value)
            except ValueError:
                other[name], value = value, None
        cells.append(value)
    cells.append(json.dumps(other) if other else None)
    return cells


def _as_sent(value: Any) -> Any:
    parse_vendor_date(value)
    return value


def _number(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and -(1 << 63) <= value < 1 << 63:
        return value
    raise ValueError("no number")


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("neither true nor false")


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        # Half a surrogate, which JSON can hold and no encoding can, would fail all rows.
        value.encode()
        return value
    raise ValueError("no text")


def _kind(name: str) -> Callable[[Any], Any]:
    if name in _NUMBERS:
        return _number
    if name in _FLAGS:
        return _flag
    return json.dumps if name in _OBJECTS else _text_of


_KINDS: Mapping[str, Callable[[Any], Any]] = {name: _kind(name) for name in COLUMNS}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
