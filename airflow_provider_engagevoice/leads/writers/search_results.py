"""Write the leads of a search: JSON Lines as the server sent them, CSV and Parquet with fixed columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, Any

from airflow_provider_engagevoice.dates import parse_vendor_date
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.leads.sources.parquet import arrow
from airflow_provider_engagevoice.leads.writers import (
    DelimitedWriter,
    JsonLinesWriter,
    ParquetWriter,
    RowWriter,
)
from airflow_provider_engagevoice.models.lead import EXTRA_DATA

Row = Mapping[str, Any]

#: Fields of the vendor's ``CampaignLeadSearchResultsView`` that are not text.
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
_TIMES = frozenset({"lastPassDate", "lastPassDts", "loadedDts", "nextDialTime", "stateDts", "uploadDate"})
_BOOLEANS = frozenset({"suppressed"})
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
    EXTRA_DATA,
    "campaignLead",
)
#: A JSON object of undocumented fields, and of values that do not have the documented type.
OTHER = "other"


def output_format(path: str) -> str:
    """Return the format of a path's suffix.

    :raises InvalidInputError: if there is no such format
    """
    suffix = path.lower().rpartition("/")[2].rpartition(".")[2]
    if suffix not in _WRITERS:
        raise InvalidInputError("output_path", path, f"use a name that ends in .{', .'.join(_WRITERS)}")
    if suffix == "parquet":
        arrow()
    return suffix


def open_search_results(file: IO[bytes], format: str) -> RowWriter:
    """Start a file of leads, whose rows are written as the server sent them.

    :param format: as :func:`output_format` returns it
    """
    return _WRITERS[format](file)


class _TableOfLeads:
    """Fits leads to the fixed columns of a table.

    :param to_cells: returns the values of a lead by column
    """

    def __init__(self, writer: RowWriter, to_cells: Callable[[Row], Sequence[Any]]) -> None:
        self._writer = writer
        self._to_cells = to_cells

    def write(self, rows: Iterable[Row]) -> None:
        self._writer.write(map(self._to_cells, rows))

    def close(self) -> None:
        self._writer.close()


def _open_csv(file: IO[bytes]) -> RowWriter:
    writer = DelimitedWriter(file, (*COLUMNS, OTHER))
    return _TableOfLeads(writer, lambda row: [_csv_cell(value) for value in _cells(row, _unparsed_time)])


def _open_parquet(file: IO[bytes]) -> RowWriter:
    types = arrow()
    kinds = {
        **dict.fromkeys(_NUMBERS, types.int64()),
        **dict.fromkeys(_TIMES, types.timestamp("ms", tz="UTC")),
        **dict.fromkeys(_BOOLEANS, types.bool_()),
    }
    schema = types.schema([(name, kinds.get(name, types.string())) for name in (*COLUMNS, OTHER)])
    return _TableOfLeads(ParquetWriter(file, schema), lambda row: _cells(row, parse_vendor_date))


_WRITERS: Mapping[str, Callable[[IO[bytes]], RowWriter]] = {
    "jsonl": JsonLinesWriter,
    "csv": _open_csv,
    "parquet": _open_parquet,
}


def _cells(row: Row, read_time: Callable[[Any], Any]) -> list[Any]:
    """Return the values of a row in the order of the columns, :data:`OTHER` last."""
    other = {name: value for name, value in row.items() if name not in _CONVERTERS}
    cells = []
    for name, convert in _CONVERTERS.items():
        value = row.get(name)
        if value is not None:
            try:
                value = read_time(value) if name in _TIMES else convert(value)
            except ValueError:
                other[name], value = value, None
        cells.append(value)
    cells.append(json.dumps(other) if other else None)
    return cells


def _unparsed_time(value: Any) -> Any:
    parse_vendor_date(value)
    return value


def _number(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and -(1 << 63) <= value < 1 << 63:
        return value
    raise ValueError("not a number")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("not a boolean")


def _encodable_text(value: Any) -> str:
    if isinstance(value, str):
        # A lone surrogate, which JSON can represent but UTF-8 cannot, would fail the whole file.
        value.encode()
        return value
    raise ValueError("not text")


def _text_or_object(value: Any) -> str:
    return json.dumps(value) if isinstance(value, Mapping) else _encodable_text(value)


def _converter(name: str) -> Callable[[Any], Any]:
    if name in _NUMBERS:
        return _number
    if name in _BOOLEANS:
        return _boolean
    if name in _OBJECTS:
        return json.dumps
    return _text_or_object if name == EXTRA_DATA else _encodable_text


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {name: _converter(name) for name in COLUMNS}


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
