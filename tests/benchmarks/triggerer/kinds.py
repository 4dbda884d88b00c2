"""The same wait with each kind of trigger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.benchmarks.triggerer.supervisor import DeferredWait
from tests.support.connections import ACCOUNT_ID

#: Longer than any measurement takes.
_GIVES_UP_AFTER = timedelta(days=60)


@dataclass(frozen=True)
class WindowWait:
    """A wait for a campaign's window.

    :ivar opens_at: start of the window
    :ivar opens_soon: whether that is within the measurement
    :ivar poke_interval: seconds
    """

    campaign_id: int
    dial_group_id: int
    opens_at: datetime
    opens_soon: bool
    poke_interval: float


def engagevoice(wait: WindowWait) -> dict[str, Any]:
    """As the sensor defers; it has not polled, so that all first polls are due at the same time."""
    return {
        "engagevoice_conn_id": "engagevoice_default",
        "campaign": wait.campaign_id,
        "dial_group": wait.dial_group_id,
        "wait_for": "open",
        "use_daily_hours": False,
        "timezone": None,
        "poke_interval": wait.poke_interval,
        "deadline": _times_out_at().isoformat(),
        "poll_at": None,
        "end_from_trigger": True,
    }


def idle(wait: WindowWait) -> dict[str, Any]:
    """Only Airflow's own cost."""
    return {"moment": wait.opens_at.isoformat() if wait.opens_soon else None}


def date_time(wait: WindowWait) -> dict[str, Any]:
    """As ``DateTimeSensorAsync`` defers."""
    return {"moment": wait.opens_at, "end_from_trigger": True}


def http(wait: WindowWait) -> dict[str, Any]:
    """As ``HttpSensor(deferrable=True)`` defers, which can only wait for the end of 404."""
    place = f"dialGroups/{wait.dial_group_id}/campaigns/{wait.campaign_id}"
    return {
        "endpoint": f"voice/api/v1/admin/accounts/{ACCOUNT_ID}/{place}",
        "http_conn_id": "sandbox_http",
        "data": {},
        "method": "GET",
        "headers": {},
        "extra_options": {},
        "poke_interval": wait.poke_interval,
    }


def drained(by: str) -> Callable[[WindowWait], dict[str, Any]]:
    """As the sensor of drained campaigns defers; every wait's first poll is due immediately."""

    def kwargs(wait: WindowWait) -> dict[str, Any]:
        return {
            "engagevoice_conn_id": "engagevoice_default",
            "dial_group_id": wait.dial_group_id,
            "campaign_id": wait.campaign_id,
            "count_by": by,
            "poke_interval": wait.poke_interval,
            "deadline": _times_out_at().isoformat(),
            "poll_at": datetime.now(UTC).isoformat(),
            "ends": _times_out_at().isoformat(),
            "end_from_trigger": True,
        }

    return kwargs


@dataclass(frozen=True)
class Kind:
    """A kind of trigger.

    :ivar appears: whether it waits for the campaign to exist
    :ivar drains: whether it waits for the campaign to have no leads left to call
    :ivar shares: whether all waits in a dial group are for one campaign
    """

    classpath: str
    kwargs: Callable[[WindowWait], dict[str, Any]]
    appears: bool = False
    drains: bool = False
    shares: bool = False

    def deferred(self, wait: WindowWait) -> DeferredWait:
        """Return the wait as a task hands it to the triggerer."""
        return DeferredWait(self.classpath, self.kwargs(wait), _times_out_at())


def _times_out_at() -> datetime:
    return datetime.now(UTC) + _GIVES_UP_AFTER


_DRAINED = "airflow_provider_engagevoice.triggers.leads_drained.LeadsDrainedTrigger"
KINDS = {
    "engagevoice": Kind(
        "airflow_provider_engagevoice.triggers.campaign_window.CampaignWindowTrigger", engagevoice
    ),
    "idle": Kind("tests.benchmarks.triggerer.idle.IdleTrigger", idle),
    "date_time": Kind("airflow.providers.standard.triggers.temporal.DateTimeTrigger", date_time),
    "http": Kind("airflow.providers.http.triggers.http.HttpSensorTrigger", http, appears=True),
    "drained_by_statistics": Kind(_DRAINED, drained("statistics"), drains=True),
    "drained_by_search": Kind(_DRAINED, drained("search"), drains=True, shares=True),
}
