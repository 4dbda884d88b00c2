"""Airflow's triggerer without a metadata database: the real runner in its process, and the real supervisor.

What is not Airflow's own: waits are handed out here in place of being read from a database, events are noted
in place of being written to one, and the runner's process answers questions about its event loop.
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
class Holds:
    """What a watch of the runner's event loop has seen.

    :ivar longest: seconds of the longest hold
    :ivar working: seconds of the longest hold with garbage collection left out
    :ivar excused: seconds in which the machine did not let the process run, all together
    :ivar stack: what ran in the longest hold with garbage collection left out, innermost call last
    """

    longest: float
    working: float
    excused: float
    stack: list[str]


@dataclass(frozen=True)
class Handed:
    """A wait as a deferred task hands it over.

    :ivar kwargs: of the trigger
    :ivar gives_up_at: the task's ``trigger_timeout``
    """

    classpath: str
    kwargs: dict[str, Any]
    gives_up_at: datetime


class NotedEvents(deque[TriggerEventEntry]):
    """The runner's outbound events; ``left`` has seconds since 1970 at which each left its trigger."""

    def __init__(self) -> None:
        super().__init__()
        self.left: dict[int, float] = {}

    def append(self, entry: TriggerEventEntry) -> None:
        """Note the time, and queue the event."""
        self.left[entry.trigger_id] = time.time()
        super().append(entry)


class Runner(TriggerRunner):
    """Airflow's runner, which does what it is asked through ``control`` on a thread of its own."""

    def __init__(self, control: Connection) -> None:
        super().__init__()
        self._control = control
        self._noted = self.events = NotedEvents()

    async def arun(self) -> None:
        """Run Airflow's loop."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._obey, args=(loop,), name="control", daemon=True).start()
        await super().arun()

    def _obey(self, loop: asyncio.AbstractEventLoop) -> None:
        watch: LoopWatch | None = None
        with suppress(EOFError, OSError):
            while True:
                question = self._control.recv()
                if question == "watch":
                    watch = LoopWatch(loop).__enter__()
                elif question == "holds" and watch is not None:
                    watch.__exit__(None, None, None)
                    seen = Holds(watch.longest, watch.working, watch.excused, watch.working_stack)
                    self._control.send(seen)
                elif question == "events":
                    self._control.send(dict(self._noted.left))


@attrs.define(kw_only=True)
class Supervisor(TriggerRunnerSupervisor):
    """Airflow's supervisor, without a job in a database.

    :ivar taken: seconds since 1970 at which each trigger's event was taken, by trigger
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
        """Be the runner."""
        Runner(cls._runner_end).run()

    def hand_out(self, waits: Iterable[Handed], log_folder: str) -> list[int]:
        """Give the runner waits of tasks at its next turn; return the ids of their triggers."""
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
                timeout_after=wait.gives_up_at,
            )
            self.creating_triggers.append(workload)
            ids.append(self._last_id)
        return ids

    def turn_until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Do a supervisor's work until ``done`` says so, at most so many seconds; return what it says."""
        deadline = time.monotonic() + seconds
        while not done() and time.monotonic() < deadline:
            self.run_once()
            if not self.is_alive():
                raise RuntimeError("the runner has died; the log says why")
        return done()

    def turn_for(self, seconds: float) -> None:
        """Do a supervisor's work for so many seconds."""
        self.turn_until(lambda: False, seconds)

    def watch(self) -> None:
        """Begin to watch the runner's event loop."""
        self.control.send("watch")

    def holds(self) -> Holds:
        """End the watch, and return what it has seen."""
        self.control.send("holds")
        found: Holds = self.control.recv()
        return found

    def left(self) -> dict[int, float]:
        """Return seconds since 1970 at which events left their triggers, by trigger."""
        self.control.send("events")
        found: dict[int, float] = self.control.recv()
        return found

    def heartbeat(self) -> None:
        """Tell nobody."""

    def load_triggers(self) -> None:
        """Read nothing: :meth:`hand_out` has queued what there is."""

    def clean_unused(self) -> None:
        """Leave nothing behind that could be cleaned."""

    def metric_tags(self) -> dict[str, str]:
        """Return what gauges are tagged with."""
        return {"hostname": "localhost"}

    def on_trigger_event(self, trigger_id: int, event: object) -> None:
        """Note that an event came."""
        self.taken[trigger_id] = time.time()

    def on_trigger_failure(self, trigger_id: int, exc: list[str] | None) -> None:
        """Note that a trigger failed."""
        self.failed[trigger_id] = "".join(exc or ["it ended without an event"])
