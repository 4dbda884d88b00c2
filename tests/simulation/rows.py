"""Campaigns as the simulated vendor stores them, with their whole history."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unicodedata import normalize

from tests.simulation.dialects import Dialect

Json = dict[str, Any]

_EPOCH = datetime.fromtimestamp(0, UTC)
_INDIA = timedelta(hours=5, minutes=30)
PRECISION = {"milliseconds": 1, "seconds": 1000, "minutes": 60_000, "days": 86_400_000}
DATES = ("startDate", "endDate")
_NUMBERS = ("isActive", "maxRingTime", "campaignPriority")
#: Fields that a create or a PUT cannot set.
_READ_ONLY = ("campaignId", "groupId", "dialGroup", "permissions", "lastPassDts")
#: Few fields, because each request reads several campaigns; one of them is unknown to the package.
DEFAULTS: Json = {
    "isActive": 0,
    "startDate": None,
    "endDate": None,
    "callerId": "4155550123",
    "maxRingTime": 30,
    "campaignPriority": 1,
    "monSched": "08002100",
    "addedLater": ["kept"],
}


class BadBodyError(Exception):
    """The server answers 400."""


@dataclass(slots=True, eq=False)
class Version:
    """A campaign from one write to the next.

    :ivar at: when it was written
    :ivar by: who wrote it: an attempt, a person, or None for what was there at the start
    :ivar fields: stored fields, dates in milliseconds since the epoch; None once it is deleted
    """

    at: float
    by: Any
    fields: Json | None
    how: str
    number: int
    encoded: dict[bool, bytes] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Row:
    """A campaign.

    :ivar nulls: fields that lists and reads show as null
    :ivar leads_at: when lead lists were loaded into it
    :ivar shown: index of the version that a GET shows while ``stale_reads`` are left; -1 for none
    """

    campaign_id: int
    group_id: int
    versions: list[Version] = field(default_factory=list)
    nulls: tuple[str, ...] = ()
    leads_at: list[float] = field(default_factory=list)
    shown: int = -1
    stale_reads: int = 0

    @property
    def now(self) -> Version:
        return self.versions[-1]

    @property
    def exists(self) -> bool:
        return self.versions[-1].fields is not None

    @property
    def name(self) -> str | None:
        """Stored name, as :func:`plain_name`; None once it is deleted."""
        fields = self.versions[-1].fields
        return None if fields is None else plain_name(fields["campaignName"])

    def version_at(self, at: float) -> Version | None:
        """Return the version of an instant; None before the campaign was created."""
        for version in reversed(self.versions):
            if version.at <= at:
                return version
        return None


#: A field with rows that belong to one campaign alone.
NESTED = "campaignDispositions"


def own_rows(campaign_id: int) -> list[Json]:
    """Return rows that belong to a campaign alone."""
    return [{"dispositionId": 10 * campaign_id + number, "campaignId": campaign_id} for number in (1, 2)]


def is_row_of(row: Json, campaign_id: int) -> bool:
    """Return whether a row belongs to a campaign, by its own id and by that of the campaign."""
    return row["campaignId"] == campaign_id and row["dispositionId"] // 10 == campaign_id


def plain_name(name: str) -> str:
    """Return a name in composed characters and without surrounding spaces: otherwise it is the same."""
    return (name if name.isascii() else normalize("NFC", name)).strip()


def stored_name(name: Any, dialect: Dialect, cut: int) -> Any:
    """Return the name that the server stores."""
    if not isinstance(name, str) or dialect.names == "as sent":
        return name
    if dialect.names == "trimmed":
        return name.strip()
    if dialect.names == "cut":
        return name[:cut]
    return name.casefold() if dialect.names == "case folded" else normalize("NFC", name)


def stored_date(value: Any, dialect: Dialect) -> int | None:
    """Return the milliseconds that the server stores for a date in a request.

    :raises BadBodyError: if it is no date
    """
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
        offset = instant - _EPOCH
    except (TypeError, ValueError):
        raise BadBodyError(f"no date: {value!r}") from None
    milliseconds = offset // timedelta(milliseconds=1)
    return milliseconds - milliseconds % PRECISION[dialect.date_precision]


def in_precision(fields: Json, dialect: Dialect) -> Json:
    """Return fields with dates, in milliseconds since the epoch, as precise as the server stores them."""
    unit = PRECISION[dialect.date_precision]
    dates = {name: fields[name] - fields[name] % unit for name in DATES if fields.get(name) is not None}
    return {**fields, **dates}


def shown_date(milliseconds: int | None, dialect: Dialect) -> str | None:
    """Return a stored date as the server writes it."""
    if milliseconds is None:
        return None
    instant = _EPOCH + timedelta(milliseconds=milliseconds)
    if dialect.date_format == "+0530":
        return (instant + _INDIA).isoformat(timespec="milliseconds").replace("+00:00", "+0530")
    if dialect.date_format == "no milliseconds":
        return instant.isoformat(timespec="seconds").replace("+00:00", "+0000")
    text = instant.isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z" if dialect.date_format == "Z" else "+0000")


def stored_fields(body: Json, dialect: Dialect, cut: int) -> Json:
    """Return the fields of a request's body as the server stores them.

    :raises BadBodyError: if a value is none of its field
    """
    fields = {name: value for name, value in body.items() if name not in _READ_ONLY}
    if "campaignName" in fields:
        fields["campaignName"] = stored_name(fields["campaignName"], dialect, cut)
        if not isinstance(fields["campaignName"], str) or not fields["campaignName"]:
            raise BadBodyError("no name")
    for name in DATES:
        if name in fields:
            fields[name] = stored_date(fields[name], dialect)
    for name in _NUMBERS:
        if name in fields:
            try:
                fields[name] = int(fields[name])
            except (TypeError, ValueError):
                raise BadBodyError(f"no number: {fields[name]!r}") from None
    return fields


def shown_fields(row: Row, fields: Json, dialect: Dialect, *, in_list: bool) -> Json:
    """Return a campaign as an answer shows it."""
    shown = {
        "campaignId": row.campaign_id,
        **fields,
        "groupId": row.group_id,
        "dialGroup": {"id": row.group_id},
    }
    for name in DATES:
        shown[name] = shown_date(fields[name], dialect)
        if in_list and dialect.list_rows == "without dates":
            del shown[name]
    for name in row.nulls:
        shown[name] = None
    if dialect.numbers == "text":
        shown |= {name: str(value) for name, value in shown.items() if type(value) is int}
    elif dialect.numbers != "documented":
        shown["isActive"] = bool(shown["isActive"])
    return shown
