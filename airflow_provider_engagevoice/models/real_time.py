"""What is being dialed now: the vendor's ``OutboundStats``, and the share of calls that nobody took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator

from airflow_provider_engagevoice.models.resource import Resource

Count = Annotated[int, BeforeValidator(lambda value: 0 if value is None else value)]
#: Decisions hang on these, so a row in which one is missing or unreadable is none.
_DECIDING = ("ready", "pending", "connects", "answer", "abandon")


class OutboundStatistics(Resource):
    """One campaign: its leads as of now, and the calls of the day, which ends at the account's midnight.

    ``connects`` are all calls that were answered, by people, by machines or, for want of an agent, in vain.
    """

    identity = frozenset({"campaignId", *_DECIDING})

    campaignId: int
    campaignName: str | None = None
    dialGroupId: int | None = None
    dialGroupName: str | None = None
    lastUpdate: Any = None
    active: Count = 0
    ready: Count
    pending: Count
    complete: Count = 0
    other: Count = 0
    staffed: Count = 0
    available: Count = 0
    connects: Count
    answer: Count
    noanswer: Count = 0
    machine: Count = 0
    busy: Count = 0
    intercept: Count = 0
    fax: Count = 0
    abandon: Count
    dnc: Count = 0

    @property
    def undialed(self) -> int:
        """Leads that are still to be called, or being called."""
        return self.ready + self.pending

    @property
    def abandon_rate(self) -> float:
        """Share of the day's answered calls for which there was no agent; 0 where none was answered."""
        return self.abandon / self.connects if self.connects else 0.0

    @property
    def live_abandon_rate(self) -> float:
        """The same share of the calls answered by people; 0 where none was."""
        by_people = self.answer + self.abandon
        return self.abandon / by_people if by_people else 0.0

    def abandon_text(self) -> str:
        """Return both shares in words."""
        return (
            f"campaign {self.campaignId} {self.campaignName!r}: {self.abandon} of {self.connects} answered "
            f"calls abandoned today ({self.abandon_rate:.2%}; of those answered by people "
            f"{self.live_abandon_rate:.2%})"
        )


@dataclass(frozen=True, slots=True)
class AbandonLimit:
    """How many answered calls may be abandoned.

    :param threshold: as a share of them
    :param min_connects: so many have to be answered before the share means anything
    """

    threshold: float
    min_connects: int

    def is_breached(self, row: OutboundStatistics) -> bool:
        """Tell whether a campaign has abandoned too many."""
        return row.connects >= self.min_connects and row.abandon_rate > self.threshold

    def deserves_a_warning(self, row: OutboundStatistics) -> bool:
        """Tell whether it has, or has of the calls that people answered."""
        return row.connects >= self.min_connects and row.live_abandon_rate > self.threshold

    def __str__(self) -> str:
        return f"{self.threshold:.2%} from {self.min_connects} answered calls on"
