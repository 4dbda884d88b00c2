"""What a user does, as the operators and the trigger do it, and how to check the result."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from airflow_provider_engagevoice.campaigns import (
    change_campaign,
    ensure_campaign,
    ensure_clone,
    remove_campaign,
)
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, wanted_fields
from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient, EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.models.enums import CampaignState
from tests.faults.matrix_world import GROUP, NAME, SOURCE, World


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on campaigns.

    :param run: runs it, and returns the result
    :param method: of the main request, which faults strike; ``path`` is its path
    :param wrong: returns what is wrong afterwards; empty if nothing is
    """

    name: str
    run: Callable[[World], Any]
    method: str
    path: str
    wrong: Callable[[World], str]


def _run(world: World, procedure: Procedure[Any]) -> Any:
    with EngageVoiceClient(world.settings, shared_state=world.shared_state(), limits=world.limits) as client:
        return client.run(procedure)


def _spec(world: World) -> CampaignSpec:
    fields = wanted_fields(
        start=world.start, end=world.end, caller_id="4155550123", schedule={"mon-fri": "08:00-21:00"}
    )
    return CampaignSpec(GROUP, NAME, fields, CampaignState.ACTIVE)


def _create(world: World) -> Any:
    return _run(world, ensure_campaign(_spec(world), owner="dag.create"))


def _clone(world: World) -> Any:
    spec = _spec(world)
    return _run(world, ensure_clone(world.source, spec, country="USA", owner="dag.clone"))


def _update(world: World) -> Any:
    fields = {"campaignDesc": "after", "maxRingTime": 42}
    change = change_campaign(world.prepared, GROUP, fields=fields, name=None, state=None)
    return _run(world, change)


def _delete(world: World) -> Any:
    return _run(world, remove_campaign(world.prepared, GROUP))


def _list(world: World) -> Any:
    return [campaign.campaignName for campaign in _run(world, list_campaigns(GROUP))]


def _wait(world: World) -> Any:
    from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook
    from airflow_provider_engagevoice.triggers.base import shared_hub
    from airflow_provider_engagevoice.triggers.campaign_window import CampaignWindowTrigger

    async def connect(hook: EngageVoiceHook) -> AsyncEngageVoiceClient:
        return AsyncEngageVoiceClient(
            world.settings, shared_state=world.shared_state(), limits=world.limits, deadline=hook.deadline
        )

    trigger = CampaignWindowTrigger(
        engagevoice_conn_id="engagevoice_default",
        campaign=world.prepared,
        dial_group=GROUP,
        wait_for="open",
        use_daily_hours=False,
        timezone=None,
        poke_interval=0.05,
        deadline=(datetime.now(UTC) + timedelta(minutes=30)).isoformat(),
    )
    world.texts.append(repr(trigger.serialize()))

    async def event_of_wait() -> dict[str, Any]:
        async with shared_hub(trigger.engagevoice_conn_id) as hub:
            return await trigger._wait(hub)

    with (
        patch.object(EngageVoiceHook, "get_async_conn", connect),
        # Airflow's logger of triggers bypasses the watched handlers.
        patch.object(CampaignWindowTrigger, "log", logging.getLogger("airflow.triggers")),
        # A wait tolerates ten failed polls in a row, which take long here.
        patch("airflow_provider_engagevoice.polling.dial_group_poller.FAILURE_BUDGET", 1),
    ):
        # The error from which run() makes an event, still typed.
        event = asyncio.run(event_of_wait())
    assert event["status"] == "reached", event
    return event


def _check_one_created(world: World) -> str:
    made = world.named(NAME)
    if len(made) != 1:
        return f"{len(made)} campaigns"
    if world.unfinished():
        return f"left over: {world.unfinished()}"
    (campaign,) = made
    if (campaign["startDate"], campaign["endDate"]) != (world.start, world.end):
        return f"dates {campaign['startDate']} to {campaign['endDate']}"
    if (campaign["isActive"], campaign["monSched"]) != (1, "08002100"):
        return f"isActive {campaign['isActive']}, monSched {campaign['monSched']}"
    return ""


def _check_updated(world: World) -> str:
    rows = [row for row in world.campaigns() if row["campaignId"] == world.prepared]
    wanted = {"campaignDesc": "after", "maxRingTime": 42, "isActive": 1, "startDate": world.prepared_start}
    if len(rows) != 1 or any(rows[0].get(name) != value for name, value in wanted.items()):
        return f"stored: {rows}"
    return ""


def _check_deleted(world: World) -> str:
    return "still there" if any(row["campaignId"] == world.prepared for row in world.campaigns()) else ""


def _check_unchanged(world: World) -> str:
    found = sorted(row["campaignId"] for row in world.campaigns())
    return "" if found == sorted([SOURCE, world.prepared]) else f"campaigns {found}"


OPERATIONS = (
    Operation("create", _create, "POST", r"/campaigns$", _check_one_created),
    Operation("clone", _clone, "POST", r"/(clone|campaigns)$", _check_one_created),
    Operation("update", _update, "PUT", r"/campaigns/\d+$", _check_updated),
    Operation("delete", _delete, "DELETE", r"/campaigns/\d+$", _check_deleted),
    Operation("list", _list, "GET", r"/campaigns$", _check_unchanged),
    Operation("wait", _wait, "GET", r"/campaigns$", _check_unchanged),
)
