"""Parse the phone numbers of leads, in every notation that does not lose digits."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from numbers import Integral

from airflow_provider_engagevoice.leads.coerce import EXACT_FLOAT, is_missing
from airflow_provider_engagevoice.leads.numbering_plan import SPECIAL, numbering_plan
from airflow_provider_engagevoice.models.phone import (
    A_DATE,
    NOT_A_PHONE,
    BadNumberError,
    number_text,
    plain_text,
    without_carrier,
)

#: Countries whose ``leadPhone`` the vendor documents: ten digits.
_TEN_DIGITS = ("USA", "CAN")
#: Separates several numbers of one lead.
SEPARATOR = "|"

#: Digits and punctuation that cannot be a decimal number.
_ORDINARY = re.compile(r" *[+(\[]{0,2}\d(?![^.]*\. *\d+ *\Z|.*\. *0 *\Z)[\d ().\[\]/-]*", re.ASCII).fullmatch
#: Three groups of digits, of which each may be a day, a month or a year.
_LIKE_A_DATE = re.compile(r" *\d{1,4}[ ./-]{1,3}\d\d?[ ./-]{1,3}\d{1,4} *", re.ASCII).fullmatch


def has_ten_digits(country: str) -> bool:
    """Return whether numbers are sent as ten digits; otherwise they are sent in E.164.

    :param country: three letters
    """
    return country.strip().upper() in _TEN_DIGITS


class Phones:
    """Parses phone numbers for a campaign's country.

    A number must be valid in that country, or in a territory of the USA for the USA. Numbers of other
    countries with the same country code are rejected too: Dominican numbers in a campaign of the USA are most
    likely the wrong list. A cell must have only one reading: what may as well be two numbers, a date or a
    number that has lost digits is rejected.

    Several numbers in one cell, separated by ``|``, must all be valid. The vendor documents them only for
    ``leadPhone`` in the USA and Canada.

    :param country: three letters
    :param special: whether premium-rate, shared-cost, personal, pager and voicemail numbers are valid, too
    :raises InvalidInputError: if the country is unknown
    """

    def __init__(self, country: str, *, special: bool = False) -> None:
        self._plan = numbering_plan(country, special=special)
        self._prefix = f"+{self._plan.code}"
        #: Whether numbers are ten digits; otherwise E.164.
        self.ten_digits = has_ten_digits(country)

    @property
    def is_plain_e164(self) -> Callable[[str], object]:
        """Matches E.164 that can be sent unchanged."""
        return self._plan.is_plain_e164

    @property
    def is_plain(self) -> Callable[[str], object]:
        """Matches text that can be sent unchanged."""
        return self._plan.is_plain_national if self.ten_digits else self._plan.is_plain_e164

    def read(self, value: object) -> str:
        """Return the number or numbers of a cell as they are sent; an empty text if there is none.

        :raises BadNumberError: if one of them cannot be dialed, or has several readings
        """
        if not self.ten_digits:
            return self.read_e164(value)
        if isinstance(value, str) and value.startswith(self._prefix):
            national = self.national(value)
            if self._plan.is_plain_national(national):
                return national
        if isinstance(value, str) and _ORDINARY(value):
            # A date has not enough digits.
            return self._plan.read(value.strip())
        return SEPARATOR.join(self.read_several(value))

    def read_e164(self, value: object) -> str:
        """Return the number of a cell in E.164; an empty text if there is none.

        :raises BadNumberError: if it cannot be dialed, has several readings, or there are several
        """
        if isinstance(value, str) and _ORDINARY(value) and not _LIKE_A_DATE(value):
            return self._prefix + self._plan.read(value.strip())
        numbers = self.read_several(value)
        if len(numbers) > 1:
            raise BadNumberError("the field takes only one number; remove the others")
        return "".join(self.e164(number) for number in numbers)

    def is_special(self, value: object) -> bool:
        """Return whether a number is rejected because calling it costs more, or reaches no person."""
        try:
            self.read_e164(value)
        except BadNumberError as error:
            return str(error) == SPECIAL
        return False

    def forms(self, number: str) -> tuple[str, ...]:
        """Return the texts as which a server may hold a number, the one that is sent first.

        :param number: national digits
        """
        e164 = self.e164(number)
        if self.ten_digits:
            return number, e164, e164[1:]
        return tuple(dict.fromkeys((e164, e164[1:], self._plan.national_digits(number), number)))

    def national(self, e164: str) -> str:
        """Return the national digits of a number in E.164."""
        return e164.removeprefix(self._prefix)

    def e164(self, number: str) -> str:
        """Return national digits in E.164."""
        return self._prefix + number

    def read_several(self, value: object) -> list[str]:
        """Return the national digits of the numbers of a cell, each once.

        :raises BadNumberError: if one of them cannot be dialed, or has several readings
        """
        if not isinstance(value, str):
            digits = _number_text(value)
            return [self._plan.read(digits, is_decimal=True)] if digits else []
        texts = [text for text in plain_text(value).split(SEPARATOR) if not is_missing(text)]
        if len(texts) > 1 and value.lstrip()[:1] in "=@":
            raise BadNumberError("a formula, not a number; write its value")
        numbers = dict.fromkeys(self._read_text(text) for text in texts)
        return list(numbers)

    def _read_text(self, text: str) -> str:
        text, is_decimal = number_text(without_carrier(text, self._plan.code))
        return self._plan.read(text, is_decimal=is_decimal)


def _number_text(value: object) -> str:
    """Return the digits of a value that is not text."""
    if isinstance(value, bool):
        raise BadNumberError("a boolean, not a number; give the phone")
    if isinstance(value, Integral):
        if 0 <= int(value) < 10**20:
            return str(int(value))
        raise BadNumberError(NOT_A_PHONE)
    if is_missing(value):
        return ""
    if isinstance(value, float):
        if value.is_integer() and 0 <= value < EXACT_FLOAT:
            return str(int(value))
        raise BadNumberError("the number has a fraction or has lost digits; write it as text")
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and exponent > 0:
            raise BadNumberError("scientific notation: digits are lost; write it as text")
        if value.is_finite() and 0 <= value < 10**20 and value == int(value):
            return str(int(value))
        raise BadNumberError("the number has a fraction or has lost digits; write it as text")
    if isinstance(value, date):
        raise BadNumberError(A_DATE)
    raise BadNumberError(f"expected text or a number, got {type(value).__name__}")
