"""What of a campaign is sent back, and which rows a setting must not have: a PUT sends a whole campaign."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.campaign import Campaign, has_own_rows
from airflow_provider_engagevoice.models.nested_rows import own_rows_of

#: Returns what of a campaign, as it was read, is sent back with a change.
OwnPart: TypeAlias = Callable[[Campaign], Campaign]


def as_read(campaign: Campaign) -> Campaign:
    """Return all of a campaign, as the vendor's pages send it back."""
    return campaign


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
