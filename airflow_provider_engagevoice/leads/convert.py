"""Convert the cells of a column to values of a lead field, a batch at a time."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache, lru_cache, partial
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import available_timezones

from airflow_provider_engagevoice.characters import difference
from airflow_provider_engagevoice.inputs import InvalidInputError
from airflow_provider_engagevoice.leads.coerce import (
    EMPTY_MARKS,
    EMPTY_TEXTS,
    BadValueError,
    is_missing,
    json_constant,
    json_fraction,
    json_object,
    json_of,
    read_ids,
    text_of,
)
from airflow_provider_engagevoice.leads.mapping import Target
from airflow_provider_engagevoice.leads.numbering_plan import SPECIAL
from airflow_provider_engagevoice.leads.phones import SEPARATOR, Phones
from airflow_provider_engagevoice.models import caller_id, check_caller_id
from airflow_provider_engagevoice.models.enums import VENDOR_TIME_ZONES, TimeZoneOption
from airflow_provider_engagevoice.models.lead import (
    AUX_PHONE,
    CALLER_ID,
    EXTENDED,
    EXTERN_ID,
    MAX_PASSES,
    PERSONA_PHONES,
    PHONE,
    PHONE_E164,
    PRIORITY,
    TIME_ZONE,
    ZIP,
)
from airflow_provider_engagevoice.models.phone import BadNumberError

_ZIP = re.compile(r"\d{5}(-\d{4})?", re.ASCII).fullmatch
_NUMBER = re.compile(r"(\d+)(\.0+)?", re.ASCII).fullmatch
_INTEGER = re.compile(r"([+-]?\d{1,99})(\.0+)?", re.ASCII).fullmatch


class Converted(NamedTuple):
    """The cells of a column as values; ``""`` if there is none.

    :param bad: by index, why a value cannot be sent
    :param warnings: what may be wrong with how many of the others
    """

    values: list[Any]
    bad: dict[int, str]
    warnings: Mapping[str, int] = MappingProxyType({})


Convert = Callable[[Sequence[object]], Converted]
_Read = Callable[[object], Any]


def converter(target: Target, phones: Phones, zone_option: TimeZoneOption | None, country: str) -> Convert:
    """Return the function that converts cells to values of a lead field, or of an entry of one."""
    if target.field == EXTENDED:
        return _each(_extended_text if target.key else _object_of(_extended_text))
    if target.field == PERSONA_PHONES:
        return _each(phones.read_e164 if target.key else _object_of(phones.read_e164))
    if target.field in (PHONE, PHONE_E164):
        return _phones(phones, e164=target.field == PHONE_E164)
    if target.field == AUX_PHONE:
        return _each(partial(_one_number, phones))
    if target.field == CALLER_ID:
        return _each(partial(_caller_id, phones, country))
    if target.field == PRIORITY:
        return _each(partial(_whole_number, least=-(1 << 31)))
    if target.field == MAX_PASSES:
        # As for campaigns, -1 is no limit.
        return _each(partial(_whole_number, least=-1))
    if target.field == EXTERN_ID:
        return lambda cells: Converted(*read_ids(cells))
    if target.field == TIME_ZONE and zone_option is TimeZoneOption.EXPLICIT:
        return _zones
    if target.field == ZIP and zone_option is TimeZoneOption.ZIPCODE:
        return _texts_checked_by(_zip_reason if country == "USA" else _any_zip_reason)
    return _texts


def _texts(cells: Sequence[object]) -> Converted:
    try:
        # All cells of a text file are text. One search in all is faster than one in each.
        text = "|".join(cells)  # type: ignore[arg-type]
    except TypeError:
        return _convert(cells, text_of)
    if text.isascii() and text.isprintable() and not _has_blanks_around(text):
        values: list[Any] = list(cells)
    else:
        values = list(map(str.strip, cells))  # type: ignore[arg-type]
    if any(mark in text for mark in EMPTY_MARKS):
        values = ["" if value in EMPTY_TEXTS else value for value in values]
    return Converted(values, {})


def _has_blanks_around(text: str) -> bool:
    """Return whether one of the texts that ``|`` separates may have a space around it."""
    return " |" in text or "| " in text or text.startswith(" ") or text.endswith(" ")


def _texts_checked_by(reason_of: Callable[[str], str | None]) -> Convert:
    """Convert cells to text, and check each distinct text once: many are equal."""

    def convert(cells: Sequence[object]) -> Converted:
        values, bad, _ = _texts(cells)
        if any(map(reason_of, set(values))):
            _check_each(values, bad, reason_of)
        return Converted(values, bad)

    return convert


def _zones(cells: Sequence[object]) -> Converted:
    """Convert cells to any text: accounts have dial zones of their own. What is nearly IANA's warns."""
    values, bad, _ = _texts(cells)
    if "" in values:
        reason = "the time zone is missing; time_zone_option=EXPLICIT requires it"
        _check_each(values, bad, lambda value: None if value else reason)
    near = {value: hint for value in set(values) if (hint := near_zone(value))}
    counts = Counter(value for value in values if value in near) if near else {}
    warnings = {
        f"the time zone {value!r} is not {near[value]!r}{difference(value, near[value])}": count
        for value, count in counts.items()
    }
    return Converted(values, bad, warnings)


def _check_each(values: Sequence[str], bad: dict[int, str], reason_of: Callable[[str], str | None]) -> None:
    for at, value in enumerate(values):
        reason = reason_of(value)
        if reason is not None:
            bad.setdefault(at, reason)


def _each(read: _Read) -> Convert:
    return lambda cells: _convert(cells, read)


def _convert(cells: Sequence[object], read: _Read) -> Converted:
    values: list[Any] = []
    bad: dict[int, str] = {}
    for at, cell in enumerate(cells):
        if cell is None:
            values.append("")
            continue
        try:
            values.append(read(cell))
        except (BadValueError, BadNumberError) as error:
            values.append("")
            bad[at] = str(error)
    return Converted(values, bad)


def _phones(phones: Phones, *, e164: bool) -> Convert:
    read = phones.read_e164 if e164 else phones.read
    is_plain = phones.is_plain_e164 if e164 else phones.is_plain

    def convert(cells: Sequence[object]) -> Converted:
        values: list[Any] = list(cells)
        bad: dict[int, str] = {}
        try:
            others = [at for at, cell in enumerate(cells) if not is_plain(cell)]  # type: ignore[arg-type]
        except TypeError:
            others = [at for at, cell in enumerate(cells) if type(cell) is not str or not is_plain(cell)]
        for at in others:
            cell = cells[at]
            values[at] = ""
            try:
                values[at] = read(cell)
            except BadNumberError as error:
                bad[at] = str(error)
            else:
                if not values[at]:
                    bad[at] = "the phone is missing"
        return Converted(values, bad)

    return convert


def _zip_reason(value: str) -> str | None:
    if _ZIP(value):
        return None
    if not value:
        return _any_zip_reason(value)
    if value.isascii() and value.isdigit() and len(value) < 5:
        return "a zip has five digits: was a leading zero lost?"
    return "a zip has five digits, or nine such as 94105-1804"


def _any_zip_reason(value: str) -> str | None:
    return None if value else "the zip is missing; time_zone_option=ZIPCODE requires it"


def _whole_number(cell: object, *, least: int) -> int | str:
    text = text_of(cell)
    if not text:
        return ""
    whole = _INTEGER(text)
    if whole is None or not least <= int(whole[1]) < 1 << 31:
        raise BadValueError("not a whole number" if whole is None else "the number is out of range")
    return int(whole[1])


def _one_number(phones: Phones, cell: object) -> str:
    number = phones.read(cell)
    if SEPARATOR in number:
        raise BadNumberError("the field takes only one number; remove the others")
    return number


def _caller_id(phones: Phones, country: str, cell: object) -> str:
    number: str | int = text_of(cell)
    # Of a number type, unlike of text, a prefix may be lost.
    if not isinstance(cell, str | bool) and (whole := _NUMBER(str(number))):
        number = int(whole[1])
    try:
        return _checked_caller_id(phones, number, country) if number != "" else ""
    except InvalidInputError as error:
        raise BadValueError(error.expected) from None
    except ValueError as error:
        raise BadValueError(str(error)) from None


@lru_cache(1024)
def _checked_caller_id(phones: Phones, number: str | int, country: str) -> str:
    """Return a caller ID, checked as that of a campaign of the country; it must be no special number, too."""
    read = caller_id(number)
    check_caller_id(read, country)
    if phones.is_special(read):
        raise BadValueError(SPECIAL)
    return read


def _extended_text(cell: object) -> str:
    return json_of(cell) if isinstance(cell, Mapping | list | tuple) else text_of(cell)


def _object_of(read: _Read) -> _Read:
    """Return the function that reads a cell with all entries of an object field."""

    def read_object(cell: object) -> dict[str, Any] | str:
        if is_missing(cell):
            return ""
        if isinstance(cell, str):
            cell = _json_object(cell)
            if cell is None:
                return ""
        if not isinstance(cell, Mapping):
            raise BadValueError(f"expected an object, got {type(cell).__name__}")
        entries = {str(key): read(value) for key, value in cell.items()}
        return {key: value for key, value in entries.items() if value != ""}

    return read_object


def _json_object(text: str) -> object:
    """Return what a text is as JSON, such as the ``extraData`` that a search wrote."""
    try:
        return json.loads(
            text, parse_float=json_fraction, parse_constant=json_constant, object_pairs_hook=json_object
        )
    except (ValueError, RecursionError):
        raise BadValueError("expected an object, or its JSON") from None


@lru_cache(1024)
def near_zone(name: str) -> str | None:
    """Return the time zone that a name is most likely to mean; None if it is one, or may be anything else."""
    zones = _known_zones()
    folded = name.casefold().replace(" ", "_").replace("\\", "/")
    if folded in zones:
        return None if name == zones[folded] else zones[folded]
    if "/" not in folded:
        # Nearly all short names are those of some zone.
        return None
    return next((zones[one] for one in get_close_matches(folded, zones, n=1, cutoff=0.8)), None)


@cache
def _known_zones() -> Mapping[str, str]:
    # Expensive: reads the whole time zone database.
    return {name.casefold(): name for name in VENDOR_TIME_ZONES | available_timezones()}
