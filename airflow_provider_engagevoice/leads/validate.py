"""Validate the rows of lead lists: each becomes a lead or a reject."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from types import TracebackType
from typing import Self

from airflow_provider_engagevoice.exceptions import BadSourceError
from airflow_provider_engagevoice.inputs import read_choice
from airflow_provider_engagevoice.leads.build import Column, LeadBuilder, without_numbers
from airflow_provider_engagevoice.leads.coerce import has_no_value, is_empty
from airflow_provider_engagevoice.leads.dedup import Deduplicator
from airflow_provider_engagevoice.leads.mapping import Binding, MappingPlan, Target, describe_columns
from airflow_provider_engagevoice.leads.phones import Phones
from airflow_provider_engagevoice.leads.report import Reject, RejectKind, Report, ValidatedRows
from airflow_provider_engagevoice.leads.sources.base import UNNAMED, Batch, Source
from airflow_provider_engagevoice.models.enums import TimeZoneOption
from airflow_provider_engagevoice.models.lead import (
    AUX_PHONE,
    CALLER_ID,
    EXTENDED,
    EXTERN_ID,
    INTEGER_FIELDS,
    PERSONA_PHONES,
    PHONE,
    PHONE_E164,
    TIME_ZONE,
    ZIP,
)
from airflow_provider_engagevoice.models.phone import masked

#: Builders kept for a source whose batches have different columns.
_MAX_BUILDERS = 64
#: Targets kept: more than the fields of a lead and the seven persona phones of a campaign.
_MAX_TARGETS = 100
_ROW_BITS = 40
_SHOWN = 80
#: Fields whose values are part of a reason: those that are neither phones nor what a person is called.
_SHOWN_FIELDS = (EXTERN_ID, TIME_ZONE, ZIP, *INTEGER_FIELDS)
_PHONES = (PHONE, PHONE_E164, AUX_PHONE, CALLER_ID, PERSONA_PHONES)


class Group:
    """The rows for one campaign, and what was found in them.

    :param country: of the campaign, three letters
    :param campaign_id: of a list for several campaigns; otherwise 0
    :param scope: number of the group; rows are compared within it
    :ivar targets: fields of the leads and their persona phones, without ``extendedLeadData``: an ordered set
    """

    def __init__(self, country: str, phones: Phones, campaign_id: int = 0, scope: int = 0) -> None:
        self.country = country
        self.phones = phones
        self.campaign_id = campaign_id
        self.scope = scope
        self.report = Report()
        self.targets: dict[Target, None] = {}

    def add_targets(self, targets: Iterable[Target]) -> None:
        """Add fields of leads."""
        for target in targets:
            if target.field != EXTENDED and len(self.targets) < _MAX_TARGETS:
                self.targets[target] = None


class LeadValidator:
    """Validates the lists of one load, and deduplicates across all of them.

    Rejected are rows with a bad value, rows with a phone of an earlier lead, so that it is called once, and
    rows with the ``externId`` of an earlier lead but another phone: it is unknown which of the two is right.
    A row with several numbers loses those that an earlier lead has. What is wrong with a whole source is an
    error. Rows without any value are skipped.

    :param country: of the campaign, three letters
    :param time_zone_option: of the load: EXPLICIT requires a zone in each row, ZIPCODE a zip; None and the
        others require nothing
    :param special_numbers: whether to accept premium-rate, shared-cost, personal, pager and voicemail numbers
    :param retain_duplicates: whether rows with a phone of an earlier lead are kept
    :raises InvalidInputError: if an argument is invalid
    """

    def __init__(
        self,
        plan: MappingPlan,
        *,
        country: str = "USA",
        time_zone_option: TimeZoneOption | str | None = None,
        special_numbers: bool = False,
        retain_duplicates: bool = False,
    ) -> None:
        self._plan = plan
        self._special_numbers = special_numbers
        self._group = Group(country.strip().upper(), Phones(country, special=special_numbers))
        #: Of all rows.
        self.report = self._group.report
        self._zone_option = None
        if time_zone_option is not None:
            self._zone_option = read_choice(time_zone_option, "time_zone_option", TimeZoneOption)
        self._deduplicator = Deduplicator(retain_phones=retain_duplicates)
        self._sources: list[str] = []
        self._builders: dict[tuple[str, tuple[str, ...]], LeadBuilder] = {}

    @property
    def targets(self) -> Iterable[Target]:
        """Fields of the leads."""
        return self._group.targets

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete the index of duplicates."""
        self._deduplicator.close()

    def read(self, source: Source) -> Iterator[ValidatedRows]:
        """Read a source to its end, some rows at a time, in order.

        :raises BadSourceError: if the source is damaged, or lacks a required column
        """
        self._sources.append(source.name)
        self._builders.clear()
        fields = None
        if source.columns is not None:
            fields = self._fields(source.columns, source.name)
        columns: set[str] = set()
        for batch in source.batches(fields):
            if source.columns is None:
                if not columns and all(map(is_empty, map(batch.record, range(len(batch.numbers))))):
                    continue
                if not columns:
                    self._bind(batch.columns, source.name)
                columns.update(batch.columns)
            yield from self._rows(batch, source.name)
        if source.columns is None and columns:
            self._plan.check_named(columns, source.name)

    def _fields(self, columns: Sequence[str], source: str) -> dict[str, str]:
        """Return the columns to read, and the field of each."""
        self._plan.check_named(columns, source)
        fields = self._bind(columns, source).fields()
        if "" in columns and not self._plan.drop_unnamed:
            fields[""] = ""
        return fields

    def _rows(self, batch: Batch, source: str) -> Iterator[ValidatedRows]:
        yield self._validate(batch, source, self._group)

    def _bind(self, columns: Iterable[str], source: str) -> Binding:
        """Map columns to lead fields; the required ones must be among them."""
        binding = self._plan.bind(columns, source)
        required = [(EXTERN_ID, "every lead"), (PHONE, "every lead")]
        if self._zone_option is TimeZoneOption.EXPLICIT:
            required.append((TIME_ZONE, "time_zone_option=EXPLICIT"))
        if self._zone_option is TimeZoneOption.ZIPCODE:
            required.append((ZIP, "time_zone_option=ZIPCODE"))
        for field, by in required:
            if not binding.columns_for(*((PHONE, PHONE_E164) if field == PHONE else (field,))):
                raise BadSourceError(
                    f"no column is mapped to {field}, which {by} requires; name it in "
                    f"mapping={{'<column>': {field!r}}}{describe_columns(columns, field)}",
                    source=source,
                )
        self.report.add_unmapped(binding.unmapped)
        return binding

    def _builder(self, batch: Batch, source: str, group: Group) -> LeadBuilder:
        key = (group.country, batch.columns)
        builder = self._builders.get(key)
        if builder is None:
            if len(self._builders) == _MAX_BUILDERS:
                self._builders.clear()
            binding = self._plan.bind(batch.columns, source)
            self.report.add_unmapped(binding.unmapped)
            builder = LeadBuilder(binding, group.phones, self._zone_option, group.country)
            self._builders[key] = builder
        group.add_targets(builder.targets)
        return builder

    def _validate(self, batch: Batch, source: str, group: Group) -> ValidatedRows:
        self._check_unnamed(batch, source)
        builder = self._builder(batch, source, group)
        built = builder.build(batch)
        reports = (group.report,) if group.report is self.report else (group.report, self.report)
        group.add_targets(Target(PERSONA_PHONES, label) for label in built.personas)
        self.report.add_warnings(built.warnings)
        first = (len(self._sources) - 1) << _ROW_BITS
        numbers = batch.numbers
        good = [True] * len(numbers)
        for at in built.problems:
            good[at] = False
        duplicates = self._deduplicator.add(
            [first + number for number in compress(numbers, good)],
            compress(built.phones, good),
            compress(built.extern_ids, good),
            group.scope,
        )
        rejects: list[Reject] = []
        blank = 0
        if built.problems or duplicates:
            same = {bisect_left(numbers, position - first): one for position, one in duplicates.items()}
            for at in sorted(built.problems.keys() | same.keys()):
                if at in built.problems and is_empty(batch.record(at)):
                    blank += 1
                    continue
                if at in built.problems:
                    column, reason = built.problems[at]
                    rejects.append(_reject(batch, at, source, column, reason, RejectKind.BAD, None))
                    continue
                duplicate = same[at]
                if duplicate.kind is None:
                    built.leads[at] = without_numbers(built.leads[at], duplicate.dropped)
                    for report in reports:
                        report.dropped_numbers += len(duplicate.dropped)
                else:
                    good[at] = False
                    kind, earlier = duplicate.kind, duplicate.first
                    rejects.append(self._duplicate(batch, at, source, builder, kind, earlier))
        for report in reports:
            report.count(len(numbers) - blank, rejects)
        rows, leads = list(compress(numbers, good)), list(compress(built.leads, good))
        return ValidatedRows(rows, leads, rejects, group.campaign_id)

    def _check_unnamed(self, batch: Batch, source: str) -> None:
        """Check that a column without a name has no values, unless it is ignored."""
        if "" in batch.columns and not self._plan.drop_unnamed:
            for row, cell in zip(batch.numbers, batch.cells(""), strict=True):
                if not has_no_value(cell):
                    raise BadSourceError(UNNAMED, source=source, row=row)

    def _duplicate(
        self, batch: Batch, at: int, source: str, builder: LeadBuilder, kind: RejectKind, earlier: int
    ) -> Reject:
        first_source, first_row = self._sources[earlier >> _ROW_BITS], earlier & ((1 << _ROW_BITS) - 1)
        first = f"row {first_row}" if first_source == source else f"{first_source}, row {first_row}"
        if kind is RejectKind.DUPLICATE_PHONE:
            return _reject(batch, at, source, builder.phone_column, "duplicate phone", kind, first)
        reason = "duplicate externId, with another phone"
        return _reject(batch, at, source, builder.id_column, reason, kind, first)


def _reject(
    batch: Batch, at: int, source: str, column: Column, reason: str, kind: RejectKind, first: str | None
) -> Reject:
    return Reject(
        source,
        batch.numbers[at],
        column.name,
        str(column.target),
        _shown(column.target.field, column.cells[at]),
        reason,
        kind,
        first,
        batch.record(at),
    )


def _shown(field: str, value: object) -> str:
    """Return a value for the reason in the file of rejects: of other fields it may be a name."""
    if field in _PHONES:
        return "" if value is None else masked(value)
    return _shortened(value) if field in _SHOWN_FIELDS else ""


def _shortened(value: object) -> str:
    try:
        text = "" if value is None else str(value)
    except ValueError:
        # Python refuses to write a number of thousands of digits.
        return type(value).__name__
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
