"""Whether the triggerer can render a task's fields, so that the task can start there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from airflow.providers.common.compat.sdk import AssetAlias, XComArg

#: Variables of a template's context that the triggerer has in memory. All others (``ti``, ``var``, ``conn``,
#: ``prev_…``, the DAG's own macros) need requests, which block its event loop or never end.
_AVAILABLE = frozenset(
    {
        "dag",
        "dag_run",
        "data_interval_end",
        "data_interval_start",
        "ds",
        "ds_nodash",
        "logical_date",
        "macros",
        "params",
        "run_id",
        "task_instance_key_str",
        "ts",
        "ts_nodash",
        "ts_nodash_with_tz",
    }
)
_AIRFLOW_FILTERS = frozenset({"ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"})


def why_not_from_trigger(fields: Mapping[str, object], inlets: Iterable[object], *, native: bool) -> str:
    """Return why a task cannot start on the triggerer; empty if it can.

    :param fields: the task's templated fields, before rendering
    :param native: whether the DAG renders templates to native objects
    """
    if not _renders_on_the_triggerer():
        return "it needs Airflow 3.3 or newer"
    if any(isinstance(inlet, AssetAlias) for inlet in inlets):
        return "the triggerer cannot resolve an asset alias among the inlets"
    for name, value in fields.items():
        if problem := _problem(value, native=native):
            return f"{name}: {problem}"
    return ""


def _problem(value: object, *, native: bool) -> str:
    match value:
        case None | bool() | int():
            return ""
        case str():
            return _problem_of_template(value, native=native)
        case Mapping():
            problems = (_problem(one, native=native) for one in value.values())
            return next(filter(None, problems), "")
        case XComArg():
            return "it comes from another task, which the triggerer cannot read"
        case _:
            return f"a {type(value).__name__} cannot be passed to the triggerer"


def _problem_of_template(text: str, *, native: bool) -> str:
    if "{" not in text:
        return ""
    from jinja2 import TemplateError, meta
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment()
    environment.filters |= dict.fromkeys(_AIRFLOW_FILTERS, str)
    try:
        unknown = meta.find_undeclared_variables(environment.parse(text)) - _AVAILABLE
    except TemplateError as error:
        return f"the triggerer cannot render it ({error.message})"
    if unknown:
        return f"the triggerer does not have {', '.join(sorted(unknown))}"
    if native:
        return "the DAG renders templates to native objects, and the triggerer renders to text"
    return ""


def _renders_on_the_triggerer() -> bool:
    try:
        from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS
    except ImportError:
        return False
    return AIRFLOW_V_3_3_PLUS
