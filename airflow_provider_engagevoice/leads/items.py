"""What becomes of a row: a lead, or a reject that says why it is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

#: Columns that a file of rejects has beside its own; they are left out when such a file is loaded.
REJECT_COLUMNS = ("reject_source", "reject_row", "reject_reason")


class RejectKind(StrEnum):
    """Why a row is no lead: something in it is bad, or it has been there before."""

    BAD = "bad"
    DUPLICATE_PHONE = "duplicate phone"
    DUPLICATE_EXTERN_ID = "duplicate externId"


class Reject(NamedTuple):
    """A row that is not loaded.

    :param source: name of the file, query or records
    :param row: its number there
    :param column: the column to blame; None when it is missing
    :param field: the lead field that the column is for
    :param value: what the column has, shortened
    :param reason: one of few, which do not name the value
    :param first: where the row is that has the same phone or ``externId``, for duplicates
    :param record: the row as it stands in the source
    """

    source: str
    row: int
    column: str | None
    field: str
    value: str
    reason: str
    kind: RejectKind
    first: str | None
    record: Mapping[str, object]

    def __str__(self) -> str:
        column = f", column {self.column!r}" if self.column else ""
        return f"{self.source}, row {self.row}{column}: {self.explanation}"

    @property
    def explanation(self) -> str:
        """What is wrong, with the value."""
        value = f"{self.value!r}: " if self.value else ""
        first = f"; the first one is {self.first}" if self.first else ""
        return f"{value}{self.reason}{first}"


class CheckedRows(NamedTuple):
    """What became of some rows that follow one another.

    :param numbers: the row of each lead in the source
    :param leads: those that can be loaded, each as JSON: one entry of the vendor's ``uploadLeads``
    """

    numbers: Sequence[int]
    leads: Sequence[str]
    rejects: Sequence[Reject]
