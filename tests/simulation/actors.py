"""Tasks and their attempts: an operator's procedure, with the retries, kills and clears of Airflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.campaigns import (
    CampaignResult,
    change_campaign,
    ensure_campaign,
    ensure_clone,
    remove_campaign,
)
from airflow_provider_engagevoice.campaigns.checkpoint import CampaignCheckpoint, NoCheckpoint, save_success
from airflow_provider_engagevoice.campaigns.spec import (
    CampaignSpec,
    IfExists,
    OnIncompleteCopy,
    wanted_fields,
)
from airflow_provider_engagevoice.client.rate_limiter import PermitRequest
from airflow_provider_engagevoice.client.request import Pause, Procedure, Request
from airflow_provider_engagevoice.client.retry import PermitPause
from airflow_provider_engagevoice.exceptions import EngageVoiceError, StateStoreError
from airflow_provider_engagevoice.inputs import read_campaign_name
from airflow_provider_engagevoice.models.enums import CampaignState
from tests.simulation.client import ZONE, Permits, SimulatedClient
from tests.simulation.memory import Sent, StateStore
from tests.simulation.plans import AttemptPlan, TaskPlan
from tests.simulation.rows import Row
from tests.simulation.vendor import GROUP

if TYPE_CHECKING:
    from tests.simulation.world import World


#: Airflow's ``retries``: three attempts.
_RETRIES = 2
#: As long as the suffix of a working name.
SUFFIX = " [unfinished 01234567]"


class Task:
    """A task, until its last attempt has ended.

    :ivar run: 0, and 1 after it was cleared
    :ivar state: "running", "success" or "failed"
    """

    def __init__(self, world: World, plan: TaskPlan) -> None:
        self.world = world
        self.plan = plan
        self.random = Random(f"{world.plan.seed} task {plan.number}")
        self._saved: dict[str, Mapping[str, Any]] = {}
        self.permits = Permits() if plan.own_permits else world.permits
        self.run = 0
        self.max_tries = _RETRIES
        self.state = "running"
        self.requests = 0
        self.attempts: list[Attempt] = []
        self.results: list[CampaignResult] = []
        self.error: Exception | None = None
        #: Campaigns that it has succeeded with.
        self.reported: list[Row | None] = []
        #: Campaigns that it has deleted.
        self.deleted: list[Row] = []
        #: Ids of the campaigns it wrote to.
        self.written: set[int] = set()
        self._read_plan()

    def _read_plan(self) -> None:
        plan, vendor = self.plan, self.world.vendor
        self.name = read_campaign_name(plan.name)
        self.new_name = plan.new_name and read_campaign_name(plan.new_name)
        #: The name asked for, as the server stores it.
        self.stored_name = vendor.name_as_stored(self.name)
        self.stored_new_name = self.new_name and vendor.name_as_stored(self.new_name)
        named = [row for row in vendor.rows.values() if row.name == self.stored_name]
        ids = [row.campaign_id for row in named if row.group_id == GROUP]
        self.target = ids[0] if plan.by_id and ids else None
        self.is_ensure = plan.kind in ("create", "clone")
        #: Milliseconds since the epoch of the dates asked for.
        self.dates = {
            field: round(value.timestamp() * 1000)
            for field, value in self._fields().items()
            if field in ("startDate", "endDate")
        }
        #: Fields that its arguments ask for, without name and state.
        self.asked = frozenset(self._fields())
        #: Names that the server has to keep.
        self.names = [name for name in (self.name if self.is_ensure else self.new_name,) if name]
        if self.is_ensure:
            self.names.append(f"{self.name}{SUFFIX}")
        #: The name that a campaign has once it has succeeded, as the server stores it; None for any.
        self.given_name = self.stored_name if self.is_ensure else self.stored_new_name
        #: Whether its attempts share state.
        self.knows = plan.has_store and not plan.store_fails
        self.is_kept = all(vendor.name_as_stored(name) == name for name in self.names)

    def __repr__(self) -> str:
        return f"task {self.plan.number}"

    def begin(self) -> None:
        """Start the first attempt of a run."""
        self.state = "running"
        self.begin_attempt(0)

    def begin_attempt(self, number: int) -> None:
        plans = self.plan.cleared if self.run else self.plan.attempts
        attempt = Attempt(self, number, plans[number])
        self.attempts.append(attempt)
        attempt.begin()

    def ended(self, attempt: Attempt, *, retry: bool) -> None:
        """Go on after an attempt that has failed, was killed, or was taken for dead."""
        plans = self.plan.cleared if self.run else self.plan.attempts
        if retry and attempt.number + 1 < len(plans):
            number = attempt.number + 1
            self.world.after(plans[number].delay, lambda: self.begin_attempt(number))
            return
        self.state = "failed"
        self.world.promises.on_failure(self, attempt)

    def succeeded(self, attempt: Attempt, result: CampaignResult) -> None:
        self.state = "success"
        self.results.append(result)
        self.save_success(attempt)
        self.world.promises.on_success(self, attempt, result)
        if self.plan.cleared and self.run == 0:
            self.run = 1
            # As Airflow counts when a task is cleared.
            self.max_tries = len(self.attempts) + _RETRIES
            self.state = "cleared"
            self.world.after(self.plan.clear_after, self.begin)

    def save_success(self, attempt: Attempt) -> None:
        """Save that an attempt has succeeded, unless the store fails, which is only logged."""
        with suppress(StateStoreError):
            save_success(attempt.checkpoint)

    def told(self, result: CampaignResult) -> tuple[object, ...]:
        """Return what the log says of a success."""
        return result.outcome, result.campaign_id

    def procedure(self, checkpoint: CampaignCheckpoint) -> Procedure[CampaignResult]:
        """Return the procedure of the operator."""
        plan, fields = self.plan, self._fields()
        groups = {"id": GROUP, "name": self.world.vendor.groups[GROUP], "": None}
        group = groups[plan.group]
        if plan.kind == "delete":
            return remove_campaign(self.reference, group, checkpoint=checkpoint)
        if plan.kind == "update":
            return change_campaign(
                self.reference,
                group,
                fields=fields,
                name=self.new_name,
                state=None if plan.state is None else CampaignState(plan.state),
                checkpoint=checkpoint,
            )
        if_exists = IfExists(plan.if_exists)
        spec = CampaignSpec(group, self.name, fields, plan.state, if_exists, plan.enforce_active)
        dag_id, task_id, map_index = plan.owner
        owner = json.dumps([dag_id, task_id, "run", map_index])
        if plan.kind == "create":
            return ensure_campaign(spec, owner=owner, checkpoint=checkpoint)
        source = self.world.source_reference
        incomplete = OnIncompleteCopy.FAIL if plan.fails_incomplete else OnIncompleteCopy.WARN
        return ensure_clone(
            source,
            spec,
            country="USA",
            owner=owner,
            checkpoint=checkpoint,
            copy_nested=plan.copy_nested,
            on_incomplete_copy=incomplete,
        )

    def checkpoint(self) -> CampaignCheckpoint:
        """Return the checkpoint of the next attempt."""
        has_earlier_attempts = bool(self.attempts)
        if not self.plan.has_store:
            return NoCheckpoint(has_earlier_attempts, self.max_tries)
        return StateStore(self._saved, has_earlier_attempts, self.max_tries, self._store_fails)

    def _store_fails(self) -> bool:
        return self.plan.store_fails > 0 and self.random.random() < self.plan.store_fails

    def _fields(self) -> dict[str, Any]:
        plan = self.plan
        return wanted_fields(
            start=plan.campaign_start,
            end=plan.campaign_end,
            timezone=ZONE,
            caller_id="4155550123" if plan.kind == "create" else None,
            settings=None if plan.ring_time is None else {"maxRingTime": plan.ring_time},
        )

    @property
    def reference(self) -> int | str:
        return self.stored_name if self.target is None else self.target


class Attempt:
    """One attempt: a client's steps, performed one at a time."""

    def __init__(self, task: Task, number: int, plan: AttemptPlan) -> None:
        self.task = task
        self.run = task.run
        self.number = number
        self.plan = plan
        self.world = task.world
        self.checkpoint = task.checkpoint()
        self.sent: list[Sent] = []
        #: What the procedure has warned of.
        self.warnings: list[str] = []
        self.step = 0
        self.over = False
        #: Whether Airflow has taken it for dead.
        self.disowned = False
        self.error: Exception | None = None
        self.succeeded = False
        self.began = self.ended_at = self.world.now
        self._waited = False
        self._client = SimulatedClient(task.permits, task.plan.share)
        self._steps: Any = None

    def __repr__(self) -> str:
        run = " again" if self.run else ""
        return f"{self.task}{run} attempt {self.number + 1}"

    def begin(self) -> None:
        self.world.note(self, "begins")
        self._resume(None, None, first=True)

    def _resume(self, value: Any, error: Exception | None, *, first: bool = False) -> None:
        if self.over:
            return
        world = self.world
        world.clock.skew = self.plan.skew
        world.running = self
        try:
            if first:
                self._steps = self._client.steps(self.task.procedure(self.checkpoint))
                step = next(self._steps)
            else:
                step = self._steps.send(value) if error is None else self._steps.throw(error)
            while True:
                if isinstance(step, PermitRequest):
                    step = self._steps.send(self.task.permits.acquire(step.key, step.rates))
                elif isinstance(step, PermitPause):
                    self.task.permits.pause(step.permit.key, min(step.seconds, 3600.0))
                    step = self._steps.send(None)
                else:
                    break
        except StopIteration as stop:
            self._end(result=stop.value)
        except Exception as problem:
            self._end(error=problem)
        else:
            if isinstance(step, Request):
                self._send(step)
            else:
                assert isinstance(step, Pause), step
                self._pause(step.seconds)
        finally:
            world.clock.skew = 0.0
            world.running = None

    def _pause(self, seconds: float) -> None:
        self._waited = True
        if self._interrupted():
            return
        self.world.note(self, "pauses", seconds)
        self.world.after(seconds, lambda: self._continue())

    def _continue(self) -> None:
        self.world.stepped()
        self._resume(None, None)

    def _send(self, request: Request[Any]) -> None:
        self.task.requests += 1
        number, delay = self.task.requests, self.task.random.random() * self.plan.pace
        self.world.wire.send(self, request, number, delay)

    def sending(self, request: Request[Any], row: int | None) -> Sent | None:
        """Record a request that is about to be executed; None if the attempt is killed before."""
        if self.over:
            return None
        self.step += 1
        activates = request.method == "PUT" and (request.body or {}).get("isActive") not in (
            0,
            None,
            False,
            "0",
        )
        sent = Sent(
            request.method,
            row,
            self.world.now,
            self._waited,
            activates=activates,
            lists_leads=request.path.endswith("/lists"),
        )
        self._waited = False
        self.sent.append(sent)
        if self.plan.end == "kill unsent" and self.step == self.plan.at:
            self.kill()
            return None
        return sent

    @property
    def is_killed_in_flight(self) -> bool:
        """Return whether it is killed while the request that it has just sent is on its way."""
        return self.plan.end == "kill in flight" and self.step == self.plan.at and not self.over

    def executed(self) -> None:
        """Kill the attempt, or take it for dead, if its plan says so."""
        if self.step == self.plan.at and not self.over:
            if self.plan.end == "kill":
                self.kill()
            elif self.plan.end == "zombie":
                self._disown()

    def _interrupted(self) -> bool:
        self.step += 1
        self.executed()
        return self.over

    def kill(self) -> None:
        """End it here."""
        self.world.note(self, "is killed")
        self.over = True
        self.ended_at = self.world.now
        self._steps.close()
        if not self.disowned:
            self.task.ended(self, retry=True)

    def _disown(self) -> None:
        if self.number + 1 < len(self.task.plan.attempts):
            self.world.note(self, "is taken for dead, and goes on")
            self.disowned = True
            self.task.ended(self, retry=True)

    def answered(self, sent: Sent, value: Any, error: Exception | None) -> None:
        """Take the answer to a request."""
        if self.over:
            return
        is_page = error is None and value.headers["content-type"] == "text/html"
        sent.status = 0 if error is not None or is_page else value.status_code
        self._resume(value, error)

    def fail_unsent(self, error: Exception) -> None:
        """Fail a request that was not sent after all."""
        if not self.over:
            self._resume(None, error)

    def _end(self, result: CampaignResult | None = None, error: Exception | None = None) -> None:
        self.over = True
        self.error = error
        self.succeeded = result is not None
        self.ended_at = self.world.now
        if result is not None:
            self.world.note(self, "succeeds", *self.task.told(result))
        else:
            self.world.note(self, "fails", f"{type(error).__name__}: {error}")
        if self.disowned:
            if result is not None:
                self.task.save_success(self)
            self.world.promises.on_zombie_end(self, result, error)
        elif self.plan.killed_at_end and result is not None:
            self.world.note(self, "is killed before its success is recorded")
            self.task.ended(self, retry=True)
        elif result is not None:
            self.task.succeeded(self, result)
        else:
            assert error is not None
            self.task.error = error
            if not isinstance(error, EngageVoiceError):
                self.world.promises.on_untyped(self, error)
            retry = not isinstance(error, EngageVoiceError) or error.retryable
            self.task.ended(self, retry=retry)
