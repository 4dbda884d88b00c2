"""Reading the ``paramMap`` of a lead action; what is missing or cannot be right is 400.

Numbers and flags may be text, too, as the vendor's older samples send them. What an action does not know is
passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_engagevoice.sandbox.errors import AnswerError, Problem, bad_request
from airflow_provider_engagevoice.sandbox.leads.criteria import DATE_MEANING, milliseconds


class Parameters:
    """The parameters of one action.

    :param given: by the vendor's names, whose case matters
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def has(self, name: str) -> bool:
        """Tell whether it was given."""
        return self._given.get(name) is not None

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self._needed(name)
        if not isinstance(value, str) or not value.strip():
            raise _refused(name, "must be text", value)
        return value

    def number(self, name: str, least: int = 0) -> int:
        """Return an integer."""
        value = self._needed(name)
        text = str(value)
        if isinstance(value, bool) or not (text.isascii() and text.isdecimal()) or int(text) < least:
            raise _refused(name, f"must be an integer from {least}", value)
        return int(text)

    def flag(self, name: str) -> bool:
        """Return whether it is set."""
        return self.choice(name, ("false", "true")) == "true"

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """Return one of these words; a flag counts as the word for it."""
        value = self._needed(name)
        word = str(value).lower() if isinstance(value, bool) else value
        if not isinstance(word, str) or word not in allowed:
            raise _refused(name, f"must be one of {', '.join(allowed)}", value)
        return word

    def instant(self, name: str) -> int | None:
        """Return milliseconds since 1970; None where it is left out."""
        value = self._given.get(name)
        if value is None:
            return None
        instant = milliseconds(value)
        if instant is None:
            raise _refused(name, f"must be {DATE_MEANING}", value)
        return instant

    def _needed(self, name: str) -> Any:
        value = self._given.get(name)
        if value in (None, ""):
            raise _refused(name, "is required in leadActionParams.paramMap", value)
        return value


def _refused(name: str, message: str, value: Any) -> AnswerError:
    return bad_request([Problem(name, message, value)])
