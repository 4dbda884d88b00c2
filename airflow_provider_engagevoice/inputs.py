"""Readers of arguments: return a checked value, or raise an error that says what would be right.

They take what a user writes and what a template or an XCom makes of it, import little and read neither the
clock nor a connection, so operators also run them while a DAG file is parsed.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, TypeVar

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest

E = TypeVar("E", bound=StrEnum)


def require(value: object, field: str) -> None:
    """Check that a value is given.

    :raises InvalidInputError: if it is None, which a template may render to
    """
    if value is None:
        raise InvalidInputError(field, value, "a value is required; did a template render to None?")


def read_choice(value: object, field: str, choices: type[E]) -> E:
    """Return the member of ``choices`` that has this value.

    :raises InvalidInputError: with the values allowed
    """
    if isinstance(value, str) and value.strip() in list(choices):
        return choices(value.strip())
    allowed = [repr(choice.value) for choice in choices]
    hint = nearest(value, choices) if isinstance(value, str) and len(allowed) > 4 else ""
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


def read_count(value: object, field: str, *, least: int = 1, most: int | None = None) -> int:
    """Return a whole number; a template renders one to its digits.

    :raises InvalidInputError: if it is no whole number, or outside ``least`` to ``most``
    """
    number = value
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,18}\s*", value, re.ASCII):
        number = int(value)
    if isinstance(number, int) and not isinstance(number, bool) and least <= number:
        if most is None or number <= most:
            return number
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
    raise InvalidInputError(field, value, f"must be a whole number {bounds}")


def read_text(value: object, field: str) -> str:
    """Return text that is not blank, without surrounding spaces; a whole number becomes its digits.

    :raises InvalidInputError: if it is blank or no text
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and value.strip() not in ("", "None"):
        return value.strip()
    raise InvalidInputError(field, value, "must be text; did a template render to None or to nothing?")


def read_reference(value: object, field: str, kind: str) -> int | str:
    """Return the id (int) or the exact name (str) that a reference to a campaign or dial group holds.

    An integer and text of digits alone are an id. A mapping says which it is: ``{"campaign_id": 7}``,
    ``{"campaign_name": "20261201"}``; of what another operator returned, the id counts.

    :param kind: ``campaign`` or ``dial_group``
    :raises InvalidInputError: if it is neither
    """
    if hasattr(value, "keys"):
        return _read_mapping(value, field, kind)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("{"):
            raise InvalidInputError(
                field, value, f"a mapping was rendered to text; pass task.output, or its ['{kind}_id']"
            )
        if text.isascii() and text.isdigit() and int(text) > 0:
            return int(text)
        if text not in ("", "None"):
            return text
    raise InvalidInputError(
        field,
        value,
        "must be an id, a name, or what another operator returned; did a template render to None?",
    )


def _read_mapping(value: Any, field: str, kind: str) -> int | str:
    by_id, by_name = f"{kind}_id", f"{kind}_name"
    if value.get(by_id) is not None:
        reference = read_reference(value[by_id], f"{field}[{by_id!r}]", kind)
        if isinstance(reference, int):
            return reference
        raise InvalidInputError(f"{field}[{by_id!r}]", value[by_id], "must be an id, a whole number")
    if by_name in value:
        return read_text(value[by_name], f"{field}[{by_name!r}]")
    raise InvalidInputError(field, value, f"a mapping needs the key {by_id!r} or {by_name!r}")
