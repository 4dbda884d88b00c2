"""A batch of rows becomes a batch of leads, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import JSONEncoder, encode_basestring_ascii
from typing import Any, NamedTuple

from airflow_provider_engagevoice.leads.convert import Convert, converter
from airflow_provider_engagevoice.leads.mapping import Binding, Target
from airflow_provider_engagevoice.leads.phones import SEPARATOR, Phones
from airflow_provider_engagevoice.leads.sources.base import Batch
from airflow_provider_engagevoice.models.lead import (
    EXTERN_ID,
    OBJECT_FIELDS,
    PERSONA_PHONES,
    PHONE,
    PHONE_E164,
    PRIORITY,
    TIME_ZONE,
    ZIP,
    TimeZoneOption,
)

_ENCODER = JSONEncoder(separators=(",", ":"))

text_as_json = encode_basestring_ascii


class Members(NamedTuple):
    """What a column adds to the objects.

    :param form: where it stands, as ``%`` has it
    :param texts: what stands there, for each row
    """

    form: str
    texts: Iterable[str]


def members(name: str, values: Sequence[Any], as_json: Callable[[Any], str]) -> Members:
    """Return a member of each object.

    :param values: an empty text where an object has no such member
    """
    head = f",{text_as_json(name)}:"
    if "" in values:
        return Members("%s", [head + as_json(value) if value != "" else "" for value in values])
    return Members(head.replace("%", "%%") + "%s", map(as_json, values))


def members_of(values: Sequence[Mapping[str, Any] | str]) -> Members:
    """Return all members of objects; an empty text has none."""
    return Members("%s", ["," + _ENCODER.encode(value)[1:-1] if value else "" for value in values])


def objects(columns: Sequence[Members]) -> list[str]:
    """Return an object for each row, as JSON; an empty text where it would have no members."""
    form = "".join(column.form for column in columns)
    rows = zip(*(column.texts for column in columns), strict=True)
    if form.startswith(","):
        form = "{" + form[1:] + "}"
        return [form % row for row in rows]
    return ["{" + text[1:] + "}" if text else "" for text in (form % row for row in rows)]


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


class Made(NamedTuple):
    """What a batch of rows became.

    :param leads: an entry of the vendor's ``uploadLeads`` for each row, as JSON
    :param problems: what is wrong with some rows, by their place; what was made of these is of no use
    """

    extern_ids: list[str]
    phones: list[str]
    leads: list[str]
    problems: dict[int, Problem]


class LeadBuilder:
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
        self._flat = [column for column in columns[2:] if column.target.field not in OBJECT_FIELDS]
        self._entries = [column for column in columns if column.target.field in OBJECT_FIELDS]
        self._has_personas = any(column.target.field == PERSONA_PHONES for column in columns)
        self._both_phones = phone.field == PHONE_E164 and phones.ten_digits

    def make(self, batch: Batch) -> Made:
        """Make a lead of each row."""
        problems: dict[int, Problem] = {}
        extern_ids = self._convert(self.id_column, batch, problems)
        phones = self._convert(self.phone_column, batch, problems)
        if self._has_personas:
            self._refuse_several(phones, problems)
        needed = {EXTERN_ID: extern_ids, self.phone_field: phones}
        if self._both_phones:
            # The country code is +1.
            needed = {EXTERN_ID: extern_ids, PHONE: [number[2:] for number in phones], PHONE_E164: phones}
        columns = [members(name, values, text_as_json) for name, values in needed.items()]
        for column in self._flat:
            field = column.target.field
            values = self._convert(column, batch, problems)
            columns.append(members(field, values, str if field == PRIORITY else text_as_json))
        fields: dict[str, _Entries] = {}
        for column in self._entries:
            entries = fields.setdefault(column.target.field, _Entries())
            entries.add(column, self._convert(column, batch, problems), problems)
        columns += [members(name, objects(entries.members), str) for name, entries in fields.items()]
        return Made(extern_ids, needed[self.phone_field], objects(columns), problems)

    def _refuse_several(self, phones: Sequence[str], problems: dict[int, Problem]) -> None:
        for at, number in enumerate(phones):
            if SEPARATOR in number:
                reason = "there are several numbers, and a lead with persona phones has one"
                problems.setdefault(at, (self.phone_column, reason))

    @staticmethod
    def _convert(column: Column, batch: Batch, problems: dict[int, Problem]) -> list[Any]:
        column.cells = [None] * len(batch.numbers) if column.name is None else batch.cells(column.name)
        values, bad = column.convert(column.cells)
        for at, reason in bad.items():
            problems.setdefault(at, (column, reason))
        return values


class _Entries:
    """The entries of a field that is an object; they have columns of their own, or one has all of them."""

    def __init__(self) -> None:
        self.members: list[Members] = []
        self._by_key: dict[str, Sequence[str]] = {}
        self._of_all: Sequence[Any] = ()

    def add(self, column: Column, values: Sequence[Any], problems: dict[int, Problem]) -> None:
        """Add a column; its cells must not have what another one has already."""
        key = column.target.key
        if key is None:
            self._of_all = values
            self.members.append(members_of(values))
        else:
            self._by_key[key] = values
            self.members.append(members(key, values, text_as_json))
        for at, entries in enumerate(self._of_all):
            if entries and any(self._by_key[name][at] for name in entries.keys() & self._by_key.keys()):
                problems.setdefault(at, (column, "another column has an entry of the same name"))
