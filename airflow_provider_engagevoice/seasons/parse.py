"""Read a season from plain data, and report all that is wrong in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from airflow_provider_engagevoice.exceptions import nearest
from airflow_provider_engagevoice.inputs import InvalidInputError
from airflow_provider_engagevoice.seasons.expand import find_problems
from airflow_provider_engagevoice.seasons.model import Defaults, Region, Season, SeasonCampaign, Wave
from airflow_provider_engagevoice.seasons.problems import Problem, error_of, value_at
from airflow_provider_engagevoice.seasons.yaml_text import Path, YamlFile

_MODELS: Mapping[str, type[BaseModel]] = {
    "defaults": Defaults,
    "regions": Region,
    "campaigns": SeasonCampaign,
    "waves": Wave,
}
#: What is right instead of a value, by pydantic's type of error.
_EXPECTED = {
    "string_type": "write text",
    "string_pattern_mismatch": "use letters, digits, '.', '_' and '-', at most 100",
    "dict_type": "write a mapping of keys to values",
    "model_type": "write a mapping of keys to values",
    "list_type": "write a list",
    "too_short": "at least one is needed",
}


def read_season(value: object, yaml_file: YamlFile | None = None) -> Season:
    """Return the season in plain data.

    :param yaml_file: file that it was read from, for the positions in errors
    :raises SeasonFileError: with all problems that can be found without the server
    """
    if not isinstance(value, Mapping):
        problem = Problem.of((), value, "write the keys season, regions and campaigns with their values")
        raise error_of([problem], yaml_file)
    try:
        season = _validated(value)
    except ValidationError as error:
        problems = [_problem(one, value) for one in error.errors()]
        raise error_of([*problems, *_others(value, problems)], yaml_file) from None
    if found := find_problems(season):
        raise error_of(found, yaml_file)
    return season


def _validated(value: Mapping[str, Any]) -> Season:
    return Season.model_validate(value, by_alias=True, by_name=False)


def _problem(error: Any, value: Mapping[str, Any]) -> Problem:
    path = _path_of(error["loc"], value)
    kind = error["type"]
    if kind == "extra_forbidden":
        known = _known_keys(path)
        hint = nearest(str(path[-1]), known)
        return Problem.at(path, f"no such key{hint}; known: {', '.join(sorted(known))}")
    if kind == "missing":
        return Problem.at(path, "it is missing")
    cause = error.get("ctx", {}).get("error")
    expected = cause.expected if isinstance(cause, InvalidInputError) else str(cause or error["msg"])
    return Problem.of(path, value_at(value, path), _EXPECTED.get(kind, expected))


def _path_of(location: Sequence[str | int], value: Any) -> Path:
    """Return the path of a problem without what pydantic adds to it, such as ``[key]``."""
    path: Path = ()
    for number, part in enumerate(location):
        is_missing = isinstance(value, Mapping) and part not in value
        if (is_missing and number < len(location) - 1) or not isinstance(value, Mapping | list | tuple):
            break
        path = (*path, part)
        value = value_at(value, (part,))
    return path


def _known_keys(path: Path) -> list[str]:
    model = _MODELS.get(str(path[0]), Season) if len(path) > 1 else Season
    return [field.alias or name for name, field in model.model_fields.items()]


def _others(value: Mapping[str, Any], problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems of those campaigns and regions that can be read.

    What has a problem is omitted, so that nothing is reported that follows from it.
    """
    bad = {one.path[:2] for one in problems}
    if any(path[:1] == ("defaults",) or path in (("regions",), ("campaigns",)) for path in bad):
        return []
    regions = {name: one for name, one in value["regions"].items() if ("regions", name) not in bad}
    campaigns: dict[int, Any] = {}
    for number, campaign in enumerate(value["campaigns"]):
        if ("campaigns", number) in bad:
            continue
        if campaign.get("regions") is not None:
            left = [name for name in campaign["regions"] if ("regions", name) not in bad]
            campaign = {**campaign, "regions": left}
        if campaign.get("regions") != []:
            campaigns[number] = campaign
    readable: dict[str, Any] = {"season": "season", "regions": regions, "campaigns": [*campaigns.values()]}
    readable |= {"defaults": value.get("defaults")}
    if not any(path[0] in ("regions", "waves") for path in bad):
        readable |= {"waves": value.get("waves")}
    try:
        season = _validated(readable)
    except ValidationError:
        return []
    return find_problems(season, list(campaigns))
