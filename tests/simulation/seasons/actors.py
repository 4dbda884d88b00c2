"""Tasks that plan and apply a season, their attempts, and people who change its campaigns."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.campaigns.checkpoint import CampaignCheckpoint, NoCheckpoint
from airflow_provider_engagevoice.client.request import Procedure, Request
from airflow_provider_engagevoice.models.schedule import CLOSED, SCHEDULE_FIELDS
from airflow_provider_engagevoice.seasons import close_days, rollback
from airflow_provider_engagevoice.seasons.apply import Apply
from airflow_provider_engagevoice.seasons.parse import read_season
from airflow_provider_engagevoice.seasons.plan import Plan
from airflow_provider_engagevoice.seasons.planning import make_plan
from airflow_provider_engagevoice.seasons.record import Record, Records
from airflow_provider_engagevoice.seasons.work import Work
from tests.simulation.actors import Attempt, Sent, Task
from tests.simulation.people import Person
from tests.simulation.plans import AttemptPlan
from tests.simulation.rows import Row
from tests.simulation.seasons.plans import SEASON, RolloutPlan, SeasonTaskPlan
from tests.simulation.vendor import ACCOUNT

if TYPE_CHECKING:
    from tests.simulation.seasons.world import SeasonWorld

_LIST = re.compile(r"/dialGroups/(\d+)/campaigns$")
_DAY = 86_400_000
_OTHER_HOURS = (CLOSED, "10001600")
#: How an attempt ends that is killed right before or after it writes a file.
FILE_KILL = "kill at a file"
#: Waits between waves, of one attempt; the clocks of two workers may differ.
_MOST_WAITS = 8


class KilledError(BaseException):
    """The process is killed while it writes a file."""


class MemoryStorage:
    """Files in memory."""

    def __init__(self, world: SeasonWorld) -> None:
        self.files: dict[str, str] = {}
        self._world = world

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def write(self, path: str, text: str) -> None:
        attempt = self._world.running
        assert isinstance(attempt, SeasonAttempt)
        attempt.files += 1
        is_last = attempt.plan.end == FILE_KILL and attempt.files == (attempt.plan.at + 1) // 2
        # Before the file is written, or after it.
        if not is_last or attempt.plan.at % 2:
            self.files[path] = text
            attempt.has_saved()
        if is_last:
            raise KilledError


class SeasonTask(Task):
    """A task that plans or applies a version of the season."""

    world: SeasonWorld
    plan: Any

    def __init__(self, rollout: Rollout, plan: SeasonTaskPlan) -> None:
        self.rollout = rollout
        self.waits = 0
        self.result: Any = None
        super().__init__(rollout.world, plan)  # type: ignore[arg-type]

    def _read_plan(self) -> None:
        pass

    def checkpoint(self) -> CampaignCheckpoint:
        return NoCheckpoint()

    def begin_attempt(self, number: int) -> None:
        self._begin(number, self.plan.attempts[number])

    def _begin(self, number: int, plan: AttemptPlan) -> None:
        attempt = SeasonAttempt(self, number, plan)
        self.attempts.append(attempt)
        attempt.begin()

    def told(self, result: Any) -> tuple[object, ...]:
        return (result,)


class PlanTask(SeasonTask):
    """Makes a plan."""

    def __repr__(self) -> str:
        return f"plan {self.rollout.number} ({self.rollout.plan.kind})"

    def procedure(self, checkpoint: CampaignCheckpoint) -> Procedure[Any]:
        kind = self.rollout.plan.kind
        if kind != "season":
            record = self.rollout.last = self.rollout.records().known()
            module: Any = close_days if kind == "days" else rollback
            procedure: Procedure[Any] = getattr(module, f"plan_{kind}")(record, "records")
            return procedure
        version = self.world.plan.seasons[self.rollout.plan.version]
        season = read_season(version.mapping(self.world.vendor.name_as_stored))
        last = self.rollout.last = self.rollout.records().last()
        return make_plan(season, last, account_id=ACCOUNT, record_path="records", source_digest="")

    def succeeded(self, attempt: Attempt, result: Any) -> None:
        self.state = "success"
        self.rollout.planned(Plan.from_json(result.to_json(), "plan"), attempt)

    def ended(self, attempt: Attempt, *, retry: bool) -> None:
        super().ended(attempt, retry=retry)
        if self.state == "failed":
            self.rollout.is_over()


class ApplyTask(SeasonTask):
    """Applies a plan."""

    def __repr__(self) -> str:
        return f"apply {self.plan.number}"

    @property
    def season_plan(self) -> Plan:
        """The plan that it applies."""
        assert self.rollout.made is not None
        return self.rollout.made

    def procedure(self, checkpoint: CampaignCheckpoint) -> Procedure[Any]:
        run = f"{self.rollout.number}{' other' if self.plan.is_other_run else ''}"
        attempt = self.attempts[-1].number + 1
        return Apply(self.season_plan, self.rollout.records(), run=run, attempt=attempt).run()

    def succeeded(self, attempt: Attempt, result: Any) -> None:
        if result.until is None:
            self.state, self.result = "success", result
            self.world.promises.on_success(self, attempt, result)
            self.rollout.is_over()
            return
        self.waits += 1
        if self.waits > _MOST_WAITS:
            self.world.promises.broken("g", "waits between waves do not end")
            return
        plan = attempt.plan
        left = replace(plan, at=plan.at - attempt.step) if plan.at > attempt.step else replace(plan, end="")
        seconds = result.until.timestamp() - self.world.now - plan.skew
        self.world.after(max(0.0, seconds), lambda: self._begin(attempt.number, left))

    def ended(self, attempt: Attempt, *, retry: bool) -> None:
        super().ended(attempt, retry=retry)
        if self.state == "failed":
            self.rollout.is_over()


class Rollout:
    """A plan, and its applies.

    :ivar made: the plan; None until it is made
    :ivar last: the record that it was made from
    :ivar planned_at: when the attempt that made it began, and when it ended
    """

    def __init__(self, world: SeasonWorld, plan: RolloutPlan, number: int) -> None:
        self.world = world
        self.plan = plan
        self.number = number
        self.made: Plan | None = None
        self.last: Record | None = None
        self.planned_at = (0.0, 0.0)
        self.planning = PlanTask(self, plan.task)
        self.applies = [ApplyTask(self, one) for one in plan.applies]

    def records(self) -> Records:
        return Records(self.world.storage, "records", SEASON)

    def work_in(self, record: Record | None) -> Work | None:
        """Return what a record says of the plan's apply; None if it is that of another one."""
        works = record.works if record is not None else []
        return next((one for one in works if self.made is not None and one.digest == self.made.digest), None)

    def planned(self, made: Plan, attempt: Attempt) -> None:
        """Begin what comes after the plan."""
        world = self.world
        self.made, self.planned_at = made, (attempt.began, world.now)
        if self.plan.kind == "days" and not made.campaigns:
            # The daily task has nothing to write.
            self.applies = []
            self.is_over()
            return
        told = [(one.action, one.campaign_id, one.name) for one in made.campaigns]
        world.note(self.planning, "has made", told)
        gap = min(one.plan.delay for one in self.applies)
        world.begin_people(self.number, gap)
        for one in self.applies:
            world.after(one.plan.delay, one.begin)

    def is_over(self) -> None:
        """Begin the next rollout, if nothing of this one is left to do."""
        tasks = self.applies if self.made is not None else [self.planning]
        if all(one.state in ("success", "failed") and one.attempts for one in tasks):
            self.world.begin_rollout(self.number + 1)


class SeasonAttempt(Attempt):
    """An attempt that knows when it asked for what.

    :ivar lists: of each dial group, when the attempt asked for its list last, when the server answered, and
        the number of the newest version then
    :ivar reads: of each campaign, when it was asked for last, and the read
    :ivar asked_at: when it sent its last request
    """

    task: SeasonTask

    def __init__(self, task: SeasonTask, number: int, plan: AttemptPlan) -> None:
        super().__init__(task, number, plan)
        self.lists: dict[int, tuple[float, float, int]] = {}
        self.reads: dict[int, tuple[float, Sent]] = {}
        self.asked_at = 0.0
        #: Files that it has written.
        self.files = 0
        #: When it first wrote a file after it had activated a campaign, by campaign.
        self.recorded: dict[int | None, float] = {}

    def has_saved(self) -> None:
        """Note what a file that was just written may tell others."""
        for sent in self.sent:
            if sent.activates and sent.status == 200:
                self.recorded.setdefault(sent.row, self.world.now)

    def _resume(self, value: Any, error: Exception | None, *, first: bool = False) -> None:
        try:
            super()._resume(value, error, first=first)
        except KilledError:
            self.kill()

    def _send(self, request: Request[Any]) -> None:
        self.asked_at = self.world.now
        super()._send(request)

    def sending(self, request: Request[Any], row: int | None) -> Sent | None:
        sent = super().sending(request, row)
        if sent is None:
            return None
        if request.method == "GET" and (match := _LIST.search(request.path)):
            if not request.query.get("page"):
                newest = self.world.promises.newest
                self.lists[int(match[1])] = self.asked_at, self.world.now, newest
        elif request.method == "GET" and row is not None and not sent.lists_leads:
            self.reads[row] = self.asked_at, sent
        return sent


class SeasonsPerson(Person):
    """One person, who does one thing in one dial group."""

    _world: Any
    _plan: Any

    @property
    def rollout(self) -> int | None:
        return self._plan.rollout

    def act(self) -> None:
        world = self._world
        if self._plan.action == "edit hours":
            if (row := self._target()) is not None:
                hours = {self._random.choice(SCHEDULE_FIELDS): self._random.choice(_OTHER_HOURS)}
                world.vendor.edit(row, hours, world.now, self, "edit hours")
            return
        if self._plan.action != "twin":
            super().act()
            return
        dates = {"startDate": int(world.now) * 1000 - _DAY, "endDate": int(world.now) * 1000 + 5 * _DAY}
        vendor, plan = world.vendor, self._plan
        vendor.add(plan.name, world.now, self, group=plan.group, how="twin", isActive=1, **dates)

    def _target(self) -> Row | None:
        world, target, group = self._world, self._plan.target, self._plan.group
        rows = [row for row in world.vendor.rows.values() if row.exists and not row.nulls]
        rows = [row for row in rows if row.group_id == group]
        if target == "source":
            rows = [row for row in rows if row in world.sources]
        elif target == "named":
            name = world.vendor.name_as_stored(self._plan.name)
            rows = [row for row in rows if row.name == name]
        elif target == "ours":
            rows = [row for row in rows if world.is_created(row)]
        else:
            rows = [row for row in rows if row.versions[0].by is None and row not in world.sources]
        return self._random.choice(rows) if rows else None
