"""One wait for a window, as whoever looks on its behalf sees it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.waits.look import Look
from airflow_provider_engagevoice.windows import Goal, Verdict


@dataclass(slots=True, eq=False)
class Wait:
    """One wait for a window.

    :param zone: zone of the day's hours; None looks at dates alone
    :param poke_interval: longest time between two looks, in seconds
    :param deadline: when it gives up, UTC
    :param look_at: when its first look is due at the latest, UTC; None for now
    :ivar joined_at: when somebody began to look on its behalf, UTC: what was read before is no news to it
    :ivar verdict: the last one, None before the first look
    """

    campaign_id: int
    goal: Goal
    zone: ZoneInfo | None
    poke_interval: float
    deadline: datetime
    look_at: datetime | None = None
    joined_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    verdict: Verdict | None = None
    _news: list[Look | str | Exception | None] = field(default_factory=list)
    _reader: asyncio.Future[None] | None = None

    def tell(self, news: Look | str | Exception | None) -> None:
        """Hand over a look, a text about one that failed, why there will be none, or None at the deadline."""
        self._news.append(news)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def news(self) -> Look | str | None:
        """Wait for what is to be told next.

        :raises Exception: the reason why nobody can look any more
        """
        while not self._news:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        news = self._news.pop(0)
        if isinstance(news, Exception):
            raise news
        return news
