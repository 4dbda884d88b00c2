"""Base class of the objects that the server sends, which are kept whole, and pydantic's errors in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError


class Resource(BaseModel):
    """An object as the server has it.

    Bounds apply to values that are sent, not to those that the server already has: a field whose value does
    not fit its type keeps the server's value, unless it is one of ``identity``. ``raw`` is the JSON object
    exactly as the server sent it, including fields unknown to this package, so that a whole-object PUT writes
    back all that is not to change.
    """

    model_config = ConfigDict(frozen=True)

    identity: ClassVar[frozenset[str]] = frozenset()

    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def from_server(cls, data: Mapping[str, Any]) -> Self:
        """Return the model of a JSON object sent by the server.

        :raises TypeError: if it is not a JSON object
        :raises pydantic.ValidationError: if a field of ``identity`` is missing or not readable
        """
        if not isinstance(data, Mapping):
            raise TypeError("expected a JSON object")
        try:
            resource = cls.model_validate(data)
        except ValidationError:
            resource = cls._from_fields_that_fit(data)
        resource._raw = dict(data)
        return resource

    @classmethod
    def _from_fields_that_fit(cls, data: Mapping[str, Any]) -> Self:
        # Names that are not text would fail the whole object; unknown fields are kept in `raw`.
        known = {name: data[name] for name in cls.model_fields.keys() & data.keys()}
        try:
            return cls.model_validate(known)
        except ValidationError as error:
            unfit = {str(problem["loc"][0]) for problem in error.errors()}
            if unfit & cls.identity:
                raise
            fit = cls.model_validate({name: value for name, value in known.items() if name not in unfit})
            return fit.model_copy(update={name: known[name] for name in unfit})

    @property
    def raw(self) -> dict[str, Any]:
        """Copy of the JSON object as the server sent it."""
        return dict(self._raw)


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
    if kind == "string_too_long":
        return f"at most {limits['max_length']} characters"
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
