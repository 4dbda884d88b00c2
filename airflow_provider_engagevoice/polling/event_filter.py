"""What somebody watches: which event of which campaigns. DAG files load this, so it loads little."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.exceptions import InvalidInputError

if TYPE_CHECKING:
    from airflow_provider_engagevoice.polling.event_diff import CampaignSnapshot


class Event(StrEnum):
    """What can happen to a campaign."""

    CREATED = "created"
    ACTIVATED = "activated"
    EDITED = "edited"
    OPENED = "opened"
    """It is active and lies within its dates, and did not before."""
    CLOSED = "closed"
    """Its dates are over, and were not before."""
    PAUSED = "paused"
    """It is active no more."""
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which campaigns are watched, and for what.

    :param dial_group: id or name; None for all
    :param campaign: id, or pattern of names as a shell writes it
    """

    event: Event
    dial_group: int | str | None
    campaign: int | str

    def is_in(self, seen: CampaignSnapshot) -> bool:
        """Tell whether a campaign's dial group is watched."""
        return self.dial_group is None or self.dial_group in (seen.dial_group_id, seen.dial_group_name)

    def is_for(self, seen: CampaignSnapshot) -> bool:
        """Tell whether a campaign is watched."""
        if isinstance(self.campaign, int):
            return seen.campaign_id == self.campaign
        return re.match(translate(self.campaign), str(seen.fields["campaignName"])) is not None


def read_event_filter(event: str, dial_group: object, campaign: object) -> EventFilter:
    """Check what is to be watched.

    :raises InvalidInputError: naming the first field that cannot be right
    """
    if event not in list(Event):
        raise InvalidInputError("event", event, f"write one of {', '.join(Event)}")
    return EventFilter(
        Event(event), _id_or_text(dial_group, "dial_group"), _id_or_text(campaign, "campaign") or "*"
    )


def _id_or_text(value: object, field: str) -> Any:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and value.strip():
        text = value.strip()
        return int(text) if text.isascii() and text.isdigit() else text
    raise InvalidInputError(field, value, "give an id or a name")
