"""Sensors in each of their modes, in virtual time: hours of waiting take milliseconds."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import AirflowSkipException, BaseSensorOperator, TaskDeferred
from airflow.triggers.base import BaseTrigger, TriggerEvent

try:
    from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS
except ImportError:
    AIRFLOW_V_3_3_PLUS = False

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.connections import jwt_connection
from tests.support.virtual_time import VirtualTime
from tests.unit.polling.conftest import World, _server, days, sandbox, virtual, world

__all__ = ["World", "_server", "days", "sandbox", "virtual", "world"]

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
every_mode = pytest.mark.parametrize("mode", MODES)
#: The window sensor can also start on the triggerer, on Airflow 3.3.
START = "start from trigger"
window_modes = pytest.mark.parametrize("mode", [*MODES, START])


@dataclass
class Wait:
    """A task that has ended.

    :ivar state: ``success``, ``failed`` or ``skipped``
    :ivar ended: when, in seconds since the epoch
    :ivar pauses: seconds between its runs or pokes
    :ivar event: of the trigger
    """

    state: str = "success"
    error: BaseException | None = None
    ended: float = 0.0
    pauses: list[float] = field(default_factory=list)
    event: Any = None


@pytest.fixture
def run_sensor(
    sandbox: SandboxServer, virtual: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Wait]:
    """Run a sensor as a worker, the scheduler and the triggerer do, in virtual time."""
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", jwt_connection(sandbox.url))
    base = sys.modules[BaseSensorOperator.__module__]
    wait = Wait()

    def pause(seconds: float) -> None:
        wait.pauses.append(seconds)
        virtual.sleep(seconds)

    monkeypatch.setattr(base, "time", SimpleNamespace(sleep=pause, monotonic=virtual.monotonic))
    monkeypatch.setattr(base, "timezone", SimpleNamespace(**vars(base.timezone) | {"utcnow": clock.now}))

    def run(
        sensor: type[BaseSensorOperator],
        mode: str,
        *,
        catch: type[BaseException] = Exception,
        **arguments: Any,
    ) -> Wait:
        began: datetime | None = None
        # Airflow 2 looks it up in its database.
        monkeypatch.setattr(base, "_orig_start_date", lambda **_: began, raising=False)
        instance = SimpleNamespace(
            get_first_reschedule_date=lambda context: began,
            **{"dag_id": "dag", "task_id": "wait", "run_id": "run", "map_index": -1},
            **{"try_number": 1, "max_tries": 0, "xcom_push": lambda key, value: None},
        )
        context: Any = {"ti": instance, "task_instance": instance, "params": {}}
        while True:
            # Each run is a process of its own.
            task = sensor(task_id="wait", **(_mode(mode) | arguments))
            task.render_template_fields(context)
            started = clock.now()
            try:
                _execute(task, context, virtual, wait)
            except AirflowRescheduleException as reschedule:
                began = began or started
                pause((reschedule.reschedule_date - clock.now()).total_seconds())
                continue
            except AirflowSkipException as error:
                wait.state, wait.error = "skipped", error
            except catch as error:
                wait.state, wait.error = "failed", error
            wait.ended = clock.time()
            return wait

    return run


def _mode(mode: str) -> dict[str, Any]:
    if mode != START:
        return MODES[mode]
    if not AIRFLOW_V_3_3_PLUS:
        pytest.skip("this Airflow cannot start a sensor from its trigger")
    return {"start_from_trigger": True}


def _execute(task: BaseSensorOperator, context: Any, virtual: VirtualTime, wait: Wait) -> None:
    if getattr(task, "start_from_trigger", False):
        given = task.start_trigger_args
        _trigger(task, context, virtual, wait, (given.trigger_cls, given.trigger_kwargs), given)
        return
    try:
        task.execute(context)
    except TaskDeferred as deferred:
        _trigger(task, context, virtual, wait, deferred.trigger.serialize(), deferred)


def _trigger(
    task: Any, context: Any, virtual: VirtualTime, wait: Wait, serialized: tuple[str, Any], given: Any
) -> None:
    path, kwargs = serialized
    module, _, name = path.rpartition(".")
    trigger = getattr(import_module(module), name)(**json.loads(json.dumps(kwargs)))
    wait.event = virtual.run(_first_event(trigger, given.timeout)).payload
    method = getattr(given, "method_name", None) or given.next_method
    task.resume_execution(method, {"event": wait.event}, context)


async def _first_event(trigger: BaseTrigger, timeout: timedelta | None) -> TriggerEvent:
    assert timeout is not None
    async with asyncio.timeout(timeout.total_seconds()):
        return await anext(aiter(trigger.run()))
