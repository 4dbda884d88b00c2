"""Measure many waits of one kind in one triggerer, from its start to the event they wait for.

That is the opening of their windows; for waits of other kinds, "opening" stands for the event that
ends them.
"""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.triggerer.kinds import KINDS, Kind
from tests.benchmarks.triggerer.supervisor import Blocking, Supervisor
from tests.benchmarks.triggerer.world import World, sharing_campaigns, waits

#: Timeout of a first wait in seconds, including imports and sign-in.
_FIRST_WAIT = 60.0
#: Polls are made less than this number of seconds ahead of an opening.
_AHEAD = 3.0
#: Seconds from the end of a wait until its resources are released.
_REST = 5.0


@dataclass(frozen=True)
class Plan:
    """What to measure.

    :ivar kind: of trigger, one of :data:`~tests.benchmarks.triggerer.kinds.KINDS`
    :ivar groups: dial groups that the waits are spread over
    :ivar opening: number of windows that open at one instant
    :ivar poke_interval: seconds
    :ivar start: seconds for the waits to start and finish their first polls
    :ivar quiet: seconds in which nothing changes: once for the CPU, and again for the event loop
    :ivar late: seconds after the opening to wait for events
    """

    kind: str
    waits: int
    groups: int
    opening: int
    poke_interval: float
    start: float
    quiet: float
    late: float


@dataclass(frozen=True)
class Figures:
    """The measurements, of the runner's process unless stated otherwise.

    :ivar running: waits that the runner had started by the end of the start phase
    :ivar failed: waits that ended without an event
    :ivar memory: KiB per wait, beyond the memory of the same process after one wait
    :ivar cpu: percent of one core while nothing changed and the event loop was not watched
    :ivar supervisor_cpu: the same for the supervisor's process
    :ivar starting: blocking of the event loop until all waits had finished their first polls
    :ivar waiting: blocking while nothing changed
    :ivar firing: blocking from just before the opening until all events were out
    :ivar left: seconds from the opening until each event left its trigger, sorted
    :ivar taken: seconds from the opening until the supervisor had each event, sorted
    :ivar early: events that left before the opening
    :ivar started_at: when the waits were submitted, seconds since 1970; followed by ``quiet_from`` and
        ``quiet_to``, between which nothing changed
    :ivar first_requests: requests to the API from ``started_at`` to ``quiet_from``, except sign-ins
    :ivar requests: the same from ``quiet_from`` to ``quiet_to``
    :ivar opening_requests: the same after ``quiet_to``, for the opening
    :ivar rejected: 429 responses among all requests
    """

    plan: Plan
    running: int
    failed: int
    memory: float
    cpu: float
    supervisor_cpu: float
    starting: Blocking
    waiting: Blocking
    firing: Blocking
    left: list[float]
    taken: list[float]
    early: int
    started_at: float
    quiet_from: float
    quiet_to: float
    first_requests: int = 0
    requests: int = 0
    opening_requests: int = 0
    rejected: int = 0

    @property
    def per_interval(self) -> float:
        """Requests per poke interval."""
        return self.requests * self.plan.poke_interval / (self.quiet_to - self.quiet_from)

    @property
    def per_minute(self) -> float:
        """Requests per minute."""
        return self.requests * 60 / (self.quiet_to - self.quiet_from)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Figures:
        """Read what :meth:`to_json` wrote."""
        blocking = {name: Blocking(**data.pop(name)) for name in ("starting", "waiting", "firing")}
        return cls(plan=Plan(**data.pop("plan")), **blocking, **data)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return a percentile of sorted values; NaN if there are none."""
    return values[max(0, math.ceil(len(values) * percent / 100) - 1)] if values else math.nan


def measure(plan: Plan, database: Path, folder: Path) -> Figures:
    """Measure, in a process that has done nothing else.

    :param database: of the sandbox
    :param folder: existing folder for the logs of the waits
    """
    # Airflow's supervisor keeps the log of every wait open.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    world, supervisor = World(database), Supervisor.launch(capacity=plan.waits + 1)
    try:
        return _measure(plan, KINDS[plan.kind], world, supervisor, str(folder))
    finally:
        supervisor.kill(force=True)
        world.close()


def _measure(plan: Plan, kind: Kind, world: World, supervisor: Supervisor, logs: str) -> Figures:
    runner, own = psutil.Process(supervisor.pid), psutil.Process()
    world.add_groups(plan.groups)
    _warm_up(plan, kind, world, supervisor, logs)
    none = runner.memory_info().rss

    supervisor.watch()
    started_at = time.time()
    quiet_from = started_at + plan.start
    opens_at = datetime.fromtimestamp(quiet_from + 2 * plan.quiet + _AHEAD, UTC)
    made = waits(plan.waits, plan.groups, opens_at, plan.opening, plan.poke_interval)
    if kind.shares:
        made = sharing_campaigns(made)
    campaigns = list({wait.campaign_id: wait for wait in made}.values())
    if not kind.appears:
        world.add_campaigns(campaigns)
    if kind.drains:
        world.add_leads(campaigns)
    ids = supervisor.submit([kind.deferred(wait) for wait in made], logs)
    supervisor.run_for(quiet_from - time.time())
    starting = supervisor.blocking()
    running = len(supervisor.running_triggers)

    before, own_before, began = _used(runner), _used(own), time.monotonic()
    supervisor.run_for(plan.quiet)
    seconds = time.monotonic() - began
    cpu, own_cpu = ((_used(one) - past) / seconds for one, past in ((runner, before), (own, own_before)))
    memory = (runner.memory_info().rss - none) / 1024 / plan.waits

    supervisor.watch()
    quiet_to = opens_at.timestamp() - _AHEAD
    supervisor.run_for(quiet_to - time.time())
    waiting = supervisor.blocking()

    supervisor.watch()
    supervisor.run_for(opens_at.timestamp() - time.time())
    if kind.appears:
        world.add_campaigns(made[: plan.opening])
    if kind.drains:
        world.drain(made[: plan.opening])
    wanted = set(ids[: plan.opening])
    supervisor.run_until(lambda: wanted <= supervisor.taken.keys() | supervisor.failed.keys(), plan.late)
    firing = supervisor.blocking()

    left, taken = (
        sorted(moment - opens_at.timestamp() for trigger, moment in moments.items() if trigger in wanted)
        for moments in (supervisor.left(), supervisor.taken)
    )
    return Figures(
        plan=plan,
        running=running,
        failed=len(supervisor.failed),
        memory=memory,
        cpu=100 * cpu,
        supervisor_cpu=100 * own_cpu,
        starting=starting,
        waiting=waiting,
        firing=firing,
        left=left,
        taken=taken,
        early=sum(one < 0 for one in left),
        started_at=started_at,
        quiet_from=quiet_from,
        quiet_to=quiet_to,
    )


def _warm_up(plan: Plan, kind: Kind, world: World, supervisor: Supervisor, logs: str) -> None:
    """Run one wait to its end, so that all code is loaded and the client is signed in."""
    (first,) = waits(1, 1, datetime.now(UTC), 1, plan.poke_interval)
    first = replace(first, campaign_id=first.campaign_id - 1)
    world.add_campaigns([first])
    (number,) = supervisor.submit([kind.deferred(first)], logs)
    supervisor.run_until(lambda: bool(supervisor.taken or supervisor.failed), _FIRST_WAIT)
    if number not in supervisor.taken:
        raise RuntimeError(f"a wait that is over did not end: {supervisor.failed}")
    supervisor.run_for(_REST)


def _used(process: psutil.Process) -> float:
    """Return seconds of CPU that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)
