"""Campaigns as the checks see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_engagevoice.models.campaign import Campaign, CampaignFields
from airflow_provider_engagevoice.preflight.leads import LeadCounts
from airflow_provider_engagevoice.preflight.places import states_of

_USA = "USA"


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
