"""What is wrong with a lead list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_engagevoice.exceptions import EngageVoiceError

if TYPE_CHECKING:
    from airflow_provider_engagevoice.leads.report import Report


class BadSourceError(EngageVoiceError, ValueError):
    """A source is damaged, or is not what it is taken for; nothing has been sent.

    :param what: what is wrong, and what would be right
    :param source: name of the file, query or records
    :param row: number of the row, as a person finds it; None when it is about the whole
    :param column: name of the column, or its number where it has none
    """

    def __init__(
        self, what: str, *, source: str, row: int | None = None, column: str | int | None = None
    ) -> None:
        place = source
        if row is not None:
            place += f", row {row}"
        if column is not None:
            place += f", column {column!r}"
        super().__init__(f"{place}: {what}")
        self.what = what
        self.source = source
        self.row = row
        self.column = column


class LeadsRejectedError(EngageVoiceError):
    """More rows of the list are bad than ``on_reject`` allows."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


class MisreadFileError(EngageVoiceError):
    """The server reads a file of leads otherwise than it was written.

    :param what: what of the file it reads, and as what
    """

    def __init__(self, what: str) -> None:
        super().__init__(f'the server reads the file of leads otherwise: {what}; use method="direct"')


class NoRoomError(EngageVoiceError):
    """A file cannot be written: the disk is full, most likely.

    It may be tried again: others need not be full, and this one may have room by then.
    """

    retryable = True
