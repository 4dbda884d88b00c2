"""What a poll finds odd is confirmed before it ends a wait, and ends only the waits that it is about."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.exceptions import (
    AmbiguousNameError,
    EngageVoiceError,
    InvalidInputError,
    NotFoundError,
    ServerError,
)
from airflow_provider_engagevoice.polling.awaited import (
    CONFIRM_AFTER,
    Awaited,
    read_awaited,
)
from airflow_provider_engagevoice.polling.window_poll import FAILURE_BUDGET, WindowPoll, WindowWait
from airflow_provider_engagevoice.polling.windows import Goal
from airflow_provider_engagevoice.sandbox import seed
from tests.support.virtual_time import run
from tests.unit.polling.conftest import GROUP, World, ended, first_pages, wait_for

PATIENCE = CONFIRM_AFTER.total_seconds()
PAGE = "<html><body>Back soon</body></html>"
LIST = rf"/dialGroups/{GROUP}/campaigns$"


def in_(seconds: float) -> str:
    return format_vendor_date(clock.now() + timedelta(seconds=seconds))


async def outcome(hub: Any, wait: WindowWait, group: Any = GROUP) -> tuple[str, float, float]:
    """Return how a wait ended, and after how many seconds; ``ended`` gives up after a minute."""
    began = clock.monotonic()
    with hub.polling_for(wait, group):
        while True:
            try:
                update = await wait.next_update()
            except EngageVoiceError as error:
                return str(error), clock.monotonic() - began, 0
            if update is None:
                return "timeout", clock.monotonic() - began, 0
            if isinstance(update, WindowPoll) and (update.verdict.reached or update.verdict.unreachable):
                state = "reached" if update.verdict.reached else "unreachable"
                return state, clock.monotonic() - began, update.campaign.campaign_id


def named(world: World, name: str, start: float, group: int = GROUP) -> int:
    campaign = world.add(start, 7200, group=group)
    world.change(campaign, group, campaignName=name)
    return campaign


def test_waits_by_name_and_by_id_share_polls(world: World, open_hub) -> None:
    one, other = named(world, "One", -60), named(world, "Other", -60)

    async def main() -> None:
        async with open_hub() as hub:
            found = await asyncio.gather(
                *(outcome(hub, wait_for(wanted)) for wanted in (one, "Other", "One"))
            )
        assert [campaign for _, _, campaign in found] == [one, other, one]

    run(main())
    assert 1 <= len(world.polls()) <= 2


@pytest.mark.parametrize("group", [GROUP, "Outbound Renewals", None])
def test_a_dial_group_is_given_by_id_or_by_name_or_not_at_all(world: World, open_hub, group) -> None:
    campaign = named(world, "One", -60)

    async def main() -> None:
        async with open_hub() as hub:
            for wanted in ("One", campaign):
                assert (await outcome(hub, wait_for(wanted), group))[2] == campaign

    run(main())


@pytest.mark.parametrize("group", ["Outbound", "Winback"])
def test_a_dial_group_s_name_that_is_not_one_s_fails_its_waits_after_another_poll(
    world: World, open_hub, group
) -> None:
    named(world, "One", -60)
    if group == "Winback":
        for _ in range(2):
            world.sandbox.store.add_dial_group("99990000", {"dialGroupName": "Winback"})

    async def main() -> None:
        async with open_hub() as hub:
            text, seconds, _ = await outcome(hub, wait_for("One"), group)
            assert text.startswith(("dial_group: there is no dial group named", "dial_group: dial groups "))
            assert PATIENCE <= seconds < PATIENCE + 1

    run(main())


def test_each_wait_has_its_own_patience(world: World, open_hub) -> None:
    """The second wait may be for a campaign that has just been created, and that lists show later."""

    async def main() -> None:
        async with open_hub() as hub:
            first = asyncio.create_task(outcome(hub, wait_for("Late")))
            await asyncio.sleep(30)
            second = asyncio.create_task(outcome(hub, wait_for("Late")))
            text, seconds, _ = await first
            assert "there is no campaign named 'Late'" in text
            assert PATIENCE <= seconds < PATIENCE + 1
            campaign = named(world, "Late", -60)
            state, seconds, found = await second
            assert (state, found) == ("reached", campaign)
            assert seconds <= PATIENCE + 1

    run(main())


def test_looks_in_between_are_polls_like_others(world: World, open_hub) -> None:
    """With a short interval a campaign has to be missing at every poll for as long."""
    campaign = named(world, "Flickers", 7200)

    async def main() -> None:
        async with open_hub() as hub:
            waiting = asyncio.create_task(outcome(hub, wait_for("Flickers", poke=10, timeout=300)))
            for name in ("Other", "Flickers", "Other", "Flickers", "Other"):
                await asyncio.sleep(20)
                world.change(campaign, campaignName=name)
            renamed = clock.monotonic()
            text, _, _ = await waiting
            assert "there is no campaign named 'Flickers'" in text
            assert PATIENCE <= clock.monotonic() - renamed < PATIENCE + 21

    run(main())


@pytest.mark.parametrize("goal", Goal)
def test_dates_that_a_list_shows_late_end_nothing(world: World, open_hub, days, goal) -> None:
    """A list shows a window that is over, though the campaign has just been given other dates."""
    campaign = world.add(3600, 7200)
    old = dict(world.row(campaign)) | {"startDate": in_(-7200), "endDate": in_(-3600)}
    days.shown = lambda rows: [old if row["campaignId"] == campaign else row for row in rows]
    days.at(30, lambda: setattr(days, "shown", None))

    async def main() -> None:
        async with open_hub() as hub:
            wait = wait_for(campaign, goal=goal, poke=10, timeout=100)
            assert (await outcome(hub, wait))[0] == "timeout"

    run(main())


def test_dates_from_a_list_that_was_read_early_end_nothing_while_the_server_is_down(
    world: World, open_hub, days
) -> None:
    campaign = world.add(3600, 7200)
    old = dict(world.row(campaign)) | {"startDate": in_(200)}
    days.shown = lambda rows: [old if row["campaignId"] == campaign else row for row in rows]
    days.at(30, lambda: setattr(days, "shown", None))
    days.answer(60, 250, ".*", 502, "")

    async def main() -> None:
        async with open_hub() as hub:
            wait = wait_for(campaign, poke=300, timeout=900)
            assert (await outcome(hub, wait))[0] == "timeout"

    run(main())


def test_a_campaign_that_a_list_lacks_and_then_a_404_for_the_list_end_nothing(
    world: World, open_hub, days
) -> None:
    campaign = named(world, "One", -60)
    days.shown = lambda rows: [row for row in rows if row["campaignId"] != campaign]
    days.at(1, lambda: setattr(days, "shown", None))
    days.answer(PATIENCE - 1, PATIENCE + 3, LIST, 404, "{}")

    async def main() -> None:
        async with open_hub() as hub:
            state, after, found = await outcome(hub, wait_for("One", poke=60, timeout=900))
            assert (state, found) == ("reached", campaign)
            assert after > PATIENCE

    run(main())


@pytest.mark.parametrize("answer", [(404, "{}"), (403, "{}"), (404, PAGE), (200, PAGE), (200, "[]")])
@pytest.mark.few(1)
def test_a_campaign_that_is_listed_and_cannot_be_read_alone_ends_nothing(
    world: World, open_hub, days, answer
) -> None:
    """One of the two is behind: it may just have been created, or deleted."""
    campaign = named(world, "One", -60)
    days.answer(-1, 100, rf"/campaigns/{campaign}$", *answer)

    async def main() -> None:
        async with open_hub() as hub:
            for wanted in (campaign, "One"):
                state, _, found = await outcome(hub, wait_for(wanted, poke=20))
                assert (state, found) == ("reached", campaign)

    began = clock.monotonic()
    run(main())
    assert clock.monotonic() - began >= 100


def test_a_campaign_that_cannot_be_read_fails_its_own_wait_in_the_end(world: World, open_hub, days) -> None:
    bad, good = world.add(-60), world.add(600, 7200)
    days.answer(-1, 9999, rf"/campaigns/{bad}$", 503, "")

    async def main() -> None:
        async with open_hub() as hub:
            fine = asyncio.create_task(outcome(hub, wait_for(good, timeout=900)))
            updates: list[Any] = []
            wait = wait_for(bad, poke=1, timeout=900)
            with hub.polling_for(wait, GROUP):
                updates += [await wait.next_update() for _ in range(FAILURE_BUDGET)]
                with pytest.raises(ServerError):
                    await wait.next_update()
            assert [text.partition(" in a row failed")[0] for text in updates] == [
                f"poll {number}" for number in range(1, FAILURE_BUDGET + 1)
            ]
            assert (await fine)[0] == "reached"

    run(main())


def test_an_unexpected_error_ends_only_the_wait_it_is_about(world: World, open_hub, monkeypatch) -> None:
    bad, good = world.add(-60), world.add(60)

    async def main() -> None:
        async with open_hub() as hub:
            other = asyncio.create_task(outcome(hub, wait_for(good)))
            with monkeypatch.context() as patch:
                name = "airflow_provider_engagevoice.polling.dial_group_poller.read_awaited_campaign"
                patch.setattr(name, lambda *_: 1 / 0)
                with pytest.raises(ZeroDivisionError):
                    await ended(hub, wait_for(bad))
            assert (await other)[0] == "reached"

    run(main())


def test_hours_of_a_form_that_nobody_documents_fail_only_that_wait(world: World, open_hub) -> None:
    bad, good = world.add(-60), world.add(-60)
    world.change(bad, **dict.fromkeys(["monSched", "tueSched", "sunSched"], "22000600"))

    async def main() -> None:
        async with open_hub() as hub:
            with pytest.raises(InvalidInputError, match="22000600"):
                await ended(hub, wait_for(bad, zone=ZoneInfo("UTC")))
            assert (await outcome(hub, wait_for(good)))[0] == "reached"

    run(main())


def test_rows_without_hours_are_read_alone_if_hours_are_used(world: World, open_hub, days) -> None:
    campaign = world.add(-60)
    always = {f"{day}Sched": "00002359" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    world.change(campaign, **always)
    days.shown = lambda rows: [{key: row[key] for key in row.keys() - always.keys()} for row in rows]

    async def main() -> None:
        async with open_hub() as hub:
            assert (await outcome(hub, wait_for(campaign, zone=ZoneInfo("UTC"))))[0] == "reached"

    run(main())


@pytest.mark.parametrize(("wanted", "lists", "pages"), [("id", 1, 1), ("name", 1, 3), ("missing", 2, 6)])
def test_pages_are_read_until_the_campaign_is_seen_or_a_page_is_empty(
    world: World, open_hub, wanted, lists, pages
) -> None:
    """Of a name a later page may have another, and a campaign is missing only from all of them."""
    campaign = named(world, "One", 3600)

    async def main() -> None:
        async with open_hub() as hub:
            what = {"id": campaign, "name": "One", "missing": 99}[wanted]
            await outcome(hub, wait_for(what, timeout=5))

    run(main())
    # A campaign that is missing is listed again after it could not be read.
    assert len(first_pages(world.sandbox, rf"/{GROUP}/campaigns(\?|$)")) == lists
    assert sum(f"/{GROUP}/campaigns?" in one.path for one in world.sandbox.requests()) == pages


def test_without_a_dial_group_a_name_is_searched_for_at_every_poll(world: World, open_hub) -> None:
    first = named(world, "One", 3600)

    async def main() -> None:
        async with open_hub() as hub:
            waiting = asyncio.create_task(outcome(hub, wait_for("One", poke=20), None))
            await asyncio.sleep(50)
            world.delete(first)
            second = named(world, "One", -60, seed.WINBACK_ID)
            state, _, found = await waiting
            assert (state, found) == ("reached", second)

    run(main())


@pytest.mark.parametrize(
    ("campaign", "dial_group", "awaited"),
    [
        (7, None, (7, None)),
        ("7", " 3 ", (7, 3)),
        ("Autumn", "Winback", ("Autumn", "Winback")),
        ({"campaign_name": "20261201"}, {"dial_group_name": "3"}, ("20261201", "3")),
        ({"campaign_id": 7, "campaign_name": "Autumn", "dial_group_id": 3}, None, (7, 3)),
        ({"campaign_id": 7, "dial_group_id": "3"}, 3, (7, 3)),
        ({"campaign_id": 7, "dial_group_id": 3}, "Winback", (7, "Winback")),
        ({"campaign_name": "Autumn", "dial_group_id": 3}, None, ("Autumn", 3)),
    ],
)
def test_references_keep_their_meaning(campaign, dial_group, awaited) -> None:
    read = read_awaited(campaign, dial_group)
    assert read == Awaited(*awaited)
    assert read_awaited(**read.as_references()) == read


@pytest.mark.parametrize(
    ("campaign", "dial_group"),
    [
        ({"campaign_id": 7, "dial_group_id": 3}, 4),
        ({"campaign_name": "Autumn", "dial_group_id": 3}, "Winback"),
    ],
)
def test_two_dial_groups_are_refused(campaign, dial_group) -> None:
    with pytest.raises(InvalidInputError, match="the given campaign is in dial group 3"):
        read_awaited(campaign, dial_group)


def test_the_error_of_a_twin_has_the_ids(world: World, open_hub) -> None:
    ids = [named(world, "One", 3600), named(world, "One", 3600)]

    async def main() -> None:
        async with open_hub() as hub:
            with pytest.raises(AmbiguousNameError) as caught:
                await ended(hub, wait_for("One"))
            assert list(caught.value.ids) == ids
            with pytest.raises(NotFoundError, match="nearest: 'One'"):
                await ended(hub, wait_for("Onne"))

    run(main())
