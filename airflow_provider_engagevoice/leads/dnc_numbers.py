"""Phone numbers for the do-not-call list, validated and normalized: given ones, or those of files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from airflow_provider_engagevoice.characters import listed
from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest
from airflow_provider_engagevoice.inputs import HIDDEN
from airflow_provider_engagevoice.leads.coerce import WHOLE, BadValueError, text_of
from airflow_provider_engagevoice.leads.loading.spool import TemporaryFile, writing_temporary_files
from airflow_provider_engagevoice.leads.phones import SEPARATOR, Phones
from airflow_provider_engagevoice.leads.report import LeadsRejectedError, Reject, RejectKind, Report
from airflow_provider_engagevoice.models.lead import PHONE
from airflow_provider_engagevoice.models.phone import BadNumberError, hide_phones, masked

if TYPE_CHECKING:
    from airflow_provider_engagevoice.leads.sources.base import Source

#: Bytes per upload: about 95,000 numbers of ten digits.
_PART = 1 << 20
#: The column of the numbers, unless another one is given.
_COLUMN = "phone"


def read_numbers(given: object, country: str) -> list[str]:
    """Return numbers normalized and without duplicates.

    :param given: one or several
    :param country: three letters
    :raises InvalidInputError: for the first number that cannot be dialed, or if there is none
    """
    phones = Phones(country, special=True)
    several = given if isinstance(given, Iterable) and not isinstance(given, str | bytes) else [given]
    numbers: dict[str, None] = {}
    for index, value in enumerate(several):
        try:
            number = _read(phones, value)
        except BadNumberError as error:
            raise InvalidInputError(f"numbers[{index}]", HIDDEN, str(error)) from None
        if not number:
            raise InvalidInputError(f"numbers[{index}]", HIDDEN, "the number is missing")
        numbers[number] = None
    if not numbers:
        raise InvalidInputError("numbers", given, "give at least one number")
    return list(numbers)


def forms_of(number: str, country: str) -> tuple[str, ...]:
    """Return the texts as which the list may hold a number, the one that is added first.

    :param number: as returned by :func:`read_numbers`
    """
    phones = Phones(country, special=True)
    return phones.forms(number if phones.ten_digits else phones.national(number))


def _read(phones: Phones, value: object) -> str:
    number = phones.read(value)
    if SEPARATOR in number:
        raise BadNumberError("there are several numbers; give each one separately")
    return number


def _joined(cells: Sequence[object], *, ten_digits: bool) -> object:
    """Return the parts of a number as one text; None if there are none.

    A number type may have lost a 0 in front, and of several lengths a number without its area code is another
    one.

    :param ten_digits: whether all numbers have ten digits
    """
    try:
        texts = [text for text in map(text_of, cells) if text]
    except BadValueError as error:
        raise BadNumberError(str(error)) from None
    # A number type leaves a fraction of zeros.
    whole = [found[1] if (found := WHOLE(text)) else text for text in texts]
    joined = " ".join(whole)
    if ten_digits or not texts or joined.startswith("+"):
        return joined or None
    if len(texts) < len(cells):
        raise BadNumberError("a part of the number is missing; fill each of the columns")
    digits = "".join(whole)
    is_number = not isinstance(cells[0], str) or whole[0] != texts[0]
    return int(digits) if is_number and digits.isdecimal() else joined


class NumberSpool(TemporaryFile):
    """The numbers in files, on disk until all files are read.

    :param columns: whose cells together are a number, such as area code and number; empty for ``phone``, or
        the only column of a file without a header
    :param country: of the numbers, three letters
    :ivar report: counts of the rows with a number; its ``leads`` are the valid ones
    """

    def __init__(self, columns: Sequence[str], country: str) -> None:
        super().__init__("engagevoice-numbers-")
        self._given = tuple(columns)
        self._phones = Phones(country, special=True)
        self.report = Report()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that files should have."""
        return self._given or (_COLUMN,)

    def read(self, source: Source) -> Iterator[Reject]:
        """Read a file to its end, and yield the rows whose number cannot be dialed.

        :raises InvalidInputError: if it does not have the columns
        :raises BadSourceError: if it is damaged
        :raises NoRoomError: if the numbers cannot be written to disk
        """
        columns = self._columns_of(source)
        ten_digits = self._phones.ten_digits
        # Of text, an empty cell is not None.
        may_be_short = source.format in ("csv", "tsv")
        for batch in source.batches(dict.fromkeys(columns, PHONE)):
            valid: list[str] = []
            rejects: list[Reject] = []
            rows = zip(*map(batch.cells, columns), strict=True)
            for at, cells in enumerate(rows):
                cell: object = cells
                try:
                    if may_be_short and not any(one is not None for one in cells):
                        cell = ""
                        raise BadNumberError("the row ends before this column; write all its cells")
                    cell = cells[0] if len(cells) == 1 else _joined(cells, ten_digits=ten_digits)
                    number = _read(self._phones, cell)
                except BadNumberError as error:
                    row = batch.numbers[at]
                    rejects.append(
                        Reject(
                            *(source.name, row, columns[0], PHONE, masked(cell), str(error)),
                            kind=RejectKind.BAD,
                            first=None,
                            record=batch.record(at),
                        )
                    )
                    continue
                if number:
                    valid.append(f"{number}\n")
            with writing_temporary_files():
                self._file.write("".join(valid).encode())
            self.report.count(len(valid) + len(rejects), rejects)
            yield from rejects
        with writing_temporary_files():
            self._file.flush()

    def _columns_of(self, source: Source) -> tuple[str, ...]:
        found = source.columns
        if found is None or set(self.columns) <= set(found):
            return self.columns
        if not self._given and "1" in found and "2" not in found:
            return ("1",)
        missing = next(column for column in self.columns if column not in found)
        hint, columns = nearest(missing, found), hide_phones(listed(found))
        raise InvalidInputError(
            "column",
            missing,
            f"{source.name} has no column that is written exactly like this{hint}; it has: {columns}; "
            "without a header columns have numbers, such as columns=[1, 2] for area code and number",
        )

    def verify(self) -> None:
        """Check that there are numbers, and that one of them is valid.

        :raises InvalidInputError: if there are none
        :raises LeadsRejectedError: if none can be dialed; it has the first of them
        """
        report = self.report
        if not report.rows:
            raise InvalidInputError("column", ", ".join(self.columns), "the column has no numbers")
        if not report.leads:
            raise LeadsRejectedError(
                f"none of {report.bad:,} numbers can be dialed{report.bad_lines}", report
            )

    def parts(self) -> Iterator[bytes]:
        """Yield the numbers in parts, one number per line."""
        self._file.seek(0)
        rest = b""
        while data := self._file.read(_PART):
            lines, end, rest = (rest + data).rpartition(b"\n")
            yield lines + end
