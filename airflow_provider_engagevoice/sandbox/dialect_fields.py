"""A campaign's fields as a server of a dialect reads, stores and shows them. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unicodedata import normalize

from airflow_provider_engagevoice.sandbox import defaults
from airflow_provider_engagevoice.sandbox.dialects import Dialect
from airflow_provider_engagevoice.sandbox.validation import format_date, parse_date

JsonObject = dict[str, Any]

DATES: Final = ("startDate", "endDate")
NAME_LENGTH: Final = 50
"""Characters that ``names: cut`` keeps."""

_INDIA: Final = timedelta(hours=5, minutes=30)
_PRECISION: Final = {
    "milliseconds": timedelta(milliseconds=1),
    "seconds": timedelta(seconds=1),
    "minutes": timedelta(minutes=1),
    "days": timedelta(days=1),
}
_NUMBERS: Final = frozenset(name for name, value in defaults.CAMPAIGN.items() if type(value) is int)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def received(body: Mapping[str, Any], dialect: Dialect) -> JsonObject:
    """Return a request's body with the dates and numbers that the dialect reads in the documented form."""
    fields = dict(body)
    for name in DATES:
        if isinstance(value := fields.get(name), str):
            fields[name] = _documented_date(value, dialect)
    if dialect.numbers == "text":
        for name in _NUMBERS & fields.keys():
            if isinstance(value := fields[name], str) and value.removeprefix("-").isdecimal():
                fields[name] = int(value)
    elif dialect.numbers == "boolean isActive" and isinstance(fields.get("isActive"), bool):
        fields["isActive"] = int(fields["isActive"])
    return fields


def stored(fields: Mapping[str, Any], dialect: Dialect) -> JsonObject:
    """Return validated fields as the server stores them: names and dates may lose something."""
    kept = {**fields, "campaignName": stored_name(fields["campaignName"], dialect)}
    for name in DATES:
        if kept.get(name) is not None:
            instant = parse_date(kept[name])
            kept[name] = format_date(instant - (instant - _EPOCH) % _PRECISION[dialect.date_precision])
    return kept


def stored_name(name: str, dialect: Dialect) -> str:
    """Return the name that the server stores."""
    match dialect.names:
        case "trimmed":
            return name.strip()
        case "cut":
            return name[:NAME_LENGTH]
        case "case folded":
            return name.casefold()
        case "NFC":
            return normalize("NFC", name)
        case _:
            return name


def shown(campaign: Mapping[str, Any], dialect: Dialect, *, in_list: bool = False) -> JsonObject:
    """Return a stored campaign as an answer shows it."""
    fields = dict(campaign)
    for name in DATES:
        if in_list and dialect.list_rows == "without dates":
            del fields[name]
        elif fields[name] is not None:
            fields[name] = _shown_date(parse_date(fields[name]), dialect.date_format)
    if dialect.numbers == "text":
        return {name: str(value) if type(value) is int else value for name, value in fields.items()}
    if dialect.numbers == "boolean isActive":
        fields["isActive"] = bool(fields["isActive"])
    return fields


def row_of_others(dial_group_id: int) -> JsonObject:
    """Return a list's row of a campaign that other users see whole: its name and its dates are null."""
    nothing = dict.fromkeys(("campaignName", *DATES, "callerId"))
    group = {"campaignId": dial_group_id, "groupId": dial_group_id}
    return {**defaults.CAMPAIGN, **nothing, **group}


def _documented_date(text: str, dialect: Dialect) -> str:
    """Return a date in the documented form, or as it is if the server does not read it."""
    reads_z = dialect.z_dates == "accepted" or dialect.date_format == "Z"
    if text.endswith("Z") and not reads_z:
        return text
    if not text.endswith("Z") and dialect.date_format != "no milliseconds":
        return text
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if instant.tzinfo is None else format_date(instant)


def _shown_date(instant: datetime, date_format: str) -> str:
    documented = format_date(instant)
    if date_format == "Z":
        return documented.removesuffix("+0000") + "Z"
    if date_format == "no milliseconds":
        return documented[:19] + "+0000"
    if date_format == "+0530":
        # The last hours of the year 9999 have no such form.
        with suppress(OverflowError):
            return format_date(instant + _INDIA).removesuffix("+0000") + "+0530"
    return documented
