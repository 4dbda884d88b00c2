"""One history of a load: a vendor and the attempts of a task, in one thread on one virtual clock."""

from __future__ import annotations

import json
import logging
import random as global_random
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from heapq import heappop, heappush
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.request import Request
from airflow_provider_engagevoice.leads.loading import LoadOptions
from airflow_provider_engagevoice.leads.loading.spool import CampaignSpool, Spool
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.routing import Recipient, RoutedValidator
from airflow_provider_engagevoice.leads.sources.base import read_records
from airflow_provider_engagevoice.leads.validate import LeadValidator
from airflow_provider_engagevoice.models.enums import DuplicateHandling
from airflow_provider_engagevoice.stores import Rate
from airflow_provider_engagevoice.utils import state_store
from tests.simulation.answers import Answer, html_answer
from tests.simulation.client import Permits, connection_error
from tests.simulation.leads.attempt import START, Attempt, Flow
from tests.simulation.leads.opt_out import OptOut
from tests.simulation.leads.plan import AttemptPlan, LoadPlan
from tests.simulation.leads.vendor import LeadVendor

RECONCILE_AFTER = 60.0
_TIMEOUT = 30.0
#: Seconds after its response in which the vendor loads a file.
_FILE_SECONDS = 8.0
#: More events than any history has.
_ENDLESS = 20_000
#: Attempts that Airflow makes at most after those of the plan.
_MORE_ATTEMPTS = 2


class LeadPermits(Permits):
    """Permits of limits with several rates."""

    def __init__(self) -> None:
        super().__init__()
        self._windows: dict[tuple[str, Rate], deque[float]] = {}

    def acquire(self, key: str, rates: tuple[Rate, ...]) -> float:
        now = clock.monotonic()
        if (left := self._paused_until.get(key, 0.0) - now) > 0:
            return left
        windows = [self._windows.setdefault((key, rate), deque()) for rate in rates]
        for rate, taken in zip(rates, windows, strict=True):
            while taken and taken[0] <= now - rate.seconds:
                taken.popleft()
            if len(taken) >= rate.permits:
                return max(0.001, taken[0] + rate.seconds - now)
        for taken in windows:
            taken.append(now)
        return 0.0


class _Clock:
    now = START

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        raise AssertionError("a procedure must not sleep")

    wait = sleep


class Store:
    """The checkpoint of the task."""

    def __init__(self) -> None:
        self.state: str | None = None

    def load(self) -> Mapping[str, Any] | None:
        return None if self.state is None else json.loads(self.state)

    def save(self, state: Mapping[str, Any]) -> None:
        self.state = json.dumps(state)


class LoadWorld:
    """Runs one plan.

    :param log: called with the time and what happened
    """

    def __init__(self, plan: LoadPlan, log: Callable[..., None] | None = None) -> None:
        self.plan = plan
        self.log = log or (lambda *_: None)
        self.random = Random(f"{plan.seed} world")
        self.clock = _Clock()
        self.permits = LeadPermits()
        self.store = Store()
        refused = frozenset(f"L{number}" for number in plan.refused)
        self.vendor = LeadVendor(plan.dialect, Random(f"{plan.seed} vendor"), refused)
        for number in plan.others:
            place = "loaded by hand", START - 9000, plan.campaign_of(number)
            self.vendor.store(f"L{number}", phone(number), *place)
        self.options = LoadOptions(
            "A list of renewals with a name of more than fifty characters",
            "0123abcd",
            duplicate_handling=DuplicateHandling(plan.handling),
            check_existing=plan.check_existing,
        )
        self.requests = 0
        self.attempts: list[Attempt] = []
        self.opt_out: OptOut | None = None
        #: Asset events of the load.
        self.events = 0
        self._max_tries = 2
        self._was_unrecorded = False
        self._faults = dict(plan.faults)
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()
        self._tries = 0
        self._was_cleared = False
        self.is_endless = False

    @property
    def now(self) -> float:
        return self.clock.now

    def _source(self) -> list[dict[str, str]]:
        """Return the rows of the source, as the next attempt reads it."""
        second, broken = dict(self.plan.seconds), set(self.plan.half_characters)
        rows = []
        for one in range(self.plan.leads):
            phones = [phone(one), *([phone(second[one])] if one in second else [])]
            name = {"firstName": "Ada \ud83d"} if one in broken else {}
            row = {"externId": f"L{one}", "leadPhone": "|".join(phones), **name}
            rows.append(row | {"campaign": str(self.plan.campaign_of(one))})
        if self.plan.changed_source and self.attempts:
            row = {"externId": "new", "leadPhone": phone(500)}
            rows.insert(0, row | {"campaign": str(self.plan.campaign_of(500))})
        return rows

    def _spool(self, source: list[dict[str, str]]) -> Spool:
        """Return the leads of a source, checked."""
        spool = Spool(self.plan.chunk_size)
        is_retaining = self.plan.handling == DuplicateHandling.RETAIN_ALL
        mapping = read_mapping(campaign_column="campaign")
        if self.plan.campaigns == 1:
            with LeadValidator(mapping, retain_duplicates=is_retaining) as check:
                for rows in check.read(read_records(source)):
                    spool.add(rows.numbers, rows.leads)
            spool.finish()
            return spool
        find, column = (lambda text: Recipient(int(text), "USA")), "campaign"
        with (
            RoutedValidator(mapping, column, find, str, retain_duplicates=is_retaining) as check,
            CampaignSpool() as by_campaign,
        ):
            for rows in check.read(read_records(source)):
                by_campaign.add(rows.campaign_id, rows.numbers, rows.leads)
            by_campaign.fill(spool)
        return spool

    def run(self) -> None:
        """Run the history to its end."""
        global_random.seed(self.plan.seed)
        with clock.use(self.clock), _silent():
            self.after(0.0, self._begin)
            for _ in range(_ENDLESS):
                if not self._heap:
                    return
                self.clock.now, _, action = heappop(self._heap)
                action()
        self.is_endless = True

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something in ``seconds``."""
        heappush(self._heap, (self.now + seconds, next(self._numbers), action))

    def _begin(self) -> None:
        if self.attempts and self.plan.lost_checkpoint and len(self.attempts) == 1:
            self.store.state = None
        plans = self.plan.attempts
        plan = plans[self._tries] if self._tries < len(plans) else AttemptPlan()
        self._tries += 1
        rows = self._source()
        attempt = Attempt(self, plan, len(self.attempts) + 1, rows, self._spool(rows))
        self.attempts.append(attempt)
        attempt.begin()

    def ended(self, attempt: Attempt) -> None:
        """Do what Airflow does once an attempt has ended, or seems to have."""
        self.log(self.now - START, attempt, "ends", attempt.error or attempt.counts or "killed")
        if attempt.is_given_up:
            return
        attempt.is_given_up = True
        if attempt.counts is not None:
            self._succeeded(attempt)
        elif attempt.may_be_retried and self._tries < len(self.plan.attempts) + _MORE_ATTEMPTS:
            plans = self.plan.attempts
            delay = plans[self._tries].delay if self._tries < len(plans) else 5.0
            self.after(delay, self._begin)
        else:
            self._then_opt_out()

    def _succeeded(self, attempt: Attempt) -> None:
        """Do what the task does at its end, then what Airflow does: events first, then callbacks."""
        context: Any = {"task_state_store": self.store, "ti": SimpleNamespace(max_tries=self._max_tries)}
        task = SimpleNamespace(on_success_callback=[])
        makes_event = state_store.announce_load(context, self.store, task, was_finished=attempt.was_finished)
        if self.plan.unrecorded and not self._was_unrecorded:
            self._was_unrecorded = True
            self.after(5.0, self._begin)
            return
        self.events += makes_event
        for callback in task.on_success_callback:
            callback(context)
        if self.plan.cleared and not self._was_cleared:
            self._was_cleared = True
            self._max_tries += self._tries
            self.after(100.0, self._begin)
        else:
            self._then_opt_out()

    def _then_opt_out(self) -> None:
        plan = self.plan.opt_out
        if plan is not None and self.opt_out is None:
            self.opt_out = OptOut(self, plan, [phone(number) for number in plan.named])
            self.after(plan.after, self.opt_out.begin)

    def send(self, flow: Flow, request: Request[Any]) -> None:
        """Carry a request to the vendor, and its answer back."""
        self.requests += 1
        actor = flow.attempt
        fault = actor.fault() if isinstance(actor, OptOut) else self._faults.get(self.requests, "")
        delay = self.random.random() * self.plan.pace
        self.after(delay, partial(self._arrive, flow, request, self.requests, fault, delay))

    def _arrive(self, flow: Flow, request: Request[Any], number: int, fault: str, delay: float) -> None:
        self.log(self.now - START, flow.attempt, request.method, request.path[-24:], fault)
        is_load = request.path.endswith(("leadLoader/direct", "leadLoader/process"))
        if fault in ("refused", "lost before"):
            how = "refused" if fault == "refused" else "timed out"
            self._fail(flow, request, how, 0.0 if fault == "refused" else request.seconds or _TIMEOUT)
        elif fault == "429":
            answer = Answer(429, b"{}", self.now)
            self.after(delay, partial(flow.answered, request, answer, None))
        elif fault in ("502", "HTML"):
            answer = self.vendor.unavailable(self.now) if fault == "502" else html_answer(200, self.now)
            self.after(delay, partial(flow.answered, request, answer, None))
        elif fault == "broken":
            if is_load:
                self.after(self.vendor.seconds_when_broken(), partial(self._load, request, number))
            elif request.path.endswith("/actions"):
                self.vendor.act(request.body or {}, request.query, self.now)
            self._fail(flow, request, "broken", delay)
        elif is_load:
            seconds = self.vendor.seconds_to_load()
            if seconds > (request.seconds or _TIMEOUT):
                self.after(seconds, partial(self._load, request, number))
                self._fail(flow, request, "timed out", request.seconds or _TIMEOUT)
            else:
                self.after(seconds, partial(self._load_and_answer, flow, request, number, delay))
        else:
            if request.path.endswith("leadLoader/preview"):
                answer = self.vendor.preview(request.content or b"", self.now)
            elif request.path.endswith("/lists"):
                answer = self.vendor.list_rows(_campaign_of(request), self.now)
            elif request.path.endswith("/actions"):
                answer = self.vendor.act(request.body or {}, request.query, self.now)
            else:
                answer = self.vendor.search(request.body or {}, request.query, self.now)
            self.after(delay, partial(flow.answered, request, answer, None))

    def _fail(self, flow: Flow, request: Request[Any], how: str, seconds: float) -> None:
        error = connection_error(how, request.method, request.path, request.idempotency)
        self.after(seconds, partial(flow.answered, request, None, error))

    def _load(self, request: Request[Any], number: int) -> Answer:
        if request.content is None:
            assert request.body is not None
            made = self.vendor.begin_file(_campaign_of(request), request.body, self.now)
            self.after(
                _FILE_SECONDS,
                lambda: self.vendor.finish_file(made, request.body or {}, number, self.now),
            )
            return Answer(202, b"", self.now)
        answer = self.vendor.load(_campaign_of(request), json.loads(request.content), number, self.now)
        self.log(self.now - START, "vendor", "loads", number, answer.content.decode()[:200])
        return answer

    def _load_and_answer(self, flow: Flow, request: Request[Any], number: int, delay: float) -> None:
        if flow.attempt.is_dead:
            # Its connection broke when it was killed.
            due = flow.attempt.died_at + self.vendor.seconds_when_broken()
            self.after(max(0.0, due - self.now), partial(self._load, request, number))
            return
        answer = self._load(request, number)
        self.after(delay, partial(flow.answered, request, answer, None))


@contextmanager
def _silent() -> Iterator[None]:
    """Log no warnings of the package: the histories are full of them."""
    logger = logging.getLogger("airflow_provider_engagevoice")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _campaign_of(request: Request[Any]) -> int:
    found = re.search(r"/campaigns/(\d+)/", request.path)
    assert found is not None, request.path
    return int(found[1])


def phone(number: int) -> str:
    """Return a number of its own for each lead."""
    return f"415555{number:04d}"
