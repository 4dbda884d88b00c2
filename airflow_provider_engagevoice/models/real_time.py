"""Real-time statistics: the vendor's ``OutboundStats``, and the rate of abandoned calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator

from airflow_provider_engagevoice.models.resource import Resource

Count = Annotated[int, BeforeValidator(lambda value: 0 if value is None else value)]
#: Decisions depend on these, so a row in which one is missing or not readable is invalid.
_REQUIRED = ("ready", "pending", "connects", "answer", "abandon")


class OutboundStatistics(Resource):
    """One campaign: its leads as of now, and its calls since midnight in the account's zone.

    ``connects`` are all answered calls: by people, by machines, and those abandoned for lack of an agent.
    """

    identity = frozenset({"campaignId", *_REQUIRED})

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
        """Number of leads that are still to be called, or being called."""
        return self.ready + self.pending

    @property
    def abandon_rate(self) -> float:
        """Share of the day's answered calls that were abandoned; 0 if none was answered."""
        return self.abandon / self.connects if self.connects else 0.0

    @property
    def live_abandon_rate(self) -> float:
        """Share of the calls answered by people that were abandoned; 0 if there were none."""
        by_people = self.answer + self.abandon
        return self.abandon / by_people if by_people else 0.0

    def abandon_text(self) -> str:
        """Return both rates in words."""
        return (
            f"campaign {self.campaignId} {self.campaignName!r}: {self.abandon} of {self.connects} answered "
            f"calls abandoned today ({self.abandon_rate:.2%}; of those answered by people "
            f"{self.live_abandon_rate:.2%})"
        )


@dataclass(frozen=True, slots=True)
class AbandonLimit:
    """The limit of abandoned calls.

    :param threshold: as a share of the answered calls
    :param min_connects: minimum number of answered calls for which the limit applies
    """

    threshold: float
    min_connects: int

    def is_breached(self, row: OutboundStatistics) -> bool:
        """Return whether a campaign is over the limit."""
        return row.connects >= self.min_connects and row.abandon_rate > self.threshold

    def deserves_a_warning(self, row: OutboundStatistics) -> bool:
        """Return whether it is over the limit, also if only calls answered by people are counted."""
        return row.connects >= self.min_connects and row.live_abandon_rate > self.threshold

    def __str__(self) -> str:
        return f"{self.threshold:.2%} of at least {self.min_connects} answered calls"
