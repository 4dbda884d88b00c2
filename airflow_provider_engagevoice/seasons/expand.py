"""From a season to the campaigns that it asks for, with their fields checked."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.closed_days import Exclusion
from airflow_provider_engagevoice.campaigns.spec import check_dates, wanted_fields
from airflow_provider_engagevoice.dates import read_instant, read_zone
from airflow_provider_engagevoice.exceptions import nearest
from airflow_provider_engagevoice.inputs import InvalidInputError, read_campaign_name, read_country, require
from airflow_provider_engagevoice.models.persona import check_windows
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS
from airflow_provider_engagevoice.seasons.exclusions import dates_of, excludes, exclusion_of
from airflow_provider_engagevoice.seasons.model import REST, Hours, Season, SeasonCampaign
from airflow_provider_engagevoice.seasons.problems import Problem, error_of
from airflow_provider_engagevoice.seasons.yaml_text import Path, YamlFile

#: Where in a campaign, or where else, the file states what an error of a field is about.
_KEYS: Mapping[str, Path] = {
    "campaign_start": ("window", 0),
    "campaign_end": ("window", 1),
    "timezone": ("timezone",),
    "caller_id": ("caller_id",),
    "schedule": ("hours",),
    "campaign_name": ("name",),
    "source_campaign": ("from",),
    "country": ("country",),
}


@dataclass(frozen=True, slots=True)
class WantedCampaign:
    """A campaign that a season asks for.

    :param dial_group: id or exact name
    :param source: id or name of the campaign to clone; None to create it
    :param fields: fields that the season states: vendor field to value, dates to aware datetimes
    :param state: ``isActive`` of a new campaign; None if the season does not state it
    :param protect: None if the season does not state it
    :param path: of the campaign in the season
    :param exclusion: dates without calls; ``fields`` have the hours of now
    """

    region: str
    dial_group: int | str
    name: str
    source: int | str | None
    country: str
    fields: Mapping[str, Any]
    state: int | None
    protect: bool | None
    wave: int
    path: Path
    exclusion: Exclusion | None = None


def expand(season: Season, yaml_file: YamlFile | None = None) -> list[WantedCampaign]:
    """Return the campaigns of a season, in the order of the file.

    :param yaml_file: file that the season was read from, for the positions in errors
    :raises SeasonFileError: with all problems
    """
    expansion = _Expansion(season, range(len(season.campaigns)))
    if problems := [*_empty(season), *expansion.problems]:
        raise error_of(problems, yaml_file)
    return expansion.wanted


def find_problems(season: Season, numbers: Sequence[int] | None = None) -> list[Problem]:
    """Return what is wrong in a season, as far as that can be found without the server.

    :param numbers: those that its campaigns have in the file, if it has others, too
    """
    if numbers is not None:
        return _Expansion(season, numbers).problems
    return [*_empty(season), *_Expansion(season, range(len(season.campaigns))).problems]


def _empty(season: Season) -> Iterator[Problem]:
    for key in ("regions", "campaigns"):
        if not (value := getattr(season, key)):
            yield Problem.of((key,), value, "at least one is needed")


class _Expansion:
    """The campaigns of a season, and what is wrong in it."""

    def __init__(self, season: Season, numbers: Sequence[int]) -> None:
        self._season = season
        self._known: dict[str, dict[str, Any]] = {}
        self._errors: dict[str, list[InvalidInputError]] = {}
        self._zones: dict[str, ZoneInfo | None] = {}
        self.wanted: list[WantedCampaign] = []
        self.problems: list[Problem] = [*_wave_problems(season)]
        #: Excluded dates by region.
        self._dates: dict[str, list[date]] = {}
        for name in season.regions:
            self._read_zone(name)
            self._dates[name] = dates_of(season, name, self.problems)
        names: set[tuple[str, str]] = set()
        for number, campaign in zip(numbers, season.campaigns, strict=True):
            path: Path = ("campaigns", number)
            for place, region in enumerate(campaign.regions or season.regions):
                if region not in season.regions:
                    text = f"there is no region {region!r}{nearest(region, season.regions)}"
                    self.problems.append(Problem.at((*path, "regions", place), text))
                elif campaign.regions is not None and region in campaign.regions[:place]:
                    self.problems.append(Problem.at((*path, "regions", place), f"{region!r} comes twice"))
                elif (one := self._expand(region, campaign, path)) is not None:
                    key = str(one.dial_group), one.name
                    if key in names:
                        self.problems.append(twice(one, one.dial_group))
                    names.add(key)
                    self.wanted.append(one)

    def _read_zone(self, region: str) -> None:
        zone = self._season.regions[region].timezone
        try:
            self._zones[region] = read_zone(zone)
        except InvalidInputError as error:
            self._zones[region] = None
            self.problems.append(Problem.of(("regions", region, "timezone"), zone, error.expected))

    def _expand(self, region: str, campaign: SeasonCampaign, path: Path) -> WantedCampaign | None:
        found: list[InvalidInputError] = []
        if self._zones[region] is not None:
            try:
                wanted = _wanted(self._season, region, campaign, path, self._known)
                return self._without_excluded(wanted)
            except InvalidInputError as error:
                found = [error]
        for one in self._each_error(region, campaign) or found:
            where, key = _path_of(one.field, self._season, region, campaign, path)
            self.problems.append(
                Problem.of(where, one.value, one.expected) if key else Problem.at(where, str(one))
            )
        return None

    def _without_excluded(self, wanted: WantedCampaign) -> WantedCampaign | None:
        """Return a campaign with the hours that it has to have now."""
        if not excludes(self._season, wanted.region):
            return wanted
        if any(name not in wanted.fields for name in SCHEDULE_FIELDS):
            text = "it is missing; with exclude, state the hours that days have after an excluded date"
            self.problems.append(Problem.at((*wanted.path, "hours"), text))
            return None
        if wanted.fields.get("personaCallSchedules"):
            text = "days with calling windows cannot be closed; leave out the windows, or exclude"
            path = (*wanted.path, "settings", "personaCallSchedules")
            self.problems.append(Problem.at(path, text))
            return None
        zone = self._season.regions[wanted.region].timezone
        exclusion = exclusion_of(self._dates[wanted.region], zone, wanted.fields)
        exclusion.limits = exclusion.limits_at(clock.now())
        hours = {name: limit.hours for name, limit in exclusion.limits.items()}
        return replace(wanted, fields={**wanted.fields, **hours}, exclusion=exclusion)

    def _each_error(self, region: str, campaign: SeasonCampaign) -> list[InvalidInputError]:
        """Return the errors of a campaign whose parts are read one by one."""
        stated, settings = _stated(self._season, region, campaign)
        zone = self._zones[region] or ZoneInfo("UTC")
        start, end = campaign.window
        checks: list[Callable[[], object]] = [
            lambda: _names(self._season, region, campaign, "USA"),
            lambda: read_instant(require(start, "campaign_start"), "campaign_start", False, zone),
            lambda: read_instant(require(end, "campaign_end"), "campaign_end", True, zone),
        ]
        if campaign.source is None:
            checks.append(lambda: _check_caller(stated))
        # Most campaigns have those of another.
        shared = repr((stated, settings))
        if shared not in self._errors:
            self._errors[shared] = _errors_of(
                lambda: read_country(stated["country"] or "USA"),
                lambda: wanted_fields(caller_id=stated["caller_id"]),
                lambda: wanted_fields(schedule=stated["hours"]),
                *(partial(wanted_fields, settings={name: value}) for name, value in settings.items()),
            )
        return [*_errors_of(*checks), *self._errors[shared]]


def _errors_of(*checks: Callable[[], object]) -> list[InvalidInputError]:
    found: list[InvalidInputError] = []
    for check in checks:
        try:
            check()
        except InvalidInputError as error:
            found.append(error)
    return found


def twice(wanted: WantedCampaign, dial_group: object) -> Problem:
    """Return the problem of a second campaign of one name in a dial group."""
    text = f"{wanted.name!r} comes twice in dial group {dial_group!r}; use {{region}} in the name"
    return Problem.at((*wanted.path, "name"), text)


def _wave_problems(season: Season) -> Iterator[Problem]:
    if REST in season.regions:
        yield Problem.at(("regions", REST), "'rest' means all other regions in waves; choose another name")
    seen: set[str] = set()
    last = len(season.waves) - 1
    for number, wave in enumerate(season.waves):
        path: Path = ("waves", number, "regions")
        if wave.regions == REST and number < last:
            yield Problem.at(path, "'rest' must be the last wave")
        for region in wave.regions if wave.regions != REST else ():
            if region not in season.regions:
                yield Problem.at(path, f"there is no region {region!r}{nearest(region, season.regions)}")
            elif region in seen:
                yield Problem.at(path, f"region {region!r} is in two waves")
            seen.add(region)
    left = [region for region in season.regions if region not in seen]
    if season.waves and left and season.waves[-1].regions != REST:
        text = f"no wave has {', '.join(map(repr, left))}; end with regions: rest"
        yield Problem.at(("waves",), text)


def _stated(season: Season, region: str, campaign: SeasonCampaign) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what holds for a campaign in a region, and its settings."""
    layers = (campaign, season.regions[region], season.defaults)
    stated = {
        name: next((value for one in layers if (value := getattr(one, name)) is not None), None)
        for name in ("caller_id", "hours", "country", "is_active")
    }
    settings: dict[str, Any] = {}
    for layer in reversed(layers):
        settings |= layer.settings
    return stated, settings


def _names(
    season: Season, region: str, campaign: SeasonCampaign, country: str
) -> tuple[str, int | str | None]:
    """Return the name of a campaign, and its source."""
    place = season.regions[region]
    values = {"region": region, "season": season.season, "state": place.state, "country": country}
    name = read_campaign_name(_filled(campaign.name, values, "campaign_name"))
    source = campaign.source
    if isinstance(source, str):
        source = read_campaign_name(_filled(source, values, "source_campaign"), "source_campaign")
    if source == name:
        raise InvalidInputError("source_campaign", source, "it is the campaign's own name; choose another")
    return name, source


def _wanted(
    season: Season, region: str, campaign: SeasonCampaign, path: Path, known: dict[str, dict[str, Any]]
) -> WantedCampaign:
    place = season.regions[region]
    stated, settings = _stated(season, region, campaign)
    country = read_country(stated["country"] or "USA")
    name, source = _names(season, region, campaign, country)
    if source is None:
        _check_caller(stated)
    start, end = campaign.window
    dates = wanted_fields(
        start=require(start, "campaign_start"), end=require(end, "campaign_end"), timezone=place.timezone
    )
    fields = {**_other_fields(stated["caller_id"], stated["hours"], settings, known), **dates}
    check_dates(fields)
    if source is None:
        check_windows(fields)
    return WantedCampaign(
        region=region,
        dial_group=place.dial_group,
        name=name,
        source=source,
        country=country,
        fields=fields,
        state=stated["is_active"],
        protect=season.protect if campaign.protect is None else campaign.protect,
        wave=season.wave_of(region),
        path=path,
    )


def _other_fields(
    caller_id: str | None, hours: Hours | None, settings: Mapping[str, Any], known: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Return the fields of a campaign without its dates; most campaigns have those of another.

    :param known: those that were returned before
    """
    key = repr((caller_id, hours, settings))
    if key not in known:
        known[key] = wanted_fields(caller_id=caller_id, schedule=hours, settings=settings or None)
    return known[key]


def _check_caller(stated: Mapping[str, Any]) -> None:
    if stated["caller_id"] is None:
        raise InvalidInputError("caller_id", None, "a campaign that is not cloned needs one")


def _filled(template: str, values: Mapping[str, str | None], field: str) -> str:
    """Return a name with its placeholders filled in."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise InvalidInputError(field, template, f"{error}; write {{region}} for the region") from None
    text = ""
    for literal, name, form, conversion in parts:
        text += literal
        if name is None:
            continue
        if name not in values or form or conversion:
            known = ", ".join(f"{{{one}}}" for one in values)
            raise InvalidInputError(field, template, f"known placeholders: {known}{nearest(name, values)}")
        value = values[name]
        if value is None:
            raise InvalidInputError(field, template, f"the region has no {name}")
        text += value
    return text


def _path_of(
    field: str, season: Season, region: str, campaign: SeasonCampaign, path: Path
) -> tuple[Path, bool]:
    """Return where in the season a value is stated that an error names, and whether it is stated there."""
    name, _, rest = field.partition(".")
    name, _, day = name.partition("[")
    keys = ("settings", rest) if name == "settings" else _KEYS.get(name, ())
    if day:
        # As in schedule['mon-fri'].
        keys = (*keys, day[1:-2])
    layers: list[tuple[Path, Any]] = [
        (path, campaign),
        (("regions", region), season.regions[region]),
        (("defaults",), season.defaults),
    ]
    for place, layer in layers:
        found = layer.model_dump(by_alias=True)
        if keys and found.get(str(keys[0])) is not None and (name != "settings" or rest in found["settings"]):
            return (*place, *keys), True
    if name == "caller_id":
        return path, False
    return (*path, *keys[:1]), False
