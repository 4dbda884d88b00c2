"""The vendor's date format, read and written exactly."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from airflow_provider_engagevoice.exceptions import InvalidInputError

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})$")
_EXAMPLE = "2026-07-01T07:00:00.000+0000"
_EPOCH = datetime.fromtimestamp(0, UTC)


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
    if isinstance(value, str) and _ISO.match(value):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except OverflowError as error:
            raise ValueError("date out of range") from error
    raise ValueError(f"expected a date such as {_EXAMPLE}")


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
        expected = (
            f"must have a UTC offset, such as {_EXAMPLE}" if isinstance(value, datetime) else str(error)
        )
        raise InvalidInputError(field, value, expected) from None
