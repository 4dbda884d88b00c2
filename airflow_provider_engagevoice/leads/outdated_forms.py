"""Written forms of numbers that are out of use, but in lists, as libphonenumber read them until then."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple


class _Outdated(NamedTuple):
    """Prefixes that a country has given up.

    :param length: digits of all numbers after them
    :param domestic: pattern of the prefixes dialed within the country
    :param foreign: further ones, between the country code and the number
    """

    length: int
    domestic: str
    foreign: str = ""


#: By country code: those of Mexico in libphonenumber until 8.13.37, of the others in 8.8.
_PREFIXES: Mapping[str, _Outdated] = {
    "52": _Outdated(10, "0[12]|04[45]", "|1"),
    "56": _Outdated(9, "0"),
    "992": _Outdated(9, "8"),
    "998": _Outdated(9, "8"),
}
#: The place of a carrier's code in Brazil: ``(0xx11) 96123-4567``.
_CARRIER = re.compile(r"([^\d]*(?:(?:00)?55[^\d]*)?0)\s?[xX]{2}(?=[^a-zA-Z]*\Z)", re.ASCII).match


def without_carrier(text: str, code: str) -> str:
    """Return a text without ``xx``, which stands for the code of a carrier of one's choice.

    :param code: of the country
    """
    found = _CARRIER(text) if code == "55" else None
    return text if found is None else found[1] + text[found.end() :]


def without_prefix(text: str, code: str) -> str:
    """Return a text without an outdated prefix; the text itself if it has none.

    A prefix is one only in front of all digits of a number, so that no number begins with it.

    :param text: digits and punctuation
    :param code: of the country
    """
    outdated = _PREFIXES.get(code)
    if outdated is None:
        return text
    number = rf"(?=(?:\D*\d){{{outdated.length}}}\D*\Z)"
    for before, prefix in (
        (rf"\D*(?:00\D*)?{code}\D*", outdated.domestic + outdated.foreign),
        (r"[^+\d]*", outdated.domestic),
    ):
        found = re.match(rf"({before})(?:{prefix}){number}", text, re.ASCII)
        if found is not None:
            return found[1] + text[found.end() :]
    return text
