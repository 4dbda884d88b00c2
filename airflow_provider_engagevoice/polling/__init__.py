"""Poll for campaigns: once on a thread, shared on an event loop. No Airflow here.

Here is which event of which campaigns a watcher subscribes to. DAG files import this, so it imports little.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.inputs import read_choice


class Event(StrEnum):
    """What can happen to a campaign."""

    CREATED = "created"
    ACTIVATED = "activated"
    EDITED = "edited"
    OPENED = "opened"
    """It is active and within its dates, and was not before."""
    CLOSED = "closed"
    """Its dates are over, and were not before."""
    PAUSED = "paused"
    """It is no longer active."""
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """The event and the campaigns that a watcher subscribes to.

    :param dial_group: id or exact name; None for all
    :param campaign: id, or a shell-style pattern of names
    """

    event: Event
    dial_group: int | str | None
    campaign: int | str


def read_event_filter(event: str, dial_group: object, campaign: object) -> EventFilter:
    """Validate a watcher's arguments.

    :raises InvalidInputError: naming the first invalid field
    """
    return EventFilter(
        read_choice(event, "event", Event),
        _id_or_text(dial_group, "dial_group"),
        _id_or_text(campaign, "campaign") or "*",
    )


def _id_or_text(value: object, field: str) -> Any:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and value.strip():
        text = value.strip()
        return int(text) if text.isascii() and text.isdigit() else text
    raise InvalidInputError(field, value, "give an id or a name")
