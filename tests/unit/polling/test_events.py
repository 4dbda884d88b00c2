"""Each campaign event reaches its watchers, once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime
from typing import Any

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.polling import Event, read_event_filter
from airflow_provider_engagevoice.polling.event_tracker import EventTracker
from airflow_provider_engagevoice.polling.hub import PollerHub
from airflow_provider_engagevoice.sandbox import seed
from tests.support.connections import ACCOUNT_ID
from tests.support.virtual_time import run
from tests.unit.polling.conftest import GROUP, World

NAME = "Outbound Renewals"
PAGE = "<html><body>Back soon</body></html>"


class Watcher:
    """Collect events of one kind; ``checkpoint`` is the state of an earlier watcher."""

    def __init__(
        self, event: str, dial_group: Any = NAME, campaign: Any = "*", checkpoint: object = None
    ) -> None:
        self.subscription = read_event_filter(event, dial_group, campaign)
        self.tracker = EventTracker(self.subscription, checkpoint)
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.snapshots = 0
        self.polled = asyncio.Condition()

    def checkpoint(self) -> Any:
        return json.loads(json.dumps(self.tracker.to_json()))

    async def next(self, seconds: float = 60) -> dict[str, Any]:
        return await asyncio.wait_for(self.events.get(), seconds)

    async def has_polled(self, times: int = 1) -> None:
        async with self.polled:
            await asyncio.wait_for(self.polled.wait_for(lambda: self.snapshots >= times), 20)


@asynccontextmanager
async def watching(hub: PollerHub, *watchers: Watcher, interval: float = 0.5) -> AsyncIterator[None]:
    """Watch, and enter the block once each watcher has a snapshot."""
    stream = hub.stream(interval)

    async def watch() -> None:
        async for snapshot in stream.snapshots():
            for one in watchers:
                for event in await one.tracker.update(snapshot, hub.requests):
                    one.events.put_nowait(event)
                if one.tracker.confirm_at is not None:
                    stream.poll_by(one.tracker.confirm_at)
                async with one.polled:
                    one.snapshots += 1
                    one.polled.notify_all()

    with ExitStack() as stack:
        for one in watchers:
            stack.enter_context(stream.subscribe(one.subscription.dial_group))
        task = asyncio.create_task(watch())
        try:
            for one in watchers:
                await one.has_polled()
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def test_each_event_reaches_its_watchers(world: World, open_hub) -> None:
    there = world.add(3600, 7200)

    async def main() -> None:
        watchers = {event: Watcher(event) for event in Event}
        async with open_hub() as hub, watching(hub, *watchers.values()):
            campaign = world.add(-60, 3600, active=0)
            assert (await watchers["created"].next())["campaign_id"] == campaign
            world.change(campaign, isActive=1)
            for event in ("activated", "opened"):
                payload = await watchers[event].next()
                assert (payload["campaign_id"], payload["changed"]) == (campaign, {"isActive": [0, 1]})
            world.change(campaign, isActive=0)
            assert (await watchers["paused"].next())["is_active"] == 0
            world.change(campaign, campaignName="Renamed")
            payload = await watchers["edited"].next()
            assert payload["campaign_name"] == "Renamed"
            assert payload["changed"]["campaignName"][1] == "Renamed"
            world.change(campaign, endDate=format_vendor_date(clock.now()))
            assert (await watchers["closed"].next())["campaign_id"] == campaign
            world.delete(campaign)
            payload = await watchers["deleted"].next()
            assert (payload["campaign_id"], payload["dial_group_name"]) == (campaign, NAME)
            # The change of its end was an edit; there are no events of the campaign that existed before.
            await watchers["edited"].next()
            assert all(one.events.empty() for one in watchers.values())

    run(main())
    assert world.row(there)


def test_a_window_opens_on_time_however_long_the_interval(world: World, open_hub) -> None:
    campaign = world.add(3)
    opened = datetime.fromisoformat(world.row(campaign)["startDate"])

    async def main() -> None:
        watcher = Watcher("opened")
        async with open_hub() as hub, watching(hub, watcher, interval=3600):
            payload = await watcher.next()
            assert payload["campaign_id"] == campaign
            assert 0 <= (clock.now() - opened).total_seconds() < 0.7

    run(main())


def test_a_window_opens_on_time_though_the_server_is_slow(world: World, open_hub) -> None:
    campaign = world.add(7)
    opened = datetime.fromisoformat(world.row(campaign)["startDate"])
    # The first poll takes three requests, the last for an empty page.
    world.sandbox.add_fault("delay", path=rf"/{GROUP}/campaigns$", after=3, times=2, seconds=5)

    async def main() -> None:
        watcher = Watcher("opened")
        async with open_hub() as hub, watching(hub, watcher, interval=3600):
            assert (await watcher.next())["campaign_id"] == campaign
            assert 0.4 < (clock.now() - opened).total_seconds() < 1.5

    run(main())


def test_windows_that_open_one_after_the_other_need_few_polls(world: World, open_hub) -> None:
    """Only dial groups in which windows open are polled, each at most once in five seconds."""
    opens = [world.add(4 + number / 4) for number in range(12)]
    world.add(3600, 7200, group=seed.WINBACK_ID)

    async def main() -> None:
        watcher = Watcher("opened", None)
        async with open_hub() as hub, watching(hub, watcher, interval=3600):
            ids = []
            for one in opens:
                ids.append((await watcher.next())["campaign_id"])
                opened = datetime.fromisoformat(world.row(one)["startDate"])
                assert 0 <= (clock.now() - opened).total_seconds() < 0.7
            assert ids == opens

    run(main())
    assert len(world.polls(seed.WINBACK_ID)) == 1
    assert 2 <= len(world.polls()) <= 3


def test_missed_events_are_sent_once(world: World, open_hub) -> None:
    opens, closes, goes = world.add(3600, 7200), world.add(-60, 3600), world.add(3600, 7200)
    kinds = ("opened", "closed", "deleted", "created")

    async def main() -> None:
        first = [Watcher(kind) for kind in kinds]
        async with open_hub() as hub, watching(hub, *first):
            pass
        world.change(opens, startDate=format_vendor_date(clock.now()))
        world.change(closes, endDate=format_vendor_date(clock.now()))
        world.delete(goes)
        comes = world.add(3600, 7200)
        checkpoints = [one.checkpoint() for one in first]
        for expected in ([opens, closes, goes, comes], [None] * 4):
            again = [Watcher(kind, checkpoint=one) for kind, one in zip(kinds, checkpoints, strict=True)]
            async with open_hub() as hub, watching(hub, *again):
                for one, campaign in zip(again, expected, strict=True):
                    if campaign is not None:
                        assert (await one.next())["campaign_id"] == campaign
                    assert one.events.empty()
            checkpoints = [one.checkpoint() for one in again]

    run(main())


def test_watchers_receive_only_what_matches(world: World, open_hub) -> None:
    one, other = world.add(3600, 7200), world.add(3600, 7200)
    world.change(one, campaignName="Spring sale")
    world.change(other, campaignName="Autumn sale")
    elsewhere = world.add(3600, 7200, group=seed.WINBACK_ID)

    async def main() -> None:
        by_name, by_id = Watcher("deleted", campaign="Spring *"), Watcher("deleted", GROUP, str(other))
        everywhere = Watcher("deleted", None)
        async with open_hub() as hub, watching(hub, by_name, by_id, everywhere):
            world.delete(one)
            world.delete(other)
            world.delete(elsewhere, seed.WINBACK_ID)
            assert (await by_name.next())["campaign_id"] == one
            assert (await by_id.next())["campaign_id"] == other
            found = {(await everywhere.next())["campaign_id"] for _ in range(3)}
            assert found == {one, other, elsewhere}
            assert by_name.events.empty()
            assert by_id.events.empty()

    run(main())


def test_a_campaign_missing_from_a_list_is_not_deleted(world: World, open_hub) -> None:
    world.add(3600, 7200)

    async def main() -> None:
        watchers = Watcher("deleted"), Watcher("created")
        async with open_hub() as hub, watching(hub, *watchers):
            before = watchers[0].snapshots
            world.sandbox.add_fault("status", path=rf"/{GROUP}/campaigns$", status=200, body="[]", times=2)
            await watchers[0].has_polled(before + 4)
            assert all(one.events.empty() for one in watchers)

    run(main())


@pytest.mark.parametrize(
    "path", [rf"/{GROUP}/campaigns$", "/dialGroups$", rf"/{GROUP}/campaigns(/\d+)?$", "/admin/"]
)
@pytest.mark.parametrize(
    ("status", "body"), [(200, "[]"), (404, "{}"), (200, PAGE), (404, PAGE), (503, PAGE), (403, PAGE)]
)
@pytest.mark.few(2)
def test_odd_responses_for_half_a_minute_are_no_events(
    world: World, open_hub, days, path, status, body
) -> None:
    world.add(-60)
    world.add(3600, 7200)

    async def main() -> None:
        watchers = [Watcher(event, GROUP) for event in Event]
        async with open_hub() as hub, watching(hub, *watchers, interval=7):
            days.answer(5, 35, path, status, body)
            await asyncio.sleep(80)
            assert [one.events.qsize() for one in watchers] == [0] * len(watchers)

    run(main())


@pytest.mark.parametrize(
    "row",
    [
        {"campaignName": None},
        {"startDate": None, "endDate": None},
        {"startDate": "soon"},
        {"isActive": None},
        {"isActive": "1"},
        {"isActive": True},
        dict.fromkeys(("campaignName", "startDate", "endDate", "isActive", "monSched", "maxRingTime")),
    ],
)
@pytest.mark.few(2)
def test_odd_rows_are_no_events(world: World, open_hub, days, row) -> None:
    ids = [world.add(-60), world.add(3600, 7200)]

    async def main() -> None:
        watchers = [Watcher(event, GROUP) for event in Event]
        async with open_hub() as hub, watching(hub, *watchers, interval=20):
            days.at(10, lambda: days.odd.update(dict.fromkeys(ids, row)))
            days.at(100, days.odd.clear)
            await asyncio.sleep(150)
            assert [one.events.qsize() for one in watchers] == [0] * len(watchers)

    run(main())


def test_rows_that_others_cannot_read_hide_no_events(world: World, open_hub, days) -> None:
    campaign, other = world.add(3600, 7200), world.add(3600, 7200)

    async def main() -> None:
        watchers = {event: Watcher(event) for event in ("opened", "edited", "deleted")}
        async with open_hub() as hub, watching(hub, *watchers.values(), interval=5):
            days.odd[other] = {"campaignId": None}
            world.change(campaign, startDate=format_vendor_date(clock.now()))
            assert (await watchers["opened"].next())["campaign_id"] == campaign
            assert (await watchers["edited"].next())["campaign_id"] == campaign
            days.odd.clear()
            await asyncio.sleep(60)
            assert watchers["deleted"].events.empty()

    run(main())


@pytest.mark.parametrize("answer", [None, (403, "{}"), (404, PAGE), (200, PAGE)])
def test_a_deleted_campaign_is_one_event_whatever_the_server_answers_for_it(
    world: World, open_hub, days, answer
) -> None:
    campaign = world.add(3600, 7200)

    async def main() -> None:
        watchers = Watcher("deleted"), Watcher("created")
        async with open_hub() as hub, watching(hub, *watchers, interval=3600):
            if answer is not None:
                days.answer(0, 9999, rf"/campaigns/{campaign}$", *answer)
            world.delete(campaign)
            hub.stream(3600).poll_by(clock.now())
            deleted = clock.now()
            assert (await watchers[0].next())["campaign_id"] == campaign
            assert 35 <= (clock.now() - deleted).total_seconds() < 45
            await asyncio.sleep(100)
            assert all(one.events.empty() for one in watchers)

    run(main())


def test_a_deleted_dial_group_deletes_its_campaigns(world: World, open_hub) -> None:
    campaign = world.add(3600, 7200, group=seed.WINBACK_ID)

    async def main() -> None:
        watcher = Watcher("deleted", None)
        async with open_hub() as hub, watching(hub, watcher):
            world.delete(campaign, seed.WINBACK_ID)
            world.sandbox.store.delete_dial_group(ACCOUNT_ID, seed.WINBACK_ID)
            assert (await watcher.next())["campaign_id"] == campaign
            assert watcher.events.empty()

    run(main())


def test_failures_are_retried(world: World, open_hub) -> None:
    campaign = world.add(3600, 7200)
    world.sandbox.add_fault("status", path="/dialGroups$", status=500, times=1)

    async def main() -> None:
        watcher = Watcher("deleted")
        async with open_hub() as hub, watching(hub, watcher):
            world.delete(campaign)
            assert (await watcher.next())["campaign_id"] == campaign

    run(main())


def test_a_missing_dial_group_is_logged_and_may_be_created(world: World, open_hub, caplog) -> None:
    async def main() -> None:
        watcher = Watcher("created", "Outbound Renewal")
        async with open_hub() as hub, watching(hub, watcher):
            assert "nearest: 'Outbound Renewals'" in caplog.text
            group = world.sandbox.store.add_dial_group(ACCOUNT_ID, {"dialGroupName": "Outbound Renewal"})
            campaign = world.add(3600, 7200, group=group["dialGroupId"])
            assert (await watcher.next())["campaign_id"] == campaign

    run(main())


@pytest.mark.parametrize("checkpoint", ["damaged", {"1": [1]}, {"x": []}, {"1": [1, "a", [1], "d", 0, 0]}])
def test_an_unreadable_checkpoint_is_ignored(checkpoint) -> None:
    assert Watcher("opened", checkpoint=checkpoint).checkpoint() == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ajar", None, "*"), "event='ajar'.*must be 'created', 'activated'"),
        (("opened", " ", "*"), "dial_group=' '"),
        (("opened", None, ["a"]), "campaign=\\['a'\\]"),
        (("opened", True, "*"), "dial_group=True"),
    ],
)
def test_invalid_subscriptions(arguments, message) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read_event_filter(*arguments)


def test_two_snapshots_at_a_boundary_open_it_once(world: World, open_hub) -> None:
    """The poll at the boundary and the regular one after it yield the same."""
    world.add(2)

    async def main() -> None:
        watcher = Watcher("opened")
        async with open_hub() as hub, watching(hub, watcher, interval=1):
            await watcher.next()
            await watcher.has_polled(watcher.snapshots + 3)
            assert watcher.events.empty()

    run(main())
