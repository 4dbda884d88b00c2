"""libphonenumber's example numbers of each country, in the forms in which lists have them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from re import _constants, _parser
from typing import Any

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from airflow_provider_engagevoice.leads.phones import Phones
from airflow_provider_engagevoice.models.phone import COUNTRIES, BadNumberError

#: Kinds of which a country may have an example number.
KINDS = [kind for kind in PhoneNumberType.values() if kind != PhoneNumberType.UNKNOWN]
#: Written forms, in the order of the table.
FORMS = (
    "E.164",
    "national",
    "international",
    "without plus",
    "00",
    "national digits",
    "no prefix",
    "decimal tail",
    "spaces",
    "dots",
    "dashes",
    "slash",
    "(0)",
    "int",
    "float",
    "Decimal",
    "two numbers",
    "date",
)


@dataclass(frozen=True)
class Cell:
    """A cell of a list.

    :param number: in E.164; None if the cell has no single number
    """

    form: str
    value: object
    number: str | None


def examples(country: str) -> list[PhoneNumber]:
    """Return a country's example numbers, one of each kind."""
    found = (phonenumbers.example_number_for_type(COUNTRIES[country], kind) for kind in KINDS)
    return list({number.national_number: number for number in found if number is not None}.values())


#: Kinds of numbers by their names in the metadata; those of people come up more often.
_DRAWN = (*("fixed_line", "mobile") * 4, "toll_free", "voip", "uan", "premium_rate", "shared_cost", "pager")
#: Digits that are drawn for a valid number: patterns also have lengths and lookaheads.
_TRIES = 200


def random_number(country: str, random: Random) -> PhoneNumber:
    """Draw a valid number of a country: an example number if none is found."""
    region = COUNTRIES[country]
    metadata = PhoneMetadata.metadata_for_region(region)
    for _ in range(_TRIES):
        kind = getattr(metadata, random.choice(_DRAWN))
        if kind is None or kind.national_number_pattern is None:
            continue
        digits = _drawn(_parser.parse(kind.national_number_pattern), random)
        number = _number(phonenumbers.country_code_for_region(region), digits)
        if phonenumbers.is_valid_number_for_region(number, region):
            return number
    return random.choice(examples(country))


def _number(code: int, digits: str) -> PhoneNumber:
    zeros = len(digits) - len(digits.lstrip("0"))
    return PhoneNumber(
        code,
        int(digits),
        italian_leading_zero=zeros > 0 or None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )


def _drawn(pattern: Any, random: Random) -> str:
    """Draw a text of digits that a pattern matches, but for its lookaheads."""
    text = ""
    for what, value in pattern:
        if what is _constants.LITERAL:
            text += chr(value)
        elif what is _constants.IN:
            text += random.choice(_class(value))
        elif what is _constants.MAX_REPEAT:
            least, most, repeated = value
            text += "".join(_drawn(repeated, random) for _ in range(random.randint(least, most)))
        elif what is _constants.SUBPATTERN:
            text += _drawn(value[3], random)
        elif what is _constants.BRANCH:
            text += _drawn(random.choice(value[1]), random)
    return text


def _class(items: Sequence[Any]) -> str:
    """Return the digits of a character class."""
    digits = ""
    for what, value in items:
        if what is _constants.LITERAL:
            digits += chr(value)
        elif what is _constants.RANGE:
            digits += "".join(map(chr, range(value[0], value[1] + 1)))
        else:
            digits += "0123456789"
    return digits


def cells(country: str, numbers: Sequence[PhoneNumber] = ()) -> Iterator[Cell]:
    """Yield numbers of a country in each form.

    :param numbers: default: its example numbers
    """
    for number in numbers or examples(country):
        yield from _cells(number, COUNTRIES[country])
    for date in (
        "2026-07-24",
        "2026/07/24",
        "24.07.2026",
        "07/24/2026",
        "24-7-26",
        "2026-07-24 10:00",
        "24.07.26",
    ):
        yield Cell("date", date, None)


def _cells(number: PhoneNumber, region: str) -> Iterator[Cell]:
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    digits = phonenumbers.national_significant_number(number)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    national_digits = re.sub(r"\D", "", national)
    international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    plus_less = e164[1:]
    pairs = re.sub(r"(..)(?=.)", r"\1 ", national_digits)
    # A list has a number of the same length beside it.
    other = f"{digits[:-1]}{(int(digits[-1]) + 1) % 10}"
    forms: dict[str, list[object]] = {
        "E.164": [e164, f" {e164}\t", f"\u202a{e164}\u202c"],
        "national": [national],
        "international": [international, international.replace(" ", "\u00a0").replace("-", "\u2011")],
        "without plus": [plus_less, plus_less + " ", international[1:]],
        "00": [f"00{plus_less}", f"00 {international[1:]}"],
        "national digits": [national_digits],
        "no prefix": [digits],
        "decimal tail": [
            *(
                f"{one}{tail}"
                for one in (digits, plus_less, national_digits, e164)
                for tail in (".0", ".00", ",00")
            ),
            f"{national}.00",
        ],
        "spaces": [pairs, re.sub(r"\D+", " ", national), f"{national_digits[:3]} {national_digits[3:]}"],
        "dots": [pairs.replace(" ", "."), re.sub(r"\D+", ".", national).strip(".")],
        "dashes": [pairs.replace(" ", "-"), re.sub(r"\D+", "-", national).strip("-")],
        "slash": [
            re.sub(r"\D+", "/", national.strip("()"), count=1),
            *(f"{national_digits[:at]}/{national_digits[at:]}" for at in range(2, 6)),
        ],
        "(0)": [re.sub(r"^(\+\d+) ?", r"\1 (0)", international)],
        "int": [int(digits), int(national_digits), int(plus_less)],
        "float": [float(digits), float(national_digits), float(plus_less)],
        "Decimal": [Decimal(digits).normalize(), Decimal(national_digits), Decimal(f"{plus_less}.00")],
    }
    for form, values in forms.items():
        for value in values:
            yield Cell(form, value, e164)
    prefix = national_digits[: len(national_digits) - len(digits)] if national_digits.endswith(digits) else ""
    code = plus_less.removesuffix(digits)
    for first, second in (
        (national, f"{prefix}{other}"),
        (digits, other),
        (e164, f"+{code}{other}"),
        (plus_less, f"{code}{other}"),
        (f"00{plus_less}", f"00{code}{other}"),
        (national, f"+{code}{other}"),
        (e164, f"{prefix}{other}"),
    ):
        for separator in ("/", " / ", " ", "  ", ",", ", ", ";", " - ", "\n", "\t", "&", "+", " or ", "("):
            if separator == " " and second == other and (prefix or first == e164):
                # As good as the groups of one number.
                continue
            yield Cell("two numbers", f"{first}{separator}{second}", None)
        yield Cell("two numbers", f"{first} ({second})", None)
    for tail in (digits[-1:], digits[-2:], digits[-4:]):
        yield Cell("two numbers", f"{national}/{tail}", None)


def read(phones: Phones, cell: Cell) -> str:
    """Return ``right``, ``refused`` or ``wrong``."""
    try:
        number = phones.read_e164(cell.value)
    except BadNumberError:
        return "refused"
    return "right" if number == cell.number else "wrong"
