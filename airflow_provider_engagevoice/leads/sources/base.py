"""The protocol of sources: rows in batches, with their row numbers; and what several formats share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from operator import itemgetter
from typing import Any, Protocol

from airflow_provider_engagevoice.characters import stripped
from airflow_provider_engagevoice.exceptions import BadSourceError
from airflow_provider_engagevoice.leads.coerce import has_no_value

#: The most rows of a batch.
BATCH_ROWS = 2000
#: The most characters of a batch, not counting its last row.
BATCH_TEXT = 1 << 22
#: The most characters of a row; a longer one is not part of a lead list.
MAX_ROW_LENGTH = 1 << 20
#: The most columns of a source.
MAX_COLUMNS = 1000
#: What is wrong with a value in a column without a name.
UNNAMED = "the column has no name; name it, or ignore it: mapping={'': None}"

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are read.

    :param encoding: of text files
    :param delimiter: between the cells of a CSV or TSV file; None for that of the format, or the only one
        that fits the first rows
    :param sheet: of an Excel workbook; None for the first
    :param header: whether the first row of a CSV, TSV or Excel file has the names of its columns, which
        otherwise are called 1, 2, …; None if it has when ``columns`` are among its cells
    :param columns: columns that are wanted
    :param drop_unnamed: whether to drop columns without a name, which otherwise must be empty
    :param may_be_empty: whether a file without rows is no error, because it is one of several
    """

    encoding: str = "utf-8"
    delimiter: str | None = None
    sheet: str | None = None
    header: bool | None = True
    columns: Collection[str] = ()
    drop_unnamed: bool = False
    may_be_empty: bool = False


class Batch(Protocol):
    """Some rows of a source, read column by column."""

    columns: tuple[str, ...]
    #: The number of each row: of its first line in a text file, otherwise of the record; from 1.
    numbers: Sequence[int]

    def cells(self, column: str) -> Sequence[object]:
        """Return the value of a column in each row."""

    def record(self, index: int) -> Mapping[str, object]:
        """Return a row with all its columns."""


class Source(Protocol):
    """Rows with named columns, which can be read once."""

    @property
    def name(self) -> str:
        """The name of the source in messages."""

    @property
    def format(self) -> str | None:
        """The format of the file; None if the source is not a file."""

    @property
    def encoding(self) -> str:
        """The encoding of text."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The columns of all rows; None if each row may have others."""

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the rows.

        :param fields: the lead field of each column; None if the columns are not known beforehand
        :raises BadSourceError: if the source is damaged or not a lead list
        """


class RowBatch:
    """Rows that are sequences with one value per column."""

    def __init__(
        self, columns: tuple[str, ...], numbers: Sequence[int], rows: Sequence[Sequence[object]]
    ) -> None:
        self.columns = columns
        self.numbers = numbers
        self._rows = rows
        self._cells: Sequence[Sequence[object]] = ()

    def cells(self, column: str) -> Sequence[object]:
        # All columns at once: most are read, and this is much faster than one by one.
        self._cells = self._cells or tuple(zip(*self._rows, strict=True))
        return self._cells[self.columns.index(column)] if self._cells else ()

    def record(self, index: int) -> Mapping[str, object]:
        return dict(zip(self.columns, self._rows[index], strict=True))


class CellBatch:
    """Rows of text as one list of cells, row by row, which is faster than a list of each row."""

    def __init__(self, columns: tuple[str, ...], numbers: Sequence[int], cells: Sequence[str]) -> None:
        self.columns = columns
        self.numbers = numbers
        self._cells = cells

    def cells(self, column: str) -> Sequence[object]:
        return self._cells[self.columns.index(column) :: len(self.columns)]

    def record(self, index: int) -> Mapping[str, object]:
        first = index * len(self.columns)
        return dict(zip(self.columns, self._cells[first : first + len(self.columns)], strict=True))


class RecordBatch:
    """Rows that are mappings, each with any columns."""

    def __init__(
        self, columns: tuple[str, ...], numbers: Sequence[int], records: Sequence[Mapping[str, object]]
    ) -> None:
        self.columns = columns
        self.numbers = numbers
        self._records = records
        # Others may make up a value for a missing key.
        self._are_plain = set(map(type, records)) <= {dict}

    def cells(self, column: str) -> Sequence[object]:
        if self._are_plain:
            with suppress(KeyError):
                return list(map(itemgetter(column), self._records))
        return [record.get(column) for record in self._records]

    def record(self, index: int) -> Mapping[str, object]:
        return self._records[index]


def record_batch(name: str, numbers: Sequence[int], records: Sequence[Mapping[str, object]]) -> RecordBatch:
    """Return a batch of mappings.

    :raises BadSourceError: if they have too many different columns
    """
    columns = dict.fromkeys(chain.from_iterable(records))
    if len(columns) > MAX_COLUMNS:
        raise BadSourceError(
            f"rows {numbers[0]} to {numbers[-1]} have {len(columns)} different columns, "
            f"more than {MAX_COLUMNS}",
            source=name,
        )
    return RecordBatch(tuple(columns), numbers, records)


def check_columns(columns: Sequence[str], name: str, row: int | None = None) -> tuple[str, ...]:
    """Return column names.

    :param row: of the header in the file
    :raises BadSourceError: if there are none or too many, or if a name is a duplicate
    """
    if len(columns) > MAX_COLUMNS:
        raise BadSourceError(
            f"there are {len(columns)} columns, more than {MAX_COLUMNS}", source=name, row=row
        )
    first: dict[str, int] = {}
    for number, column in enumerate(columns, 1):
        if column in first:
            raise BadSourceError(
                f"columns {first[column]} and {number} have the same name",
                source=name,
                row=row,
                column=column,
            )
        first[column] = number
    if not columns:
        raise BadSourceError("there are no columns", source=name, row=row)
    return tuple(columns)


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
            wanted = [int(one) for one in options.columns if one.isdecimal()]
            # The first row may lack cells, too; if columns have no numbers, a delimiter at its end is none.
            filled = [at for at, one in enumerate(names, 1) if one or wanted]
            width = max([1, *filled, *wanted])
            names = [str(at) for at in range(1, width + 1)]
        self._name = name
        self._number = number
        self._drop_unnamed = options.drop_unnamed
        self._width = len(names)
        self._named = [index for index, column in enumerate(names) if column]
        self.columns = check_columns([names[index] for index in self._named], name, number)

    def places(self) -> Iterator[tuple[int, str]]:
        """Yield the index of each named column in a row, and its name."""
        return zip(self._named, self.columns, strict=True)

    @property
    def is_plain(self) -> bool:
        """Whether all columns have names, so that cells are those of the columns in order."""
        return len(self._named) == self._width

    def named(self, numbers: Sequence[int], rows: Sequence[Row]) -> Sequence[Row]:
        """Return the cells of the named columns in each row.

        :param numbers: of the rows, for errors
        :raises BadSourceError: if a row has more or fewer cells than the header
        """
        if not self.has_header:
            return [row if len(row) == self._width else self._fitted(row) for row in rows]
        if {len(row) for row in rows} == {self._width} and self.is_plain:
            return rows
        return [self._named_cells(number, row) for number, row in zip(numbers, rows, strict=True)]

    def _fitted(self, row: Row) -> Row:
        last = self._width - 1
        if len(row) <= last:
            return [*row, *[None] * (self._width - len(row))]
        surplus = [str(cell) for cell in row[last:] if not is_blank(cell)]
        return [*row[:last], ",".join(surplus)]

    def _named_cells(self, number: int, row: Row) -> Row:
        width = self._width
        for at, column in zip(self._named, self.columns, strict=True):
            if at >= len(row):
                raise self._bad(f"the row has {len(row)} cells, the header {width}", number, column)
        extra = [at for at in range(width, len(row)) if not has_no_value(row[at])]
        if extra:
            raise self._bad(f"the row has {len(row)} cells, the header {width}", number, width + 1)
        if not self._drop_unnamed:
            for at in range(min(width, len(row))):
                if at not in self._named and not has_no_value(row[at]):
                    what = (
                        f"the column has no name in row {self._number}, the header; name it, or ignore it: "
                        "mapping={'': None}"
                    )
                    raise self._bad(what, number, at + 1)
        return [row[at] for at in self._named]

    def _bad(self, what: str, row: int, column: str | int) -> BadSourceError:
        return BadSourceError(what, source=self._name, row=row, column=column)


def is_blank(cell: object) -> bool:
    """Return whether a cell holds nothing but blanks."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


class TableSource:
    """The rows of a query; there may be none."""

    format: str | None = None
    encoding = "utf-8"

    def __init__(self, columns: Sequence[str], rows: Iterable[Sequence[object]], name: str) -> None:
        self.name = name
        self.columns = check_columns(columns, name)
        self._rows = rows

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the rows, numbered from 1, with all columns."""
        rows = iter(self._rows)
        width = len(self.columns)
        first = 1
        while batch := list(islice(rows, BATCH_ROWS)):
            for number, row in enumerate(batch, first):
                if len(row) != width:
                    raise BadSourceError(
                        f"the row has {len(row)} values, the query {width} columns",
                        source=self.name,
                        row=number,
                    )
            yield RowBatch(self.columns, range(first, first + len(batch)), batch)
            first += len(batch)


class RecordSource:
    """Mappings of column to value, each with any columns; there may be none."""

    format: str | None = None
    encoding = "utf-8"
    columns: tuple[str, ...] | None = None

    def __init__(self, records: Iterable[Mapping[str, object]], name: str) -> None:
        self.name = name
        self._records = records

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read the records, numbered from 1, with all columns."""
        records = iter(self._records)
        first = 1
        while batch := list(islice(records, BATCH_ROWS)):
            for number, record in enumerate(batch, first):
                if not isinstance(record, Mapping):
                    what = (
                        f"the record must be a mapping of column name to value, not {type(record).__name__}"
                    )
                    raise BadSourceError(what, source=self.name, row=number)
                if not all(isinstance(key, str) for key in record):
                    # Such as the None of csv.DictReader, for cells behind the header.
                    what = "the record has a column whose name is not text"
                    raise BadSourceError(what, source=self.name, row=number)
            yield record_batch(self.name, range(first, first + len(batch)), batch)
            first += len(batch)


class EmptySource:
    """A file of no bytes, which is one of several."""

    encoding = "utf-8"
    columns: tuple[str, ...] | None = None

    def __init__(self, name: str, format: str) -> None:
        self.name = name
        self.format: str | None = format

    def batches(self, fields: Mapping[str, str] | None) -> Iterator[Batch]:
        """Read no rows."""
        return iter(())


def read_table(columns: Sequence[str], rows: Iterable[Sequence[object]], name: str = "query") -> TableSource:
    """Read the rows of a database cursor.

    :param columns: names of the columns
    :param rows: sequences with one value per column
    :raises BadSourceError: if a column name is a duplicate
    """
    return TableSource(columns, rows, name)


def read_records(records: Iterable[Mapping[str, object]], name: str = "records") -> RecordSource:
    """Read mappings of column name to value."""
    return RecordSource(records, name)
