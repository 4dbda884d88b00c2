"""Tables of figures."""

from __future__ import annotations

from collections.abc import Sequence


class Table:
    """Lines with a name and a value in each column.

    :param width: of the names
    :param columns: heading and width of each
    """

    def __init__(self, width: int, *columns: tuple[str, int]) -> None:
        self._width = width
        self._columns = columns

    def head(self, name: str) -> str:
        """Return the headings."""
        return self.row(name, [heading for heading, _ in self._columns])

    def row(self, name: str, values: Sequence[str]) -> str:
        """Return a line."""
        cells = (f"{value:>{width}}" for value, (_, width) in zip(values, self._columns, strict=True))
        return f"{name:{self._width}}{''.join(cells)}"
