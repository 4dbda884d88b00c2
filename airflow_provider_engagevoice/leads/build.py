"""Convert batches of rows to leads, column by column."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import JSONEncoder, encode_basestring_ascii
from typing import Any, NamedTuple

from airflow_provider_engagevoice.inputs import HALF_CHARACTER, is_encodable
from airflow_provider_engagevoice.leads.convert import Convert, converter
from airflow_provider_engagevoice.leads.mapping import Binding, Target
from airflow_provider_engagevoice.leads.phones import SEPARATOR, Phones
from airflow_provider_engagevoice.leads.sources.base import Batch
from airflow_provider_engagevoice.models.enums import TimeZoneOption
from airflow_provider_engagevoice.models.lead import (
    EXTERN_ID,
    INTEGER_FIELDS,
    OBJECT_FIELDS,
    PERSONA_PHONES,
    PHONE,
    PHONE_E164,
    TIME_ZONE,
    ZIP,
)

_ENCODER = JSONEncoder(separators=(",", ":"))

text_as_json = encode_basestring_ascii
#: How surrogates look in the JSON of a lead.
_SURROGATE = "\\ud"


class Fragments(NamedTuple):
    """What a column contributes to the objects.

    :param template: a ``%`` format with one placeholder
    :param texts: the placeholder's text for each row
    """

    template: str
    texts: Iterable[str]


def field_fragments(name: str, values: Sequence[Any], as_json: Callable[[Any], str]) -> Fragments:
    """Return one field of each object.

    :param values: an empty text if an object has no such field
    """
    head = f",{text_as_json(name)}:"
    if as_json is text_as_json and _are_plain("".join(values)):
        if "" in values:
            return Fragments("%s", [f'{head}"{value}"' if value else "" for value in values])
        return Fragments(head.replace("%", "%%") + '"%s"', values)
    if "" in values:
        return Fragments("%s", [head + as_json(value) if value != "" else "" for value in values])
    return Fragments(head.replace("%", "%%") + "%s", map(as_json, values))


def _are_plain(text: str) -> bool:
    """Return whether JSON writes text as it is. To ask once for a column is faster than to encode each."""
    return text.isascii() and text.isprintable() and '"' not in text and "\\" not in text


def object_fragments(values: Sequence[Mapping[str, Any] | str]) -> Fragments:
    """Return all fields of objects; an empty text has none."""
    return Fragments("%s", ["," + _ENCODER.encode(value)[1:-1] if value else "" for value in values])


def join_fragments(columns: Sequence[Fragments]) -> list[str]:
    """Return the JSON of an object for each row; an empty text if it would have no fields."""
    template = "".join(column.template for column in columns)
    rows = zip(*(column.texts for column in columns), strict=True)
    if template.startswith(","):
        template = "{" + template[1:] + "}"
        return list(map(template.__mod__, rows))
    return ["{" + text[1:] + "}" if text else "" for text in (template % row for row in rows)]


@dataclass(slots=True)
class Column:
    """A column of the source, or a required one that it lacks.

    :param name: None if the source lacks it
    :param cells: of the current batch
    """

    name: str | None
    target: Target
    convert: Convert
    cells: Sequence[object] = field(default=())


#: The column with the bad value, and the reason.
Problem = tuple[Column, str]


class BuiltLeads(NamedTuple):
    """The leads of a batch.

    :param leads: JSON of an entry of ``uploadLeads`` for each row
    :param problems: what is wrong with bad rows, by index; the other values of these rows are meaningless
    :param personas: labels of persona phones in columns that have any of them
    :param warnings: what may be wrong, and in how many rows
    """

    extern_ids: list[str]
    phones: list[str]
    leads: list[str]
    problems: dict[int, Problem]
    personas: Collection[str]
    warnings: Mapping[str, int]


class LeadBuilder:
    """Builds the leads of batches that have the same columns."""

    def __init__(
        self, binding: Binding, phones: Phones, zone_option: TimeZoneOption | None, country: str
    ) -> None:
        self.targets = tuple(binding.targets.values())
        targets: dict[Target, str | None] = {target: name for name, target in binding.targets.items()}
        phone = next((one for one in targets if one.field in (PHONE, PHONE_E164)), Target(PHONE))
        # The order decides which problem is reported if a row has several.
        required = [Target(EXTERN_ID), phone]
        if zone_option is TimeZoneOption.EXPLICIT:
            required.append(Target(TIME_ZONE))
        if zone_option is TimeZoneOption.ZIPCODE:
            required.append(Target(ZIP))
        order = dict.fromkeys([*required, *targets])
        columns = [
            Column(targets.get(target), target, converter(target, phones, zone_option, country))
            for target in order
        ]
        self.id_column, self.phone_column = columns[:2]
        self._phones = phones
        #: Whether the phones of a batch are converted to E.164.
        self._in_e164 = phone.field == PHONE_E164 or not phones.ten_digits
        self._flat = [column for column in columns[2:] if column.target.field not in OBJECT_FIELDS]
        self._entries = [column for column in columns if column.target.field in OBJECT_FIELDS]
        self._has_personas = any(column.target.field == PERSONA_PHONES for column in columns)

    def build(self, batch: Batch) -> BuiltLeads:
        """Build a lead of each row."""
        problems: dict[int, Problem] = {}
        self._warnings: Counter[str] = Counter()
        extern_ids = self._convert(self.id_column, batch, problems)
        phones = self._convert(self.phone_column, batch, problems)
        if self._has_personas:
            self._reject_several(phones, problems)
        if self._in_e164 and self._phones.ten_digits:
            # Without the country code, +1.
            phones = [number[2:] for number in phones]
        columns = [field_fragments(EXTERN_ID, extern_ids, text_as_json), *self._phone_fragments(phones)]
        for column in self._flat:
            field = column.target.field
            values = self._convert(column, batch, problems)
            columns.append(field_fragments(field, values, str if field in INTEGER_FIELDS else text_as_json))
        fields: dict[str, _Entries] = {}
        personas: set[str] = set()
        for column in self._entries:
            entries = fields.setdefault(column.target.field, _Entries())
            values = self._convert(column, batch, problems)
            entries.add(column, values, problems)
            if column.target == Target(PERSONA_PHONES):
                personas.update(*values)
        columns += [
            field_fragments(name, join_fragments(entries.fragments), str) for name, entries in fields.items()
        ]
        leads = join_fragments(columns)
        self._reject_unencodable(leads, problems)
        return BuiltLeads(extern_ids, phones, leads, problems, personas, self._warnings)

    def _phone_fragments(self, phones: Sequence[str]) -> list[Fragments]:
        """Return ``leadPhone`` and ``leadPhoneE164``: the vendor's samples have both.

        ``leadPhone`` has ten digits in the USA and Canada, and is in E.164 elsewhere. Several numbers are
        documented for ``leadPhone`` alone. Numbers need no escapes.
        """
        code = self._phones.e164("") if self._phones.ten_digits else ""
        phone, e164 = f',"{PHONE}":"%s"', f',"{PHONE_E164}":"{code}%s"'
        if SEPARATOR not in "".join(phones):
            return [Fragments(phone, phones), Fragments(e164, phones)]
        return [
            Fragments(phone, phones),
            Fragments("%s", ["" if SEPARATOR in number else e164 % number for number in phones]),
        ]

    def _reject_unencodable(self, leads: Sequence[str], problems: dict[int, Problem]) -> None:
        """Reject text with half a surrogate pair: no encoding has it, and it fails a whole request."""
        # One search in all is much faster than one in each, and one for a single character even more so.
        text = "".join(leads)
        if "\\" not in text or _SURROGATE not in text:
            return
        for at, lead in enumerate(leads):
            if _SURROGATE in lead and not is_encodable(body := json.loads(lead)):
                columns = (self.id_column, *self._flat, *self._entries)
                bad = (column for column in columns if not is_encodable(_sent(column.target, body)))
                problems.setdefault(at, (next(bad, self.id_column), HALF_CHARACTER))

    def _reject_several(self, phones: Sequence[str], problems: dict[int, Problem]) -> None:
        for at, number in enumerate(phones):
            if SEPARATOR in number:
                reason = "a lead with persona phones can have only one number here; remove the others"
                problems.setdefault(at, (self.phone_column, reason))

    def _convert(self, column: Column, batch: Batch, problems: dict[int, Problem]) -> list[Any]:
        column.cells = [None] * len(batch.numbers) if column.name is None else batch.cells(column.name)
        values, bad, warnings = column.convert(column.cells)
        self._warnings.update(warnings)
        for at, reason in bad.items():
            problems.setdefault(at, (column, reason))
        return values


def _sent(target: Target, body: Mapping[str, Any]) -> object:
    """Return what a lead has for a column, with its name if it is an entry of an object."""
    value = body.get(target.field)
    return value if target.key is None or value is None else {target.key: value.get(target.key)}


class _Entries:
    """The entries of an object field: each from its own column, or all from one."""

    def __init__(self) -> None:
        self.fragments: list[Fragments] = []
        self._by_key: dict[str, Sequence[str]] = {}
        self._whole: Sequence[Any] = ()

    def add(self, column: Column, values: Sequence[Any], problems: dict[int, Problem]) -> None:
        """Add a column, whose entries must not be in another one."""
        key = column.target.key
        if key is None:
            self._whole = values
            self.fragments.append(object_fragments(values))
        else:
            self._by_key[key] = values
            self.fragments.append(field_fragments(key, values, text_as_json))
        for at, entries in enumerate(self._whole):
            if entries and any(self._by_key[name][at] for name in entries.keys() & self._by_key.keys()):
                problems.setdefault(at, (column, "another column has the same entry"))


def without_numbers(lead: str, dropped: Collection[int]) -> str:
    """Return the JSON of a lead without some of its numbers.

    :param dropped: their indexes
    """
    body = json.loads(lead)
    for name in (PHONE, PHONE_E164):
        if name in body:
            numbers = body[name].split(SEPARATOR)
            body[name] = SEPARATOR.join(one for at, one in enumerate(numbers) if at not in dropped)
    if SEPARATOR not in body[PHONE]:
        # Only leads of the USA and Canada have several.
        body[PHONE_E164] = f"+1{body[PHONE]}"
    return _ENCODER.encode(body)
