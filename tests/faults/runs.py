"""One kill run: interrupt an attempt at some instant, and do what Airflow does next."""

from __future__ import annotations

import re
import select
import signal
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from tests.faults import verdict
from tests.faults.forking import Ended, Process
from tests.faults.instants import Aim, Phase
from tests.faults.world import WANTED, Work, World

#: Seconds after which a running attempt counts as hanging.
PATIENCE = 90.0
#: Maximum number of attempts of a task that keeps failing.
_MOST_RETRIES = 4
#: The only error with which a process may end that stood still while its retry did the work: the answer to a
#: read, which changes nothing, came later than all attempts at it may take. The log names the read, and the
#: task's next attempt, if there is one, finds the campaign. A write is looked for on the server instead.
_STOOD_STILL = re.compile(r"GET \S+: no response \(ReadTimeout: the whole call took too long\)")
_BEFORE, _BETWEEN, _ENDED = "before the first request", "between two requests", "it had ended"
#: The stages at which an attempt can be interrupted.
PLACES = (_BEFORE, Phase.ARRIVED, Phase.HANDLED, Phase.ANSWERED, _BETWEEN, _ENDED)


class Sequel(StrEnum):
    """What happens after the first attempt was interrupted."""

    RETRY = "killed, a retry"
    AGAIN = "killed, the retry killed too, another retry"
    TWO = "killed, two retries at once"
    ZOMBIE = "stopped, resumed after a whole retry"
    BESIDE = "stopped, resumed during the retry"


#: How many runs in a hundred use each sequel.
_SHARES = {Sequel.RETRY: 30, Sequel.AGAIN: 20, Sequel.TWO: 15, Sequel.ZOMBIE: 20, Sequel.BESIDE: 15}


@dataclass(frozen=True, slots=True)
class Usual:
    """An undisturbed attempt.

    :param requests: number of requests, including sign-in
    :param writes: which of them, counted from 1, write to campaigns
    :param seconds: from its start to its end
    """

    requests: int
    writes: tuple[int, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """When to interrupt an attempt: after ``seconds``, or at a phase of a request."""

    seconds: float = 0.0
    request: int | None = None
    phase: Phase = Phase.ARRIVED

    def __str__(self) -> str:
        if self.request is None:
            return f"after {self.seconds * 1000:.1f} ms"
        return f"request {self.request} {self.phase}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run.

    :param pause: seconds until the first attempt is resumed during its retry
    """

    number: int
    work: Work
    sequel: Sequel
    cuts: tuple[Cut, Cut]
    pause: float

    def __str__(self) -> str:
        source = f" of a source {self.work.source}" if self.work.source else ""
        cuts = self.cuts if self.sequel is Sequel.AGAIN else self.cuts[:1]
        return f"{self.work.kind}{source}, {self.sequel}: {'; '.join(map(str, cuts))}"


@dataclass
class Outcome:
    """The result of a run.

    :param places: where each attempt was interrupted
    :param findings: what is wrong, each as (finding, text)
    :param errors: raised by retries, each as (type, text)
    :param late_errors: the same for attempts that were resumed after their retry, and must not end so
    :param harmless: writes that left a clone active with dates in the past
    """

    plan: Plan
    places: list[str] = field(default_factory=list)
    findings: list[tuple[str, str]] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)
    late_errors: list[tuple[str, str]] = field(default_factory=list)
    harmless: int = 0


def measure(world: World, work: Work, attempts: int = 4) -> Usual:
    """Run undisturbed attempts and measure them."""
    taken: list[float] = []
    for _ in range(attempts):
        world.begin(work)
        world.instants.restart()
        began = time.perf_counter()
        process = world.start()
        process.has_ended(PATIENCE)
        taken.append(time.perf_counter() - began)
        ended = world.end(process)
        assert ended.result is not None, ended
    sent = world.sandbox.requests()
    writes = [
        number for number, one in enumerate(sent, 1) if one.method != "GET" and "/dialGroups" in one.path
    ]
    # The first attempt also warms up the sandbox.
    return Usual(len(sent), tuple(writes), statistics.median_low(taken[1:]))


class Planner:
    """Draw plans; every other cut is aimed, and aims rotate through all requests and phases."""

    def __init__(self, usual: dict[Work, Usual], random: Random) -> None:
        self._usual = usual
        self._random = random
        self._decks: dict[Work, list[Cut]] = {work: [] for work in usual}

    def plans(self, kind: str, count: int) -> Iterator[Plan]:
        """Yield ``count`` plans to create or to clone."""
        first, *others = (work for work in self._usual if work.kind == kind)
        for number in range(count):
            # Every other clone has the source that the vendor's endpoint must not clone.
            work = first if number % 2 == 0 or not others else self._random.choice(others)
            (sequel,) = self._random.choices(list(_SHARES), list(_SHARES.values()))
            cuts = (self._cut(work), self._cut(work))
            if sequel in (Sequel.ZOMBIE, Sequel.BESIDE) and self._random.random() < 0.5:
                # What it is about to write was correct when it last read the campaign, and no longer is.
                cuts = (Cut(0.0, self._random.choice(self._usual[work].writes) - 1, Phase.ANSWERED), cuts[1])
            yield Plan(number, work, sequel, cuts, self._random.uniform(0, self._usual[work].seconds))

    def _cut(self, work: Work) -> Cut:
        usual, random = self._usual[work], self._random
        if random.random() < 0.5:
            return Cut(seconds=random.uniform(0, usual.seconds))
        deck = self._decks[work]
        if not deck:
            requests = range(1, usual.requests + 1)
            between = usual.seconds / usual.requests
            deck += [Cut(random.uniform(0, between), one, phase) for one in requests for phase in Phase]
            random.shuffle(deck)
        return deck.pop()


def run(world: World, plan: Plan) -> Outcome:
    """Carry out a plan and judge the result."""
    before = world.begin(plan.work)
    outcome = Outcome(plan)
    ends: list[Ended] = []
    stops = plan.sequel in (Sequel.ZOMBIE, Sequel.BESIDE)
    first = _cut_off(world, plan.cuts[0], signal.SIGSTOP if stops else signal.SIGKILL, outcome)
    if not stops:
        ends.append(world.end(first))
    if plan.sequel is Sequel.AGAIN:
        ends.append(world.end(_cut_off(world, plan.cuts[1], signal.SIGKILL, outcome)))
    signs_in = not any("/dialGroups" in one.path for one in world.sandbox.requests())
    retries = [world.start() for _ in range(2 if plan.sequel is Sequel.TWO else 1)]
    is_beside = plan.sequel is Sequel.BESIDE or (stops and signs_in)
    if is_beside:
        # Others wait for minutes, by design, for a process that is signing in.
        retries[0].has_ended(plan.pause)
        first.send(signal.SIGCONT)
    ended = [_wait_for_end(world, retry, outcome) for retry in retries]
    outcome.errors += [(one.error, one.text) for one in ended if one.error]
    for _ in range(_MOST_RETRIES):
        if any(one.result for one in ended):
            break
        ended.append(_wait_for_end(world, world.start(), outcome))
        outcome.errors += [(one.error, one.text) for one in ended[-1:] if one.error]
    if stops:
        written = len(world.sandbox.history())
        first.send(signal.SIGCONT)
        late = _wait_for_end(world, first, outcome)
        ended.append(late)
        has_written = not is_beside and len(world.sandbox.history()) > written
        if late.error and (has_written or not stood_still(late)):
            outcome.late_errors.append((late.error, late.text))
    results = [one.result for one in ends + ended if one.result]
    world.let_time_pass()
    outcome.findings = verdict.judge(world.sandbox, WANTED, before, results)
    outcome.harmless = verdict.harmless(world.sandbox, WANTED)
    return outcome


def stood_still(late: Ended) -> bool:
    """Return whether an attempt ended because it stood still during a read."""
    return late.error == "NoAnswerError" and _STOOD_STILL.fullmatch(late.text) is not None


def _cut_off(world: World, cut: Cut, how: signal.Signals, outcome: Outcome) -> Process:
    """Start an attempt and interrupt it; return it killed, stopped, or ended if it was too fast."""
    if cut.request is None:
        world.instants.restart()
        process = world.start()
        ended = process.has_ended(cut.seconds)
        arrived, handled = world.instants.arrived, world.instants.handled
        process.send(how)
        place: str = _BEFORE if not arrived else Phase.ARRIVED if arrived > handled else _BETWEEN
        outcome.places.append(_ENDED if ended else place)
        return process
    aim = Aim(cut.request, cut.phase, lambda victim: victim.send(how), after=cut.seconds)
    world.instants.restart(aim)
    process = world.start()
    aim.victim.set_result(process)
    select.select([process, aim.struck], [], [], PATIENCE)
    world.instants.disarm()
    outcome.places.append(cut.phase if aim.done else _ENDED)
    aim.close()
    return process


def _wait_for_end(world: World, process: Process, outcome: Outcome) -> Ended:
    """Wait for an undisturbed attempt; kill it if it hangs."""
    if not process.has_ended(PATIENCE):
        process.send(signal.SIGKILL)
        world.end(process)
        return Ended(error="Hung", text=f"still there after {PATIENCE:.0f} s")
    return world.end(process)
