"""What happens in some weeks with excluded dates, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from airflow_provider_engagevoice.models.schedule import CLOSED, SCHEDULE_FIELDS
from tests.simulation.dialects import Dialect, draw
from tests.simulation.vendor import START

DAY = timedelta(days=1)
FIRST = datetime.fromtimestamp(START, UTC).date()
#: Days that a history takes, and the last one on which a date may be excluded.
DAYS, LAST = 48, 34
KINDS = ("single", "record", "plan")
_ZONES = (
    *("America/New_York", "America/Los_Angeles", "Pacific/Honolulu"),
    *("Europe/London", "Australia/Sydney", "UTC"),
)
_HOURS = ("08002000", "08002100", "09301730", "00002359")
_OTHER_HOURS = ("10001600", "06002200", CLOSED)


@dataclass(frozen=True, slots=True)
class RunPlan:
    """One run of the task.

    :param at: seconds after the start
    :param kills: for each attempt, the request at which it is killed, or None
    :param before: whether the server executes that request
    :param gap: seconds between a plan and its apply
    """

    at: float
    kills: tuple[int | None, ...] = (None,)
    before: bool = False
    gap: float = 0.0


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person does with a campaign.

    :param at: seconds after the start
    :param run: number of the run within which it happens instead, before its request ``step``; -1 for none
    """

    campaign: int
    field: str
    value: object
    at: float = 0.0
    run: int = -1
    step: int = 0


@dataclass(frozen=True, slots=True)
class Weeks:
    """A history.

    :param kind: ``single``, the operator for one campaign; ``record``, the one for a season; or ``plan``,
        plans and applies of the season
    """

    seed: int
    dialect: Dialect
    kind: str
    zone: str
    dates: tuple[date, ...]
    hours: tuple[str, ...]
    campaigns: int
    runs: tuple[RunPlan, ...]
    edits: tuple[Edit, ...]


def draw_weeks(seed: int, bundle: str) -> Weeks:
    """Return the history of a seed."""
    random = Random(f"{seed} {bundle} days")
    dates = _dates(random)
    usual = random.choice(_HOURS)
    weekend = random.choice((usual, usual, CLOSED, "10001600"))
    kind = random.choice(KINDS)
    runs = _runs(random, kind)
    campaigns = random.choice((1, 2))
    return Weeks(
        seed=seed,
        dialect=_dialect(bundle, random),
        kind=kind,
        zone=random.choice(_ZONES),
        dates=dates,
        hours=(*[usual] * 5, *[weekend] * 2),
        campaigns=campaigns,
        runs=runs,
        edits=tuple(
            one
            for one in _edits(random, dates, usual, campaigns, len(runs))
            # A campaign that is renamed before a season is applied is none of its.
            if kind != "plan" or one.field != "campaignName"
        ),
    )


def _dialect(bundle: str, random: Random) -> Dialect:
    found = draw(bundle, random)
    values = {}
    if found.list_shows == "never":
        # While a task lives; here tasks come day after day.
        values["list_shows"] = "after 30 s"
    if found.date_precision in ("minutes", "days"):
        # A season whose dates are not stored is not applied.
        values["date_precision"] = "seconds"
    return replace(found, maintenance="none", **values)


def _dates(random: Random) -> tuple[date, ...]:
    first = FIRST + random.randint(4, 20) * DAY
    kind = random.choice(("one", "one", "two", "week apart", "range", "break", "weekly", "some"))
    if kind == "one":
        return (first,)
    if kind == "two":
        return (first, first + DAY)
    if kind == "week apart":
        return (first, first + 7 * DAY)
    if kind == "weekly":
        return (first, first + 7 * DAY, first + 14 * DAY)
    if kind == "some":
        days = random.sample(range(4, LAST), random.randint(3, 6))
        return tuple(FIRST + days * DAY for days in sorted(days))
    return tuple(first + days * DAY for days in range(random.randint(3, 5 if kind == "range" else 11)))


def _runs(random: Random, kind: str) -> tuple[RunPlan, ...]:
    step = random.choice((1.0, 1.0, 1.0, 0.25, 3.0))
    at = random.random()
    down = [(begin, begin + random.uniform(1, 9)) for begin in _instants(random, random.randint(0, 3))]
    runs = []
    killed = random.choice((0.0, 0.0, 0.05, 0.3))
    while at < DAYS - 1:
        if not any(begin <= at < end for begin, end in down):
            kills: list[int | None] = []
            while random.random() < killed and len(kills) < 3:
                kills.append(random.randint(0, 9))
            if not kills or random.random() < 0.7:
                kills.append(None)
            gap = random.choice((0.0, 60.0, 40_000.0, 200_000.0)) if kind == "plan" else 0.0
            jitter = random.uniform(0, 600)
            runs.append(RunPlan(at * 86_400 + jitter, tuple(kills), random.random() < 0.5, gap))
        at += step
    return (*runs, RunPlan((DAYS - 0.5) * 86_400))


def _instants(random: Random, count: int) -> list[float]:
    return [random.uniform(0, LAST) for _ in range(count)]


def _edits(
    random: Random, dates: tuple[date, ...], usual: str, campaigns: int, runs: int
) -> tuple[Edit, ...]:
    edits = []
    for _ in range(random.choice((0, 0, 1, 2, 3, 5))):
        day = random.choice(dates)
        near = (day + random.choice((-1, 0, 0, 0, 1)) * DAY).weekday()
        field: str = SCHEDULE_FIELDS[near]
        value: object = random.choice((usual, usual, *_OTHER_HOURS))
        if random.random() < 0.25:
            field, value = random.choice((("isActive", 0), ("maxRingTime", 17), ("campaignName", "Theirs")))
        seconds = (day - FIRST).days * 86_400 + random.uniform(-9, 9) * 86_400
        if random.random() < 0.2:
            # Right before a run would close it.
            field, value = SCHEDULE_FIELDS[day.weekday()], CLOSED
            seconds = (day - FIRST).days * 86_400 - random.uniform(5.5, 7) * 86_400
        is_within = random.random() < 0.3
        edits.append(
            Edit(
                random.randrange(campaigns),
                field,
                value,
                at=max(60.0, seconds),
                run=random.randrange(runs) if is_within else -1,
                step=random.randint(0, 9),
            )
        )
    return tuple(edits)
