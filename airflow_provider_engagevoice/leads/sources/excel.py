"""Rows of Excel workbooks, read by python-calamine, an optional dependency.

What it does not tell, the size of a sheet and formulas without values, is read of the file itself.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import unescape
from itertools import chain, islice
from typing import IO, Any, BinaryIO, NamedTuple

from airflow_provider_engagevoice.characters import listed
from airflow_provider_engagevoice.exceptions import BadSourceError, InvalidInputError, nearest
from airflow_provider_engagevoice.leads.coerce import EXACT_FLOAT
from airflow_provider_engagevoice.leads.sources.base import (
    BATCH_ROWS,
    Batch,
    ReadOptions,
    RowBatch,
    Table,
    is_blank,
)

_EXTRA = "pip install 'airflow-provider-engagevoice[excel]'"
#: The first whole number of which Excel does not keep all digits.
_EXCEL_DIGITS = 10**15
#: The name of what an encrypted workbook has.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
#: Most cells of a sheet: all between the first and the last one are kept in memory, 32 bytes each.
_MAX_CELLS = 50_000_000


class ExcelSource:
    """One sheet of a workbook; the first row with cells may be a header. Rows are numbered as in Excel.

    By default it is the first sheet that Excel shows.

    Numbers without a fraction are whole numbers; dates and times are Python's. Excel keeps 15 digits and
    writes zeros for others: such a number is text with an exponent, as Excel shows it.

    In the columns that are read, a formula must have been calculated, and a cell with a value must not be
    merged with those below it: whether these have the value, too, is not certain.

    :param file: of a workbook, ``.xlsx`` or ``.xls``
    :raises BadSourceError: if it is no workbook or too large, or the header is invalid
    :raises InvalidInputError: if there is no such sheet, or python-calamine is not installed
    """

    format = "excel"
    encoding = "utf-8"

    def __init__(self, file: BinaryIO, name: str, options: ReadOptions) -> None:
        self.name = name
        self._options = options
        sheet = _sheet(file, name, options.sheet)
        self._rows: Iterator[tuple[int, list[Any]]] = enumerate(sheet.rows, 1)
        self._uncalculated, self._merged = sheet.uncalculated, sheet.merged
        first = next(((number, row) for number, row in self._rows if not all(map(is_blank, row))), None)
        self.columns: tuple[str, ...] | None = None
        self._table: Table | None = None
        if first is not None:
            self._first, cells = first
            self._table = Table([_value(cell) for cell in cells], name, self._first, options)
            self.columns = self._table.columns
            if not self._table.has_header:
                self._rows = chain([first], self._rows)
        elif not options.may_be_empty:
            raise BadSourceError("the sheet is empty", source=name)

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the rows, with all columns."""
        is_empty, table = True, self._table
        if table is not None:
            self._check_calculated(table, fields)
        while table is not None and (numbered := list(islice(self._rows, BATCH_ROWS))):
            filled = [(number, row) for number, row in numbered if not all(map(is_blank, row))]
            if filled:
                is_empty = False
                self._check_merged(table, fields, filled)
                numbers = [number for number, _ in filled]
                rows = table.named(numbers, [[_value(cell) for cell in row] for _, row in filled])
                yield RowBatch(table.columns, numbers, rows)
        if is_empty and not self._options.may_be_empty:
            raise BadSourceError("the sheet has a header but no rows", source=self.name)

    def _check_calculated(self, table: Table, fields: Mapping[str, str] | None) -> None:
        for at, column in table.places():
            first, last = self._uncalculated.get(at, (0, 0))
            if last > self._first and (fields is None or column in fields):
                raise BadSourceError(
                    "the formula was never calculated; open the workbook in Excel and save it",
                    source=self.name,
                    row=first if first > self._first else last,
                    column=column,
                )

    def _check_merged(
        self, table: Table, fields: Mapping[str, str] | None, rows: Iterable[tuple[int, list[Any]]]
    ) -> None:
        if not self._merged:
            return
        columns = {at: column for at, column in table.places() if fields is None or column in fields}
        for number, row in rows:
            for at in self._merged.get(number, ()):
                if at in columns and not is_blank(row[at]):
                    raise BadSourceError(
                        "the cell is merged with those below it; unmerge it, and fill in each row",
                        source=self.name,
                        row=number,
                        column=columns[at],
                    )


class _Sheet(NamedTuple):
    """A sheet.

    :param uncalculated: of :class:`SheetFacts`
    :param merged: indexes of the cells that are merged with those below them, by the number of the row
    """

    rows: Iterable[list[Any]]
    uncalculated: Mapping[int, tuple[int, int]]
    merged: Mapping[int, Sequence[int]]


def _sheet(file: BinaryIO, name: str, wanted: str | None) -> _Sheet:
    """Return a sheet, the first one by default.

    :raises InvalidInputError: if there is no such sheet, or python-calamine is not installed
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise InvalidInputError("source", name, f"python-calamine is not installed: {_EXTRA}") from None
    try:
        workbook = CalamineWorkbook.from_filelike(file)
        chosen = _chosen(workbook, name, wanted)
        file.seek(0)
        facts = sheet_facts(file, chosen, _MAX_CELLS)
        if facts.size > _MAX_CELLS:
            raise BadSourceError(
                f"the sheet has {facts.size:,} cells, empty ones included, more than {_MAX_CELLS:,}; delete "
                "what is far to the right or below the list",
                source=name,
            )
        sheet = workbook.get_sheet_by_name(chosen)
        rows = sheet.to_python(skip_empty_area=False)
        # Releases before 0.4 do not know them.
        ranges = getattr(sheet, "merged_cell_ranges", None) or ()
    except CalamineError as error:
        file.seek(0)
        what = f"the file is not readable as an Excel workbook: {error}"
        if _ENCRYPTED in file.read():
            what = "the workbook is protected with a password; save it without one"
        raise BadSourceError(what, source=name) from None
    merged: dict[int, list[int]] = {}
    for (top, left), (bottom, _) in ranges:
        if bottom > top:
            merged.setdefault(top + 1, []).append(left)
    return _Sheet(rows, facts.uncalculated, merged)


def _chosen(workbook: Any, name: str, wanted: str | None) -> str:
    """Return the name of the sheet to read.

    :raises InvalidInputError: if there is no such sheet
    """
    names: list[str] = workbook.sheet_names
    if wanted is None:
        return next(filter(None, map(_shown_name, workbook.sheets_metadata)), names[0])
    # Blanks around a name are not seen, and arguments have none.
    found = [one for one in names if wanted in (one, one.strip())]
    if len(found) != 1:
        expected = f"{name} has no such sheet{nearest(wanted, names)}; its sheets: {listed(names)}"
        raise InvalidInputError("sheet", wanted, expected)
    return found[0]


def _shown_name(sheet: Any) -> str | None:
    """Return the name of a sheet with cells that Excel shows; None for hidden ones, charts and macros."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    is_shown = sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    return str(sheet.name) if is_shown else None


def _value(cell: Any) -> Any:
    if isinstance(cell, float | int) and abs(cell) >= _EXCEL_DIGITS and not cell % 10:
        return f"{cell:.14E}"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT_FLOAT:
        return int(cell)
    return None if cell == "" else cell


#: Bytes read at a time; a cell is shorter than the overlap of two parts.
_PART, _OVERLAP = 1 << 20, 1 << 16
_ELEMENT = r"<(?:\w+:)?{}\s([^>]*)>"
_SHEETS, _RELATIONS = re.compile(_ELEMENT.format("sheet")), re.compile(_ELEMENT.format("Relationship"))
_ATTRIBUTES = re.compile(r'([\w:]+)="([^"]*)"')
_DIMENSION = re.compile(rb'<(?:\w+:)?dimension ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"').search
#: A cell with a formula and without a value. Of a formula that makes an empty text, Excel writes the type.
_UNCALCULATED = re.compile(
    rb"<(?:\w+:)?c ([^>]*)><(?:\w+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"
).finditer
#: A cell that is not only formatted.
_FILLED = re.compile(rb"<(?:\w+:)?c ([^>]*[^>/])>").finditer
_CELL = re.compile(rb'\br="([A-Z]+)(\d+)"').search
_TYPE = re.compile(rb'\bt="(?!n")').search


class SheetFacts(NamedTuple):
    """Facts of a sheet.

    :param size: rows times columns, from the first cell with something in it to the last; 0 if it is small by
        its own account
    :param uncalculated: rows of the first and the last formula without a value, by index of the column
    """

    size: int
    uncalculated: Mapping[int, tuple[int, int]]


def sheet_facts(file: BinaryIO, name: str, small: int) -> SheetFacts:
    """Return what the sheet of a workbook says; nothing of old workbooks, and of damaged ones.

    :param file: whose position is kept
    :param small: the most cells of a small sheet
    """
    at = file.tell()
    try:
        with zipfile.ZipFile(file) as archive, archive.open(_path_of(archive, name)) as sheet:
            return _scan(sheet, small)
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, NotImplementedError):
        return SheetFacts(0, {})
    finally:
        file.seek(at)


def _path_of(archive: zipfile.ZipFile, name: str) -> str:
    """Return the path of a sheet in its archive.

    :raises KeyError: if it is not found
    """
    sheets, relations = (
        [dict(_ATTRIBUTES.findall(found)) for found in pattern.findall(archive.read(path).decode())]
        for pattern, path in ((_SHEETS, "xl/workbook.xml"), (_RELATIONS, "xl/_rels/workbook.xml.rels"))
    )
    ids = {unescape(one["name"]): one["r:id"] for one in sheets}
    target = {one["Id"]: unescape(one["Target"]) for one in relations}[ids[name]]
    return target[1:] if target.startswith("/") else f"xl/{target}"


def _scan(sheet: IO[bytes], small: int) -> SheetFacts:
    found: dict[int, tuple[int, int]] = {}
    rows, columns = _Range(), _Range()
    rest, is_small = b"", True
    while part := sheet.read(_PART):
        if not rest and (dimension := _DIMENSION(part)):
            left, top, right, bottom = dimension.groups()
            is_small = (_index(right) - _index(left) + 1) * (int(bottom) - int(top) + 1) <= small
        text = rest + part
        # Most lists have no formulas.
        if b"<f" in text or b":f" in text:
            for cell in _UNCALCULATED(text):
                place = _CELL(cell[1])
                if place is not None and not _TYPE(cell[1]):
                    column, row = _index(place[1]), int(place[2])
                    found[column] = found.get(column, (row, row))[0], row
        # Formatted cells count for the sheet's own account, and take no memory.
        for cell in () if is_small else _FILLED(text):
            if place := _CELL(cell[1]):
                columns.add(_index(place[1]))
                rows.add(int(place[2]))
        rest = text[-_OVERLAP:]
    return SheetFacts(rows.length * columns.length, found)


class _Range:
    """The range of some numbers."""

    def __init__(self) -> None:
        self._ends: tuple[int, int] | None = None

    def add(self, number: int) -> None:
        first, last = self._ends or (number, number)
        self._ends = min(first, number), max(last, number)

    @property
    def length(self) -> int:
        return self._ends[1] - self._ends[0] + 1 if self._ends else 0


def _index(letters: bytes) -> int:
    """Return the index of a column, from its letters."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1
