"""What a preflight in a task reads: rules, and lists of leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_engagevoice.inputs import InvalidInputError, read_text, read_texts
from airflow_provider_engagevoice.preflight.lead_counts import LeadCounts
from airflow_provider_engagevoice.preflight.rules import Rules, load_rules
from airflow_provider_engagevoice.seasons.model import Season
from airflow_provider_engagevoice.storage import ObjectStorage, path_in


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

    path = path_in(folder, str(value))
    try:
        text = storage.read(path)
        data = None if text is None else yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        # A ValueError for bytes that are no text, or for a date such as 2027-13-01.
        raise InvalidInputError("rules", path, f"the file is not YAML: {error}") from None
    if text is None:
        raise InvalidInputError("rules", path, "there is no such file")
    return load_rules(data)


def read_leads(value: object, field: str = "leads") -> dict[str, list[str]]:
    """Return the paths of the lists of each region.

    :raises InvalidInputError: if it is no mapping of these
    """
    if not isinstance(value, Mapping) or not value:
        raise InvalidInputError(field, value, 'write a mapping such as {"west": "s3://leads/west.csv"}')
    return {str(region): read_texts(paths, f"{field}.{region}") for region, paths in value.items()}


def count_leads_in(
    source: Sequence[str], conn_id: str | None, mapping: Any, country: str, *, format: str | None = None
) -> LeadCounts:
    """Return where the leads of files are, as for the operator that loads them.

    :param country: of the phones, three letters
    """
    from airflow_provider_engagevoice.leads.mapping import read_mapping
    from airflow_provider_engagevoice.leads.sources.base import ReadOptions
    from airflow_provider_engagevoice.preflight.lead_counts import count_leads
    from airflow_provider_engagevoice.utils.lead_sources import file_sources

    plan = read_mapping(mapping)
    options = ReadOptions(drop_unnamed=plan.drop_unnamed)
    return count_leads(file_sources(source, conn_id=conn_id, format=format, options=options), plan, country)


def count_season_leads(
    leads: Mapping[str, Sequence[str]] | None, conn_id: str | None, mapping: Any, season: Season
) -> dict[str, LeadCounts]:
    """Return where the leads of each region of a season are.

    :param leads: region to paths
    :raises InvalidInputError: for a region that the season does not have
    """
    from airflow_provider_engagevoice.exceptions import nearest

    counts: dict[str, LeadCounts] = {}
    for name, paths in (leads or {}).items():
        if name not in season.regions:
            expected = f"the season has no such region{nearest(name, season.regions)}"
            raise InvalidInputError(f"leads.{name}", paths, expected)
        country = season.regions[name].country or season.defaults.country or "USA"
        counts[name] = count_leads_in(paths, conn_id, mapping, country)
    return counts
