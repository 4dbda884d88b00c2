"""An attempt of a load: carries out the package's decisions in virtual time, as its threads do."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.rate_limiter import PermitRequest
from airflow_provider_engagevoice.client.request import Pause, Request
from airflow_provider_engagevoice.client.retry import PermitPause
from airflow_provider_engagevoice.exceptions import EngageVoiceError, SupersededError
from airflow_provider_engagevoice.leads.loading.decisions import LoadDecisions, Step
from airflow_provider_engagevoice.leads.loading.load_state import AttemptCheckpoint
from airflow_provider_engagevoice.leads.loading.loader import UPLOADERS, _read_state
from airflow_provider_engagevoice.leads.loading.outcomes import Counts, Outcome
from airflow_provider_engagevoice.leads.loading.spool import Spool
from airflow_provider_engagevoice.leads.loading.uploader import RoutedUploader, Uploader
from tests.simulation.client import SimulatedClient
from tests.simulation.leads.plan import FIRST_CAMPAIGN
from tests.simulation.wire import _Sent

if TYPE_CHECKING:
    from tests.simulation.answers import Answer
    from tests.simulation.leads.plan import AttemptPlan
    from tests.simulation.leads.world import LoadWorld

START = 1_800_000_000.0


class Attempt:
    """One attempt of the task.

    :param rows: of the source
    :ivar counts: of a success
    :ivar error: of a failure
    """

    def __init__(
        self, world: LoadWorld, plan: AttemptPlan, number: int, rows: list[dict[str, str]], spool: Spool
    ) -> None:
        self.world = world
        self.plan = plan
        self.number = number
        self.rows = rows
        self.spool = spool
        self.counts: Counts | None = None
        self.error: Exception | None = None
        self.is_dead, self.died_at = False, 0.0
        #: Whether Airflow has noted its end, or takes it for dead.
        self.is_given_up = False
        self.was_finished = False
        self.rejected: dict[str, str] = {}
        self._frozen_until = 0.0
        self._steps = 0
        self._due: float | None = None
        self.client = SimulatedClient(world.permits, "100%")
        self._checkpoint = AttemptCheckpoint(world.store)
        self._uploader = self._make_uploader()
        self.decisions = LoadDecisions(
            spool.chunks, max_concurrent=world.plan.concurrent, reconcile_after=60.0
        )

    def _make_uploader(self) -> Uploader | RoutedUploader:
        plan, options, check = self.world.plan, self.world.options, self._checkpoint.check
        ids = range(FIRST_CAMPAIGN, FIRST_CAMPAIGN + plan.campaigns)
        uploaders = {one: UPLOADERS[plan.method](1, one, options, check) for one in ids}
        return uploaders[FIRST_CAMPAIGN] if plan.campaigns == 1 else RoutedUploader(uploaders)

    def __repr__(self) -> str:
        return f"attempt {self.number}"

    @property
    def is_over(self) -> bool:
        return self.is_dead or self.counts is not None or self.error is not None

    @property
    def may_be_retried(self) -> bool:
        """Whether Airflow makes another attempt."""
        return not isinstance(self.error, EngageVoiceError) or self.error.retryable

    def begin(self) -> None:
        saved = self._checkpoint.load()
        if saved is not None or self.number > 1:
            state = None if saved is None else _read_state(saved)
            problem = self.decisions.resume(state, clock.monotonic())
            self.was_finished = self.decisions.is_finished and not problem
        if self.was_finished:
            self._end()
            return
        self._checkpoint.begin(self.decisions.state)
        self.go_on()

    def go_on(self) -> None:
        """Start what is due."""
        if self.is_over or self.deferred(self.go_on):
            return
        try:
            steps = self.decisions.start(clock.monotonic())
            if steps or self.decisions.is_finished:
                self._checkpoint.save(self.decisions.state)
        except EngageVoiceError as error:
            self._end(error)
            return
        if self.decisions.is_finished:
            self._end()
            return
        for step in steps:
            Flow(self, step).resume(None, None, first=True)
        due = self.decisions.due()
        if due is not None and due != self._due:
            self._due = due
            self.world.after(max(0.0, due - self.world.now), self.go_on)

    def deferred(self, action: Any) -> bool:
        """Return whether the attempt is stopped; it does the action once it goes on."""
        left = self._frozen_until - self.world.now
        if left > 0:
            self.world.after(left, action)
        return left > 0

    def sends(self) -> bool:
        """Count a request; return whether the attempt is still there to send it.

        It is stopped after it has sent one: nothing can be done about the instant before.
        """
        self._steps += 1
        if self._steps == self.plan.kill_at:
            self.is_dead, self.died_at = True, self.world.now
            self.world.ended(self)
        elif self._steps == self.plan.freeze_at:
            self._frozen_until = self.world.now + self.plan.frozen
            # Airflow misses its heartbeats.
            self.world.after(self.plan.frozen / 2, self._given_up)
        return not self.is_dead

    def _given_up(self) -> None:
        if not self.is_over:
            self.world.ended(self)

    def carry_out(self, step: Step) -> Any:
        self.world.log(self.world.now - START, self, step.stage, step.chunk.index + 1)
        return self._uploader.carry_out(step, self.spool.content(step.chunk.index))

    def completed(self, step: Step, outcome: Outcome | None) -> None:
        if outcome is not None and outcome.is_final:
            bodies = self.spool.leads(step.chunk.index)
            self.rejected |= {bodies[at]["externId"]: reason for at, reason in outcome.rejected.items()}
        self.decisions.complete(step, outcome, clock.monotonic())
        self.go_on()

    def failed(self, step: Step, error: Exception) -> None:
        try:
            self.decisions.fail(step, error, clock.monotonic())
        except Exception:
            self._end(error)
        else:
            self.go_on()

    def _end(self, error: Exception | None = None) -> None:
        if isinstance(error, EngageVoiceError) and (doubts := self.decisions.doubts()):
            error.add(doubts)
        self.error = error
        if error is None:
            self.counts = self.decisions.state.counts
        else:
            with suppress(SupersededError):
                self._checkpoint.save(self.decisions.state)
        self.world.ended(self)


class Actor(Protocol):
    """Who has requests sent: an attempt of a load, or of an action on leads."""

    world: LoadWorld
    client: SimulatedClient
    is_dead: bool
    died_at: float

    @property
    def is_over(self) -> bool: ...
    def deferred(self, action: Any) -> bool: ...
    def sends(self) -> bool: ...
    def carry_out(self, step: Any) -> Any: ...
    def completed(self, step: Any, outcome: Any) -> None: ...
    def failed(self, step: Any, error: Exception) -> None: ...


class Flow:
    """One step of an actor, such as that of a chunk: a client's steps, performed one at a time."""

    def __init__(self, attempt: Actor, step: Any) -> None:
        self.attempt = attempt
        self._step = step
        self._steps = attempt.client.steps(attempt.carry_out(step))

    def resume(self, value: Any, error: Exception | None, *, first: bool = False) -> None:
        """Go on until the next request or pause."""
        attempt = self.attempt
        if attempt.is_over or attempt.deferred(lambda: self.resume(value, error, first=first)):
            return
        try:
            if first:
                step = next(self._steps)
            else:
                step = self._steps.send(value) if error is None else self._steps.throw(error)
            while isinstance(step, PermitRequest | PermitPause):
                permits = attempt.world.permits
                if isinstance(step, PermitRequest):
                    step = self._steps.send(permits.acquire(step.key, step.rates))
                else:
                    permits.pause(step.permit.key, step.seconds)
                    step = self._steps.send(None)
        except StopIteration as stop:
            attempt.completed(self._step, stop.value)
        except Exception as problem:
            attempt.failed(self._step, problem)
        else:
            if isinstance(step, Pause):
                attempt.world.after(step.seconds, lambda: self.resume(None, None))
            else:
                self._send(step)

    def _send(self, request: Request[Any]) -> None:
        if self.attempt.sends():
            self.attempt.world.send(self, request)

    def answered(self, request: Request[Any], answer: Answer | None, error: Exception | None) -> None:
        """Take an answer, or the error of a request without one."""
        if answer is not None:
            answer.request = _Sent(request.path)
        self.resume(answer, error)
