"""Events of campaigns, for DAGs that are scheduled on them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Hashable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.triggers import BaseEventTrigger
from airflow.triggers.base import TriggerEvent

if TYPE_CHECKING:
    from airflow.triggers.shared_stream import SharedStreamProducer

    from airflow_provider_engagevoice.polling.snapshots import Snapshot


class CampaignWindowEventTrigger(BaseEventTrigger):
    """
    Tell what happens to campaigns, for an ``AssetWatcher``: Airflow 3.0 or newer.

    All watchers on a connection that look equally often share one poll loop and one list of campaigns for
    each dial group. On Airflow 3.3 what was last seen is kept in the asset's state store, so that what
    happens while no triggerer runs is told afterwards, once; before that a triggerer that starts tells what
    happens from then on. What is so when a watcher looks for the first time is no event.

    The payload of an event is a mapping with ``event``, ``campaign_id``, ``campaign_name``,
    ``dial_group_id``, ``dial_group_name``, ``start`` and ``end`` (ISO 8601, UTC), ``is_active``, ``changed``
    (field: what was, what is) and ``at``, when it was noticed.

    :param event: ``opened`` (active and within its dates, and not before), ``closed`` (its dates are over),
        ``edited``, ``activated``, ``paused``, ``created`` or ``deleted``
    :param dial_group: id or exact name; where left out, all of them
    :param campaign: id, or a pattern of names such as ``Renewals *``
    :param engagevoice_conn_id: connection of type ``engagevoice``; secrets are read from it here
    :param poke_interval: longest time between two looks, in seconds; windows open and close on time
    :raises InvalidInputError: when ``event``, ``dial_group`` or ``campaign`` cannot be right
    """

    def __init__(
        self,
        *,
        event: str,
        dial_group: int | str | None = None,
        campaign: int | str = "*",
        engagevoice_conn_id: str = "engagevoice_default",
        poke_interval: float = 60.0,
    ) -> None:
        super().__init__()
        from airflow_provider_engagevoice.polling.event_filter import read_event_filter

        watched = read_event_filter(event, dial_group, campaign)
        self.event = watched.event.value
        self.dial_group = watched.dial_group
        self.campaign = watched.campaign
        self.engagevoice_conn_id = engagevoice_conn_id
        self.poke_interval = float(poke_interval)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments: plain JSON, no secret."""
        return (
            "airflow_provider_engagevoice.triggers.campaign_events.CampaignWindowEventTrigger",
            {
                "event": self.event,
                "dial_group": self.dial_group,
                "campaign": self.campaign,
                "engagevoice_conn_id": self.engagevoice_conn_id,
                "poke_interval": self.poke_interval,
            },
        )

    def shared_stream_key(self) -> Hashable:
        """Return what watchers that share a poll loop have in common."""
        return ("engagevoice", self.engagevoice_conn_id, self.poke_interval)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        """Return the poll loop of all watchers that share it."""
        from airflow_provider_engagevoice.triggers.producer import SnapshotProducer

        return SnapshotProducer(kwargs["engagevoice_conn_id"], kwargs["poke_interval"])

    async def filter_shared_stream(
        self, shared_stream: AsyncIterator[Snapshot]
    ) -> AsyncIterator[TriggerEvent]:
        """Yield the events of this watcher."""
        # What this takes to load would hold the event loop for everybody.
        await asyncio.to_thread(import_module, "airflow_provider_engagevoice.triggers.shared")
        from airflow_provider_engagevoice.polling.event_filter import read_event_filter
        from airflow_provider_engagevoice.polling.event_tracker import EventTracker
        from airflow_provider_engagevoice.triggers.shared import shared_polls

        watched = read_event_filter(self.event, self.dial_group, self.campaign)
        memory = EventTracker(watched, await self._recall())
        async with shared_polls(self.engagevoice_conn_id) as polls:
            with polls.stream(self.poke_interval).watching(watched.dial_group):
                async for snapshot in shared_stream:
                    events = await memory.take(snapshot, polls.reads)
                    if memory.has_changed:
                        snapshot.after.append(partial(self._remember, memory.to_json()))
                    for event in events:
                        yield TriggerEvent(event)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the events of this watcher, by a poll loop of its own: Airflow 3.0 to 3.2."""
        await asyncio.to_thread(import_module, "airflow_provider_engagevoice.triggers.shared")
        from airflow_provider_engagevoice.triggers.shared import shared_polls

        async with shared_polls(self.engagevoice_conn_id) as polls:
            async for event in self.filter_shared_stream(polls.stream(self.poke_interval).snapshots()):
                yield event

    @property
    def _key(self) -> str:
        """Under which what was last seen is kept: several watchers may watch the same asset."""
        text = json.dumps(self.serialize()[1], sort_keys=True)
        return f"engagevoice.{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"

    async def _recall(self) -> object:
        store = getattr(self, "asset_state_store", None)
        return None if store is None else await store.aget(self._key)

    async def _remember(self, seen: dict[str, Any]) -> None:
        store = getattr(self, "asset_state_store", None)
        if store is not None:
            await store.aset(self._key, seen)
