"""Map the columns of a list to the fields of a lead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_engagevoice.characters import difference, without_invisible
from airflow_provider_engagevoice.exceptions import BadSourceError, InvalidInputError, nearest
from airflow_provider_engagevoice.leads.report import REJECT_COLUMNS
from airflow_provider_engagevoice.leads.sources.base import Source
from airflow_provider_engagevoice.models.lead import (
    COUNTRY,
    EXTENDED,
    EXTRA_DATA,
    LEAD_FIELDS,
    MAX_PASSES,
    OBJECT_FIELDS,
    OTHER_FIELDS,
    PHONE,
    PHONE_E164,
)
from airflow_provider_engagevoice.models.phone import hide_phones

_IGNORED = re.compile(r"[\s_-]+")
_PHONES = (PHONE, PHONE_E164)


@dataclass(frozen=True, slots=True)
class Target:
    """What a column maps to.

    :param field: field of a lead
    :param key: an entry of an object field; None for the whole field
    """

    field: str
    key: str | None = None

    def __str__(self) -> str:
        return self.field if self.key is None else f"{self.field}.{self.key}"


@dataclass(frozen=True, slots=True)
class Binding:
    """What the columns of a source map to; ``unmapped`` ones have no lead field."""

    targets: Mapping[str, Target]
    unmapped: Sequence[str] = field(default=())

    def columns_for(self, *fields: str) -> list[str]:
        """Return the columns that map to any of these fields."""
        return [column for column, target in self.targets.items() if target.field in fields]

    def fields(self) -> dict[str, str]:
        """Return the lead field of each column."""
        return {column: target.field for column, target in self.targets.items()}


class MappingPlan:
    """The mapping of any source's columns.

    Columns with the name of a field map to it; case, spaces, ``_`` and ``-`` are ignored. ``extraData``, as
    a search calls it, maps to ``extendedLeadData``.

    :param explicit: targets of columns by name; None ignores the column
    :param send_unmapped: whether all other columns map to ``extendedLeadData`` under their own names
    :param as_file: whether leads are sent as files, which have no column for ``maxPasses``
    :param ignored: columns that are no part of a lead, unless they are mapped
    :ivar drop_unnamed: whether columns without a name are ignored: the name ``""`` in ``explicit``
    """

    def __init__(
        self,
        explicit: Mapping[str, Target | None],
        *,
        send_unmapped: bool,
        as_file: bool = False,
        ignored: Iterable[str] = REJECT_COLUMNS,
    ) -> None:
        self._explicit = {column: target for column, target in explicit.items() if column}
        self.drop_unnamed = "" in explicit
        self._send_unmapped = send_unmapped
        self._as_file = as_file
        self._ignored = frozenset(ignored)

    def bind(self, columns: Iterable[str], source: str) -> Binding:
        """Map columns.

        :raises BadSourceError: if two of them map to the same target
        """
        targets: dict[str, Target] = {}
        taken: dict[Target, str] = {}
        unmapped = []
        for column in filter(None, columns):
            target = self._explicit[column] if column in self._explicit else self._by_name(column)
            if target is None and column not in self._explicit and column not in self._ignored:
                if not self._send_unmapped:
                    unmapped.append(column)
                    continue
                target = Target(EXTENDED, column)
            if target is None:
                continue
            slot = Target(PHONE) if target.field in _PHONES else target
            if slot in taken:
                raise BadSourceError(
                    f"columns {taken[slot]!r} and {column!r}{difference(taken[slot], column)} both map to "
                    f"{target}; ignore one of them: mapping={{{column!r}: None}}",
                    source=source,
                    column=column,
                )
            taken[slot] = column
            targets[column] = target
        return Binding(targets, unmapped)

    def _by_name(self, column: str) -> Target | None:
        base, _, key = column.partition(".")
        if base in OBJECT_FIELDS and key:
            return Target(base, key)
        if column == EXTRA_DATA:
            return Target(EXTENDED)
        name = _FIELDS_BY_NAME.get(_normalized(column))
        return None if name is None or (self._as_file and name == MAX_PASSES) else Target(name)

    def check_named(self, columns: Iterable[str], source: str) -> None:
        """Check that a source has all columns of the explicit mapping.

        :raises BadSourceError: for the first missing column
        """
        present = set(columns)
        for column in self._explicit:
            if column not in present:
                raise BadSourceError(
                    f"mapping names this column, but the source does not have it"
                    f"{describe_columns(present, column)}",
                    source=source,
                    column=column,
                )

    def record_of(self, body: Mapping[str, Any], source: Source) -> dict[str, object]:
        """Return a lead that was sent as a row with the columns of its source."""
        targets = self._explicit if source.columns is None else self.bind(source.columns, source.name).targets
        columns = {
            Target(PHONE) if target.field in _PHONES else target: column
            for column, target in targets.items()
            if target is not None
        }
        record: dict[str, object] = {}
        for target, value in flattened(body):
            own_name = target.key if self._send_unmapped and target.field == EXTENDED else str(target)
            record[columns.get(target) or str(own_name)] = value
        return record


def flattened(body: Mapping[str, Any]) -> Iterator[tuple[Target, Any]]:
    """Yield the values of a lead: entries of objects one by one, and the phone as ``leadPhone``."""
    for name, value in body.items():
        if name in OBJECT_FIELDS:
            for key, entry in value.items():
                yield Target(name, key), entry
        elif name != PHONE_E164 or PHONE not in body:
            yield Target(PHONE) if name in _PHONES else Target(name), value


def read_mapping(
    mapping: Mapping[str, str | None] | None = None,
    *,
    send_unmapped: bool = False,
    as_file: bool = False,
    campaign_column: str | None = None,
) -> MappingPlan:
    """Read the mapping as given to the operator.

    :param mapping: column to lead field, such as ``{"mobile": "leadPhone"}``, or to an entry of an object
        field, ``extendedLeadData.policy`` or ``personaPhoneConfig.Work Phone``; None ignores the column, and
        ``{"": None}`` all columns without a name
    :param send_unmapped: whether columns without a lead field are sent as ``extendedLeadData``
    :param as_file: whether leads are sent as files, which have a column ``COUNTRY``, none for ``maxPasses``
    :param campaign_column: column that names the campaign of each row
    :raises InvalidInputError: for the first field that cannot be loaded
    """
    if mapping is not None and not isinstance(mapping, Mapping):
        raise InvalidInputError("mapping", mapping, 'write a mapping such as {"mobile": "leadPhone"}')
    explicit: dict[str, Target | None] = {}
    for column, name in (mapping or {}).items():
        if column == "" and name is not None:
            raise InvalidInputError("mapping['']", name, "a column without a name can only be ignored: None")
        target = None if name is None else _read_target(column, name, as_file=as_file)
        if target is not None and target in explicit.values():
            raise InvalidInputError(f"mapping.{column}", name, "another column maps to the same field")
        explicit[column] = target
    ignored = REJECT_COLUMNS if campaign_column is None else (*REJECT_COLUMNS, campaign_column)
    return MappingPlan(explicit, send_unmapped=send_unmapped, as_file=as_file, ignored=ignored)


def describe_columns(columns: Iterable[str], wanted: str) -> str:
    """Return the rest of a message on a column that a source does not have: which ones it has."""
    names = sorted(columns)
    if any(hide_phones(name) != name for name in names):
        return "; its first row is no header: it has a phone"
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"{nearest(wanted, names)}; its columns: {', '.join(map(repr, names[:20]))}{more}"


def _read_target(column: object, name: object, *, as_file: bool) -> Target:
    label = f"mapping.{column}"
    if name == COUNTRY and not as_file:
        raise InvalidInputError(label, name, "only files have this column: method='file'")
    if name == MAX_PASSES and as_file:
        raise InvalidInputError(label, name, "files have no column for it: method='direct'")
    if isinstance(name, str):
        base, dot, key = name.partition(".")
        if base in OBJECT_FIELDS and (key or not dot):
            return Target(base, key or None)
        if name in (*LEAD_FIELDS, COUNTRY):
            return Target(name)
        if name in OTHER_FIELDS:
            raise InvalidInputError(label, name, "the vendor does not document that this field can be loaded")
    raise InvalidInputError(
        label, name, f"leads have no such field{nearest(str(name), (*LEAD_FIELDS, COUNTRY))}"
    )


def _normalized(name: str) -> str:
    return _IGNORED.sub("", without_invisible(name)).casefold()


_FIELDS_BY_NAME = {_normalized(name): name for name in LEAD_FIELDS}
