"""Triggers and events stored by version 0.3.0 are still accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_engagevoice.polling.window_poll import WindowWait
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor
from airflow_provider_engagevoice.sensors.leads_drained import EngageVoiceLeadsDrainedSensor
from airflow_provider_engagevoice.triggers.campaign_window import CampaignWindowTrigger
from airflow_provider_engagevoice.triggers.leads_drained import LeadsDrainedTrigger

WINDOW: dict[str, Any] = {
    "engagevoice_conn_id": "engagevoice_default",
    "campaign": 7,
    "dial_group": 3,
    "state": "closed",
    "hours": True,
    "timezone": "America/Los_Angeles",
    "poke_interval": 300.0,
    "deadline": "2026-12-01T08:00:00+00:00",
    "timeout": None,
    "trigger_timeout": None,
    "look_at": "2026-11-01T08:00:00+00:00",
    "end_from_trigger": True,
}
DRAINED: dict[str, Any] = {
    "engagevoice_conn_id": "engagevoice_default",
    "dial_group_id": 3,
    "campaign_id": 7,
    "by": "statistics",
    "poke_interval": 60.0,
    "deadline": "2026-12-01T08:00:00+00:00",
    "look_at": "2026-11-01T08:00:00+00:00",
    "ends": None,
    "end_from_trigger": False,
}


@pytest.mark.parametrize(
    ("trigger", "stored", "renamed"),
    [
        (
            CampaignWindowTrigger,
            WINDOW,
            {"state": "wait_for", "hours": "use_daily_hours", "look_at": "poll_at"},
        ),
        (
            LeadsDrainedTrigger,
            DRAINED,
            {
                "by": "count_by",
                "look_at": "poll_at",
                "campaign_id": "campaign",
                "dial_group_id": "dial_group",
            },
        ),
    ],
)
def test_stored_triggers_are_read_and_written_with_new_names(
    trigger: Any, stored: dict[str, Any], renamed: dict[str, str]
) -> None:
    classpath, arguments = trigger(**stored).serialize()
    assert classpath == f"{trigger.__module__}.{trigger.__name__}"
    known = {renamed.get(name, name): value for name, value in stored.items()}
    assert arguments == known | {"last_poll": None}
    assert trigger(**arguments).serialize() == (classpath, arguments)


@pytest.mark.skipif(
    not hasattr(CampaignWindowTrigger, "render_template_fields"), reason="this Airflow renders no triggers"
)
def test_template_fields_of_stored_triggers_are_rendered() -> None:
    """A DAG stored by 0.3.0 names the sensor's old template fields."""
    trigger = CampaignWindowTrigger(**{**WINDOW, "state": "{{ params.state }}"})
    trigger.template_fields = ("state", "timezone")
    trigger.render_template_fields({"params": {"state": "open"}}, jinja2.Environment())
    assert trigger.wait_for == "open"


@pytest.mark.parametrize("arguments", [{}, {"wait_for": "open", "begin": 1}])
def test_other_arguments_are_still_checked(arguments: dict[str, Any]) -> None:
    known = {name: value for name, value in WINDOW.items() if name != "state"}
    with pytest.raises(TypeError):
        CampaignWindowTrigger(**known, **arguments)


class _Hub:
    """Waits that get some updates, and time out then."""

    def __init__(self, *updates: str) -> None:
        self._updates = [*updates, None]
        self.requests = self.drained = self

    async def settings(self) -> SimpleNamespace:
        return SimpleNamespace(timezone="Europe/Paris")

    @contextmanager
    def polling_for(self, wait: Any, *_: object) -> Iterator[None]:
        for update in self._updates if isinstance(wait, WindowWait) else ():
            wait.publish(update)
        yield

    async def next_poll(self, _: object) -> str | None:
        return self._updates.pop(0)


@pytest.mark.parametrize(
    ("trigger", "stored"), [(CampaignWindowTrigger, WINDOW), (LeadsDrainedTrigger, DRAINED)]
)
@pytest.mark.parametrize(
    ("found", "updates", "message"),
    [
        ("campaign 7: closed", [], "campaign 7: closed"),
        ("campaign 7: closed", ["poll 1 in a row failed: 503"], "campaign 7: closed"),
        (None, ["poll 1 in a row failed: 503"], "poll 1 in a row failed: 503"),
        (None, [], "campaign 7"),
    ],
)
def test_a_timeout_says_what_was_found_last(
    trigger: Any, stored: dict[str, Any], found: str | None, updates: list[str], message: str
) -> None:
    _, arguments = trigger(**stored, last_poll=found).serialize()
    hub: Any = _Hub(*updates)
    assert asyncio.run(trigger(**arguments)._wait(hub)) == {"status": "timeout", "message": message}


@pytest.mark.parametrize("sensor", [EngageVoiceCampaignWindowSensor, EngageVoiceLeadsDrainedSensor])
@pytest.mark.parametrize("status", ["never", "unreachable"])
def test_an_unreachable_goal_fails_the_task(sensor: Any, status: str) -> None:
    with pytest.raises(AirflowFailException, match="its dates are over"):
        sensor(task_id="wait", campaign=7).execute_complete(
            {}, {"status": status, "message": "its dates are over"}
        )
