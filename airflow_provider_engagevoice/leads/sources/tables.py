"""Header and rows of a table: which cells of a row belong to which column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_engagevoice.characters import stripped
from airflow_provider_engagevoice.exceptions import BadSourceError
from airflow_provider_engagevoice.leads.sources.base import ReadOptions, check_columns

Row = Sequence[Any]


class Table:
    """The columns of a table.

    Below a header, a column without a name must be empty, such as one behind a trailing delimiter, or is
    dropped by request. In a table without a header, short rows are filled up, and what a row has too much is
    part of its last cell, so that no row stops the reading of the others.

    :param cells: of the first row
    :param number: of this row
    :ivar has_header: whether the first row is a header
    :raises BadSourceError: if there are no columns, or two have the same name
    """

    def __init__(self, cells: Row, name: str, number: int, options: ReadOptions) -> None:
        names = ["" if cell is None else stripped(str(cell)) for cell in cells]
        self.has_header = set(options.columns) <= set(names) if options.header is None else options.header
        if not self.has_header:
            # The first row may lack cells, too.
            width = max(len(names), *(int(one) for one in options.columns if one.isdecimal()), 0)
            names = [str(at) for at in range(1, width + 1)]
        self._name = name
        self._drop_unnamed = options.drop_unnamed
        self._width = len(names)
        self._named = [index for index, column in enumerate(names) if column]
        self.columns = check_columns([names[index] for index in self._named], name, number)

    def named(self, numbers: Sequence[int], rows: Sequence[Row]) -> Sequence[Row]:
        """Return the cells of the named columns in each row.

        :param numbers: of the rows, for errors
        :raises BadSourceError: if a row has more or fewer cells than the header
        """
        if not self.has_header:
            return [row if len(row) == self._width else self._fitted(row) for row in rows]
        if {len(row) for row in rows} == {self._width} and len(self._named) == self._width:
            return rows
        return [self._named_cells(number, row) for number, row in zip(numbers, rows, strict=True)]

    def _fitted(self, row: Row) -> Row:
        last = self._width - 1
        surplus = [str(cell) for cell in row[last:] if not is_blank(cell)]
        return [*row[:last], *[None] * (last - len(row)), ",".join(surplus)]

    def _named_cells(self, number: int, row: Row) -> Row:
        width = self._width
        for at, column in zip(self._named, self.columns, strict=True):
            if at >= len(row):
                raise self._bad(f"the row has {len(row)} cells, the header {width}", number, column)
        extra = [at for at in range(width, len(row)) if not is_blank(row[at])]
        if extra:
            raise self._bad(f"the row has {len(row)} cells, the header {width}", number, width + 1)
        if not self._drop_unnamed:
            for at in range(min(width, len(row))):
                if at not in self._named and not is_blank(row[at]):
                    raise self._bad(
                        "the column has no name; name it, or ignore it: mapping={'': None}", number, at + 1
                    )
        return [row[at] for at in self._named]

    def _bad(self, what: str, row: int, column: str | int) -> BadSourceError:
        return BadSourceError(what, source=self._name, row=row, column=column)


def is_blank(cell: object) -> bool:
    """Return whether a cell holds nothing but blanks."""
    return cell is None or (isinstance(cell, str) and not cell.strip())
