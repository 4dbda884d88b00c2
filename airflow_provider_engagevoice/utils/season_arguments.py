"""Read the arguments of operators and sensors on seasons, also while a DAG file is parsed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from airflow_provider_engagevoice.inputs import (
    InvalidInputError,
    from_json,
    read_choice,
    read_text,
    read_texts,
)


def read_season(value: object, field: str = "season") -> object:
    """Return a path or a mapping unchanged.

    :raises InvalidInputError: if it is neither, or with what is wrong in the mapping
    """
    if isinstance(value, Mapping):
        from airflow_provider_engagevoice.seasons.parse import read_season as read

        read(value)
        return value
    if isinstance(value, str) and value.strip():
        if value.lstrip().startswith("{"):
            raise InvalidInputError(field, value, "a mapping was rendered to text; pass task.output")
        return value
    raise InvalidInputError(field, value, "must be the path of a YAML file, or a mapping")


def read_json_path(value: object, field: str = "output_path") -> str:
    """Return a path that ends in ``.json``.

    :raises InvalidInputError: if it is none
    """
    path = read_text(value, field)
    if not path.endswith(".json"):
        raise InvalidInputError(field, value, "the name of the file must end in .json")
    return path


def read_path(value: object, field: str, key: str) -> str:
    """Return a path, or the one in what another task returned.

    :param key: of the path in the mapping that the task returned
    :raises InvalidInputError: if it is neither
    """
    if isinstance(value, Mapping):
        if not isinstance(value.get(key), str):
            raise InvalidInputError(field, value, f"a mapping needs the key {key!r}")
        value = value[key]
    path = read_text(value, field)
    if path.startswith("{"):
        raise InvalidInputError(field, value, "a mapping was rendered to text; pass task.output")
    return path


def read_plan(value: object, field: str = "plan") -> str:
    """Return the path of a plan, as :func:`read_path`."""
    return read_path(value, field, "plan_path")


def read_record(value: object, field: str = "record") -> str:
    """Return the directory of a season's records, as :func:`read_path`."""
    return read_path(value, field, "record_path")


def read_approve(value: object, field: str = "approve") -> str:
    """Return which plans a person approves: ``always``, ``if_destructive`` or ``never``.

    :raises InvalidInputError: if it is anything else, or this Airflow cannot ask
    """
    approve = read_choice(value, field, ("always", "if_destructive", "never"))
    if approve != "never":
        from airflow_provider_engagevoice.triggers.human_input import is_supported

        if not is_supported():
            raise InvalidInputError(
                field,
                value,
                "it needs Airflow 3.3 or newer; write 'never', and on 3.1 and 3.2 put an ApprovalOperator "
                "before this task",
            )
    return approve


def read_ids(value: object, field: str) -> list[str]:
    """Return ids; text is one of them, or a list of them as JSON.

    :raises InvalidInputError: if it is a list as other text, or one of them is blank
    """
    value = from_json(value, field, "[")
    if isinstance(value, str) and "," in value:
        raise InvalidInputError(field, value, "write a list, such as ['a', 'b']")
    return read_texts(value, field)


def read_approvers(value: object, field: str = "approvers") -> list[str]:
    """Return ids of users.

    :raises InvalidInputError: if there is none, or one of them is blank
    """
    users = read_ids(value, field)
    if not users:
        raise InvalidInputError(field, value, "must name at least one user")
    return users


def read_approve_within(value: object, field: str = "approve_within") -> timedelta:
    """Return a time.

    :param value: a timedelta, or text such as ``2h``
    :raises InvalidInputError: if it is anything else, or not positive
    """
    from airflow_provider_engagevoice.seasons.model import duration

    try:
        time = duration(value)
    except ValueError:
        time = None
    if not isinstance(time, timedelta) or time <= timedelta():
        raise InvalidInputError(field, value, "write a timedelta, or a time such as '2h', '90m' or '1d 12h'")
    return time


def read_on_reject(value: object, field: str = "on_reject") -> str:
    """Return what a task does whose plan is rejected: ``fail`` or ``skip``."""
    return read_choice(value, field, ("fail", "skip"))
