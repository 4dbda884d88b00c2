"""Rows of Excel workbooks, read by python-calamine, an optional dependency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, BinaryIO, NamedTuple

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
from airflow_provider_engagevoice.leads.sources.sheets import sheet_facts

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
