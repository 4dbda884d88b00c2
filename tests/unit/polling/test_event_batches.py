"""What a watcher sends to Airflow, and when: no two events of one asset close to each other."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.polling.event_tracker import MIN_APART
from airflow_provider_engagevoice.triggers import campaign_events
from airflow_provider_engagevoice.triggers.campaign_events import CampaignWindowEventTrigger
from tests.support.virtual_time import run
from tests.unit.polling.conftest import World


class Store:
    """An asset's state store."""

    def __init__(self) -> None:
        self.saved: dict[str, str] = {}

    async def aget(self, key: str) -> Any:
        return json.loads(self.saved.get(key, "null"))

    async def aset(self, key: str, value: Any) -> None:
        self.saved[key] = json.dumps(value)


class Sent:
    """The payloads that a trigger sends, and when."""

    def __init__(self) -> None:
        self.payloads: list[dict[str, Any]] = []
        self.at: list[datetime] = []

    @property
    def campaigns(self) -> list[int]:
        return [one["campaign_id"] for payload in self.payloads for one in payload["campaigns"]]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch, open_hub: Any, client_settings: Any) -> Any:
    """Run watchers of one event loop, as Airflow does, until the block ends."""

    @asynccontextmanager
    async def watching(
        *triggers: CampaignWindowEventTrigger, shared: bool = False, interval: float = 3600
    ) -> AsyncIterator[list[Sent]]:
        async with open_hub(settings=replace(client_settings, watch_interval=interval)) as hub:

            @asynccontextmanager
            async def same_hub(engagevoice_conn_id: str) -> AsyncIterator[Any]:
                yield hub

            monkeypatch.setattr(campaign_events, "shared_hub", same_hub)

            async def stored() -> AsyncIterator[Any]:
                """Yield snapshots, each saved once its events have been stored, as in Airflow 3.3."""
                async for snapshot in hub.stream().snapshots():
                    yield snapshot
                    for save in snapshot.on_stored:
                        await save()

            async def collect(trigger: CampaignWindowEventTrigger, sent: Sent) -> None:
                events = trigger.filter_shared_stream(stored()) if shared else trigger.run()
                async for event in events:
                    sent.payloads.append(json.loads(json.dumps(event.payload)))
                    sent.at.append(clock.now())

            all_sent = [Sent() for _ in triggers]
            tasks = [
                asyncio.create_task(collect(trigger, sent))
                for trigger, sent in zip(triggers, all_sent, strict=True)
            ]
            try:
                await asyncio.sleep(1.5)
                yield all_sent
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    return watching


def watcher(event: str = "opened", **arguments: Any) -> CampaignWindowEventTrigger:
    return CampaignWindowEventTrigger(**{"event": event} | arguments)


def gaps(sent: Sent) -> list[float]:
    pairs = zip(sent.at, sent.at[1:], strict=False)
    return [(later - earlier).total_seconds() for earlier, later in pairs]


def test_campaigns_that_open_at_once_are_one_event(world: World, watch) -> None:
    ids = [world.add(5) for _ in range(20)]
    opens = datetime.fromisoformat(world.row(ids[0])["startDate"])

    async def main() -> None:
        async with watch(watcher()) as (sent,):
            await asyncio.sleep(60)
            (payload,) = sent.payloads
            assert payload["event"] == "opened"
            assert Counter(sent.campaigns) == Counter(ids)
            assert 0 <= (sent.at[0] - opens).total_seconds() < 0.7

    run(main())


@pytest.mark.parametrize("spread", [1.0, 3.0, 14.0, 45.0])
@pytest.mark.few(1)
def test_events_are_apart_and_complete(world: World, watch, spread) -> None:
    ids = [world.add(5 + spread * number / 50) for number in range(50)]

    async def main() -> None:
        async with watch(watcher()) as (sent,):
            await asyncio.sleep(120)
            assert Counter(sent.campaigns) == Counter(ids)
            assert 2 <= len(sent.payloads) <= 2 + spread / MIN_APART.total_seconds()
            assert min(gaps(sent)) >= MIN_APART.total_seconds()
            # Those that are held are sent as soon as they may be.
            assert max(gaps(sent)) < MIN_APART.total_seconds() + 1.5

    run(main())


def test_held_events_need_no_poll(world: World, watch) -> None:
    """Nor does an outage delay them."""
    first, second = world.add(5), world.add(7)

    async def main() -> None:
        async with watch(watcher()) as (sent,):
            await asyncio.sleep(8)
            polls = len(world.polls())
            world.sandbox.add_fault("status", path="/dialGroups", status=503)
            await asyncio.sleep(12)
            assert sent.campaigns == [first, second]
            assert len(world.polls()) == polls

    run(main())


@pytest.mark.parametrize("seconds", [0.5, 4, 7])
def test_a_restart_sends_what_was_held(world: World, watch, seconds) -> None:
    first, second = world.add(5), world.add(6)
    store = Store()

    async def main() -> None:
        trigger = watcher()
        trigger.asset_state_store = store
        async with watch(trigger, shared=True) as (sent,):
            await asyncio.sleep(5 + seconds)
            assert sent.campaigns == [first]
        async with watch(trigger, shared=True) as (again,):
            await asyncio.sleep(30)
            assert again.campaigns == [second]
        async with watch(trigger, shared=True) as (nothing,):
            await asyncio.sleep(30)
            assert nothing.campaigns == []

    run(main())


def test_watchers_without_a_shared_stream_each_see_everything(world: World, watch) -> None:
    """Two watchers with the same interval on Airflow 3.0 to 3.2."""
    opens, edited = world.add(5), world.add(3600, 7200)

    async def main() -> None:
        triggers = (
            watcher(),
            watcher("edited"),
            watcher("opened", campaign="*", dial_group=None),
        )
        async with watch(*triggers, interval=20) as (one, edits, other):
            world.change(edited, campaignName="Renamed")
            await asyncio.sleep(60)
            assert one.campaigns == other.campaigns == [opens]
            assert edits.campaigns == [edited]

    run(main())
