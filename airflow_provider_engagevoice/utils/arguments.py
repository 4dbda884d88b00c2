"""Check the arguments of operators and sensors while the DAG file is parsed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import date, tzinfo
from functools import cache
from typing import Any, ClassVar, TypeAlias

from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest

#: Returns a checked value, given the value and the argument's name.
Reader: TypeAlias = Callable[[Any, str], object]

_AIRFLOW_DATES = {"start_date": "campaign_start", "end_date": "campaign_end"}


class CheckedArgumentsMeta(type(BaseOperator)):  # type: ignore[misc]
    """Checks arguments around the constructor, which Airflow wraps: their names before, their values after."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        check_names(cls, kwargs)
        try:
            task = super().__call__(*args, **kwargs)
        except TypeError as error:
            if hint := _dates_hint(cls, kwargs, str(error)):
                raise TypeError(f"{error}; {hint}") from None
            raise
        # A mapped task is constructed when it runs; there execute reports what is wrong as not retryable.
        if "_airflow_from_mapped" not in kwargs:
            task.check_literals()
        return task


class CheckedArguments(metaclass=CheckedArgumentsMeta):
    """Mixin of operators and sensors whose literal arguments are checked at DAG parse."""

    #: Arguments of earlier releases, and what they are called now.
    renamed_arguments: ClassVar[Mapping[str, str]] = {}
    template_fields: Sequence[str]

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the reader of each argument that can be checked without a connection or a clock."""
        return {}

    def check_literals(self) -> None:
        """Read each argument that holds neither a template nor another task's output.

        :raises InvalidInputError: for the first one that is not usable
        """
        for name in own_arguments(type(self)) - set(self.template_fields):
            if has_template(getattr(self, name, None)):
                value = getattr(self, name)
                raise InvalidInputError(name, value, "it is not a template field; write a plain value")
        for name, read in self.argument_readers().items():
            value = getattr(self, name)
            if value is not None and is_literal(value):
                read(value, name)

    def read_arguments(self) -> dict[str, Any]:
        """Return all arguments that have a reader, read; those that are None stay None.

        :raises InvalidInputError: for the first one that is not usable
        """
        return {
            name: None if getattr(self, name) is None else read(getattr(self, name), name)
            for name, read in self.argument_readers().items()
        }

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Begin a mapped task."""
        check_names(cls, kwargs)
        begun = super().partial(**kwargs)  # type: ignore[misc]
        begun.__class__ = _checked_partial(type(begun))
        return begun


@cache
def _checked_partial(kind: type) -> type:
    """Return Airflow's class of begun mapped tasks, which names what a wrong argument is called now."""

    class CheckedPartial(kind):  # type: ignore[misc]
        __slots__ = ()

        def expand(self, **mapped: Any) -> Any:
            check_names(self.operator_class, mapped)
            return super().expand(**mapped)

    return CheckedPartial


@cache
def own_arguments(operator: type) -> frozenset[str]:
    """Return the arguments that a class of this package adds to Airflow's own."""
    return frozenset(_arguments(operator, stop=(BaseOperator, BaseSensorOperator)))


def check_names(operator: type, given: Mapping[str, object]) -> None:
    """Check the names of arguments.

    :raises TypeError: for the first that neither the operator nor Airflow has, with the name that was meant
    """
    renamed = getattr(operator, "renamed_arguments", {})
    for name in given.keys() - _known(operator):
        if name.startswith("_"):
            continue
        if name in renamed:
            raise TypeError(f"{operator.__name__}: argument {name!r} is now called {renamed[name]!r}")
        hint = nearest(name, _known(operator))
        raise TypeError(f"{operator.__name__} has no argument {name!r}{hint}")


@cache
def _known(operator: type) -> Set[str]:
    return frozenset(_arguments(operator)) | {"default_args"}


def _arguments(operator: type, stop: tuple[type, ...] = ()) -> Iterator[str]:
    for kind in operator.__mro__:
        if kind in stop:
            return
        if "__init__" in vars(kind):
            for name, parameter in inspect.signature(kind.__init__).parameters.items():
                if name != "self" and parameter.kind is not parameter.VAR_KEYWORD:
                    yield name


def _dates_hint(operator: type, given: Mapping[str, object], problem: str) -> str:
    """Return a hint if Airflow's own dates were given in place of a campaign's."""
    meant = {
        name: argument for name, argument in _AIRFLOW_DATES.items() if name in given and argument in problem
    }
    if not meant or not meant.keys() <= _known(operator):
        return ""
    arguments = " and ".join(meant.values())
    return f"{' and '.join(meant)} say when Airflow may run the task; give the campaign's dates as {arguments}"


def is_literal(value: object) -> bool:
    """Return whether a value is final when the DAG file is parsed: plain, without a template or XComArg."""
    match value:
        case str():
            return not has_template(value)
        case None | bool() | int() | float() | date() | tzinfo():
            return True
        case Mapping():
            return all(is_literal(one) for pair in value.items() for one in pair)
        case list() | tuple() | set():
            return all(is_literal(one) for one in value)
    return False


def has_template(value: object) -> bool:
    """Return whether a value is text that holds a Jinja template."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)
