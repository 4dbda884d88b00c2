"""From the rows of a list to leads, and to rejects that say why they are none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import compress
from types import TracebackType
from typing import Self

from airflow_provider_engagevoice.inputs import read_choice
from airflow_provider_engagevoice.leads.build import LeadBuilder, Problem
from airflow_provider_engagevoice.leads.dedup import Deduplicator
from airflow_provider_engagevoice.leads.errors import BadSourceError
from airflow_provider_engagevoice.leads.mapping import Binding, MappingPlan, told_columns
from airflow_provider_engagevoice.leads.phones import Phones
from airflow_provider_engagevoice.leads.report import Reject, RejectKind, Report, ValidatedRows
from airflow_provider_engagevoice.leads.sources.base import Batch, Source
from airflow_provider_engagevoice.models.lead import (
    EXTERN_ID,
    PHONE,
    PHONE_E164,
    TIME_ZONE,
    ZIP,
    TimeZoneOption,
)

__all__ = ["LeadValidator", "Reject", "RejectKind", "ValidatedRows"]

#: So many assemblies are kept for sources whose batches have different columns.
_KEPT = 64
_ROW_BITS = 40
_SHOWN = 80


class LeadValidator:
    """Checks the lists of one load, and finds duplicates among all of them.

    A row with a bad value is a reject. So is one whose phone, or one of its phones, another lead has: who
    is in a list twice is called once. An ``externId`` that comes again with another phone is a reject too:
    the ids of two leads have been mixed up, and nobody knows which of them is meant. What is wrong with a
    source as a whole is an error.

    :param country: of the campaign, three letters
    :param time_zone_option: as the leads will be loaded: EXPLICIT needs a known zone in each row, ZIPCODE a
        zip. None and the others need nothing
    :raises InvalidInputError: when an argument cannot be right
    """

    def __init__(
        self,
        plan: MappingPlan,
        *,
        country: str = "USA",
        time_zone_option: TimeZoneOption | str | None = None,
    ) -> None:
        self.report = Report()
        self._plan = plan
        self._phones = Phones(country)
        self._country = country.strip().upper()
        self._zone_option = None
        if time_zone_option is not None:
            self._zone_option = read_choice(time_zone_option, "time_zone_option", TimeZoneOption)
        self._seen = Deduplicator()
        self._sources: list[str] = []
        self._assemblies: dict[tuple[str, ...], LeadBuilder] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget which leads have been there."""
        self._seen.close()

    def read(self, source: Source) -> Iterator[ValidatedRows]:
        """Read a source to its end, some rows at a time, in their order; each becomes a lead or a reject.

        :raises BadSourceError: when the source is damaged, or has not the columns that are needed
        """
        self._sources.append(source.name)
        self._assemblies.clear()
        fields = None
        if source.columns is not None:
            self._plan.check_named(source.columns, source.name)
            fields = self._bind(source.columns, source.name).fields()
        columns: set[str] = set()
        for batch in source.batches(fields):
            if source.columns is None:
                if not columns:
                    self._bind(batch.columns, source.name)
                columns.update(batch.columns)
            yield self._sort_out(batch, source.name)
        if source.columns is None and columns:
            self._plan.check_named(columns, source.name)

    def _bind(self, columns: Iterable[str], source: str) -> Binding:
        """Tell what columns are for; all that a lead needs must be among them."""
        binding = self._plan.bind(columns, source)
        needed = [(EXTERN_ID, "every lead needs one"), (PHONE, "every lead needs one")]
        if self._zone_option is TimeZoneOption.EXPLICIT:
            needed.append((TIME_ZONE, "time_zone_option=EXPLICIT needs one"))
        if self._zone_option is TimeZoneOption.ZIPCODE:
            needed.append((ZIP, "time_zone_option=ZIPCODE needs one"))
        for field, why in needed:
            if not binding.columns_for(*((PHONE, PHONE_E164) if field == PHONE else (field,))):
                raise BadSourceError(
                    f"no column is for {field}, and {why}; say which one: "
                    f"mapping={{'<column>': {field!r}}}; {told_columns(columns)}",
                    source=source,
                )
        self.report.note_unmapped(binding.unmapped)
        return binding

    def _assembly(self, batch: Batch, source: str) -> LeadBuilder:
        assembly = self._assemblies.get(batch.columns)
        if assembly is None:
            if len(self._assemblies) == _KEPT:
                self._assemblies.clear()
            binding = self._plan.bind(batch.columns, source)
            self.report.note_unmapped(binding.unmapped)
            assembly = LeadBuilder(binding, self._phones, self._zone_option, self._country)
            self._assemblies[batch.columns] = assembly
        return assembly

    def _sort_out(self, batch: Batch, source: str) -> ValidatedRows:
        assembly = self._assembly(batch, source)
        made = assembly.make(batch)
        first = (len(self._sources) - 1) << _ROW_BITS
        numbers = batch.numbers
        good = [at not in made.problems for at in range(len(numbers))]
        twice = self._seen.admit(
            [first + number for number in compress(numbers, good)],
            compress(made.phones, good),
            compress(made.extern_ids, good),
        )
        rejects = []
        if made.problems or twice:
            for at, number in enumerate(numbers):
                if at in made.problems:
                    rejects.append(_bad(batch, at, source, made.problems[at]))
                elif first + number in twice:
                    good[at] = False
                    rejects.append(self._duplicate(batch, at, source, assembly, twice[first + number]))
        self.report.count(len(numbers), rejects)
        return ValidatedRows(list(compress(numbers, good)), list(compress(made.leads, good)), rejects)

    def _duplicate(
        self, batch: Batch, at: int, source: str, assembly: LeadBuilder, twice: tuple[RejectKind, int]
    ) -> Reject:
        kind, place = twice
        first_source, first_row = self._sources[place >> _ROW_BITS], place & ((1 << _ROW_BITS) - 1)
        first = f"row {first_row}" if first_source == source else f"{first_source}, row {first_row}"
        if kind is RejectKind.DUPLICATE_PHONE:
            column, reason = assembly.phone_column, "another lead has this phone"
        else:
            column, reason = assembly.id_column, "another lead, with another phone, has this externId"
        return Reject(
            source,
            batch.numbers[at],
            column.name,
            str(column.target),
            _shortened(column.cells[at]),
            reason,
            kind,
            first,
            batch.record(at),
        )


def _bad(batch: Batch, at: int, source: str, problem: Problem) -> Reject:
    column, reason = problem
    return Reject(
        source,
        batch.numbers[at],
        column.name,
        str(column.target),
        _shortened(column.cells[at]),
        reason,
        RejectKind.BAD,
        None,
        batch.record(at),
    )


def _shortened(value: object) -> str:
    try:
        text = "" if value is None else str(value)
    except ValueError:
        # Python refuses to write a number of thousands of digits.
        return type(value).__name__
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
