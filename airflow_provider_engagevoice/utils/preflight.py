"""The rules of a preflight in tasks: where they are, and when they are read."""

from __future__ import annotations

import os.path
from collections.abc import Mapping

from airflow_provider_engagevoice.inputs import InvalidInputError, read_text
from airflow_provider_engagevoice.preflight.rules import Rules, load_rules
from airflow_provider_engagevoice.storage import ObjectStorage


def read_rules(value: object, field: str = "rules") -> object:
    """Return a path or a mapping unchanged.

    :raises InvalidInputError: if it is neither, or with the row that is not usable
    """
    if isinstance(value, Mapping):
        load_rules(value, field)
        return value
    return read_text(value, field)


def rules_of(value: object, folder: str, storage: ObjectStorage) -> Rules:
    """Return the rules of the package with those of a user.

    :param value: path of a YAML file, a mapping, or None
    :param folder: where relative paths start
    :raises InvalidInputError: if the file is missing or not usable
    """
    if value is None or isinstance(value, Mapping):
        return load_rules(value)
    import yaml

    path = str(value)
    if "://" not in path:
        path = os.path.join(folder, path)
    try:
        text = storage.read(path)
        if text is None:
            raise InvalidInputError("rules", path, "there is no such file")
        return load_rules(yaml.safe_load(text))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInputError("rules", path, f"the file is not YAML: {error}") from None
