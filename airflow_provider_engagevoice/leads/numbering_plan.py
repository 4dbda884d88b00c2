"""The numbering plan of a country: libphonenumber's result, computed fast for ordinary numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import TypeAlias

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult

from airflow_provider_engagevoice.leads.plan_patterns import (
    NOTHING,
    all_numbers,
    beginning_with_zero,
    may_begin_with_zero,
    metadata_of,
    prefix_of,
    subscriber_lengths,
    valid_pattern,
)
from airflow_provider_engagevoice.models.phone import (
    A_DATE,
    NOT_A_PHONE,
    BadNumberError,
    reads_as_date,
    regions_of,
    without_prefix,
)

_Match: TypeAlias = Callable[[str], re.Match[str] | None]

_PUNCTUATION = str.maketrans("", "", " -().[]/\t\r\n")
SPECIAL = "a premium-rate or other special number; allow_special_numbers allows it"
#: Country code of the plan in which no number begins with a prefix.
_NORTH_AMERICA = "1"
#: Zeros in front of a number that a number type loses: those of toll-free numbers of India are three.
_ZEROS = ("0", "00", "000")
#: Digits of the longest number, with the country code, by ITU-T E.164.
_MOST_DIGITS = 15
#: Difference between the longest and the shortest number of plans in which nearly all digits are a number.
_WIDE = 5
#: Shorter numbers, which are those of services, stand beside another one only as whole groups of digits.
_LEAST_DIGITS = 5
#: Separates two numbers as often as the parts of one.
_STRONG_SEPARATOR = re.compile(r"[/(\[\t\r\n]|\s-\s|\s{2,}")
_SEPARATOR = re.compile(r"[^\d+]+")
#: How a 0 is marked that is only dialed within a country: +49 (0)30 123456.
_BRACKETED_ZERO = re.compile(r"[(\[]\s*0\s*[)\]]")
_YEAR, _MONTH, _DAY = "(?:19|20)[0-9]{2}", "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
#: Digits of a day, also with a time: 20260724, 24072026, 202607241200.
_DATE = re.compile(
    f"{_YEAR}{_MONTH}{_DAY}(?:(?:[01][0-9]|2[0-3])[0-5][0-9])?|{_DAY}{_MONTH}{_YEAR}"
).fullmatch
_NOT_IN_USE = "no such number exists: its leading digits are not in use; correct it, or check the country"
_PARSE_REASONS = {
    NumberParseException.TOO_SHORT_NSN: "the number is too short; write it whole, with the area code",
    NumberParseException.TOO_SHORT_AFTER_IDD: "the number is too short; write it whole, with the area code",
    NumberParseException.TOO_LONG: "the number is too long; write one number alone",
    NumberParseException.INVALID_COUNTRY_CODE: "no country has this code; correct the digits after +",
}
_LENGTH_REASONS = {
    ValidationResult.TOO_SHORT: "the number is too short; write it whole, with the area code",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "the number is too short: the area code is missing; add it",
    ValidationResult.TOO_LONG: "the number is too long; write one number alone",
    ValidationResult.INVALID_LENGTH: "no number has this length; correct it, or check the country",
}


class NumberingPlan:
    """Parses numbers as they are written in a country.

    A number must be valid in one of the regions by libphonenumber: its length and leading digits are in use
    there. Whether the number is assigned to a subscriber is unknown. A text must have only one such reading:
    where numbers have many lengths, digits may as well be two numbers, or begin with the country code.

    :param regions: two-letter codes; the first region's rules apply to numbers without a country code
    :param special: whether premium-rate, shared-cost, personal, pager and voicemail numbers are valid, too
    """

    def __init__(self, regions: Sequence[str], *, special: bool = False) -> None:
        self._regions = tuple(regions)
        self._plans = plans = [metadata_of(region) for region in regions]
        own = plans[0]
        code = phonenumbers.country_code_for_region(regions[0])
        self._code = str(code)
        main = metadata_of(phonenumbers.region_code_for_country_code(code))
        self._special = special
        self._is_national = re.compile(all_numbers(own).national_number_pattern, re.ASCII).fullmatch
        self._national_prefix = prefix_of(own)
        # For numbers with a country code, libphonenumber applies the rules of the code's main country.
        self._main_prefix = prefix_of(main)
        self._prefix_is_rewritten = bool(own.national_prefix_transform_rule)
        self._international_prefix = own.international_prefix or NOTHING
        self._is_international = re.compile(self._international_prefix, re.ASCII).match
        lengths = {length for plan in plans for length in all_numbers(plan).possible_length}
        #: Whether a number may go on where another one ends.
        self._is_open = len(lengths) > 1
        has_prefix = self._national_prefix.pattern != NOTHING
        #: Whether digits without a prefix and without spaces may as well be a date.
        self._may_be_date = self._is_open and has_prefix
        self._subscriber_lengths = lengths = {one for plan in plans for one in subscriber_lengths(plan)}
        #: Digits of all subscribers' numbers, so that whatever follows one is no part of it; 0 if they vary.
        self._only_length = max(lengths) if len(lengths) == 1 else 0
        self._begins_with_code = re.compile(rf"[+(\[ ]*(?:00 ?)?{self._code}[^\d+]", re.ASCII).match
        #: Whether a text may be two numbers: where a number may go on, or begin as one with a prefix does.
        self._has_pairs = self._is_open or self._code != _NORTH_AMERICA
        #: Whether most digits are a number, also those of other countries' numbers.
        self._is_wide = max(lengths) - min(lengths) >= _WIDE and has_prefix
        self._most_digits = _MOST_DIGITS - len(self._code)
        self._too_long = f"[0-9]{{{self._most_digits + 1}}}"

    # To compile a pattern of all numbers takes milliseconds, and most lists need only one of them.

    @cached_property
    def is_plain_national(self) -> _Match:
        """Matches a number in canonical form: national digits only."""
        prefixes = f"{self._code}|{self._international_prefix}|{self._national_prefix.pattern}"
        return _compiled(rf"(?!{prefixes}|{self._too_long})(?:{self._pattern(special=self._special)})")

    @cached_property
    def is_plain_e164(self) -> _Match:
        """Matches the same for E.164: ``+``, country code, national digits."""
        not_first = f"{self._main_prefix.pattern}|{self._too_long}"
        return _compiled(rf"\+{self._code}(?!{not_first})(?:{self._pattern(special=self._special)})")

    @cached_property
    def _is_valid(self) -> _Match:
        return _compiled(self._pattern(special=True))

    @cached_property
    def _is_ordinary(self) -> _Match:
        return _compiled(self._pattern(special=False))

    def _pattern(self, *, special: bool) -> str:
        return "|".join(valid_pattern(plan, special=special) for plan in self._plans)

    @cached_property
    def _owns_zero(self) -> bool:
        """Whether the first digit of a number may be 0. It is part of the number then."""
        if not any(map(self._is_valid, beginning_with_zero(self._subscriber_lengths))):
            return False
        return any(may_begin_with_zero(plan) for plan in self._plans)

    @property
    def code(self) -> str:
        """The country code."""
        return self._code

    def read(self, text: str, *, is_decimal: bool = False) -> str:
        """Return the national digits of a number.

        :param text: digits, spaces and ``()[]./-``, perhaps with a ``+`` in front
        :param is_decimal: whether leading zeros cannot be in the text, because it was a decimal number
        :raises BadNumberError: if it is not a valid number of these regions, or may be another one, too
        """
        try:
            return self._read(text, is_decimal=is_decimal)
        except BadNumberError as error:
            # What a special number is refused for is no mistake in the cell.
            if str(error) != SPECIAL and reads_as_date(text):
                raise BadNumberError(A_DATE) from None
            raise

    def _read(self, text: str, *, is_decimal: bool) -> str:
        if is_decimal and (self._owns_zero or any(self._is_valid(zeros + text) for zeros in _ZEROS)):
            raise BadNumberError(
                "numbers of this country may begin with 0, which a number type loses; write it as text"
            )
        given, text = text, without_prefix(text, self._code)
        digits = text.translate(_PUNCTUATION)
        if self.is_plain_national(digits):
            number = digits
        else:
            number = self._read_plain(digits) or self._parse(text)
            self._check_readings(text, digits, number)
            if digits.startswith("00"):
                self._check_foreign(f"+{digits[2:]}")
            if len(number) > self._most_digits:
                raise BadNumberError("the number is too long; write one number alone")
            # Of these, the first pattern is compiled anyway.
            if not (self._special or self.is_plain_national(number) or self._is_ordinary(number)):
                raise BadNumberError(SPECIAL)
        if self._has_pairs:
            self._check_parts(given)
        if self._may_be_date and text == digits == number and _DATE(digits):
            raise BadNumberError(A_DATE)
        if self._is_wide and digits == number:
            self._check_foreign(f"+{digits}")
        if self._owns_zero:
            self._check_zero(text, number)
        return number

    def _check_readings(self, text: str, digits: str, number: str) -> None:
        """Check that the digits are no other number: with the country code, without it, with a prefix."""
        if digits.startswith("+"):
            rest = digits[len(self._code) + 1 :]
            # A 0 that is only dialed within the country, whatever is dialed in this one.
            readings = {rest} if self._owns_zero else {rest, rest.removeprefix("0")}
        else:
            # The prefix by ITU-T E.123 and that of North America, whatever the country's own.
            readings = {digits, *(digits[len(one) :] for one in ("00", "011") if digits.startswith(one))}
            readings |= {reading.removeprefix(self._code) for reading in readings}
            readings |= {self._without_national_prefix(reading) for reading in readings}
            if not self._owns_zero:
                readings.add(_BRACKETED_ZERO.sub("", text, count=1).translate(_PUNCTUATION))
        if any(map(self._is_valid, readings - {number})):
            raise BadNumberError(
                "the digits have two readings, such as with the country code and without; write it with +"
            )

    def _check_foreign(self, text: str) -> None:
        """Check that a text is not a valid number of another country."""
        try:
            number = phonenumbers.parse(text)
        except NumberParseException:
            return
        if str(number.country_code) != self._code and phonenumbers.is_valid_number(number):
            region = phonenumbers.region_code_for_number(number)
            raise BadNumberError(f"the number may belong to another country ({region}); write it with +")

    def _check_parts(self, text: str) -> None:
        """Check that the text is not two numbers one after the other."""
        # A code that stands apart is one.
        only_length = 0 if self._begins_with_code(text) else self._only_length
        for separator in _SEPARATOR.finditer(text, 1):
            left, right = text[: separator.start()], text[separator.end() :]
            if (
                right
                and self._is_number(left)
                and (
                    0 < only_length <= len(left.translate(_PUNCTUATION))
                    or _STRONG_SEPARATOR.search(separator[0])
                    or self._is_another(left, right, separator[0])
                )
            ):
                raise BadNumberError("the text may be two numbers; write one of them alone")

    def _is_another(self, left: str, right: str, separator: str) -> bool:
        """Return whether the right text is a number as the left one, with a prefix if that has one."""
        digits, others = left.translate(_PUNCTUATION), right.translate(_PUNCTUATION)
        if min(len(digits), len(others)) < _LEAST_DIGITS and (separator in left or separator in right):
            return False
        if self._is_valid(digits) and self._is_valid(others):
            return True
        return self._is_number(right, complete=True)

    def _is_number(self, text: str, *, complete: bool = False) -> bool:
        """Return whether part of a text is a valid number by itself.

        :param complete: whether its prefix must not be missing, if numbers have one
        """
        digits = text.translate(_PUNCTUATION)
        for prefix in (f"+{self._code}", f"00{self._code}", self._code):
            if digits.startswith(prefix) and self._is_number(digits[len(prefix) :]):
                return True
        rest = self._without_national_prefix(digits)
        if rest != digits and self._is_valid(rest):
            return True
        has_prefix = self._national_prefix.pattern != NOTHING
        return not (complete and has_prefix) and self._is_valid(digits) is not None

    def _check_zero(self, text: str, number: str) -> None:
        """Check that the 0 in front of a number is neither missing nor only dialed within the country."""
        if number.startswith("0"):
            rest = number[1:]
            is_prefix = bool(_BRACKETED_ZERO.search(text)) or (
                "+" not in text and self.national_digits(rest) == number
            )
            if is_prefix and self._is_valid(rest):
                raise BadNumberError("the number may begin with 0 or not; write it with + and without (0)")
        # As in a text that a spreadsheet took for a number.
        elif (
            text == number
            and self._is_valid(f"0{number}")
            and any(self._is_ordinary(f"{number}{digit}") for digit in range(10))
        ):
            raise BadNumberError("the number may have lost the 0 in front; write it with +")

    def national_digits(self, number: str) -> str:
        """Return the digits of a number as it is written within the country."""
        zeros = len(number) - len(number.lstrip("0"))
        parsed = phonenumbers.PhoneNumber(
            int(self._code),
            int(number),
            italian_leading_zero=zeros > 0 or None,
            number_of_leading_zeros=zeros if zeros > 1 else None,
        )
        written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
        return written.translate(_PUNCTUATION)

    def _read_plain(self, text: str) -> str | None:
        """Return the national digits if libphonenumber certainly returns the same; otherwise None."""
        has_code = text.startswith("+")
        digits = text[1:] if has_code else text
        if not (digits.isascii() and digits.isdigit()):
            return None
        rest = digits[len(self._code) :] if digits.startswith(self._code) else None
        if has_code:
            if rest is None:
                return None
        elif self._is_international(digits):
            return None
        elif rest is None:
            return self._without_prefix(digits)
        elif self._is_national(digits) or not self._is_national(rest) or self._national_prefix.match(rest):
            return None
        return rest if self._is_valid(rest) and not self._main_prefix.match(rest) else None

    def _without_prefix(self, digits: str) -> str | None:
        prefix = self._national_prefix.match(digits)
        if prefix:
            if self._prefix_is_rewritten:
                return None
            digits = digits[prefix.end() :]
        return digits if self._is_valid(digits) else None

    def _without_national_prefix(self, digits: str) -> str:
        found = self._national_prefix.match(digits)
        return digits[found.end() :] if found else digits

    def _parse(self, text: str) -> str:
        try:
            number = phonenumbers.parse(text, self._regions[0])
        except NumberParseException as error:
            raise BadNumberError(_PARSE_REASONS.get(error.error_type, NOT_A_PHONE)) from None
        length = phonenumbers.is_possible_number_with_reason(number)
        if length in _LENGTH_REASONS:
            raise BadNumberError(_LENGTH_REASONS[length])
        digits = phonenumbers.national_significant_number(number)
        # The pattern has the result of the library for each region, and is much faster.
        if self._is_valid(digits) and any(
            phonenumbers.is_valid_number_for_region(number, region) for region in self._regions
        ):
            return digits
        region = phonenumbers.region_code_for_number(number)
        if region is None or region in self._regions:
            raise BadNumberError(_NOT_IN_USE)
        raise BadNumberError(
            f"the number belongs to another country ({region}); load it into a campaign of that country"
        )


def _compiled(pattern: str) -> _Match:
    return re.compile(pattern, re.ASCII).fullmatch


@cache
def numbering_plan(country: str, *, special: bool = False) -> NumberingPlan:
    """Return the plan of a country, which is made once.

    :param country: three letters
    :raises InvalidInputError: if the country is unknown
    """
    return NumberingPlan(regions_of(country), special=special)
