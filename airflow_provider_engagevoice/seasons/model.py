"""A season as a user writes it: a YAML file, a mapping, or these objects."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from airflow_provider_engagevoice.dates import read_instant
from airflow_provider_engagevoice.exceptions import nearest
from airflow_provider_engagevoice.inputs import InvalidInputError, read_flag, read_state
from airflow_provider_engagevoice.seasons.yaml_text import Path, SeasonFileError, YamlFile

_DURATION = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?", re.ASCII)
_SEASON_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


def _digits(value: Any) -> Any:
    """Return a number as its digits: YAML reads ``4155550123`` as one."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _duration(value: Any) -> Any:
    if isinstance(value, str) and not value.startswith("P"):
        match = _DURATION.fullmatch(value.strip())
        if match is None or not any(match.groups()):
            raise ValueError("write a time such as '2h', '90m' or '1d 12h'")
        days, hours, minutes = (int(part or 0) for part in match.groups())
        return timedelta(days=days, hours=hours, minutes=minutes)
    return value


def _state(value: Any) -> int:
    return read_state(value)


def _flag(value: Any) -> bool:
    return read_flag(value, "protect")


def _instant(value: Any) -> Any:
    return None if value is None else read_instant(value, "at", False, None)


Digits = Annotated[str, BeforeValidator(_digits)]
State = Annotated[int, BeforeValidator(_state)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Hours: TypeAlias = dict[str, str | None]
Name = Annotated[str, BeforeValidator(_digits), Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Defaults(_Strict):
    """What campaigns have unless their region or they themselves say otherwise.

    :param caller_id: number shown to the called person
    :param hours: hours of each day in the campaign's local time, such as ``{"mon-fri": "08:00-20:00"}``; days
        that are not named are closed. Default: those of the source, or all day
    :param country: three letters, such as ``USA``
    :param is_active: state of a new campaign: 0 inactive (default), 1 active, 2 agent callbacks only
    :param settings: any other campaign field by the vendor's name
    """

    caller_id: Digits | None = None
    hours: Hours | None = None
    country: str | None = None
    is_active: State | None = None
    settings: dict[str, Any] = Field(default_factory=dict)


class Region(Defaults):
    """Where campaigns run.

    :param timezone: IANA time zone of the dates of windows
    :param dial_group: id or exact name
    :param state: state or other subdivision, for names and rules
    """

    timezone: str
    dial_group: int | Name
    state: str | None = None


class SeasonCampaign(Defaults):
    """One campaign in each of some regions.

    :param name: may have ``{region}``, ``{state}``, ``{country}`` and ``{season}``
    :param source: campaign to clone, in the dial group of the region: id, or name as for ``name``. In YAML it
        is called ``from``. Default: the campaign is created
    :param regions: default: all
    :param window: start and end, as for
        :class:`~airflow_provider_engagevoice.operators.campaigns.EngageVoiceCreateCampaignOperator`
    :param protect: whether later applies leave the campaign as it is
    """

    name: Name
    source: int | Name | None = Field(default=None, alias="from")
    regions: list[str] | None = None
    window: Annotated[list[Any], Field(min_length=2, max_length=2)]
    protect: Flag | None = None


class Wave(_Strict):
    """Regions that are applied together.

    :param regions: names, or ``rest`` for those that no other wave has
    :param after: time after the end of the wave before, such as ``2h``
    :param at: instant before which it does not start, with a UTC offset
    """

    regions: list[str] | Literal["rest"]
    after: Annotated[timedelta | None, BeforeValidator(_duration), Field(ge=timedelta())] = None
    at: Annotated[AwareDatetime | None, BeforeValidator(_instant)] = None


class Season(_Strict):
    """Campaigns that are rolled out together.

    :param season: name: letters, digits, ``.``, ``_`` and ``-``
    :param waves: default: all regions together
    :param protect: whether later applies leave all campaigns of the season as they are
    """

    season: Annotated[str, BeforeValidator(_digits), Field(pattern=_SEASON_NAME)]
    defaults: Defaults = Defaults()
    regions: Annotated[dict[str, Region], Field(min_length=1)]
    campaigns: Annotated[list[SeasonCampaign], Field(min_length=1)]
    waves: list[Wave] = Field(default_factory=list)
    protect: Flag | None = None

    @model_validator(mode="after")
    def _check_waves(self) -> Season:
        seen: set[str] = set()
        for number, wave in enumerate(self.waves):
            named = [*wave.regions] if isinstance(wave.regions, list) else []
            for region in named:
                if region not in self.regions:
                    raise ValueError(f"waves: there is no region {region!r}{nearest(region, self.regions)}")
                if region in seen:
                    raise ValueError(f"waves: region {region!r} is in two waves")
                seen.add(region)
            if wave.regions == "rest" and number < len(self.waves) - 1:
                raise ValueError("waves: 'rest' must come last")
        left = [region for region in self.regions if region not in seen]
        if self.waves and left and self.waves[-1].regions != "rest":
            raise ValueError(f"waves: no wave has {', '.join(map(repr, left))}; end with regions: rest")
        return self

    def wave_of(self, region: str) -> int:
        """Return the number of a region's wave, from 0."""
        for number, wave in enumerate(self.waves):
            if wave.regions == "rest" or region in wave.regions:
                return number
        return 0


def read_season(value: Mapping[str, Any], yaml_file: YamlFile | None = None) -> Season:
    """Return the season in a mapping.

    :param yaml_file: file that it was read from, for the positions in errors
    :raises SeasonFileError: with all problems, if it comes from a file
    :raises InvalidInputError: with the first problem otherwise
    """
    try:
        return Season.model_validate(value)
    except ValidationError as error:
        texts: dict[Path, list[str]] = {}
        for one in error.errors():
            texts.setdefault(_path_of(one["loc"], value), []).append(_text_of(one))
    problems = [(path, "; ".join(dict.fromkeys(found))) for path, found in texts.items()]
    raise problem_error(problems, value, yaml_file)


def problem_error(
    problems: Sequence[tuple[Path, str]], value: Any, yaml_file: YamlFile | None
) -> InvalidInputError:
    """Return the error for problems of a season, each with the path of the value at fault.

    :param value: the season
    :param yaml_file: file that it was read from
    """
    if yaml_file is None:
        path, text = problems[0]
        return InvalidInputError(_shown(path), _at(value, path), text)
    lines = [(yaml_file.position(path), f"{_shown(path)}: {text}") for path, text in problems]
    return SeasonFileError(yaml_file.source, lines)


def _path_of(location: Sequence[str | int], value: Any) -> Path:
    """Return the path of a problem without pydantic's names for the members of unions."""
    path: list[str | int] = []
    for number, part in enumerate(location):
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            if number == len(location) - 1 and isinstance(value, Mapping):
                path.append(part)
            continue
        path.append(part)
    return tuple(path)


def _text_of(problem: Mapping[str, Any]) -> str:
    location = problem["loc"]
    if problem["type"] == "extra_forbidden":
        known = _fields_at(location)
        return f"no such key{nearest(str(location[-1]), known)}; known: {', '.join(sorted(known))}"
    if problem["type"] == "missing":
        return "it is missing"
    return str(problem["msg"]).removeprefix("Value error, ")


def _fields_at(location: Sequence[str | int]) -> list[str]:
    kinds: dict[str, type[BaseModel]] = {
        "defaults": Defaults,
        "regions": Region,
        "campaigns": SeasonCampaign,
        "waves": Wave,
    }
    model = kinds.get(str(location[0]), Season) if len(location) > 1 else Season
    return [field.alias or name for name, field in model.model_fields.items()]


def _shown(path: Path) -> str:
    """Return a path as ``campaigns[0].window``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "season"


def _at(value: Any, path: Path) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value
