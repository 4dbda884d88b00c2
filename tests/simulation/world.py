"""One history: a vendor, tasks and people in one thread, on one virtual clock, from one seed."""

from __future__ import annotations

import random as global_random
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from random import Random

from airflow_provider_engagevoice import clock
from tests.simulation.actors import Attempt, Task
from tests.simulation.client import Permits
from tests.simulation.people import Person
from tests.simulation.plans import SOURCE, PersonPlan, Plan
from tests.simulation.promises import Promises
from tests.simulation.rows import NESTED, Row, own_rows
from tests.simulation.vendor import GROUP, LONG_AGO, OTHER_GROUP, START, Vendor
from tests.simulation.wire import Wire


class EndlessError(Exception):
    """The history does not end."""


class _Clock:
    """The clock of the package's code; ``skew`` is that of the worker that runs now."""

    def __init__(self) -> None:
        self.now = START
        self.skew = 0.0

    def time(self) -> float:
        return self.now + self.skew

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        raise AssertionError("a procedure must not sleep")

    def wait(self, event: object, seconds: float) -> bool:
        raise AssertionError("a procedure must not wait")


class World:
    """Runs one plan.

    :param log: called with the time and what happened
    """

    #: More steps than any history takes; a history that needs more does not end.
    endless = 12_000
    vendor_type = Vendor

    def __init__(self, plan: Plan, log: Callable[..., None] | None = None) -> None:
        self.plan = plan
        self.clock = _Clock()
        self.permits = Permits()
        self.steps = 0
        #: The attempt whose code runs now.
        self.running: Attempt | None = None
        self._log = log
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()
        self.vendor = self._vendor()
        self.promises = self._promises()
        self.vendor.on_write = self.promises.on_write
        self.wire = Wire(self, plan.faults)
        self.tasks = [Task(self, task) for task in plan.tasks]
        self._people_at: dict[int, list[Person]] = {}

    @property
    def now(self) -> float:
        return self.clock.now

    def _promises(self) -> Promises:
        return Promises(self)

    def _person(self, plan: PersonPlan, number: int) -> Person:
        return Person(self, plan, number)

    def _vendor(self) -> Vendor:
        plan = self.plan
        intervals = tuple((START + begin, START + end) for begin, end in plan.maintenance)
        vendor = self.vendor_type(plan.dialect, Random(f"{plan.seed} vendor"), maintenance=intervals)
        for number in range(plan.fillers):
            vendor.add(f"Old {number}", LONG_AGO, startDate=1_600_000_000_000, endDate=1_610_000_000_000)
        for one in plan.campaigns:
            dates = {"startDate": one.start, "endDate": one.end}
            group = OTHER_GROUP if one.elsewhere else GROUP
            row = vendor.add(one.name, LONG_AGO, group=group, isActive=one.state, **dates)
            row.nulls = one.nulls
            if one.nested:
                row.now.fields = {**(row.now.fields or {}), NESTED: own_rows(row.campaign_id)}
            if one.name == SOURCE:
                self.source: Row = row
                #: Whether the source has rows that belong to it alone.
                self.has_own_rows = one.nested
        by_name = plan.seed % 2 == 0
        self.source_reference: int | str = (self.source.name or "") if by_name else self.source.campaign_id
        return vendor

    def run(self) -> Promises:
        """Run the history to its end, and check the promises."""
        global_random.seed(self.plan.seed)
        for number, person in enumerate(self.plan.people):
            self._let_in(self._person(person, number), person)
        for at in self.plan.other_use:
            self.after(at, lambda: self.vendor.budget.use(self.now))
        for task in self.tasks:
            self.after(task.plan.start, task.begin)
        with clock.use(self.clock):
            self._loop()
        self.promises.at_end()
        return self.promises

    def _let_in(self, person: Person, plan: PersonPlan) -> None:
        """Let a person act at their moment."""
        if plan.at_step:
            self._people_at.setdefault(plan.at_step, []).append(person)
        else:
            self.after(plan.at, person.act)

    def _loop(self) -> None:
        heap, current, vendor = self._heap, self.clock, self.vendor
        while heap:
            due = vendor.next_due()
            if due is not None and due <= heap[0][0]:
                current.now = max(current.now, due)
                vendor.run_due(due)
                continue
            current.now, _, action = heappop(heap)
            action()
            if self.steps > self.endless:
                self.promises.broken("g", "does not end")
                return
        while (due := vendor.next_due()) is not None:
            current.now = max(current.now, due)
            vendor.run_due(due)

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something in ``seconds``."""
        heappush(self._heap, (self.clock.now + seconds, next(self._numbers), action))

    def stepped(self) -> None:
        """Count a step, after which people may act."""
        self.steps += 1
        for person in self._people_at.get(self.steps, ()):
            person.act()

    def is_created(self, row: Row) -> bool:
        """Return whether an attempt created the campaign."""
        return row.versions[0].how in ("create", "clone")

    def note(self, actor: object, *what: object) -> None:
        """Log what an actor does."""
        if self._log is not None:
            self._log(self.now - START, actor, *what)
