"""What a value should be, in words, from pydantic's errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_EXPECTED = {
    "bool": "must be true or false",
    "dict": "must be a mapping",
    "float": "must be a number",
    "int": "must be a whole number",
    "list": "must be a list",
    "string": "must be text",
}


def expected_of(problem: Mapping[str, Any], schema: Mapping[str, Any] | None = None) -> str:
    """Return what would be right.

    :param problem: one of ``ValidationError.errors()``
    :param schema: JSON schema of the field, for both of its bounds
    """
    kind, limits = problem["type"], problem.get("ctx", {})
    if kind == "value_error":
        return str(limits["error"])
    if kind in ("enum", "literal_error"):
        return f"must be {limits['expected']}"
    if kind == "string_too_short":
        return "must not be empty"
    lowest, highest = _bounds(schema or {})
    lowest, highest = limits.get("ge", lowest), limits.get("le", highest)
    if lowest is not None and highest is not None:
        return f"must be {lowest} to {highest}"
    if lowest is not None:
        return f"must be {lowest} or more"
    if highest is not None:
        return f"must be {highest} or less"
    return _EXPECTED.get(kind.partition("_")[0]) or str(problem["msg"])


def _bounds(schema: Mapping[str, Any]) -> tuple[Any, Any]:
    for one in (schema, *schema.get("anyOf", ())):
        if "minimum" in one or "maximum" in one:
            return one.get("minimum"), one.get("maximum")
    return None, None
