"""Campaign events, for DAGs that are scheduled on them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Hashable
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.triggers import BaseEventTrigger
from airflow.triggers.base import TriggerEvent

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.triggers.base import shared_hub

if TYPE_CHECKING:
    from airflow.triggers.shared_stream import SharedStreamProducer

    from airflow_provider_engagevoice.polling.hub import PollerHub
    from airflow_provider_engagevoice.polling.snapshots import Snapshot, SnapshotStream


class CampaignWindowEventTrigger(BaseEventTrigger):
    """
    Send campaign events to an ``AssetWatcher``: Airflow 3.0 or newer.

    All watchers on a connection share one poll loop and one list of campaigns per dial group, polled at the
    connection's ``watch_interval``. On Airflow 3.3 the last snapshot is kept in the asset's state store, so
    that events that happen while no triggerer runs are sent once it starts; on older versions they are lost.
    A watcher's first snapshot yields no events. A campaign counts as deleted once a second snapshot, at least
    35 seconds after the first without it, lacks it too; a row that leaves out a name or dates is no edit.

    The payload of an asset event is ``{"event": "opened", "campaigns": [...]}``: everything noticed at one
    time is one asset event, and the next follows at least ten seconds later, because Airflow starts no run
    for events that follow each other closely. Each campaign is a mapping with ``campaign_id``,
    ``campaign_name``, ``dial_group_id``, ``dial_group_name``, ``start`` and ``end`` (ISO 8601, UTC),
    ``is_active``, ``changed`` (field: old and new value) and ``at``, when it was noticed.

    :param event: ``opened`` (active and within its dates, and not before), ``closed`` (its dates are over),
        ``edited``, ``activated``, ``paused``, ``created`` or ``deleted``
    :param dial_group: id or exact name; default: all of them
    :param campaign: id, or a pattern of names such as ``Renewals *``
    :param engagevoice_conn_id: connection of type ``engagevoice``; secrets are read from it here
    :param poke_interval: ignored; watchers that 0.3 has stored have it
    :raises InvalidInputError: if ``event``, ``dial_group`` or ``campaign`` is invalid
    """

    def __init__(
        self,
        *,
        event: str,
        dial_group: int | str | None = None,
        campaign: int | str = "*",
        engagevoice_conn_id: str = "engagevoice_default",
        poke_interval: float | None = None,
    ) -> None:
        super().__init__()
        from airflow_provider_engagevoice.polling import read_event_filter

        subscription = read_event_filter(event, dial_group, campaign)
        self.event = subscription.event.value
        self.dial_group = subscription.dial_group
        self.campaign = subscription.campaign
        self.engagevoice_conn_id = engagevoice_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments: plain JSON, no secret."""
        return (
            "airflow_provider_engagevoice.triggers.campaign_events.CampaignWindowEventTrigger",
            {
                "event": self.event,
                "dial_group": self.dial_group,
                "campaign": self.campaign,
                "engagevoice_conn_id": self.engagevoice_conn_id,
            },
        )

    def shared_stream_key(self) -> Hashable:
        """Return the key shared by watchers that share a poll loop."""
        return ("engagevoice", self.engagevoice_conn_id)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        """Return the shared poll loop."""
        from airflow_provider_engagevoice.triggers.producer import SnapshotProducer

        return SnapshotProducer(kwargs["engagevoice_conn_id"])

    async def filter_shared_stream(
        self, shared_stream: AsyncIterator[Snapshot]
    ) -> AsyncIterator[TriggerEvent]:
        """Yield the events of this watcher."""
        async with shared_hub(self.engagevoice_conn_id) as hub:
            async for event in self._events(hub, hub.stream(), shared_stream):
                yield event

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the events of this watcher from its own poll loop: Airflow 3.0 to 3.2."""
        async with shared_hub(self.engagevoice_conn_id) as hub:
            from airflow_provider_engagevoice.polling.snapshots import SnapshotStream

            stream = SnapshotStream(hub.requests)
            async for event in self._events(hub, stream, stream.snapshots()):
                yield event

    async def _events(
        self, hub: PollerHub, stream: SnapshotStream, snapshots: AsyncIterator[Snapshot]
    ) -> AsyncIterator[TriggerEvent]:
        from airflow_provider_engagevoice.polling import read_event_filter
        from airflow_provider_engagevoice.polling.event_tracker import EventBatch, EventTracker

        subscription = read_event_filter(self.event, self.dial_group, self.campaign)
        tracker, batch = EventTracker(subscription, await self._load()), EventBatch()
        with stream.subscribe(subscription.dial_group):
            async for snapshot in snapshots:
                events = await tracker.update(snapshot, hub.requests)
                batch.add(events, has_changed=tracker.has_changed)
                if tracker.confirm_at is not None:
                    stream.poll_by(tracker.confirm_at)
                now = clock.now()
                if (held_until := batch.held_until(now)) is not None:
                    # Nothing is saved until its events are sent, so that a restart loses none.
                    stream.repeat_by(held_until)
                    continue
                if batch.is_unsaved:
                    snapshot.on_stored.append(partial(self._save, tracker.to_json()))
                if campaigns := batch.take(now):
                    yield TriggerEvent({"event": self.event, "campaigns": campaigns})

    @property
    def _key(self) -> str:
        """Key of this watcher's snapshot: several watchers may watch the same asset."""
        text = json.dumps(self.serialize()[1], sort_keys=True)
        return f"engagevoice.{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"

    async def _load(self) -> object:
        store = getattr(self, "asset_state_store", None)
        return None if store is None else await store.aget(self._key)

    async def _save(self, campaigns: dict[str, Any]) -> None:
        store = getattr(self, "asset_state_store", None)
        if store is not None:
            await store.aset(self._key, campaigns)
