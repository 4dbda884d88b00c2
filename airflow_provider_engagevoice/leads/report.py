"""What a check has found, for people and for programs, and how much of it is too much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self

from airflow_provider_engagevoice.inputs import read_row_limit
from airflow_provider_engagevoice.leads.errors import LeadsRejectedError

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


class ValidatedRows(NamedTuple):
    """What became of some rows that follow one another.

    :param numbers: the row of each lead in the source
    :param leads: those that can be loaded, each as JSON: one entry of the vendor's ``uploadLeads``
    """

    numbers: Sequence[int]
    leads: Sequence[str]
    rejects: Sequence[Reject]


#: So many examples are kept of each reason and of all bad rows, and so many reasons and names of columns.
_EXAMPLES = 3
_FIRST = 5
_REASONS = 100
_NAMES = 100


class Report:
    """Counts of the rows that have been read so far, of all sources.

    ``rows`` is the sum of ``leads``, ``bad``, ``duplicate_phones`` and ``duplicate_extern_ids``.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.leads = 0
        self.bad = 0
        self.duplicate_phones = 0
        self.duplicate_extern_ids = 0
        #: How many rows there are of each reason, with the field that it is about.
        self.reasons: Counter[str] = Counter()
        #: Columns that are for no field and were left out.
        self.unmapped: dict[str, None] = {}
        #: The first rows that cannot be loaded and whose people would be left out.
        self.first_bad: list[str] = []
        self._examples: dict[str, list[str]] = {}

    @property
    def rejected(self) -> int:
        """How many rows are no leads, duplicates included."""
        return self.rows - self.leads

    @property
    def examples(self) -> list[str]:
        """The first rows of each reason, those of the most frequent one first."""
        return [example for reason, _ in self.reasons.most_common() for example in self._examples[reason]]

    def count(self, rows: int, rejects: Sequence[Reject]) -> None:
        """Count rows, of which some are rejects."""
        self.rows += rows
        self.leads += rows - len(rejects)
        for reject in rejects:
            if reject.kind is RejectKind.BAD:
                self.bad += 1
            elif reject.kind is RejectKind.DUPLICATE_PHONE:
                self.duplicate_phones += 1
            else:
                self.duplicate_extern_ids += 1
            if reject.kind is not RejectKind.DUPLICATE_PHONE and len(self.first_bad) < _FIRST:
                self.first_bad.append(str(reject))
            reason = f"{reject.field}: {reject.reason}"
            if reason not in self.reasons and len(self.reasons) == _REASONS:
                reason = "further reasons"
            self.reasons[reason] += 1
            examples = self._examples.setdefault(reason, [])
            if len(examples) < _EXAMPLES:
                examples.append(str(reject))

    def note_unmapped(self, columns: Iterable[str]) -> None:
        """Note columns that are for no field."""
        for column in columns:
            if len(self.unmapped) < _NAMES:
                self.unmapped[column] = None

    def text(self) -> str:
        """Return it as lines."""
        lines = [
            f"{self.rows:,} rows: {self.leads:,} leads, {self.bad:,} bad, "
            f"{self.duplicate_phones + self.duplicate_extern_ids:,} duplicates"
        ]
        for reason, count in self.reasons.most_common():
            lines.append(f"  {reason}: {count:,}")
            lines += [f"      {example}" for example in self._examples[reason]]
        if self.unmapped:
            names = ", ".join(map(repr, self.unmapped))
            lines.append(f"  columns left out, as they are for no field: {names}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "rows": self.rows,
            "leads": self.leads,
            "bad": self.bad,
            "duplicate_phones": self.duplicate_phones,
            "duplicate_extern_ids": self.duplicate_extern_ids,
            "reasons": dict(self.reasons.most_common()),
            "examples": self.examples,
            "unmapped": list(self.unmapped),
        }


@dataclass(frozen=True, slots=True)
class RejectLimit:
    """How many people may be left out because of what their rows say.

    Counted are bad rows, and those whose ``externId`` another lead has. Duplicates of a phone are not: who
    is in the list twice is called all the same.

    :param rows: None where a share is given
    :param share: of all rows
    :param given: what the user wrote
    """

    rows: int | None
    share: float
    given: object

    @classmethod
    def of(cls, max_bad_rows: object) -> Self:
        """Return the limit that a user gave.

        :raises InvalidInputError: if it is not usable
        """
        rows, share = read_row_limit(max_bad_rows, "max_bad_rows")
        return cls(rows, share, max_bad_rows)

    def verify(self, report: Report) -> None:
        """Check a report after the last row.

        :raises LeadsRejectedError: when it has too many rejects; the message names the first of them
        """
        self.verify_refused(report, 0)

    def verify_refused(self, report: Report, refused: int) -> None:
        """Check a report together with what the server refused of its leads.

        :raises LeadsRejectedError: when both together are too many
        """
        count = report.bad + report.duplicate_extern_ids + refused
        # 29% of 100 is 28.999…
        allowed = int(self.share * report.rows + 1e-9) if self.rows is None else self.rows
        if count <= allowed:
            return
        by_server = f", {refused:,} of them refused by the server" if refused else ""
        raise LeadsRejectedError(
            f"{count:,} of {report.rows:,} rows are bad{by_server}, and on_reject={self.given!r} allows "
            f"{allowed:,}" + "".join(f"\n  {example}" for example in report.first_bad),
            report,
        )
