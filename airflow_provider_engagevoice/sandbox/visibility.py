"""When lists and reads show what was written to a campaign: at once, or later."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_engagevoice import clock

JsonObject = dict[str, Any]

LAGS: Final = {"at once": 0.0, "after 1 s": 1.0, "after 5 s": 5.0, "after 30 s": 30.0, "never": float("inf")}
"""Seconds until a list shows a write."""

STALE_READS: Final = 2
MOMENT_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Write:
    """A write: what a list shows until ``at`` plus its lag; None for no campaign."""

    at: float
    campaign_id: int
    dial_group_id: int
    before: JsonObject | None


class Visibility:
    """The writes of this process, for lists and reads that lag behind them. A restart shows all."""

    def __init__(self) -> None:
        self._writes: deque[_Write] = deque()
        self._stale: dict[int, tuple[int, JsonObject | None]] = {}
        self._created: dict[int, float] = {}

    def clear(self) -> None:
        """Forget all writes."""
        self._writes.clear()
        self._stale.clear()
        self._created.clear()

    def wrote(
        self, campaign_id: int, dial_group_id: int, before: JsonObject | None, after: JsonObject | None
    ) -> None:
        """Note a write; None stands for no campaign."""
        now = clock.monotonic()
        self._writes.append(_Write(now, campaign_id, dial_group_id, before))
        if before is None:
            self._created[campaign_id] = now
        if after is not None:
            # Until reads show it, they show what they showed before it.
            self._stale[campaign_id] = STALE_READS, self._stale.get(campaign_id, (0, before))[1]

    def listed(self, dial_group_id: int, campaigns: list[JsonObject], lag: float) -> list[JsonObject]:
        """Return a dial group's campaigns as they were ``lag`` seconds ago, oldest first."""
        shown = {int(campaign["campaignId"]): campaign for campaign in campaigns}
        since = clock.monotonic() - lag
        for write in reversed(self._writes):
            if write.at <= since:
                break
            if write.dial_group_id != dial_group_id:
                continue
            if write.before is None:
                shown.pop(write.campaign_id, None)
            else:
                shown[write.campaign_id] = write.before
        return [shown[campaign_id] for campaign_id in sorted(shown)]

    def read(self, campaign_id: int, now: JsonObject | None, get_shows: str) -> JsonObject | None:
        """Return a campaign as a read shows it; None for no campaign.

        :param get_shows: the dialect's ``get_shows``
        """
        created = self._created.get(campaign_id, float("-inf"))
        if get_shows == "404 for a moment" and clock.monotonic() < created + MOMENT_SECONDS:
            return None
        if get_shows != "after some requests" or campaign_id not in self._stale:
            return now
        left, before = self._stale[campaign_id]
        if left > 1:
            self._stale[campaign_id] = left - 1, before
        else:
            del self._stale[campaign_id]
        return before
