"""Readers of arguments: return a checked value, or raise an error that says what would be right.

They take what a user writes and what a template or an XCom makes of it, import little of this package
and read neither the clock nor a connection, so operators also run them while a DAG file is parsed. For the
same reason the two errors that parsing may need are here; :mod:`exceptions` has them with all others.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

C = TypeVar("C", bound=str)

#: The vendor documents no limit; 200 leaves room for the suffix of a campaign that is not complete yet.
MAX_NAME_LENGTH = 200
#: Why text that is not encodable is refused.
HALF_CHARACTER = "half a character (a lone surrogate) cannot be sent"


class EngageVoiceError(Exception):
    """Base of every error raised by this package."""

    retryable: bool = False

    def add(self, remark: str) -> None:
        """Append a remark to the message."""
        self.args = (f"{self}; {remark}",)


class InvalidInputError(EngageVoiceError, ValueError):
    """An argument has an invalid value. Nothing has been sent.

    :param field: name of the argument or its key, such as ``campaign_end`` or ``settings.maxRingTime``
    :param value: the invalid value
    :param expected: a phrase that says what would be valid
    """

    def __init__(self, field: str, value: object, expected: str) -> None:
        shown = repr(value)
        if len(shown) > 120:
            length = len(value) if isinstance(value, str) else len(shown)
            shown = f"{shown[:100]}… ({length} characters)"
        super().__init__(f"{field}={shown} is not usable: {expected}")
        self.field = field
        self.value = value
        self.expected = expected


class _Hidden:
    """Stands for a person's data in an error."""

    def __repr__(self) -> str:
        return "***"


HIDDEN = _Hidden()


def require(value: object, field: str) -> Any:
    """Return a value that must be given.

    :raises InvalidInputError: if it is None, which a template may render to
    """
    if value is None:
        raise InvalidInputError(field, value, "a value is required; did a template render to None?")
    return value


@cache
def _by_value(choices: Iterable[Any]) -> Mapping[str, Any]:
    return {str(choice): choice for choice in choices}


def read_choice(value: object, field: str, choices: type[C] | tuple[C, ...]) -> C:
    """Return the one of ``choices``, a StrEnum or texts, that has this value.

    :raises InvalidInputError: with the values allowed
    """
    known: Mapping[str, C] = _by_value(choices)
    if isinstance(value, str) and value.strip() in known:
        return known[value.strip()]
    from airflow_provider_engagevoice.characters import alike, nearest

    allowed = [repr(name) for name in known]
    hint = ""
    if isinstance(value, str):
        # A few are all shown.
        hint = nearest(value, known if len(allowed) > 4 else alike(value, known))
    raise InvalidInputError(field, value, f"must be {', '.join(allowed[:-1])} or {allowed[-1]}{hint}")


def read_flag(value: object, field: str) -> bool:
    """Return a boolean; a template renders one to ``"True"`` or ``"False"``.

    :raises InvalidInputError: if it is anything else
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise InvalidInputError(field, value, "must be True or False")


def read_count(
    value: object, field: str, *, least: int = 1, most: int | None = None, meaning: str = ""
) -> int:
    """Return a whole number; a template renders one to its digits.

    :param meaning: meaning of the number, for the error
    :raises InvalidInputError: if it is no whole number, or outside ``least`` to ``most``
    """
    number = value
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,18}\s*", value, re.ASCII):
        number = int(value)
    if (
        isinstance(number, int)
        and not isinstance(number, bool)
        and number >= least
        and (most is None or number <= most)
    ):
        return number
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
    prefix = f"{meaning}: " if meaning else ""
    raise InvalidInputError(field, value, f"must be {prefix}a whole number {bounds}")


def read_text(value: object, field: str) -> str:
    """Return text that is not blank, without surrounding spaces; a whole number becomes its digits.

    :raises InvalidInputError: if it is blank or no text
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and value.strip() not in ("", "None"):
        check_characters(value, field)
        return value.strip()
    raise InvalidInputError(
        field, value, "must be text that is not blank; did a template render to None or to nothing?"
    )


def is_encodable(value: object) -> bool:
    """Return whether no text of a JSON value has half a surrogate pair, which no encoding has."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_characters(value: object, field: str) -> None:
    """Reject text with half a surrogate pair, also in mappings and lists."""
    if not is_encodable(value):
        raise InvalidInputError(field, value if isinstance(value, str) else HIDDEN, HALF_CHARACTER)


def read_texts(value: object, field: str) -> list[str]:
    """Return a list of texts; a text alone is a list of one.

    :raises InvalidInputError: if it is anything else, or one of them is blank
    """
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        return [read_text(one, field) for one in value]
    return [read_text(value, field)]


def from_json(value: object, field: str, opening: str = "{") -> Any:
    """Return the mapping that JSON text contains, or the list; anything else unchanged.

    :param opening: ``{`` for a mapping, ``[`` for a list
    :raises InvalidInputError: if it is the text of one in another format
    """
    if not (isinstance(value, str) and value.strip().startswith(opening)):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise InvalidInputError(
            field, value, f"it is not JSON ({error}); pass task.output, or render it with | tojson"
        ) from None


def read_dict(value: object, field: str) -> dict[str, Any]:
    """Return a mapping, which may be written as JSON text.

    :raises InvalidInputError: if it is anything else
    """
    value = from_json(value, field)
    if not isinstance(value, Mapping):
        raise InvalidInputError(field, value, "must be a mapping of names to values")
    check_characters(value, field)
    return dict(value)


def read_share(value: object, field: str) -> float:
    """Return a share, from 0 to less than 1.

    :raises InvalidInputError: if it is anything else
    """
    try:
        share = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        share = -1.0
    if not 0 <= share < 1:
        raise InvalidInputError(field, value, "must be a share such as 0.03, for three percent")
    return share


def read_campaign_name(value: object, field: str = "campaign_name") -> str:
    """Return the name of a campaign.

    :raises InvalidInputError: if it is blank, too long or no text
    """
    name = read_text(value, field)
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidInputError(field, value, f"at most {MAX_NAME_LENGTH} characters")
    return normal_name(name)


def normal_name(name: str) -> str:
    """Return a name as servers store it: composed characters (Unicode NFC), no surrounding spaces."""
    return unicodedata.normalize("NFC", name).strip()


def read_state(value: object, field: str = "is_active") -> int:
    """Return the state of a campaign: 0 inactive, 1 active, 2 agent callbacks only; also from a boolean.

    :raises InvalidInputError: if it is anything else
    """
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return int(value.strip().lower() == "true")
    try:
        number = float(value) if isinstance(value, str | int | float) else -1
    except (ValueError, OverflowError):
        number = -1
    if number not in (0, 1, 2):
        raise InvalidInputError(field, value, "must be 0 (inactive), 1 (active) or 2 (agent callbacks only)")
    return int(number)


def read_country(value: object, field: str = "country") -> str:
    """Return a country as three letters, such as ``USA``.

    :raises InvalidInputError: if it is anything else
    """
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z]{3}", value.strip()):
        return value.strip().upper()
    raise InvalidInputError(field, value, "must be three letters, such as 'USA'")


def read_if_exists(value: object, field: str = "if_exists") -> str:
    """Return what to do with an existing campaign: ``update``, ``skip`` or ``fail``."""
    return read_choice(value, field, ("update", "skip", "fail"))


def read_on_incomplete_copy(value: object, field: str = "on_incomplete_copy") -> str:
    """Return what to do if a clone would lack rows of its source: ``warn`` or ``fail``."""
    return read_choice(value, field, ("warn", "fail"))


def read_if_over(value: object, field: str = "if_over") -> str:
    """Return what to do about a window that is over: ``fail`` or ``skip``."""
    return read_choice(value, field, ("fail", "skip"))


def read_wait_for(value: object, field: str = "wait_for") -> str:
    """Return what a wait waits for: ``open`` or ``closed``."""
    return read_choice(value, field, ("open", "closed"))


def read_count_by(value: object, field: str = "count_by") -> str:
    """Return how leads are counted: ``search`` or ``statistics``."""
    return read_choice(value, field, ("search", "statistics"))


def read_campaign(value: object, field: str = "campaign") -> Any:
    """Return a reference to a campaign unchanged, after :func:`read_reference` has read it."""
    read_reference(value, field, "campaign")
    return value


def read_dial_group(value: object, field: str = "dial_group") -> Any:
    """Return a reference to a dial group unchanged, after :func:`read_reference` has read it."""
    read_reference(value, field, "dial_group")
    return value


def read_campaigns(value: object, field: str = "campaigns") -> list[Any]:
    """Return references to campaigns unchanged, after :func:`read_reference` has read them.

    :raises InvalidInputError: if one is not usable, or there is none
    """
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        return [read_campaign(value, field)]
    references = list(value)
    if not references:
        raise InvalidInputError(field, value, "must name at least one campaign")
    return [read_campaign(reference, field) for reference in references]


def read_reference(value: object, field: str, kind: str) -> int | str:
    """Return the id (int) or the exact name (str) in a reference to a campaign or dial group.

    An integer or text of digits is an id, any other text a name. A mapping says which it is:
    ``{"campaign_id": 7}``, ``{"campaign_name": "20261201"}``; the id takes precedence.

    :param kind: ``campaign`` or ``dial_group``
    :raises InvalidInputError: if it is neither
    """
    by_id, by_name = f"{kind}_id", f"{kind}_name"
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("{"):
            raise InvalidInputError(
                field, value, f"a mapping was rendered to text; pass task.output, or a template of {by_id!r}"
            )
        if text not in ("", "None") and not (text.isascii() and text.isdigit()):
            return read_text(text, field)
    elif isinstance(value, Mapping):
        if value.get(by_id) is not None:
            return _read_id(value[by_id], field)
        if value.get(by_name) is not None:
            return read_text(value[by_name], field)
        raise InvalidInputError(field, value, f"a mapping needs the key {by_id!r} or {by_name!r}")
    return _read_id(value, field)


def _read_id(value: object, field: str) -> int:
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if re.fullmatch(r"\d{1,18}", text, re.ASCII) and int(text) > 0:
        return int(text)
    raise InvalidInputError(
        field,
        value,
        "must be an id, a name, or what another operator returned; did a template render to None?",
    )
