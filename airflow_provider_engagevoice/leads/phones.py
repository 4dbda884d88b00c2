"""Parse the phone numbers of leads, in every notation that does not lose digits."""

from __future__ import annotations

import re
from decimal import Decimal
from numbers import Integral

from airflow_provider_engagevoice.leads.coerce import EXACT_FLOAT, is_missing
from airflow_provider_engagevoice.leads.numbering_plan import BadNumberError, NumberingPlan, regions_of

#: Countries whose ``leadPhone`` the vendor documents: ten digits.
_TEN_DIGITS = ("USA", "CAN")
#: Separates several numbers of one lead.
SEPARATOR = "|"

_SCIENTIFIC = re.compile(r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+")
_FORMULA = re.compile(r"[=@]|[+-]\s*[^\W\d_]")
_EXTENSION = re.compile(r"\d[\s.,;]*(ext|x)", re.IGNORECASE)
_WHOLE_FLOAT = re.compile(r"\d{1,15}\.0", re.ASCII)
#: Digits and punctuation, which need no further checks.
_ORDINARY = re.compile(r" *[+(\[]{0,2}\d(?!\d*\.0 *\Z)[\d ().\[\]/-]*", re.ASCII).fullmatch
_BEGINNING = re.compile(r"[+(\[\d\uff0b\uff08\uff3b]")


class Phones:
    """Parses phone numbers for a campaign's country.

    A number must be valid in that country, or in a territory of the USA for the USA. Numbers of other
    countries with the same country code are rejected too: Dominican numbers in a campaign of the USA are most
    likely the wrong list.

    Several numbers in one cell, separated by ``|``, must all be valid. The vendor documents them only for
    ``leadPhone`` in the USA and Canada.

    :param country: three letters
    :raises InvalidInputError: if the country is unknown
    """

    def __init__(self, country: str) -> None:
        self._plan = NumberingPlan(regions_of(country))
        self._prefix = f"+{self._plan.code}"
        #: Whether numbers are ten digits; otherwise E.164.
        self.ten_digits = country.strip().upper() in _TEN_DIGITS
        #: Match text that can be sent unchanged.
        self.is_plain_e164 = self._plan.is_plain_e164
        self.is_plain = self._plan.is_plain_national if self.ten_digits else self._plan.is_plain_e164

    def read(self, value: object) -> str:
        """Return the number or numbers of a cell as they are sent; an empty text if there is none.

        :raises BadNumberError: if one of them cannot be dialed
        """
        if not self.ten_digits:
            return self.read_e164(value)
        text = value if isinstance(value, str) else _number_text(value)
        if _ORDINARY(text):
            return self._plan.read(text)
        return SEPARATOR.join(dict.fromkeys(map(self._plan.read, _split(text))))

    def read_e164(self, value: object) -> str:
        """Return the number of a cell in E.164; an empty text if there is none.

        :raises BadNumberError: if it cannot be dialed, or there are several
        """
        text = value if isinstance(value, str) else _number_text(value)
        if _ORDINARY(text):
            return self._prefix + self._plan.read(text)
        numbers = dict.fromkeys(map(self._plan.read, _split(text)))
        if len(numbers) > 1:
            raise BadNumberError("the field takes only one number")
        return "".join(self._prefix + number for number in numbers)


def _split(text: str) -> list[str]:
    """Split a cell into the texts of its numbers."""
    if SEPARATOR not in text or _FORMULA.match(text):
        return [_check_text(text.strip())] if text and not text.isspace() else []
    return [_check_text(part.strip()) for part in text.split(SEPARATOR) if part and not part.isspace()]


def _check_text(text: str) -> str:
    """Return a text that may be a number; libphonenumber would convert or skip letters."""
    if _SCIENTIFIC.fullmatch(text):
        raise BadNumberError("scientific notation: digits are lost")
    if _FORMULA.match(text):
        raise BadNumberError("a formula, not a number")
    if _WHOLE_FLOAT.fullmatch(text):
        return text[:-2]
    if any(map(str.isalpha, text[:250])):
        if _EXTENSION.search(text):
            raise BadNumberError("the number has an extension, which the dialer cannot dial")
        raise BadNumberError("the number contains letters")
    if not _BEGINNING.match(text):
        raise BadNumberError("not a phone number")
    return text


def _number_text(value: object) -> str:
    """Return the digits of a value that is not text."""
    if isinstance(value, bool):
        raise BadNumberError("a boolean, not a number")
    if isinstance(value, Integral):
        if 0 <= int(value) < 10**20:
            return str(int(value))
        raise BadNumberError("not a phone number")
    if is_missing(value):
        return ""
    if isinstance(value, float):
        if value.is_integer() and 0 <= value < EXACT_FLOAT:
            return str(int(value))
        raise BadNumberError("the number has a fraction or has lost digits")
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and exponent > 0:
            raise BadNumberError("scientific notation: digits are lost")
        if value.is_finite() and 0 <= value < 10**20 and value == int(value):
            return str(int(value))
        raise BadNumberError("the number has a fraction or has lost digits")
    raise BadNumberError(f"expected text or a number, got {type(value).__name__}")
