"""The result of validating lead lists: a report, and the limit of bad rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.leads.list_arguments import read_row_limit
from airflow_provider_engagevoice.models.phone import A_DATE

if TYPE_CHECKING:
    from airflow_provider_engagevoice.leads.loading.outcomes import Counts

#: Columns added to a file of rejects; they are ignored when such a file is loaded.
REJECT_COLUMNS = ("reject_source", "reject_row", "reject_reason")


class RejectKind(StrEnum):
    """Why a row is rejected: a bad value, or a duplicate."""

    BAD = "bad"
    DUPLICATE_PHONE = "duplicate phone"
    DUPLICATE_EXTERN_ID = "duplicate externId"


class Reject(NamedTuple):
    """A row that is not loaded.

    :param source: name of the file, query or records
    :param row: its row number there
    :param column: the column with the bad value; None if the source lacks it
    :param field: the lead field of the column
    :param value: the value, shortened
    :param reason: one of a fixed set, without the value
    :param first: where the same phone or ``externId`` was first seen; for duplicates
    :param record: the row as it is in the source
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
        # Without the value: errors and logs are read by more people than the file of rejects.
        column = f", column {self.column!r}" if self.column else ""
        return f"{self.source}, row {self.row}{column}: {self.reason}{self._first_seen}"

    @property
    def explanation(self) -> str:
        """The reason, with the value."""
        value = f"{self.value!r}: " if self.value else ""
        return f"{value}{self.reason}{self._first_seen}"

    @property
    def _first_seen(self) -> str:
        return f"; first seen in {self.first}" if self.first else ""


class ValidatedRows(NamedTuple):
    """The result of some consecutive rows.

    :param numbers: the row number of each lead in its source
    :param leads: JSON of entries of ``uploadLeads``
    :param campaign_id: of a list for several campaigns; otherwise 0
    """

    numbers: Sequence[int]
    leads: Sequence[str]
    rejects: Sequence[Reject]
    campaign_id: int = 0


#: Limits of a report: examples per reason, bad rows named in an error, reasons, and names of columns.
_EXAMPLES = 3
_FIRST_BAD = 5
_REASONS = 100
_COLUMNS = 100


class Report:
    """Counts of the rows read so far, over all sources.

    ``rows`` is the sum of ``leads``, ``bad`` and ``duplicate_phones``.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.leads = 0
        self.bad = 0
        self.duplicate_phones = 0
        #: Of the bad rows: those with the ``externId`` of an earlier one, and another phone.
        self.duplicate_extern_ids = 0
        #: Numbers of leads with several that are not loaded, because another lead has them.
        self.dropped_numbers = 0
        #: Rejects by lead field and reason.
        self.reasons: Counter[str] = Counter()
        #: The same of bad rows alone.
        self.bad_reasons: Counter[str] = Counter()
        #: What may be wrong with rows that are loaded, and how many these are.
        self.warnings: Counter[str] = Counter()
        #: Columns that match no lead field and are ignored.
        self.unmapped: dict[str, None] = {}
        #: The first rejects, except duplicate phones: these people are called anyway.
        self._first_bad: list[str] = []
        self._examples: dict[str, list[str]] = {}

    @property
    def rejected(self) -> int:
        """How many rows are rejected, duplicates included."""
        return self.rows - self.leads

    @property
    def examples(self) -> list[str]:
        """The first rejects of each reason, by descending frequency of the reasons."""
        return [example for reason, _ in self.reasons.most_common() for example in self._examples[reason]]

    @property
    def bad_lines(self) -> str:
        """The first bad rows and the number of the others, each on a line of its own."""
        lines = list(self._first_bad)
        if (more := self.bad - len(lines)) > 0:
            lines.append(f"and {more:,} more")
        for whole, count in self.bad_reasons.items():
            field, _, reason = whole.partition(": ")
            if reason == A_DATE and count == self.rows:
                lines.append(f"all rows have a date as {field}: the wrong column may be mapped to it")
        return "".join(f"\n  {line}" for line in lines)

    def count(self, rows: int, rejects: Sequence[Reject]) -> None:
        """Count rows, of which some are rejects."""
        self.rows += rows
        self.leads += rows - len(rejects)
        for reject in rejects:
            reason = f"{reject.field}: {reject.reason}"
            if reason not in self.reasons and len(self.reasons) == _REASONS:
                reason = "other reasons"
            self.reasons[reason] += 1
            if reject.kind is RejectKind.DUPLICATE_PHONE:
                self.duplicate_phones += 1
            else:
                self.bad += 1
                self.bad_reasons[reason] += 1
                self.duplicate_extern_ids += reject.kind is RejectKind.DUPLICATE_EXTERN_ID
                if len(self._first_bad) < _FIRST_BAD:
                    self._first_bad.append(str(reject))
            examples = self._examples.setdefault(reason, [])
            if len(examples) < _EXAMPLES:
                examples.append(str(reject))

    def add_warnings(self, warnings: Mapping[str, int]) -> None:
        """Count rows of which something may be wrong."""
        for warning, rows in warnings.items():
            known = warning in self.warnings or len(self.warnings) < _REASONS
            self.warnings[warning if known else "other warnings"] += rows

    def add_unmapped(self, columns: Iterable[str]) -> None:
        """Add columns that match no lead field."""
        for column in columns:
            if len(self.unmapped) < _COLUMNS:
                self.unmapped[column] = None

    def text(self) -> str:
        """Return a summary for the log."""
        lines = [
            f"Rows read: {self.rows:,}; valid: {self.leads:,}, bad: {self.bad:,}, "
            f"with the phone of an earlier row: {self.duplicate_phones:,}"
        ]
        if self.reasons:
            lines.append("Rejected rows by reason:")
        for reason, count in self.reasons.most_common():
            lines.append(f"  {count:>7,}  {reason}")
            lines += [f"           - {example}" for example in self._examples[reason]]
        if self.warnings:
            lines.append("Valid, but check these rows:")
        for warning, count in self.warnings.most_common():
            lines.append(f"  {count:>7,}  {warning}")
        if self.dropped_numbers:
            lines.append(f"Further numbers not loaded, since another lead has them: {self.dropped_numbers:,}")
        if self.unmapped:
            lines.append(f"Ignored columns (no lead field): {', '.join(map(repr, self.unmapped))}")
        return "\n".join(lines)

    def counts(self) -> dict[str, int]:
        """Return the counts of rows as plain JSON."""
        return {
            "rows": self.rows,
            "leads": self.leads,
            "bad": self.bad,
            "duplicate_phones": self.duplicate_phones,
            "duplicate_extern_ids": self.duplicate_extern_ids,
            "dropped_numbers": self.dropped_numbers,
        }

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return self.counts() | {
            "reasons": dict(self.reasons.most_common()),
            "examples": self.examples,
            "warnings": dict(self.warnings.most_common()),
            "unmapped": list(self.unmapped),
        }


class LeadsRejectedError(EngageVoiceError):
    """More rows are bad than ``max_bad_rows`` allows."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


def rejected_by_server(report: Report, counts: Counts) -> int:
    """Return the leads of a finished load that the server has neither loaded nor dropped with a reason."""
    return report.leads - counts.inserted - counts.duplicates - counts.do_not_call


def load_counts(report: Report, counts: Counts) -> dict[str, int]:
    """Return the counts of a finished load, by their names in the operator's result."""
    return {
        "supplied": report.rows,
        "accepted": counts.accepted,
        "inserted": counts.inserted,
        "rejected": report.bad + rejected_by_server(report, counts),
        "duplicates": report.duplicate_phones + counts.duplicates,
        "do_not_call": counts.do_not_call,
        "settled_chunks": counts.reconciled,
    }


def not_called(report: Report, counts: Counts) -> str:
    """Return one line that says how many rows of a finished load are not called, and why, by reason.

    Those with an earlier row's phone, or in the campaign already, are called all the same.
    """
    reasons = report.bad_reasons + Counter(
        {
            "on the do-not-call list": counts.do_not_call,
            "rejected by the server": rejected_by_server(report, counts),
        }
    )
    called = counts.inserted + report.duplicate_phones + counts.duplicates
    line = f"{report.rows - called:,} of {report.rows:,} people are not called"
    if reasons:
        # What to do about a reason is in the list of examples.
        wrong = ((reason.partition("; ")[0], count) for reason, count in reasons.most_common())
        line += ": " + "; ".join(f"{reason}: {count:,}" for reason, count in wrong)
    others = {
        "Rows with the phone of an earlier row": report.duplicate_phones,
        "People already in the campaign": counts.duplicates,
        "Further numbers not loaded, since another lead has them": report.dropped_numbers,
    }
    return ". ".join([line, *(f"{what}: {count:,}" for what, count in others.items() if count)])


def verify_loaded(report: Report, counts: Counts) -> None:
    """Check that the server has taken a row of a finished load, or has it already, or must not call it.

    :raises LeadsRejectedError: if all rows are bad or rejected, whatever ``max_bad_rows`` allows
    """
    if report.rows and rejected_by_server(report, counts) == report.leads:
        raise LeadsRejectedError(f"no lead is loaded: {not_called(report, counts)}{report.bad_lines}", report)


@dataclass(frozen=True, slots=True)
class RejectLimit:
    """How many bad rows a load may have.

    A duplicate ``externId`` counts as bad. A duplicate phone does not, since the phone is called anyway.

    :param rows: None if a share is given
    :param share: of all rows
    :param given: as given to the operator
    """

    rows: int | None
    share: float
    given: object

    @classmethod
    def of(cls, max_bad_rows: object) -> Self:
        """Read ``"fail"``, a number, ``"2%"``, ``{"rows": 10}`` or ``{"share": 0.02}``.

        :raises InvalidInputError: if it is not one of them
        """
        rows, share = read_row_limit(max_bad_rows, "max_bad_rows")
        return cls(rows, share, max_bad_rows)

    def verify(self, report: Report, *, rejected_by_server: int = 0) -> None:
        """Check a complete report.

        :param rejected_by_server: leads of the report that the server rejected
        :raises LeadsRejectedError: if there are too many bad rows; the message names the first of them
        """
        count = report.bad + rejected_by_server
        # 29% of 100 is 28.999…
        allowed = int(self.share * report.rows + 1e-9) if self.rows is None else self.rows
        if count <= allowed:
            return
        by_server = f", {rejected_by_server:,} of them rejected by the server" if rejected_by_server else ""
        raise LeadsRejectedError(
            f"{count:,} of {report.rows:,} rows are bad{by_server}; max_bad_rows={self.given!r} allows "
            f"{allowed:,}{report.bad_lines}",
            report,
        )
