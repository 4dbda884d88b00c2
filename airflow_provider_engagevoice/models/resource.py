"""What every object read from the server has in common: it is kept whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError


class Resource(BaseModel):
    """An object as the server holds it.

    Bounds hold for what is sent, not for what the server already has: a field whose value does not fit its
    type is kept as it came, unless it is one of ``identity``. ``raw`` is the JSON object exactly as it
    came, fields this package does not know included, so that a whole-object PUT writes back what nobody
    meant to change.
    """

    model_config = ConfigDict(frozen=True)

    identity: ClassVar[frozenset[str]] = frozenset()

    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def from_server(cls, data: Mapping[str, Any]) -> Self:
        """Read one JSON object of the server.

        :raises TypeError: when it is none
        :raises pydantic.ValidationError: when a field of ``identity`` is missing or unreadable
        """
        if not isinstance(data, Mapping):
            raise TypeError("expected a JSON object")
        try:
            resource = cls.model_validate(data)
        except ValidationError:
            resource = cls._as_far_as_it_fits(data)
        resource._raw = dict(data)
        return resource

    @classmethod
    def _as_far_as_it_fits(cls, data: Mapping[str, Any]) -> Self:
        # Names that are no text would fail the whole object; those this package does not know are in `raw`.
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
        """A copy of the JSON object as the server sent it."""
        return dict(self._raw)
