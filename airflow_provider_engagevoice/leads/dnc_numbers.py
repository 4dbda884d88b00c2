"""Phone numbers for the do-not-call list, validated and normalized: given ones, or a column of files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from airflow_provider_engagevoice.exceptions import BadSourceError, InvalidInputError, nearest
from airflow_provider_engagevoice.inputs import HIDDEN
from airflow_provider_engagevoice.leads.dedup import writing_temporary_files
from airflow_provider_engagevoice.leads.phones import SEPARATOR, Phones
from airflow_provider_engagevoice.models.lead import PHONE
from airflow_provider_engagevoice.models.phone import BadNumberError

if TYPE_CHECKING:
    from airflow_provider_engagevoice.leads.sources.base import Source

#: Bytes per upload: about 95,000 numbers of ten digits.
_PART = 1 << 20
#: Bad cells that an error names.
_EXAMPLES = 3


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


class NumberSpool:
    """The numbers in a column of files, on disk until all of them are validated.

    :param column: of the numbers
    :param country: of the numbers, three letters
    """

    @writing_temporary_files()
    def __init__(self, column: str, country: str) -> None:
        self._column = column
        self._phones = Phones(country, special=True)
        self._file = tempfile.TemporaryFile(prefix="engagevoice-numbers-")  # noqa: SIM115
        self._bad: list[BadSourceError] = []
        self._bad_count = 0
        #: Valid numbers.
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A write that failed before fails again here; that error has been raised already.
        with suppress(OSError):
            self._file.close()

    def read(self, source: Source) -> None:
        """Read a file.

        :raises InvalidInputError: if it does not have the column
        :raises BadSourceError: if it is damaged
        :raises NoRoomError: if the numbers cannot be written to disk
        """
        if source.columns is not None and self._column not in source.columns:
            hint = nearest(self._column, source.columns)
            raise InvalidInputError("column", self._column, f"{source.name} has no such column{hint}")
        for batch in source.batches({self._column: PHONE}):
            valid: list[str] = []
            for row, cell in zip(batch.numbers, batch.cells(self._column), strict=True):
                try:
                    number = _read(self._phones, cell)
                except BadNumberError as error:
                    self._reject(source.name, row, str(error))
                    continue
                if number:
                    valid.append(f"{number}\n")
            with writing_temporary_files():
                self._file.write("".join(valid).encode())
            self.count += len(valid)
        with writing_temporary_files():
            self._file.flush()

    def _reject(self, source: str, row: int, reason: str) -> None:
        self._bad_count += 1
        if len(self._bad) < _EXAMPLES:
            self._bad.append(BadSourceError(reason, source=source, row=row, column=self._column))

    def verify(self) -> None:
        """Check that all numbers are valid, and that there are any.

        :raises InvalidInputError: with the number of bad cells, and the first of them
        """
        if self._bad:
            examples = "; ".join(str(error) for error in self._bad)
            raise InvalidInputError(
                "source", self._bad[0].source, f"{self._bad_count} numbers cannot be dialed: {examples}"
            )
        if not self.count:
            raise InvalidInputError("column", self._column, "the column has no numbers")

    def parts(self) -> Iterator[bytes]:
        """Yield the numbers in parts, one number per line."""
        self._file.seek(0)
        rest = b""
        while data := self._file.read(_PART):
            lines, end, rest = (rest + data).rpartition(b"\n")
            yield lines + end
