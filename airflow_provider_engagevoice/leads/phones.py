"""Phone numbers of leads: every way in which lists write them, but none in which digits are lost."""

from __future__ import annotations

import re
from decimal import Decimal
from numbers import Integral

from airflow_provider_engagevoice.leads.coerce import EXACT_FLOAT, is_missing
from airflow_provider_engagevoice.leads.numbering_plan import NoNumberError, NumberingPlan, regions_of

#: Countries whose ``leadPhone`` the vendor documents: ten digits.
_TEN_DIGITS = ("USA", "CAN")
#: Between numbers of one lead.
SEPARATOR = "|"

_SCIENTIFIC = re.compile(r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+")
_FORMULA = re.compile(r"[=@]|[+-]\s*[^\W\d_]")
_EXTENSION = re.compile(r"\d[\s.,;]*(ext|x)", re.IGNORECASE)
_WHOLE_FLOAT = re.compile(r"\d{1,15}\.0", re.ASCII)
#: What needs no further look: digits and marks between them.
_ORDINARY = re.compile(r" *[+(\[]{0,2}\d(?!\d*\.0 *\Z)[\d ().\[\]/-]*", re.ASCII).fullmatch
_BEGINNING = re.compile(r"[+(\[\d\uff0b\uff08\uff3b]")


class Phones:
    """Reads the phone numbers of a campaign's country.

    A number is good when it is valid in the country of the campaign, as libphonenumber has it; the USA
    stand for their territories too. Numbers of other countries are refused, also those that share a country
    code with it: whoever loads Dominican numbers into a campaign for the USA has taken the wrong list.

    Several numbers in one cell, separated by ``|``, must all be good. They are for ``leadPhone`` of the USA
    and Canada, for which alone the vendor documents them.

    :param country: three letters
    :raises InvalidInputError: when there is no such country
    """

    def __init__(self, country: str) -> None:
        self._plan = NumberingPlan(regions_of(country))
        self._prefix = f"+{self._plan.code}"
        #: Whether numbers are ten digits; else they are E.164.
        self.ten_digits = country.strip().upper() in _TEN_DIGITS
        #: Tells whether a text is already written as it is to be sent.
        self.is_plain_e164 = self._plan.is_plain_e164
        self.is_plain = self._plan.is_plain_national if self.ten_digits else self._plan.is_plain_e164

    def read(self, value: object) -> str:
        """Return the number or numbers of a cell, as they are sent; an empty text when there is none.

        :raises NoNumberError: when one of them cannot be dialed; the message is the reason
        """
        if not self.ten_digits:
            return self.read_e164(value)
        text = value if isinstance(value, str) else _digits(value)
        if _ORDINARY(text):
            return self._plan.read(text)
        return SEPARATOR.join(dict.fromkeys(map(self._plan.read, _texts(text))))

    def read_e164(self, value: object) -> str:
        """Return the number of a cell in E.164; an empty text when there is none.

        :raises NoNumberError: when it cannot be dialed, or there are several; the message is the reason
        """
        text = value if isinstance(value, str) else _digits(value)
        if _ORDINARY(text):
            return self._prefix + self._plan.read(text)
        numbers = dict.fromkeys(map(self._plan.read, _texts(text)))
        if len(numbers) > 1:
            raise NoNumberError("there are several numbers, and the field takes one")
        return "".join(self._prefix + number for number in numbers)


def _texts(text: str) -> list[str]:
    """Return the texts of the numbers in a cell."""
    if SEPARATOR not in text or _FORMULA.match(text):
        return [_checked(text.strip())] if text and not text.isspace() else []
    return [_checked(part.strip()) for part in text.split(SEPARATOR) if part and not part.isspace()]


def _checked(text: str) -> str:
    """Return a text that may be a number; libphonenumber would take letters for digits or skip them."""
    if _SCIENTIFIC.fullmatch(text):
        raise NoNumberError("it is written in scientific notation, so digits are lost")
    if _FORMULA.match(text):
        raise NoNumberError("it is a formula, not a number")
    if _WHOLE_FLOAT.fullmatch(text):
        return text[:-2]
    if any(map(str.isalpha, text[:250])):
        if _EXTENSION.search(text):
            raise NoNumberError("the number has an extension, which the dialer cannot dial")
        raise NoNumberError("there are letters in it")
    if not _BEGINNING.match(text):
        raise NoNumberError("this is no phone number")
    return text


def _digits(value: object) -> str:
    """Return a value that is no text as the digits it stands for."""
    if isinstance(value, bool):
        raise NoNumberError("it is true or false, not a number")
    if isinstance(value, Integral):
        if 0 <= int(value) < 10**20:
            return str(int(value))
        raise NoNumberError("this is no phone number")
    if is_missing(value):
        return ""
    if isinstance(value, float):
        if value.is_integer() and 0 <= value < EXACT_FLOAT:
            return str(int(value))
        raise NoNumberError("it is a fraction, or has lost digits")
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and exponent > 0:
            raise NoNumberError("it is written in scientific notation, so digits are lost")
        if value.is_finite() and 0 <= value < 10**20 and value == int(value):
            return str(int(value))
        raise NoNumberError("it is a fraction, or has lost digits")
    raise NoNumberError(f"it is a {type(value).__name__}, not a text or a number")
