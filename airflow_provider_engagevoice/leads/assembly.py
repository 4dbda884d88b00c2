"""A batch of rows becomes a batch of leads' bodies, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_engagevoice.leads.columns import Convert, converter
from airflow_provider_engagevoice.leads.mapping import Binding, Target
from airflow_provider_engagevoice.leads.phones import SEPARATOR, Phones
from airflow_provider_engagevoice.leads.source import Batch
from airflow_provider_engagevoice.models.lead import (
    EXTENDED,
    EXTERN_ID,
    PERSONA_PHONES,
    PHONE,
    PHONE_E164,
    TIME_ZONE,
    ZIP,
    TimeZoneOption,
)


@dataclass(slots=True)
class Column:
    """A column of the source, or one that it lacks.

    :param name: None when the source has none
    :param cells: of the batch that is being read
    """

    name: str | None
    target: Target
    convert: Convert
    cells: Sequence[object] = field(default=())


#: The column to blame, and why.
Problem = tuple[Column, str]
Body = dict[str, Any]


class Assembly:
    """Makes leads of batches that have the same columns."""

    def __init__(
        self, binding: Binding, phones: Phones, zone_option: TimeZoneOption | None, country: str
    ) -> None:
        targets: dict[Target, str | None] = {target: name for name, target in binding.targets.items()}
        phone = next((one for one in targets if one.field in (PHONE, PHONE_E164)), Target(PHONE))
        # Those first that are told first, when a row has several bad cells.
        needed = [Target(EXTERN_ID), phone]
        if zone_option is TimeZoneOption.EXPLICIT:
            needed.append(Target(TIME_ZONE))
        if zone_option is TimeZoneOption.ZIPCODE:
            needed.append(Target(ZIP))
        order = dict.fromkeys([*needed, *targets])
        columns = [
            Column(targets.get(target), target, converter(target, phones, zone_option, country))
            for target in order
        ]
        self.id_column, self.phone_column = columns[:2]
        #: The field that has the phone as it is looked for: ten digits where the country has them.
        self.phone_field = PHONE if phones.ten_digits else PHONE_E164
        self._flat = [column for column in columns if column.target.field not in (EXTENDED, PERSONA_PHONES)]
        self._entries = [column for column in columns if column not in self._flat]
        self._has_personas = any(column.target.field == PERSONA_PHONES for column in columns)
        self._both_phones = phone.field == PHONE_E164 and phones.ten_digits

    def make(self, batch: Batch) -> tuple[list[Body], dict[int, Problem]]:
        """Return a body for each row, and what is wrong with some of them by their place."""
        problems: dict[int, Problem] = {}
        names = []
        values: list[Sequence[Any]] = []
        for column in self._flat:
            converted = self._convert(column, batch, problems)
            for name, of_field in self._fields(column, converted, problems):
                names.append(name)
                values.append(of_field)
        bodies = [
            {name: value for name, value in zip(names, row, strict=True) if value != ""}
            if "" in row
            else dict(zip(names, row, strict=True))
            for row in zip(*values, strict=True)
        ]
        for column in self._entries:
            self._add_entries(column, self._convert(column, batch, problems), bodies, problems)
        return bodies, problems

    def _fields(
        self, column: Column, values: list[Any], problems: dict[int, Problem]
    ) -> list[tuple[str, list[Any]]]:
        """Return the fields that a column is for."""
        if column is not self.phone_column:
            return [(column.target.field, values)]
        if self._has_personas:
            for at, number in enumerate(values):
                if SEPARATOR in number:
                    reason = "there are several numbers, and a lead with persona phones has one"
                    problems.setdefault(at, (column, reason))
        if self._both_phones:
            # The country code is +1.
            return [(PHONE, [number[2:] for number in values]), (PHONE_E164, values)]
        return [(self.phone_field, values)]

    @staticmethod
    def _convert(column: Column, batch: Batch, problems: dict[int, Problem]) -> list[Any]:
        column.cells = [None] * len(batch.numbers) if column.name is None else batch.cells(column.name)
        values, bad = column.convert(column.cells)
        for at, reason in bad.items():
            problems.setdefault(at, (column, reason))
        return values

    @staticmethod
    def _add_entries(
        column: Column, values: list[Any], bodies: list[Body], problems: dict[int, Problem]
    ) -> None:
        name, key = column.target.field, column.target.key
        for at, (body, value) in enumerate(zip(bodies, values, strict=True)):
            if not value:
                continue
            if key is not None:
                value = {key: value}
            entries = body.setdefault(name, {})
            if entries.keys() & value.keys():
                problems.setdefault(at, (column, "another column has an entry of the same name"))
            entries.update(value)
