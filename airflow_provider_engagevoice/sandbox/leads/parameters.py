"""Parsing of the ``paramMap`` of a lead action; a missing or invalid parameter is 400.

Numbers and flags may also be text, as in the vendor's older samples. Unknown parameters are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_engagevoice.sandbox.errors import HttpError, Problem, bad_request
from airflow_provider_engagevoice.sandbox.leads.criteria import DATE_DESCRIPTION, milliseconds


class ActionParameters:
    """The parameters of one action.

    :param given: values by the vendor's case-sensitive names
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def has(self, name: str) -> bool:
        """Return whether it is given."""
        return self._given.get(name) is not None

    def text(self, name: str) -> str:
        """Return a non-blank text."""
        value = self._required(name)
        if not isinstance(value, str) or not value.strip():
            raise _invalid(name, "must be text", value)
        return value

    def number(self, name: str, minimum: int = 0) -> int:
        """Return an integer of at least ``minimum``."""
        value = self._required(name)
        text = str(value)
        if isinstance(value, bool) or not (text.isascii() and text.isdecimal()) or int(text) < minimum:
            raise _invalid(name, f"must be an integer from {minimum}", value)
        return int(text)

    def flag(self, name: str) -> bool:
        """Return a boolean."""
        return self.choice(name, ("false", "true")) == "true"

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """Return one of these words; true and false count as text."""
        value = self._required(name)
        word = str(value).lower() if isinstance(value, bool) else value
        if not isinstance(word, str) or word not in allowed:
            raise _invalid(name, f"must be one of {', '.join(allowed)}", value)
        return word

    def instant(self, name: str) -> int | None:
        """Return a date in milliseconds since the epoch; None if omitted."""
        value = self._given.get(name)
        if value is None:
            return None
        instant = milliseconds(value)
        if instant is None:
            raise _invalid(name, f"must be {DATE_DESCRIPTION}", value)
        return instant

    def _required(self, name: str) -> Any:
        value = self._given.get(name)
        if value in (None, ""):
            raise _invalid(name, "is required in leadActionParams.paramMap", value)
        return value


def _invalid(name: str, message: str, value: Any) -> HttpError:
    return bad_request([Problem(name, message, value)])
