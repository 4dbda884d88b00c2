"""Check the campaigns of a plan against the rules, as they will be once it is applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.phone import COUNTRIES
from airflow_provider_engagevoice.preflight.checks import HOLIDAYS
from airflow_provider_engagevoice.preflight.findings import WARNING, Finding
from airflow_provider_engagevoice.preflight.lead_counts import LeadCounts
from airflow_provider_engagevoice.preflight.rules import Rules
from airflow_provider_engagevoice.preflight.run import check_campaigns
from airflow_provider_engagevoice.preflight.subjects import Subject, known_fields, subject_of
from airflow_provider_engagevoice.seasons.model import Season
from airflow_provider_engagevoice.seasons.plan import PlannedCampaign

#: Id of the finding that a protected campaign may call outside of its window.
LONGER = "window-longer"


def find_in_plan(
    season: Season,
    planned: Iterable[PlannedCampaign],
    rows: Mapping[int, Campaign],
    rules: Rules,
    leads: Mapping[str, LeadCounts],
) -> list[Finding]:
    """Return what is found in the campaigns of a season.

    Fields that the season does not state are those of the campaign or of the source; of a new campaign they
    are not known.

    :param rows: campaigns of the dial groups, by id
    :param leads: those that each region's campaigns are to call
    """
    left = [one for one in planned if one.action != "over"]
    subjects = [_subject(season, one, rows, leads.get(one.region)) for one in left]
    return [*check_campaigns(subjects, rules, clock.now().date()), *_longer(left, rows)]


def _subject(
    season: Season, one: PlannedCampaign, rows: Mapping[int, Campaign], leads: LeadCounts | None
) -> Subject:
    row = rows.get(one.source if one.campaign_id is None else one.campaign_id)  # type: ignore[arg-type]
    fields: dict[str, Any] = known_fields(row) if row is not None else {}
    if fields.get("countryId") is None:
        fields["countryId"] = one.country
    # Days are closed now and then to exclude dates: what counts is what they have otherwise.
    if one.action != "protected":
        fields |= {**one.fields, **(one.exclusion.hours if one.exclusion is not None else {})}
    elif one.exclusion is not None:
        fields |= {name: one.exclusion.usual(name, fields[name]) for name in one.exclusion.hours}
    # The daily task keeps them free in protected campaigns, too.
    fields[HOLIDAYS] = _excludes_holidays(season, one)
    state = season.regions[one.region].state
    return subject_of(f"{one.dial_group} / {one.name}", fields, state=state, leads=leads)


def _excludes_holidays(season: Season, one: PlannedCampaign) -> bool:
    """Return whether a season excludes the holidays of a campaign's country."""
    items = (*season.exclude, *season.regions[one.region].exclude)
    names = (one.country, COUNTRIES.get(one.country))
    return any(isinstance(item, Mapping) and item.get("holidays") in names for item in items)


def _longer(planned: Iterable[PlannedCampaign], rows: Mapping[int, Campaign]) -> Iterator[Finding]:
    names = []
    for one in planned:
        row = rows.get(one.campaign_id) if one.campaign_id is not None else None
        if one.action == "protected" and row is not None and row.end is not None:
            asked = datetime.fromisoformat(one.fields["endDate"])
            names += [f"{one.dial_group} / {one.name}"] if row.end > asked else []
    if names:
        found = "protected campaigns end later than the season says"
        yield Finding(LONGER, WARNING, "", "", found, "lift the protection, or shorten them by hand", names)
