"""What is wrong in a season, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from airflow_provider_engagevoice.inputs import InvalidInputError
from airflow_provider_engagevoice.seasons.yaml_text import Path, SeasonFileError, YamlFile


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake.

    :param path: of the value at fault
    :param text: what is wrong, with the key
    """

    path: Path
    text: str

    @classmethod
    def at(cls, path: Path, text: str) -> Problem:
        """Return a problem of a key."""
        return cls(path, f"{shown(path)}: {text}")

    @classmethod
    def of(cls, path: Path, value: object, expected: str) -> Problem:
        """Return a problem of a value.

        :param expected: what would be right
        """
        return cls(path, str(InvalidInputError(shown(path), value, expected)))


def error_of(problems: Iterable[Problem], yaml_file: YamlFile | None) -> SeasonFileError:
    """Return the error for problems, those of one file in its order.

    :param yaml_file: file that the season was read from
    """
    found = list(dict.fromkeys(problems))
    if yaml_file is None:
        return SeasonFileError("", [(None, one.text) for one in found])
    lines = sorted((yaml_file.position(one.path), one.text) for one in found)
    return SeasonFileError(yaml_file.source, lines)


def shown(path: Path) -> str:
    """Return a path as ``campaigns[0].window``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "season"


def value_at(value: object, path: Path) -> object:
    """Return the value at a path of plain data; None if there is none."""
    for part in path:
        try:
            value = value[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return None
    return value
