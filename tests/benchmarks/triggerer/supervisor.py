"""Airflow's triggerer without a metadata database: the real runner in its process, and the real supervisor.

What is not Airflow's own: waits are submitted here, not read from a database, events are recorded here,
not written to one, and the runner's process answers queries about its event loop.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, ClassVar, Self

import attrs
import structlog
from airflow.executors.workloads import RunTrigger
from airflow.executors.workloads.task import TaskInstanceDTO
from airflow.jobs.triggerer_job_runner import (
    TriggerEventEntry,
    TriggerLoggingFactory,
    TriggerRunner,
    TriggerRunnerSupervisor,
)
from airflow.models.trigger import Trigger

from tests.support.loop_watch import LoopWatch


@dataclass(frozen=True)
class Blocking:
    """How long the runner's event loop was blocked.

    :ivar longest: seconds of the longest block
    :ivar working: seconds of the longest block without garbage collection
    :ivar excused: total seconds in which the machine did not let the process run
    :ivar stack: what ran in the longest block without garbage collection, innermost call last
    """

    longest: float
    working: float
    excused: float
    stack: list[str]


@dataclass(frozen=True)
class DeferredWait:
    """A wait as a deferred task passes it to the triggerer.

    :ivar kwargs: of the trigger
    :ivar times_out_at: the task's ``trigger_timeout``
    """

    classpath: str
    kwargs: dict[str, Any]
    times_out_at: datetime


class RecordedEvents(deque[TriggerEventEntry]):
    """The runner's outbound events; ``left`` has the time, since 1970, when each left its trigger."""

    def __init__(self) -> None:
        super().__init__()
        self.left: dict[int, float] = {}

    def append(self, entry: TriggerEventEntry) -> None:
        """Record the time, and queue the event."""
        self.left[entry.trigger_id] = time.time()
        super().append(entry)


class Runner(TriggerRunner):
    """Airflow's runner, which executes commands received through ``control`` on a separate thread."""

    def __init__(self, control: Connection) -> None:
        super().__init__()
        self._control = control
        self._recorded = self.events = RecordedEvents()

    async def arun(self) -> None:
        """Run Airflow's loop."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._run_commands, args=(loop,), name="control", daemon=True).start()
        await super().arun()

    def _run_commands(self, loop: asyncio.AbstractEventLoop) -> None:
        watch: LoopWatch | None = None
        with suppress(EOFError, OSError):
            while True:
                command = self._control.recv()
                if command == "watch":
                    watch = LoopWatch(loop).__enter__()
                elif command == "blocking" and watch is not None:
                    watch.__exit__(None, None, None)
                    seen = Blocking(watch.longest, watch.working, watch.excused, watch.working_stack)
                    self._control.send(seen)
                elif command == "events":
                    self._control.send(dict(self._recorded.left))


@attrs.define(kw_only=True)
class Supervisor(TriggerRunnerSupervisor):
    """Airflow's supervisor, without a job in a database.

    :ivar taken: when each trigger's event was received, in seconds since 1970, by trigger
    :ivar failed: why triggers failed, by trigger
    """

    control: Connection
    taken: dict[int, float] = attrs.field(factory=dict, init=False)
    failed: dict[int, str] = attrs.field(factory=dict, init=False)
    _last_id: int = attrs.field(default=0, init=False)

    _runner_end: ClassVar[Connection]

    @classmethod
    def launch(cls, capacity: int) -> Self:
        """Start the runner's process, as ``airflow triggerer`` does."""
        os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
        control, cls._runner_end = Pipe()
        return cls.start(job=None, capacity=capacity, logger=structlog.get_logger(), control=control)

    @classmethod
    def run_in_process(cls) -> None:
        """Run the runner."""
        Runner(cls._runner_end).run()

    def submit(self, waits: Iterable[DeferredWait], log_folder: str) -> list[int]:
        """Queue waits of tasks for the runner; return the ids of their triggers."""
        ids = []
        for wait in waits:
            self._last_id += 1
            instance = TaskInstanceDTO(
                id=uuid.uuid4(),
                dag_id="waits",
                run_id="manual__2026-01-01T00:00:00+00:00",
                task_id="opened",
                map_index=self._last_id,
                try_number=1,
                dag_version_id=uuid.UUID(int=1),
                pool_slots=1,
                priority_weight=1,
            )
            self.logger_cache[self._last_id] = TriggerLoggingFactory(
                log_path=f"{log_folder}/{self._last_id}.log",
                ti=instance,  # type: ignore[arg-type]
            )
            workload = RunTrigger(
                id=self._last_id,
                classpath=wait.classpath,
                encrypted_kwargs=Trigger.encrypt_kwargs(wait.kwargs),
                ti=instance,
                timeout_after=wait.times_out_at,
            )
            self.creating_triggers.append(workload)
            ids.append(self._last_id)
        return ids

    def run_until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Do a supervisor's work until ``done`` returns True or time is up; return its last result."""
        deadline = time.monotonic() + seconds
        while not done() and time.monotonic() < deadline:
            self.run_once()
            if not self.is_alive():
                raise RuntimeError("the runner has died; see the log")
        return done()

    def run_for(self, seconds: float) -> None:
        """Do a supervisor's work for ``seconds``."""
        self.run_until(lambda: False, seconds)

    def watch(self) -> None:
        """Start watching the runner's event loop."""
        self.control.send("watch")

    def blocking(self) -> Blocking:
        """Stop watching, and return the result."""
        self.control.send("blocking")
        found: Blocking = self.control.recv()
        return found

    def left(self) -> dict[int, float]:
        """Return when events left their triggers, in seconds since 1970, by trigger."""
        self.control.send("events")
        found: dict[int, float] = self.control.recv()
        return found

    def heartbeat(self) -> None:
        """Report nothing: there is no database."""

    def load_triggers(self) -> None:
        """Read nothing: :meth:`submit` has queued all waits."""

    def clean_unused(self) -> None:
        """Clean up nothing, as nothing is stored."""

    def metric_tags(self) -> dict[str, str]:
        """Return the tags of gauges."""
        return {"hostname": "localhost"}

    def on_trigger_event(self, trigger_id: int, event: object) -> None:
        """Record that an event was received."""
        self.taken[trigger_id] = time.time()

    def on_trigger_failure(self, trigger_id: int, exc: list[str] | None) -> None:
        """Record that a trigger failed."""
        self.failed[trigger_id] = "".join(exc or ["it ended without an event"])
