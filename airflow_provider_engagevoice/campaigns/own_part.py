"""Refuse rows of another campaign in what is written: a PUT sends all that a campaign shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.campaign import Campaign, has_own_rows
from airflow_provider_engagevoice.models.nested_rows import fields_of_others, own_part, own_rows_of

#: Returns a campaign, as it was read, without rows of another one, or raises an error if it has some.
OwnPart: TypeAlias = Callable[[Campaign], Campaign]


def check_own_part(campaign: Campaign) -> Campaign:
    """Return a campaign as it may be sent back; refuse one that has rows of another campaign.

    Sent back, they could be taken from the other campaign; left out, this one could lose them.

    :raises InvalidInputError: if it has such rows
    """
    if names := fields_of_others(campaign):
        raise InvalidInputError(
            "campaign",
            campaign.campaignId,
            f"its {', '.join(names)} have rows of another campaign, which an update would send, too; remove "
            "them on the vendor's pages",
        )
    return own_part(campaign)


def check_rows(fields: Mapping[str, Any], campaign_id: int | None) -> None:
    """Check that fields to be written have no rows of another campaign.

    :param campaign_id: the campaign; None for one that is to be created
    :raises InvalidInputError: for the first one that has
    """
    for name, value in fields.items():
        if has_own_rows(name, value) and own_rows_of(campaign_id, value) != value:
            raise InvalidInputError(
                f"settings.{name}",
                value,
                "it has rows of another campaign; leave out their campaignId and ids",
            )
