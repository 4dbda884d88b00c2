"""Phone numbers alone, checked and in one form: those given, or those in a column of a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest
from airflow_provider_engagevoice.leads.errors import BadSourceError, temporary_files
from airflow_provider_engagevoice.leads.numbering_plan import NoNumberError
from airflow_provider_engagevoice.leads.phones import SEPARATOR, Phones
from airflow_provider_engagevoice.models.lead import PHONE

if TYPE_CHECKING:
    from airflow_provider_engagevoice.leads.sources.base import Source

#: Bytes of one part of a file: some 85,000 numbers of ten digits.
_PART = 1 << 20
#: Bad cells that a message tells of, beside their number.
_TOLD = 3


def read_numbers(given: object, country: str) -> list[str]:
    """Return numbers in one form, each once.

    :param given: one or several
    :param country: three letters
    :raises InvalidInputError: for the first that cannot be dialed, and when there is none
    """
    phones = Phones(country)
    several = given if isinstance(given, Iterable) and not isinstance(given, str | bytes) else [given]
    numbers: dict[str, None] = {}
    for place, value in enumerate(several):
        try:
            number = _read(phones, value)
        except NoNumberError as error:
            raise InvalidInputError(f"numbers[{place}]", value, str(error)) from None
        if not number:
            raise InvalidInputError(f"numbers[{place}]", value, "the number is missing")
        numbers[number] = None
    if not numbers:
        raise InvalidInputError("numbers", given, "give at least one")
    return list(numbers)


def _read(phones: Phones, value: object) -> str:
    number = phones.read(value)
    if SEPARATOR in number:
        raise NoNumberError("there are several numbers; give each by itself")
    return number


class NumberSpool:
    """The numbers in a column of files, on disk until all of them are known to be good.

    :param column: in which they are
    :param country: of the numbers, three letters
    """

    @temporary_files()
    def __init__(self, column: str, country: str) -> None:
        self._column = column
        self._phones = Phones(country)
        self._file = tempfile.TemporaryFile(prefix="engagevoice-numbers-")  # noqa: SIM115
        self._bad: list[BadSourceError] = []
        self._bad_count = 0
        #: Numbers that are good.
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What could not be written before cannot now; that has been told.
        with suppress(OSError):
            self._file.close()

    def read(self, source: Source) -> None:
        """Read a file.

        :raises InvalidInputError: when it has no such column
        :raises BadSourceError: when it is damaged
        :raises NoRoomError: when the numbers cannot be kept
        """
        if source.columns is not None and self._column not in source.columns:
            hint = nearest(self._column, source.columns)
            raise InvalidInputError("column", self._column, f"{source.name} has no such column{hint}")
        for batch in source.batches({self._column: PHONE}):
            good: list[str] = []
            for row, cell in zip(batch.numbers, batch.cells(self._column), strict=True):
                try:
                    number = _read(self._phones, cell)
                except NoNumberError as error:
                    self._reject(source.name, row, str(error))
                    continue
                if number:
                    good.append(f"{number}\n")
            with temporary_files():
                self._file.write("".join(good).encode())
            self.count += len(good)
        with temporary_files():
            self._file.flush()

    def _reject(self, source: str, row: int, reason: str) -> None:
        self._bad_count += 1
        if len(self._bad) < _TOLD:
            self._bad.append(BadSourceError(reason, source=source, row=row, column=self._column))

    def verify(self) -> None:
        """Check that all that was read is good.

        :raises InvalidInputError: with the number of bad cells, and the first of them
        """
        if self._bad:
            told = "; ".join(str(error) for error in self._bad)
            raise InvalidInputError(
                "source", self._bad[0].source, f"{self._bad_count} numbers cannot be dialed: {told}"
            )
        if not self.count:
            raise InvalidInputError("column", self._column, "there are no numbers in it")

    def parts(self) -> Iterator[bytes]:
        """Yield the numbers, one on each line, so many at a time."""
        self._file.seek(0)
        rest = b""
        while piece := self._file.read(_PART):
            lines, end, rest = (rest + piece).rpartition(b"\n")
            yield lines + end
