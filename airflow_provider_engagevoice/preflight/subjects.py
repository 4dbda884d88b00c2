"""Campaigns as the checks see them, and how those of a dial group are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.lookup import (
    CampaignReference,
    DialGroupReference,
    find_campaign,
    find_dial_group,
    look_up,
)
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.models.campaign import Campaign, CampaignFields
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS
from airflow_provider_engagevoice.preflight.lead_counts import LeadCounts
from airflow_provider_engagevoice.preflight.places import states_of

_USA = "USA"
#: What checks need of a campaign; the rows of some servers' lists lack fields.
_NEEDED = (
    *SCHEDULE_FIELDS,
    "callerId",
    "countryId",
    "dncScrubOption",
    "maxDailyPasses",
    "maxPasses",
    "passDelayMin",
    "targetAbandonRate",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A campaign as it will be.

    :param name: with that of its dial group
    :param country: three letters; None if that is not known
    :param states: where it calls; empty if that is not known
    :param fields: vendor field to value; what is missing or None is not known
    :param leads: those that it is to call; None if they are not known
    """

    name: str
    country: str | None
    states: frozenset[str]
    fields: Mapping[str, Any]
    leads: LeadCounts | None = None

    @property
    def all_states(self) -> frozenset[str]:
        """Where it calls, by its settings and by its leads."""
        return self.states if self.leads is None else self.states | self.leads.states


def known_fields(campaign: Campaign) -> dict[str, Any]:
    """Return the settings of a campaign; a row of a list may lack some."""
    return {name: getattr(campaign, name) for name in CampaignFields.model_fields}


def subject_of(
    name: str, fields: Mapping[str, Any], *, state: str | None = None, leads: LeadCounts | None = None
) -> Subject:
    """Return a campaign for the checks.

    :param name: with that of its dial group
    :param fields: vendor field to value
    :param state: where it calls; default: what its ``campaignFilterStates`` have
    :param leads: those that it is to call
    """
    country = fields.get("countryId")
    states = _states(state, country) if state else frozenset(_filtered(fields.get("campaignFilterStates")))
    return Subject(name, None if country is None else str(country), states, fields, leads)


def read_subjects(
    dial_group: DialGroupReference,
    campaigns: Sequence[CampaignReference] | None,
    leads: LeadCounts | None = None,
) -> Procedure[list[Subject]]:
    """Return campaigns of a dial group for the checks.

    :param campaigns: default: all
    :param leads: those that each of the campaigns is to call
    :raises NotFoundError: with the nearest names
    :raises AmbiguousNameError: with the ids, when several have the name
    """
    group = yield from find_dial_group(dial_group)
    subjects: list[Subject] = []
    found: list[Campaign] = []
    if campaigns is None:
        for row in (yield from list_campaigns(group.dialGroupId)):
            is_whole = all(row.raw.get(name) is not None for name in _NEEDED)
            found.append(row if is_whole else (yield from look_up(group.dialGroupId, row.campaignId)) or row)
    else:
        for one in campaigns:
            found.append((yield from find_campaign(one, group.dialGroupId, "campaigns")).campaign)
    for campaign in found:
        name = f"{group.dialGroupName} / {campaign.campaignName}"
        subjects.append(subject_of(name, known_fields(campaign), leads=leads))
    return subjects


def _states(state: str, country: object) -> frozenset[str]:
    if country == _USA:
        return states_of(state)
    return frozenset((state.strip().upper(),))


def _filtered(value: object) -> Iterator[str]:
    """Yield the states in a filter, whose form the vendor does not document."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _filtered(one)
    elif isinstance(value, str):
        yield from states_of(value)
