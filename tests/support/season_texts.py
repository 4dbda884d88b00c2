"""A small season file, and its mistakes."""

from __future__ import annotations

from airflow_provider_engagevoice.seasons.expand import WantedCampaign, expand
from airflow_provider_engagevoice.seasons.parse import read_season
from airflow_provider_engagevoice.seasons.yaml_text import SeasonFileError, YamlFile

SEASON = """\
season: s1
defaults: {caller_id: "4155550123"}
regions:
  west: {timezone: America/Los_Angeles, dial_group: 115801}
campaigns:
  - {name: "R {region}", window: [2027-03-01, 2027-03-31]}
"""


def wanted_of(text: str) -> list[WantedCampaign]:
    """Return the campaigns that a season file asks for."""
    yaml_file = YamlFile(text, "s.yaml")
    return expand(read_season(yaml_file.data, yaml_file), yaml_file)


def problems_of(text: str) -> list[str]:
    """Return the problems of a season file, as ``line:column: …``; none if it is right."""
    try:
        wanted_of(text)
    except SeasonFileError as error:
        return [line.removeprefix("s.yaml:") for line in str(error).splitlines()]
    return []


def changed(old: str, new: str, text: str = SEASON) -> str:
    """Return the season with a part replaced."""
    assert old in text
    return text.replace(old, new)
