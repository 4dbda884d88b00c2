"""Check the arguments of operators and sensors while the DAG file is parsed."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, BaseOperator

from airflow_provider_engagevoice.inputs import InvalidInputError, read_flag, require

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperatorLink
    from airflow.sdk.bases.operator import BaseOperatorMeta

    #: Returns a checked value, given the value and the argument's name.
    Reader: TypeAlias = Callable[[Any, str], object]
else:
    BaseOperatorMeta = type(BaseOperator)

#: Stands for the default of an argument that has none.
REQUIRED = object()

#: In the annotation of an argument that takes a mapping or a sequence.
_CONTAINERS = r"Mapping|Sequence|Iterable|Reference"

#: A campaign by its name, whatever names it: the result of another task, a mapping, a name or an id.
CAMPAIGN_INDEX = "{{ task.campaign.campaign_name | default(task.campaign, true) }}"

_PACKAGE = __name__.partition(".")[0]
_AIRFLOW_DATES = {"start_date": "campaign_start", "end_date": "campaign_end"}
# Airflow 2.11 raises AirflowException for an argument that BaseOperator does not have.
_REFUSALS = (AirflowException, TypeError)


class CampaignLinks:
    """Imports the link once Airflow asks for it, because that takes longer than importing the operators."""

    def __get__(self, task: object, operator: type) -> Sequence[BaseOperatorLink]:
        from airflow_provider_engagevoice.links import EngageVoiceCampaignLink

        return (EngageVoiceCampaignLink(),)


class CheckedArgumentsMeta(BaseOperatorMeta):
    """Checks an operator once all constructors of its classes have run."""

    if not TYPE_CHECKING:  # Type checkers are to see the signature of the constructor.

        def __call__(cls, *args, **kwargs):  # noqa: N805
            # A mapped task is constructed when it runs, where execute reports the error.
            mapped = "_airflow_from_mapped" in kwargs
            try:
                task = super().__call__(*args, **kwargs)
                if not mapped:
                    task.check_literals()
            except (*_REFUSALS, InvalidInputError) as error:
                hints = "" if isinstance(error, InvalidInputError) else _hints(cls, kwargs, str(error))
                if mapped:
                    logging.getLogger(cls.__module__).error("%s%s", error, hints)
                    raise AirflowFailException(f"{error}{hints}") from None
                if hints:
                    raise TypeError(f"{error}{hints}") from None
                # Airflow shows two frames of an import error: this one, and the line of the DAG file.
                raise error.with_traceback(None) from None
            return task

    @property
    def __signature__(cls) -> inspect.Signature:  # noqa: N805
        """The signature of the constructor, for tools that would show that of ``__call__``."""
        own = inspect.signature(cls.__init__)  # type: ignore[misc]
        return own.replace(parameters=list(own.parameters.values())[1:])


class Personal:
    """Personal data in a rendered field: its text says how much there is."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __str__(self) -> str:
        if isinstance(self.value, Mapping):
            return f"(not shown: {', '.join(sorted(map(str, self.value)))})"
        count = f"{len(self.value)} values" if isinstance(self.value, list | tuple | set) else "a value"
        return f"(not shown: {count})"

    __repr__ = __str__


class CheckedArguments(BaseOperator, metaclass=CheckedArgumentsMeta):
    """Base of operators and sensors whose literal arguments are checked when the DAG file is parsed.

    An argument may be None only if that is its default.
    """

    #: What the grid shows for each task of a mapped one, unless the DAG says otherwise; None for its number.
    default_map_index: ClassVar[str | None] = None
    #: Arguments of earlier releases, and their current names.
    renamed_arguments: ClassVar[Mapping[str, str]] = {}
    #: Template fields with personal data. Airflow stores rendered fields: theirs are stored as a count.
    personal_fields: ClassVar[Sequence[str]] = ()

    def revealed(self, name: str) -> Any:
        """Return the value of an argument, also if it is personal."""
        value = getattr(self, name, None)
        return value.value if isinstance(value, Personal) else value

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the reader of each argument that can be read without a connection and the current time."""
        return {}

    def check_literals(self) -> None:
        """Read each argument that holds neither a template nor another task's output.

        :raises InvalidInputError: for the first one that is not usable
        """
        type(self).check_values(vars(self))

    @classmethod
    def check_values(cls, given: Mapping[str, Any]) -> None:
        """Read each of the given arguments that is literal.

        :raises InvalidInputError: for the first one that is not usable
        """
        _check_literals(cls, given)

    def read_arguments(self) -> dict[str, Any]:
        """Return the rendered arguments that have a reader, read; None stays None.

        :raises InvalidInputError: for the first one that is not usable
        """
        arguments: dict[str, Any] = {}
        for name, read, default in _checks(type(self)):
            value = self.revealed(name)
            if default is not None:
                require(value, name)
            if read is not None:
                arguments[name] = None if value is None else read(value, name)
        return arguments

    def _do_render_template_fields(
        self, parent: Any, template_fields: Iterable[str], context: Any, jinja_env: Any, seen_oids: set[int]
    ) -> None:
        """Render to text, also in a DAG that renders templates to native objects.

        A template that is a whole argument may still render to None, or to a mapping or list where the
        argument takes one. All else would lose zeros and signs: ``"0123"`` and ``"+1415"`` become numbers.
        """
        given: dict[str, object] = {}
        dag = self.get_dag()
        operator: type = type(self)
        takes_containers = _containers(operator)
        if parent is self and dag is not None and _is_native(jinja_env):
            for name in template_fields:
                value = getattr(self, name)
                if isinstance(value, str) and not is_literal(value):
                    native = self.render_template(value, context, jinja_env)
                    if native is None or (name in takes_containers and _is_container(native)):
                        given[name] = native
            jinja_env = dag.get_template_env(force_sandboxed=True)
        others = [name for name in template_fields if name not in given]
        super()._do_render_template_fields(parent, others, context, jinja_env, seen_oids)
        for name, value in given.items():
            setattr(self, name, value)
        if parent is self:
            # Airflow stores the fields afterwards, also those of a mapped task.
            for name in self.personal_fields:
                if (value := getattr(self, name, None)) is not None and not isinstance(value, Personal):
                    setattr(self, name, Personal(value))

    def _render(self, template: Any, context: Any, dag: Any = None) -> Any:
        if _is_native(template.environment):
            return super()._render(template, context, dag)
        try:
            from airflow.sdk.definitions.context import render_template_to_string
        except ImportError:
            from airflow.utils.helpers import render_template_to_string  # type: ignore[no-redef]
        return render_template_to_string(template, context)

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Start a mapped task."""
        cls.check_values(kwargs)
        if cls.default_map_index is not None:
            kwargs.setdefault("map_index_template", cls.default_map_index)
        try:
            operator = super().partial(**kwargs)
        except _REFUSALS as error:
            raise TypeError(f"{error}{_hints(cls, kwargs, str(error))}") from None
        operator.__class__ = _with_hints(type(operator))  # type: ignore[arg-type]
        return operator


def _check_literals(operator: type[CheckedArguments], given: Mapping[str, Any]) -> None:
    for name, read, default in _checks(operator):
        if name in given and (value := given[name]) is not default:
            check = _check_once if type(value) is str else _check_literal
            check(operator, name, read, value)


def _check_literal(operator: type[CheckedArguments], name: str, read: Reader | None, value: Any) -> None:
    if not is_literal(value):
        if name not in operator.template_fields:
            raise InvalidInputError(name, value, "it is not a template field; give a plain value")
    elif value is None:
        require(value, name)
    elif read is not None:
        read(value, name)


def read_plain_flag(value: object, field: str) -> bool:
    """Return a boolean that is no template field, such as ``deferrable``.

    :raises InvalidInputError: if it is a template, another task's output, or anything else
    """
    if not is_literal(value):
        raise InvalidInputError(field, value, "it is not a template field; give a plain value")
    return read_flag(value, field)


# DAG files often give the same text to many tasks, and are parsed over and over.
_check_once = lru_cache(maxsize=1024)(_check_literal)


def _is_native(jinja_env: object) -> bool:
    # Airflow has imported Jinja once it renders a template; DAG files need not.
    from jinja2.nativetypes import NativeEnvironment

    return isinstance(jinja_env, NativeEnvironment)


def _is_container(value: object) -> bool:
    return isinstance(value, Mapping | list | tuple | set)


@cache
def _containers(operator: type) -> frozenset[str]:
    """Return the arguments that take a mapping or a sequence."""
    names: set[str] = set()
    for kind in operator.__mro__:
        if "__init__" in vars(kind) and kind.__module__.startswith(_PACKAGE):
            annotations = inspect.unwrap(vars(kind)["__init__"]).__annotations__
            names |= {name for name, one in annotations.items() if re.search(_CONTAINERS, str(one))}
    return frozenset(names)


@cache
def _checks(operator: type[CheckedArguments]) -> Sequence[tuple[str, Reader | None, object]]:
    """Return the name, the reader and the default of each argument."""
    readers = operator.argument_readers()
    own = own_arguments(operator)
    return [(name, readers.get(name), default) for name, default in own.items()]


@cache
def _with_hints(partial: type) -> type:
    """Return Airflow's class of partial operators, with hints at what a wrong name may mean."""

    class PartialWithHints(partial):  # type: ignore[misc]
        __slots__ = ()

        def expand(self, **mapped: Any) -> Any:
            for name, values in mapped.items():
                for value in values if isinstance(values, list | tuple) else ():
                    try:
                        self.operator_class.check_values({**self.kwargs, name: value})
                    except InvalidInputError as error:
                        raise error.with_traceback(None) from None
            try:
                return super().expand(**mapped)
            except _REFUSALS as error:
                raise TypeError(f"{error}{_hints(self.operator_class, mapped, str(error))}") from None

    return PartialWithHints


def _hints(operator: type, given: Mapping[str, object], problem: str) -> str:
    """Return what was probably meant by wrong names of arguments, to be appended to Airflow's error."""
    from airflow_provider_engagevoice.characters import nearest

    known = frozenset(_parameters(operator))
    renamed = getattr(operator, "renamed_arguments", {})
    hints = ""
    for name in given:
        if name in renamed and name not in known:
            hints += f"; {name!r} is now called {renamed[name]!r}"
        elif name not in known and not name.startswith("_"):
            hints += f"; {operator.__name__} has no argument {name!r}{nearest(name, known)}"
    for name, meant in _AIRFLOW_DATES.items():
        if name in given and meant in problem:
            hints += f"; {name} is Airflow's own, for when the task may run; did you mean {meant}?"
    return hints


@cache
def own_arguments(operator: type) -> Mapping[str, object]:
    """Return the arguments that classes of this package add to Airflow's own, with their defaults.

    An argument without a default has :data:`REQUIRED`.
    """
    return _parameters(operator, _PACKAGE + ".")


def _parameters(operator: type, module: str = "") -> dict[str, object]:
    # inspect.signature takes longer than all checks of a task.
    parameters: dict[str, object] = {}
    for kind in operator.__mro__:
        if "__init__" in vars(kind) and kind.__module__.startswith(module):
            init = inspect.unwrap(vars(kind)["__init__"])
            code, defaults = getattr(init, "__code__", None), getattr(init, "__kwdefaults__", None) or {}
            for name in code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount] if code else ():
                parameters.setdefault(name, defaults.get(name, REQUIRED))
    return parameters


def is_literal(value: object) -> bool:
    """Return whether Airflow leaves a value as it is: it holds no template and no other task's output."""
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value
    if value is None or isinstance(value, int | float):
        return True
    if isinstance(value, dict | Mapping):
        return all(map(is_literal, value.values()))
    if isinstance(value, list | tuple | set):
        return all(map(is_literal, value))
    # An XComArg and its like have references; a callable is called with the context.
    return not callable(value) and not hasattr(value, "iter_references")
