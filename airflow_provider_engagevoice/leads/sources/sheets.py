"""What a sheet of an ``.xlsx`` says that python-calamine does not: its size, formulas without values."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from html import unescape
from typing import IO, BinaryIO, NamedTuple

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
