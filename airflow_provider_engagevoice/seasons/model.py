"""A season as a user writes it: a YAML file, a mapping, or these objects."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from airflow_provider_engagevoice.campaigns.excluded_dates import read_item
from airflow_provider_engagevoice.dates import read_instant
from airflow_provider_engagevoice.inputs import InvalidInputError, read_flag, read_state

_DURATION = re.compile(r"(?:(\d{1,6})d)?\s*(?:(\d{1,6})h)?\s*(?:(\d{1,6})m)?", re.ASCII)
_SEASON_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


def _digits(value: Any) -> Any:
    """Return a number as its digits: YAML reads ``4155550123`` as one."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _name(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():
        raise ValueError("it must not be blank")
    return _digits(value)


def _reference(value: Any) -> Any:
    """Return an id or a name."""
    if isinstance(value, str) and value.strip() not in ("", "None"):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise ValueError("write an id or an exact name")


def duration(value: Any) -> Any:
    """Return text such as ``2h`` as a time, and what pydantic reads unchanged.

    :raises ValueError: for anything else
    """
    if isinstance(value, str) and not value.startswith("P"):
        match = _DURATION.fullmatch(value.strip())
        if match is not None and any(match.groups()):
            days, hours, minutes = (int(part or 0) for part in match.groups())
            return timedelta(days=days, hours=hours, minutes=minutes)
    elif value is None or isinstance(value, str | timedelta):
        return value
    raise ValueError("write a time such as '2h', '90m' or '1d 12h'")


def _state(value: Any) -> int | None:
    return None if value is None else read_state(value)


def _flag(value: Any) -> bool | None:
    return None if value is None else read_flag(value, "protect")


def _instant(value: Any) -> Any:
    try:
        return None if value is None else read_instant(value, "at", False, None)
    except InvalidInputError:
        raise ValueError("write an instant with its UTC offset: '2027-03-01T08:00:00-08:00'") from None


def _window(value: Any) -> Any:
    if isinstance(value, list | tuple) and len(value) == 2:
        return list(value)
    raise ValueError("write the start and the end: [2027-03-01, 2027-03-31]")


def _wave_regions(value: Any) -> Any:
    if value == REST:
        return value
    if isinstance(value, list | tuple) and value and all(isinstance(one, str | int) for one in value):
        return [_digits(one) for one in value]
    raise ValueError("write a list of regions, or rest")


def _or_empty(value: Any) -> Any:
    """Return a mapping for nothing: a key whose lines are all comments."""
    return {} if value is None else value


def _or_none(value: Any) -> Any:
    return [] if value is None else value


#: What waves write for the regions that no other wave has.
REST = "rest"

_TEXT = WithJsonSchema({"type": ["string", "null"]})
_TEXT_OR_NUMBER = WithJsonSchema({"type": ["string", "integer"]})
Digits = Annotated[str, BeforeValidator(_digits), _TEXT_OR_NUMBER]
State = Annotated[int | None, BeforeValidator(_state), WithJsonSchema({"enum": [0, 1, 2, True, False, None]})]
Flag = Annotated[bool | None, BeforeValidator(_flag)]
Hours: TypeAlias = dict[Annotated[str, BeforeValidator(_digits)], Digits | None]
Name = Annotated[str, BeforeValidator(_name), _TEXT_OR_NUMBER]
Key = Annotated[str, BeforeValidator(_name)]
Reference = Annotated[int | str, BeforeValidator(_reference)]
Settings = Annotated[dict[str, Any], BeforeValidator(_or_empty)]
_DATE: dict[str, Any] = {"type": "string", "format": "date"}
_HOLIDAYS: dict[str, Any] = {
    "type": "object",
    "properties": {"holidays": {"type": "string"}, "subdivision": {"type": "string"}},
    "required": ["holidays"],
    "additionalProperties": False,
}
_RANGE: dict[str, Any] = {"type": "array", "items": _DATE, "minItems": 2, "maxItems": 2}
Excluded = Annotated[Any, BeforeValidator(read_item), WithJsonSchema({"anyOf": [_DATE, _RANGE, _HOLIDAYS]})]
Exclude = Annotated[list[Excluded], BeforeValidator(_or_none)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Defaults(_Strict):
    """What campaigns have unless their region or they themselves say otherwise.

    :param caller_id: number shown to the called person
    :param hours: hours of each day, such as ``{"mon-fri": "08:00-20:00"}``; the vendor does not say in whose
        time zone. Days that are not named are closed. Default: those of the source, or all day
    :param country: three letters, such as ``USA``
    :param is_active: state of a new campaign: 0 inactive (default), 1 active, 2 agent callbacks only
    :param settings: any other campaign field by the vendor's name
    """

    caller_id: Digits | None = None
    hours: Hours | None = None
    country: str | None = None
    is_active: State = None
    settings: Settings = Field(default_factory=dict)


class Region(Defaults):
    """Where campaigns run.

    :param timezone: IANA time zone of the dates of windows
    :param dial_group: id or exact name
    :param state: state or other subdivision, for names, rules and holidays
    :param exclude: further dates without calls, as for :class:`Season`
    """

    timezone: str
    dial_group: Reference
    state: Digits | None = None
    exclude: Exclude = Field(default_factory=list)


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
    source: Reference | None = Field(default=None, alias="from")
    regions: Annotated[list[Name], Field(min_length=1)] | None = None
    window: Annotated[list[Any], BeforeValidator(_window), Field(min_length=2, max_length=2)]
    protect: Flag = None


class Wave(_Strict):
    """Regions that are applied together.

    :param regions: names, or ``rest`` for those that no other wave has
    :param after: time after the end of the wave before, such as ``2h``
    :param at: instant before which it does not start, with a UTC offset
    """

    regions: Annotated[list[Name] | Literal["rest"], BeforeValidator(_wave_regions)]
    after: Annotated[timedelta | None, BeforeValidator(duration), _TEXT, Field(ge=timedelta())] = None
    at: Annotated[AwareDatetime | None, BeforeValidator(_instant)] = None


class Season(_Strict):
    """Campaigns that are rolled out together.

    :param season: name: letters, digits, ``.``, ``_`` and ``-``
    :param waves: default: all regions together
    :param protect: whether later applies leave all campaigns of the season as they are
    :param exclude: dates without calls, in the zone of the region: each is a date, the first and
        the last of several, or ``{"holidays": "US", "subdivision": "CA"}``, in which ``per_region`` is the
        state of the region. Campaigns need ``hours`` then.
    """

    season: Annotated[str, BeforeValidator(_digits), Field(pattern=_SEASON_NAME), _TEXT_OR_NUMBER]
    defaults: Annotated[Defaults, BeforeValidator(_or_empty)] = Defaults()
    regions: Annotated[dict[Key, Region], Field(json_schema_extra={"minProperties": 1})]
    campaigns: Annotated[list[SeasonCampaign], Field(json_schema_extra={"minItems": 1})]
    waves: Annotated[list[Wave], BeforeValidator(_or_none)] = Field(default_factory=list)
    protect: Flag = None
    exclude: Exclude = Field(default_factory=list)

    def wave_of(self, region: str) -> int:
        """Return the number of a region's wave, from 0."""
        for number, wave in enumerate(self.waves):
            if wave.regions == REST or region in wave.regions:
                return number
        return 0
