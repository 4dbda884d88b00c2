"""States and territories of the USA: by name, ZIP and area code, with their time zones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_FILE = "places.yaml"
_COUNTRY_CODE = 1


class _Places(NamedTuple):
    names: Mapping[str, str]
    zones: Mapping[str, frozenset[str]]
    zips: Mapping[str, frozenset[str]]
    area_codes: Mapping[str, frozenset[str]]


def states_of(text: str) -> frozenset[str]:
    """Return the state that a text names, by its two letters or its name; empty if it names none."""
    state = _places().names.get(" ".join(text.split()).casefold())
    return frozenset() if state is None else frozenset((state,))


def states_of_zip(text: str) -> frozenset[str]:
    """Return the states that a ZIP code may be in; empty if that is unknown."""
    digits = text.partition("-")[0].strip()
    # A spreadsheet takes the zeros in front away.
    digits = digits.zfill(5) if digits.isascii() and digits.isdigit() and 3 <= len(digits) <= 5 else ""
    zips = _places().zips
    return zips.get(digits[:3], frozenset()) | zips.get(digits, frozenset())


def states_of_number(digits: str) -> frozenset[str]:
    """Return the states that the area code of a number belongs to; empty if it belongs to none.

    :param digits: ten
    """
    return _places().area_codes.get(digits[:3], frozenset())


def zones_of(states: frozenset[str]) -> frozenset[str]:
    """Return the IANA time zones of states."""
    return frozenset().union(*(_places().zones[state] for state in states))


def zones_of_number(digits: str) -> frozenset[str]:
    """Return the IANA time zones that a number may be in; empty if it is in none.

    :param digits: the first six of ten
    """
    from phonenumbers import PhoneNumber, timezone

    number = PhoneNumber(country_code=_COUNTRY_CODE, national_number=int(digits) * 10_000)
    zones = frozenset(timezone.time_zones_for_geographical_number(number))
    # Numbers of no place are in all zones of the country code, or in an unknown one.
    return zones if states_of_number(digits) else frozenset()


@cache
def _places() -> _Places:
    import yaml

    rows = yaml.safe_load(files(__package__).joinpath(_FILE).read_text("utf-8"))
    names: dict[str, str] = {}
    zips: dict[str, frozenset[str]] = {}
    codes: dict[str, frozenset[str]] = {}
    for state, row in rows.items():
        names |= {state.casefold(): state, row["name"].casefold(): state}
        for prefix in _each(row["zips"]):
            zips[prefix] = zips.get(prefix, frozenset()) | {state}
        for code in str(row["area_codes"]).split():
            codes[code] = codes.get(code, frozenset()) | {state}
    return _Places(
        names, {state: frozenset(row["zones"].split()) for state, row in rows.items()}, zips, codes
    )


def _each(ranges: list[str]) -> Iterator[str]:
    for one in ranges:
        first, _, last = one.partition("-")
        yield from (f"{number:0{len(first)}}" for number in range(int(first), int(last or first) + 1))
