"""Rows of Excel workbooks, read by python-calamine, an optional dependency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any, BinaryIO

from airflow_provider_engagevoice.exceptions import BadSourceError, InvalidInputError, nearest
from airflow_provider_engagevoice.leads.coerce import EXACT_FLOAT
from airflow_provider_engagevoice.leads.sources.base import (
    BATCH_ROWS,
    Batch,
    Format,
    ReadOptions,
    RowBatch,
    Table,
    is_blank,
)

_EXTRA = "pip install 'airflow-provider-engagevoice[excel]'"
#: The first whole number of which Excel does not keep all digits.
_EXCEL_DIGITS = 10**15


class ExcelSource:
    """One sheet of a workbook; the first row with cells may be a header. Rows are numbered as in Excel.

    By default it is the first sheet that Excel shows.

    Numbers without a fraction are whole numbers; dates and times are Python's. Excel keeps 15 digits and
    writes zeros for others: such a number is text with an exponent, as Excel shows it.

    :param file: of a workbook, ``.xlsx`` or ``.xls``
    :raises BadSourceError: if it is no workbook, or the header is invalid
    :raises InvalidInputError: if there is no such sheet, or python-calamine is not installed
    """

    format = Format.EXCEL
    encoding = "utf-8"

    def __init__(self, file: BinaryIO, name: str, options: ReadOptions) -> None:
        self.name = name
        self._options = options
        self._rows: Iterator[tuple[int, list[Any]]] = enumerate(_sheet(file, name, options.sheet), 1)
        first = next(((number, row) for number, row in self._rows if not all(map(is_blank, row))), None)
        self.columns: tuple[str, ...] | None = None
        self._table: Table | None = None
        if first is not None:
            number, cells = first
            self._table = Table([_value(cell) for cell in cells], name, number, options)
            self.columns = self._table.columns
            if not self._table.has_header:
                self._rows = chain([first], self._rows)
        elif not options.may_be_empty:
            raise BadSourceError("the sheet is empty", source=name)

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the rows, with all columns."""
        is_empty, table = True, self._table
        while table is not None and (numbered := list(islice(self._rows, BATCH_ROWS))):
            filled = [(number, row) for number, row in numbered if not all(map(is_blank, row))]
            if filled:
                is_empty = False
                numbers = [number for number, _ in filled]
                rows = table.named(numbers, [[_value(cell) for cell in row] for _, row in filled])
                yield RowBatch(table.columns, numbers, rows)
        if is_empty and not self._options.may_be_empty:
            raise BadSourceError("the sheet has a header but no rows", source=self.name)


def _sheet(file: BinaryIO, name: str, sheet: str | None) -> Iterator[list[Any]]:
    """Return the rows of a sheet, the first one by default.

    :raises InvalidInputError: if there is no such sheet, or python-calamine is not installed
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise InvalidInputError("source", name, f"python-calamine is not installed: {_EXTRA}") from None
    try:
        workbook = CalamineWorkbook.from_filelike(file)
        names = workbook.sheet_names
        if sheet is not None and sheet not in names:
            raise InvalidInputError("sheet", sheet, f"{name} has no such sheet{nearest(sheet, names)}")
        chosen = sheet or next(filter(None, map(_shown_name, workbook.sheets_metadata)), names[0])
        return iter(workbook.get_sheet_by_name(chosen).to_python(skip_empty_area=False))
    except CalamineError as error:
        raise BadSourceError(f"the file is not readable as an Excel workbook: {error}", source=name) from None


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
