"""From a season to the campaigns that it asks for, with their fields checked."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_engagevoice.campaigns.spec import check_dates, wanted_fields
from airflow_provider_engagevoice.exceptions import nearest
from airflow_provider_engagevoice.inputs import InvalidInputError, read_campaign_name, read_country
from airflow_provider_engagevoice.models.persona import check_windows
from airflow_provider_engagevoice.seasons.model import Season, SeasonCampaign, problem_error
from airflow_provider_engagevoice.seasons.yaml_text import Path, YamlFile

#: Where in a campaign, or where else, the file states what an error of a field is about.
_KEYS = {
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


def expand(season: Season, yaml_file: YamlFile | None = None) -> list[WantedCampaign]:
    """Return the campaigns of a season, in the order of the file.

    :param yaml_file: file that the season was read from, for the positions in errors
    :raises SeasonFileError: with all problems, if it comes from a file
    :raises InvalidInputError: with the first problem otherwise
    """
    wanted: list[WantedCampaign] = []
    problems: dict[tuple[Path, str], None] = {}
    names: dict[tuple[str, str], Path] = {}
    for number, campaign in enumerate(season.campaigns):
        path: Path = ("campaigns", number)
        for region in season.regions if campaign.regions is None else campaign.regions:
            if region not in season.regions:
                known = f"there is no region {region!r}{nearest(region, season.regions)}"
                problems[(*path, "regions"), known] = None
                continue
            try:
                one = _wanted(season, region, campaign, path)
            except InvalidInputError as error:
                problems[_path_of(error.field, season, region, campaign, path), str(error)] = None
                continue
            key = str(one.dial_group), one.name
            if key in names:
                text = (
                    f"{one.name!r} comes twice in dial group {one.dial_group!r}; use {{region}} in the name"
                )
                problems[(*path, "name"), text] = None
            names.setdefault(key, path)
            wanted.append(one)
    if problems:
        raise problem_error(list(problems), season.model_dump(by_alias=True), yaml_file)
    return wanted


def _wanted(season: Season, region: str, campaign: SeasonCampaign, path: Path) -> WantedCampaign:
    place = season.regions[region]
    layers = (campaign, place, season.defaults)
    stated = {
        name: next((value for one in layers if (value := getattr(one, name)) is not None), None)
        for name in ("caller_id", "hours", "country", "is_active")
    }
    settings: dict[str, Any] = {}
    for layer in reversed(layers):
        settings |= layer.settings
    country = read_country(stated["country"] or "USA")
    values = {"region": region, "season": season.season, "state": place.state, "country": country}
    name = read_campaign_name(_filled(campaign.name, values, "campaign_name"))
    source = campaign.source
    if isinstance(source, str):
        source = read_campaign_name(_filled(source, values, "source_campaign"), "source_campaign")
    if source == name:
        raise InvalidInputError("source_campaign", source, "it is the campaign's own name; choose another")
    if source is None and stated["caller_id"] is None:
        raise InvalidInputError("caller_id", None, "a campaign that is not cloned needs one")
    fields = wanted_fields(
        start=campaign.window[0],
        end=campaign.window[1],
        timezone=place.timezone,
        caller_id=stated["caller_id"],
        schedule=stated["hours"],
        settings=settings or None,
    )
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


def _path_of(field: str, season: Season, region: str, campaign: SeasonCampaign, path: Path) -> Path:
    """Return where in the season a value is stated that an error names."""
    name, _, setting = field.partition(".")
    keys: Path = ("settings", setting) if name == "settings" else _KEYS.get(name, ())
    layers: list[tuple[Path, Any]] = [
        (path, campaign),
        (("regions", region), season.regions[region]),
        (("defaults",), season.defaults),
    ]
    for place, layer in layers:
        found = layer.model_dump(by_alias=True)
        for key in keys[:1]:
            if found.get(key) not in (None, {}) and (name != "settings" or setting in found["settings"]):
                return (*place, *keys)
    return path
