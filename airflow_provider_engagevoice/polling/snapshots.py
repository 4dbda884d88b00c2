"""Campaigns as of a poll, and polls of all campaigns of some dial groups, for every watcher of them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns, list_dial_groups
from airflow_provider_engagevoice.exceptions import EngageVoiceError, ResourceNotFoundError, nearest
from airflow_provider_engagevoice.models.campaign import READ_ONLY_FIELDS, Campaign
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS
from airflow_provider_engagevoice.polling.shared import SharedRequests, Timer
from airflow_provider_engagevoice.polling.window_poll import pause_after
from airflow_provider_engagevoice.polling.windows import state_of

log = logging.getLogger(__name__)

#: A response this old is still fresh when a window opens or closes.
_FRESH = timedelta(seconds=5)
#: When a window opens or closes, wait this long for a poll that would show recent edits.
_PATIENCE_SECONDS = 0.5
_MAX_PAUSE = 300.0
_NEVER = datetime.max.replace(tzinfo=UTC)
#: Fields whose values are kept, to report how they changed; of all others only a digest is kept.
_KEPT = ("campaignName", "startDate", "endDate", "isActive", *SCHEDULE_FIELDS)
_NOT_DIGESTED = READ_ONLY_FIELDS | set(_KEPT)


@dataclass(frozen=True, slots=True)
class CampaignSnapshot:
    """A campaign as of the last poll.

    :param dial_group_name: name of its dial group
    :param fields: the fields that are kept, in the server's format
    :param digest: digest of all other fields
    :param is_open: whether it was active and within its dates
    :param is_over: whether its dates were over
    """

    campaign_id: int
    dial_group_id: int
    dial_group_name: str
    fields: Mapping[str, Any]
    digest: str
    start: datetime | None
    end: datetime | None
    is_open: bool
    is_over: bool

    @classmethod
    def of(cls, campaign: Campaign, dial_group_id: int, dial_group_name: str, now: datetime) -> Self:
        """Return the snapshot of a campaign as of ``now``."""
        raw = campaign.raw
        others = {name: value for name, value in raw.items() if name not in _NOT_DIGESTED}
        text = json.dumps(others, sort_keys=True, default=str).encode(errors="replace")
        snapshot = cls(
            campaign.campaignId,
            dial_group_id,
            dial_group_name,
            {name: raw.get(name) for name in _KEPT} | {"isActive": state_of(raw.get("isActive"))},
            hashlib.blake2b(text, digest_size=6).hexdigest(),
            campaign.start,
            campaign.end,
            is_open=False,
            is_over=False,
        )
        return snapshot.at(now)

    def at(self, now: datetime) -> Self:
        """Return the same campaign as of another instant."""
        is_over = self.end is not None and now >= self.end
        is_open = self.is_active and self.start is not None and not is_over and now >= self.start
        if (is_open, is_over) == (self.is_open, self.is_over):
            return self
        values = {name: getattr(self, name) for name in self.__slots__}
        return type(self)(**values | {"is_open": is_open, "is_over": is_over})

    def completed(self, before: Self, now: datetime) -> Self:
        """Return it with what its row leaves out, which is as it was before: odd rows are no edits.

        :param before: the same campaign as of an earlier poll
        """
        left_out = {name for name in _KEPT if self._leaves_out(name) and not before._leaves_out(name)}
        if not left_out:
            return self
        completed = replace(
            self,
            fields={**self.fields, **{name: before.fields[name] for name in left_out}},
            digest=before.digest,
            start=before.start if "startDate" in left_out else self.start,
            end=before.end if "endDate" in left_out else self.end,
        )
        return completed.at(now)

    def _leaves_out(self, name: str) -> bool:
        if name == "startDate":
            return self.start is None
        if name == "endDate":
            return self.end is None
        return self.fields[name] in (None, "")

    @property
    def is_active(self) -> bool:
        """Whether the campaign is active."""
        return bool(self.fields["isActive"] == CampaignState.ACTIVE)

    def changes_at(self, now: datetime) -> datetime | None:
        """Return the next instant at which time alone opens or closes it; None if there is none."""
        return min((one for one in (self.start, self.end) if one is not None and one > now), default=None)

    def to_json(self) -> list[Any]:
        """Return it as plain JSON values, for a checkpoint."""
        values = [self.fields[name] for name in _KEPT]
        return [self.dial_group_id, self.dial_group_name, values, self.digest, self.is_open, self.is_over]

    @classmethod
    def from_json(cls, campaign_id: int, kept: Any) -> Self:
        """Return the snapshot that :meth:`to_json` wrote.

        :raises ValueError: if ``kept`` is something else; also ``TypeError``
        """
        dial_group_id, dial_group_name, values, digest, is_open, is_over = kept
        fields = dict(zip(_KEPT, values, strict=True))
        fields["isActive"] = state_of(fields["isActive"])
        campaign = Campaign.from_server({**fields, "campaignId": campaign_id})
        return cls(
            campaign_id,
            int(dial_group_id),
            str(dial_group_name),
            fields,
            str(digest),
            campaign.start,
            campaign.end,
            bool(is_open),
            bool(is_over),
        )


@dataclass(slots=True, eq=False)
class Snapshot:
    """Campaigns as of an instant.

    :param at: that instant, UTC
    :param groups: all dial groups of the account: names by id
    :param polled_groups: ids of those whose campaigns were listed, now or in the snapshot before
    :param campaigns: all campaigns in these, by id
    :ivar on_stored: callbacks for when all events that follow from this snapshot are stored
    """

    at: datetime
    groups: Mapping[int, str]
    polled_groups: frozenset[int]
    campaigns: Mapping[int, CampaignSnapshot]
    on_stored: list[Callable[[], Awaitable[None]]] = field(default_factory=list)


class SnapshotStream:
    """Take snapshots at an interval, whenever a window opens or closes, and for each new subscriber.

    :param interval: longest time between two polls, in seconds; None: the connection's ``watch_interval``
    """

    def __init__(self, requests: SharedRequests, interval: float | None = None) -> None:
        self._requests = requests
        self._interval = interval
        self._wanted: Counter[int | str | None] = Counter()
        self._timer = Timer()
        self._last: Snapshot | None = None
        #: When the campaigns of a dial group were last requested.
        self._polled_at: dict[int, datetime] = {}
        self._poll_at = _NEVER
        self._boundary = _NEVER
        self._repeat_at = _NEVER

    @contextmanager
    def subscribe(self, dial_group: int | str | None) -> Iterator[None]:
        """Poll a dial group, by id or name, or all of them, inside the ``with`` block."""
        self._wanted[dial_group] += 1
        self._poll_at = clock.now()
        self._timer.wake()
        try:
            yield
        finally:
            self._wanted[dial_group] -= 1
            if not self._wanted[dial_group]:
                del self._wanted[dial_group]

    def poll_by(self, instant: datetime) -> None:
        """Take a snapshot at that instant, UTC, at the latest."""
        if instant < self._poll_at:
            self._poll_at = instant
            self._timer.wake()

    def repeat_by(self, instant: datetime) -> None:
        """Yield a snapshot at that instant, UTC, at the latest: the last one if no poll is due."""
        if instant < self._repeat_at:
            self._repeat_at = instant
            self._timer.wake()

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """Yield snapshots forever; log failed polls and retry."""
        failures = 0
        while True:
            due_at = min(self._poll_at, self._boundary, self._repeat_at)
            await self._timer.wait(due_at if self._wanted else None)
            now = clock.now()
            if not self._wanted or now < min(self._poll_at, self._boundary, self._repeat_at):
                continue
            if now >= self._repeat_at:
                self._repeat_at = _NEVER
                if self._last is not None and now < min(self._poll_at, self._boundary):
                    yield replace(self._last, on_stored=[])
                    continue
            try:
                snapshot = await (self._poll(now) if now >= self._poll_at else self._poll_at_boundary(now))
            except EngageVoiceError as error:
                failures += 1
                pause = pause_after(failures, _MAX_PAUSE)
                log.warning("poll %d in a row failed: %s; next in %.0f s", failures, error, pause)
                self._poll_at = self._boundary = now + timedelta(seconds=pause)
                continue
            failures = 0
            self._last = snapshot
            instants = (campaign.changes_at(snapshot.at) for campaign in snapshot.campaigns.values())
            self._boundary = min((one for one in instants if one is not None), default=_NEVER)
            yield snapshot

    async def _poll(self, now: datetime) -> Snapshot:
        interval = self._interval
        if interval is None:
            interval = (await self._requests.settings()).watch_interval
        self._poll_at = now + timedelta(seconds=interval)
        groups = await self._requests.run(list_dial_groups(), now)
        names = {group.dialGroupId: group.dialGroupName for group in groups}
        for wanted in self._wanted:
            if wanted is not None and wanted not in names and wanted not in names.values():
                hint = nearest(str(wanted), names.values())
                log.warning("there is no dial group %r to watch%s", wanted, hint)
        ids = [
            one
            for one, name in names.items()
            if None in self._wanted or one in self._wanted or name in self._wanted
        ]
        return await self._read(names, ids, None, now, urgent=False)

    async def _poll_at_boundary(self, now: datetime) -> Snapshot:
        """Poll the groups whose windows open or close; if that is slow, assume that nothing was edited."""
        last = self._last
        assert last is not None, "a boundary comes from a snapshot"
        changing = {
            campaign.dial_group_id
            for campaign in last.campaigns.values()
            if (instant := campaign.changes_at(last.at)) is not None and instant <= now
        }
        ids = [one for one in changing if self._polled_at[one] < now - _FRESH]
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._read(last.groups, ids, last, now, urgent=True)
        except (TimeoutError, EngageVoiceError):
            # The next boundary in the same dial groups need not wait in vain as well.
            self._polled_at |= dict.fromkeys(ids, now)
        return await self._read(last.groups, [], last, now, urgent=False)

    async def _read(
        self,
        names: Mapping[int, str],
        ids: Collection[int],
        last: Snapshot | None,
        now: datetime,
        *,
        urgent: bool,
    ) -> Snapshot:
        """Read the campaigns of some dial groups; those of other groups are taken from ``last``."""
        lists = await asyncio.gather(*(self._campaigns(one, now, urgent=urgent) for one in ids))
        known = {} if self._last is None else self._last.campaigns
        at = clock.now()
        campaigns: dict[int, CampaignSnapshot] = {}
        polled_groups = frozenset(ids)
        if last is not None:
            polled_groups |= last.polled_groups
            others = last.campaigns.items()
            campaigns |= {one: other.at(at) for one, other in others if other.dial_group_id not in ids}
        for group_id, listed in zip(ids, lists, strict=True):
            self._polled_at[group_id] = now
            for campaign in listed:
                new = CampaignSnapshot.of(campaign, group_id, names[group_id], at)
                old = known.get(new.campaign_id)
                if old is not None:
                    new = new.completed(old, at)
                # Unchanged campaigns keep their object, so that comparing them takes no time.
                campaigns[new.campaign_id] = old if old is not None and old == new else new
            await asyncio.sleep(0)
        return Snapshot(at, names, polled_groups, campaigns)

    async def _campaigns(self, group_id: int, now: datetime, *, urgent: bool) -> list[Campaign]:
        try:
            return await self._requests.run(list_campaigns(group_id), now, urgent=urgent)
        except ResourceNotFoundError:
            return []
