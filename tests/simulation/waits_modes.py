"""The four ways to wait, each against the same history: poke, reschedule, deferrable, start from trigger."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import random as global_random
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from importlib import import_module
from random import Random
from types import SimpleNamespace
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred
from airflow.triggers.base import TaskSuccessEvent

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.rate_limiter import PermitRequest
from airflow_provider_engagevoice.client.request import Pause, Procedure, Request, arun_steps, run_steps
from airflow_provider_engagevoice.client.retry import PermitPause
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.hooks import engagevoice
from airflow_provider_engagevoice.polling import shared
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor
from tests.simulation.answers import Answer, error_answer, html_answer, json_answer
from tests.simulation.client import Permits, SimulatedClient
from tests.simulation.vendor import GROUP, START, Vendor
from tests.simulation.waits_plan import HistoryPlan, WaitPlan, build, carry_out, id_at_start

MODES = ("poke", "reschedule", "deferrable", "start from trigger")
#: How a wait ended, and when, in seconds after the start; then the message.
End = tuple[str, float, str]


class Clock:
    """The clock of the package's code."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def time(self) -> float:
        return START + self.elapsed

    def monotonic(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        self.elapsed += max(0.0, seconds)

    def wait(self, event: object, seconds: float) -> bool:
        raise AssertionError("nothing here waits for a thread")


class Side:
    """The history as one mode sees it: its own server and clock, with what people do at their times.

    :param log: called with the time and what happened
    """

    def __init__(self, plan: HistoryPlan, mode: str, log: Callable[..., None] | None) -> None:
        self.plan = plan
        self.mode = mode
        self.clock = Clock()
        self.vendor: Vendor = build(plan)
        self.permits = Permits()
        self.requests = 0
        self._random = Random(f"{plan.seed} {mode}")
        self._acts = deque(plan.acts)
        self._odd = deque(sorted(plan.odd))
        self._uses = deque(plan.other_use)
        self._log = log

    def delay(self) -> float:
        """Return the seconds that a request takes one way."""
        return self._random.random() * self.plan.pace

    def answer(self, request: Request[Any]) -> Answer:
        """Execute a request."""
        self.requests += 1
        now = self.clock.elapsed
        while self._acts and self._acts[0].at <= now:
            act = self._acts.popleft()
            self.note("PERSON", act)
            carry_out(act, self.vendor)
        while self._uses and self._uses[0] <= now:
            self.vendor.budget.use(START + self._uses.popleft())
        answer = self.vendor.handle(request.method, request.path, request.query, None, START + now, None)
        if self._odd and self._odd[0][0] <= now and _is_json(answer):
            answer = odd_answer(self._odd.popleft()[1], answer, START + now)
        answer.request = SimpleNamespace(url=SimpleNamespace(path=request.path))
        self.note(request.method, request.path, dict(request.query), answer)
        return answer

    def note(self, *what: object) -> None:
        """Log what happens."""
        if self._log is not None:
            self._log(self.clock.elapsed, self.mode, *what)


def _is_json(answer: Answer) -> bool:
    return answer.status_code == 200 and answer.content[:1] in (b"[", b"{")


def odd_answer(kind: str, answer: Answer, now: float) -> Answer:
    """Return an answer that is not so."""
    if kind == "404":
        return error_answer(404, "no such resource", now)
    if kind == "HTML":
        return html_answer(200, now)
    if kind == "cut off":
        return Answer(200, answer.content[: len(answer.content) // 2], now)
    data = json.loads(answer.content)
    if isinstance(data, list):
        lists = [one["campaigns"] for one in data if isinstance(one.get("campaigns"), list)] or [data]
        for rows in lists:
            _make_odd(kind, rows)
    elif kind in ("no dates", "null row"):
        data = _odd_row(kind, data)
    return json_answer(data, now)


def _make_odd(kind: str, rows: list[Any]) -> None:
    if kind == "empty list":
        rows.clear()
    elif rows and kind == "row missing":
        del rows[-1]
    elif rows and kind == "twin":
        rows.append({**rows[-1], "campaignId": 5_000_000})
    elif rows and kind in ("no dates", "null row"):
        rows[:] = [_odd_row(kind, row) for row in rows]


def _odd_row(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    if kind == "no dates":
        return {name: value for name, value in row.items() if name not in ("startDate", "endDate")}
    return row | dict.fromkeys(("startDate", "endDate", "isActive"))


class Client(SimulatedClient):
    """Runs procedures on a side, on its thread or on an event loop."""

    def __init__(self, side: Side) -> None:
        super().__init__(side.permits, "100%")
        self._side = side

    def run(self, procedure: Procedure[Any]) -> Any:
        return run_steps(self.steps(procedure), self._perform)

    async def arun(self, procedure: Procedure[Any]) -> Any:
        return await arun_steps(self.steps(procedure), self._aperform)

    def _perform(self, step: Any) -> Any:
        side = self._side
        if isinstance(step, Request):
            side.clock.sleep(side.delay())
            answer = side.answer(step)
            side.clock.sleep(side.delay())
            return answer
        if isinstance(step, Pause):
            return side.clock.sleep(step.seconds)
        return self._permit_step(step)

    async def _aperform(self, step: Any) -> Any:
        side = self._side
        if isinstance(step, Request):
            await asyncio.sleep(side.delay())
            answer = side.answer(step)
            await asyncio.sleep(side.delay())
            return answer
        if isinstance(step, Pause):
            return await asyncio.sleep(step.seconds)
        return self._permit_step(step)

    def _permit_step(self, step: Any) -> float | None:
        if isinstance(step, PermitRequest):
            return self.store.acquire(step.key, step.rates)
        assert isinstance(step, PermitPause), step
        self.store.pause(step.permit.key, min(step.seconds, 3600.0))
        return None


class _AsyncClient:
    def __init__(self, side: Side) -> None:
        self._client = Client(side)
        self.settings = self._client.settings
        self.run = self._client.arun

    async def close(self) -> None:
        pass


class _Selector:
    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everything waits, and no timer is scheduled")
        if timeout > 0:
            self._loop.skip()
        return []


class Loop(asyncio.BaseEventLoop):
    """An event loop whose time jumps to the next timer."""

    def __init__(self, side: Side) -> None:
        super().__init__()
        self._clock = side.clock
        self._selector = _Selector(self)
        # A poll that is no longer needed may fail unheard.
        self.set_exception_handler(lambda *_: None)

    def time(self) -> float:
        return self._clock.elapsed

    def skip(self) -> None:
        """Let time jump."""
        self._clock.elapsed = max(self._clock.elapsed, self._scheduled[0].when())  # type: ignore[attr-defined]

    def _process_events(self, events: object) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Run it here."""
        future = self.create_future()
        future.set_result(func(*args))
        return future

    def run(self, main: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end, and end what it has started."""
        try:
            return self.run_until_complete(main)
        finally:
            left = asyncio.all_tasks(self)
            for task in left:
                task.cancel()
            if left:
                self.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self.close()


_NULL = logging.getLogger("tests.simulation.waits")
_NULL.disabled = True
_PACKAGE = logging.getLogger("airflow_provider_engagevoice")


def run_mode(plan: HistoryPlan, mode: str, log: Callable[..., None] | None = None) -> tuple[Side, list[End]]:
    """Run all waits of a history in one mode; those on a worker each have a server of their own."""
    global_random.seed(plan.seed)
    if mode in ("poke", "reschedule"):
        ends, requests = [], 0
        for wait in plan.waits:
            side = Side(plan, mode, log)
            with _in_use(side):
                ends.append(_on_worker(side, wait, mode))
            requests += side.requests
        side.requests = requests
        return side, ends
    given = []
    side = Side(plan, mode, log)
    for wait in plan.waits:
        # The first poll of each is on a worker of its own.
        worker = Side(plan, mode, log)
        with _in_use(worker):
            given.append((worker.clock, _deferred(worker, wait, mode)))
        side.requests += worker.requests
    with _in_use(side):
        return side, Loop(side).run(_on_triggerer(side, given))


@contextmanager
def _in_use(side: Side) -> Iterator[None]:
    async def connect() -> _AsyncClient:
        return _AsyncClient(side)

    before, level = (engagevoice.EngageVoiceHook, shared._CHECK_SECONDS), _PACKAGE.level
    # Logging takes time.
    _PACKAGE.setLevel(logging.CRITICAL + 1)
    engagevoice.EngageVoiceHook = lambda conn_id: SimpleNamespace(get_async_conn=connect)  # type: ignore[assignment,misc]
    # Nothing sets these clocks, and a check each second would be most of the work.
    shared._CHECK_SECONDS = 1e9
    try:
        with clock.use(side.clock):
            yield
    finally:
        engagevoice.EngageVoiceHook, shared._CHECK_SECONDS = before  # type: ignore[misc]
        _PACKAGE.setLevel(level)


def _sensor(side: Side, wait: WaitPlan, **arguments: Any) -> Any:
    plan = side.plan
    campaign: Any = {"campaign_name": wait.of} if wait.by == "name" else id_at_start(plan, wait)
    group = {"id": GROUP, "name": side.vendor.groups[GROUP], "": None}[wait.group]
    sensor = EngageVoiceCampaignWindowSensor(
        task_id="wait",
        campaign=campaign,
        dial_group=group,
        wait_for=wait.goal,
        poke_interval=wait.poke,
        timeout=plan.timeout,
        **arguments,
    )
    client = Client(side)
    sensor.__dict__["hook"] = SimpleNamespace(
        client=client, run=client.run, close=lambda: None, explain=lambda error: None
    )
    sensor._cached_logger = _NULL
    return sensor


#: What a sensor needs of Airflow.
_CONTEXT: Any = {"ti": SimpleNamespace(xcom_push=lambda **values: None)}


def _on_worker(side: Side, wait: WaitPlan, mode: str) -> End:
    """Do what Airflow's sensors do with a poke and its pauses."""
    first = _sensor(side, wait, mode=mode)
    sensor, elapsed = copy.copy(first), side.clock.monotonic
    while True:
        try:
            if sensor.poke(_CONTEXT):
                return "reached", elapsed(), ""
        except AirflowFailException as error:
            return _failed(side, str(error))
        except EngageVoiceError as error:
            return "error", elapsed(), str(error)
        if elapsed() > side.plan.timeout:
            return "timeout", elapsed(), ""
        pause = sensor._get_next_poke_interval(0.0, elapsed, 1)
        side.note("pauses", pause)
        if sensor.reschedule:
            # The next run knows nothing of this one.
            sensor = copy.copy(first)
        side.clock.sleep(pause)


async def _on_triggerer(side: Side, given: list[tuple[Clock, Any]]) -> list[End]:
    return await asyncio.gather(*(_triggered(side, began.elapsed, one) for began, one in given))


def _deferred(side: Side, wait: WaitPlan, mode: str) -> End | tuple[str, Any]:
    """Return how a wait ended on the worker, or the trigger that it is handed to."""
    if mode == "start from trigger":
        start = _sensor(side, wait, start_from_trigger=True).start_trigger_args
        return start.trigger_cls, start.trigger_kwargs
    try:
        is_reached = _sensor(side, wait, deferrable=True).poke(_CONTEXT)
    except TaskDeferred as deferred:
        path, kwargs = deferred.trigger.serialize()
        return path, json.loads(json.dumps(kwargs))
    except AirflowFailException as error:
        return _failed(side, str(error))
    except EngageVoiceError as error:
        return "error", side.clock.elapsed, str(error)
    assert is_reached, "it is either over or deferred"
    return "reached", side.clock.elapsed, ""


async def _triggered(side: Side, began: float, given: Any) -> End:
    if len(given) == 3:
        end: End = given
        return end
    await asyncio.sleep(began)
    path, kwargs = given
    module, _, name = path.rpartition(".")
    trigger = getattr(import_module(module), name)(**kwargs)
    trigger._log = _NULL
    running = trigger.run()
    event = await anext(running)
    await running.aclose()
    if isinstance(event, TaskSuccessEvent):
        return "reached", side.clock.elapsed, ""
    match event.payload:
        case {"status": "failed", "message": str(message)}:
            return _failed(side, message)
        case {"status": str(status), "message": str(message)}:
            return status, side.clock.elapsed, message
    raise AssertionError(event)


def _failed(side: Side, message: str) -> End:
    kinds = {"are all named": "twin", "there is no": "gone", "it will not open": "unreachable"}
    kind = next((kind for text, kind in kinds.items() if text in message), "error")
    return kind, side.clock.elapsed, message
