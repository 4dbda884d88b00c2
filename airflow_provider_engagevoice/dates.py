"""Parse dates and times into exact instants, and read and write those of the API."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from airflow_provider_engagevoice.inputs import InvalidInputError

# Compiled at first use, and not needed for a date alone: DAG files are parsed over and over.
_MOMENT = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,6})?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?"
_VENDOR_DATE = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})$"
_EXPECTED = "write '2026-12-01', '2026-12-01T08:00' or '2026-12-01T08:00:00-08:00'"
_VENDOR_EXAMPLE = "2026-07-01T07:00:00.000+0000"
_EPOCH = datetime.fromtimestamp(0, UTC)

#: Files of the time zone database that are no zones.
_NO_ZONES = ("posix", "right/")
#: Largest offset of any zone from UTC.
_LARGEST_OFFSET = timedelta(hours=14)

#: The API writes milliseconds, but all dates in its documents are whole seconds.
SECOND = timedelta(seconds=1)


def read_zone(name: object, field: str = "timezone") -> ZoneInfo:
    """Return the IANA time zone ``name``.

    :raises InvalidInputError: if there is none; the message has the nearest names
    """
    if isinstance(name, str):
        return _read_zone_name(name, field)
    return _read_zone_name(str(getattr(name, "key", None) or getattr(name, "name", None) or name), field)


# DAG files are parsed over and over, and ZoneInfo's own cache is slower.
@lru_cache
def _read_zone_name(name: str, field: str) -> ZoneInfo:
    text = name.strip()
    if not text.startswith(_NO_ZONES):
        with suppress(KeyError, ValueError, OSError):
            return ZoneInfo(text)
    hint = _zones_of(text) or _nearest_zones(text)
    raise InvalidInputError(field, name, f"write an IANA time zone such as 'America/Los_Angeles'{hint}")


def _nearest_zones(text: str) -> str:
    """Return a hint from all zones; listing them walks the whole time zone database."""
    from airflow_provider_engagevoice.characters import nearest

    # Of the short names only the same one in other letters: JST is not nearly EST.
    known = [
        one
        for one in available_timezones()
        if one.upper() == text.upper() or ("/" in one and "Etc/" not in one)
    ]
    return nearest(text, known)


#: Zones that an offset from UTC or an abbreviation is most likely to mean, the likelier ones first.
_USUAL_ZONES = (
    *("America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York", "America/Anchorage"),
    *("Pacific/Honolulu", "America/Halifax", "America/St_Johns", "America/Sao_Paulo", "Europe/London"),
    *("Europe/Paris", "Europe/Athens", "Asia/Dubai", "Asia/Kolkata", "Asia/Singapore", "Asia/Tokyo"),
    *("Australia/Perth", "Australia/Adelaide", "Australia/Sydney", "Pacific/Auckland"),
)
#: A time of standard time and one of daylight saving time, on either hemisphere.
_SEASONS = (datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC))


def _zones_of(text: str) -> str:
    """Return a hint for an abbreviation or an offset, which is no zone: it has no daylight saving time."""
    words = text.upper().split()
    letters = "".join(word[0] for word in words) if words[-1:] == ["TIME"] else text.upper()
    zones = [name for name in _USUAL_ZONES if letters in _abbreviations(name)][:1]
    if offset := re.fullmatch(r"(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?([0-5]\d))?", text.upper(), re.ASCII):
        sign, hours, minutes = offset[1], int(offset[2]), int(offset[3] or 0)
        distance = timedelta(hours=hours, minutes=minutes) * (-1 if sign == "-" else 1)
        zones = (
            [name for name in _USUAL_ZONES if distance == _winter_offset(name)][:1] if distance else ["UTC"]
        )
        if not minutes and 0 < hours <= (12 if sign == "-" else 14):
            # The signs of these zones are the other way round.
            zones.append(f"Etc/GMT{'+' if sign == '-' else '-'}{hours}")
    return f"; nearest: {', '.join(map(repr, zones))}" if zones else ""


def _abbreviations(name: str) -> set[str]:
    """Return what people call a zone: such as PST and PDT, and PT."""
    names = {at.astimezone(ZoneInfo(name)).tzname() or "" for at in _SEASONS}
    return names | {one[0] + one[2] for one in names if len(one) == 3 and one.isalpha()}


def _winter_offset(name: str) -> timedelta:
    return min(at.astimezone(ZoneInfo(name)).utcoffset() or timedelta() for at in _SEASONS)


def read_instant(value: object, field: str, is_end: bool, zone: ZoneInfo | None) -> datetime:
    """Return the instant of a date or time, in UTC and whole seconds; a fraction is dropped.

    :param value: ISO 8601 text (a date also as ``20270101``), a date, or a datetime (pendulum's included);
        without an offset it is in ``zone``. A date alone is the first instant of that day for a start, and
        its last second for an end: whether the vendor's end is inclusive is not documented, and this end
        never reaches the next day.
    :param is_end: whether the value is the end of a window
    :param zone: time zone of values without an offset, None for none
    :raises InvalidInputError: if it is invalid, has no offset while ``zone`` is None, or is a local time that
        does not exist or exists twice on the day the clocks change
    """
    try:
        read = _read_instant_text if isinstance(value, str) else _read_instant
        return read(value, field, is_end, zone)
    except OverflowError:
        raise InvalidInputError(field, str(value), "it is out of range; choose an earlier end") from None


@lru_cache
def _read_instant_text(text: str, field: str, is_end: bool, zone: ZoneInfo | None) -> datetime:
    return _read_instant(_read_text(text, field), field, is_end, zone)


def _read_instant(value: object, field: str, is_end: bool, zone: ZoneInfo | None) -> datetime:
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            value = _in_zone(value, field, _need(zone, value, field))
        # Convert a pendulum datetime to a plain one.
        instant = _EPOCH + (value - _EPOCH)
        return instant.replace(microsecond=0)
    if isinstance(value, date):
        zone = _need(zone, value, field)
        if not is_end:
            return first_instant(value, zone)
        return first_instant(value + timedelta(days=1), zone) - SECOND
    if isinstance(value, int) and not isinstance(value, bool) and 19000101 <= value <= 99991231:
        return read_instant(str(value), field, is_end, zone)
    raise InvalidInputError(field, value, _EXPECTED)


def check_literal_window(start: object, end: object, zone: ZoneInfo | None) -> None:
    """Check the dates of a campaign as far as possible without the connection's zone and the current time.

    :param start: None if it is not known yet; so is ``end``
    :param zone: zone of dates without an offset; None if it is not known yet
    :raises InvalidInputError: if a date cannot be read, or the end is certainly not after the start
    """
    bounds = {}
    for field, value, is_end in (("campaign_start", start, False), ("campaign_end", end, True)):
        if value is not None:
            bounds[field] = read_instant(value, field, is_end, zone or ZoneInfo("UTC"))
    if len(bounds) == 2:
        # Two local times of one zone compare as they are; a local time and an instant only roughly.
        same = zone is not None or _has_offset(start) == _has_offset(end)
        if same:
            check_order(start, end, *(bounds[field].astimezone(zone or UTC) for field in bounds))
        elif bounds["campaign_end"] + _LARGEST_OFFSET <= bounds["campaign_start"]:
            raise InvalidInputError("campaign_end", end, f"it must be after the start, {start}")


def check_order(start: object, end: object, start_instant: datetime, end_instant: datetime) -> None:
    """Check that the end of a window is after its start.

    :param start: as the user wrote it; so is ``end``
    :param start_instant: in the zone in which the error shows it
    :raises InvalidInputError: if it is not
    """
    if end_instant <= start_instant:
        raise InvalidInputError(
            "campaign_end",
            end,
            f"it is {end_instant.isoformat(' ')}, and must be after the start, {start}, "
            f"which is {start_instant.isoformat(' ')}",
        )


def shown(instant: datetime, zone: tzinfo | None) -> str:
    """Return an instant as people are shown it.

    :param zone: of the campaign; None for UTC
    """
    try:
        return instant.astimezone(zone or UTC).isoformat(" ", "seconds")
    except OverflowError:
        # At the end of the calendar.
        return instant.isoformat(" ", "seconds")


def _has_offset(value: object) -> bool:
    if isinstance(value, str):
        value = _read_text(value, "")
    return isinstance(value, datetime) and value.utcoffset() is not None


def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a local day: midnight, or the time to which clocks skip over it."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _read_text(text: str, field: str) -> date | datetime:
    stripped = text.strip()
    try:
        if len(stripped) == 8 and stripped.isascii() and stripped.isdigit():
            return date.fromisoformat(stripped)
        if len(stripped) == 10 and stripped[4] == stripped[7] == "-":
            return date.fromisoformat(stripped)
        if re.fullmatch(_MOMENT, stripped):
            return datetime.fromisoformat(re.sub(r" (?=Z|[+-])", "", stripped))
    except ValueError as error:
        raise InvalidInputError(field, text, f"{error}; {_EXPECTED}") from None
    if stripped in ("", "None"):
        raise InvalidInputError(field, text, "a date is needed; did a template render to None?")
    if other := re.fullmatch(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})", stripped, re.ASCII):
        first, second, year = int(other[1]), int(other[3]), other[4]
        days = {
            f"'{year}-{month:02}-{day:02}'"
            for day, month in ((first, second), (second, first))
            if month <= 12
        }
        if days:
            meant = " or ".join(sorted(days, reverse=True))
            raise InvalidInputError(field, text, f"write the year first: {meant}")
    raise InvalidInputError(field, text, _EXPECTED)


def _need(zone: ZoneInfo | None, value: object, field: str) -> ZoneInfo:
    if zone is None:
        raise InvalidInputError(
            field, str(value), "it has no offset: add one, give timezone=, or set the connection's time zone"
        )
    return zone


def _in_zone(local: datetime, field: str, zone: ZoneInfo) -> datetime:
    """Return the instant of a local time, which must be unambiguous."""
    readings = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    plain = local.replace(tzinfo=None, fold=0)
    exist = [moment for moment in readings if moment.astimezone(zone).replace(tzinfo=None, fold=0) == plain]
    if not exist:
        raise InvalidInputError(
            field, str(local), f"clocks in {zone.key} jump over it that day; choose a time that exists"
        )
    if len(set(exist)) > 1:
        offsets = " or ".join(f"{moment.astimezone(zone):%z}" for moment in exist)
        raise InvalidInputError(
            field, str(local), f"it happens twice in {zone.key} that day; add the offset ({offsets})"
        )
    return exist[0]


def parse_vendor_date(value: object) -> datetime:
    """Return a date of the API (``2020-05-26T07:00:00.000+0000``) as an aware UTC datetime.

    Other offsets, ``Z`` and missing milliseconds are accepted, and so are integers: milliseconds since the
    epoch, the other JSON format of Joda time.

    :raises ValueError: for anything else, including a date without an offset
    """
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return _EPOCH + timedelta(milliseconds=value)
        except OverflowError as error:
            raise ValueError("milliseconds since the epoch out of range") from error
    if isinstance(value, str) and re.match(_VENDOR_DATE, value):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except OverflowError as error:
            raise ValueError("date out of range") from error
    raise ValueError(f"expected a date such as {_VENDOR_EXAMPLE}")


def format_vendor_date(instant: datetime) -> str:
    """Return an aware datetime in the API's format: UTC, milliseconds, ``+0000`` (never ``Z``)."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def read_vendor_date(value: object, field: str) -> str:
    """Return an instant, given with an offset, as the API takes it.

    :raises InvalidInputError: if it is no date, or has no offset
    """
    try:
        return format_vendor_date(parse_vendor_date(value))
    except ValueError as error:
        expected = str(error)
        if isinstance(value, datetime):
            expected = f"must have a UTC offset, such as {_VENDOR_EXAMPLE}"
        raise InvalidInputError(field, value, expected) from None
