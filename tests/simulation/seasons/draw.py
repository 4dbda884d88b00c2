"""Draw a history of seasons from a seed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from tests.simulation.dialects import Dialect, draw
from tests.simulation.plans import OTHER, SOURCE, AttemptPlan, SeedCampaign, TaskPlan, WireFault
from tests.simulation.seasons.actors import FILE_KILL
from tests.simulation.seasons.plans import (
    GROUPS,
    RolloutPlan,
    SeasonHistory,
    SeasonPerson,
    SeasonPlan,
    SeasonTaskPlan,
    WantedPlan,
)
from tests.simulation.vendor import GROUP, OTHER_GROUP, START

_DAY = 86_400.0
_NAMES = (
    "Renewals",
    "Winbacks 2026",
    "Holiday [VIP] / east",
    "Re\u0301newals",
    "renewals of last year",
    "Upsell",
    "Customers who left us in the year before last",
    "R" * 170,
)
_ACTIONS = (
    *("pause", "pause", "resume", "edit dates", "edit dates", "edit field", "edit field"),
    *("rename", "delete", "twin"),
)
#: What follows the applies of seasons.
_TAKEN_BACK = (
    ("rollback",),
    ("rollback", "rollback"),
    ("rollback", "season"),
    ("pause",),
    ("pause", "resume"),
    ("pause", "rollback"),
    *(("pause", "rollback", "resume"),) * 2,
    ("pause", "resume", "rollback"),
    ("pause", "resume", "rollback", "resume"),
    ("pause", "season", "resume"),
    ("pause", "pause", "resume"),
)
_FAULTS = ("refused", "lost before", "lost after", "broken after", "late", "slow")


def draw_history(seed: int, bundle: str) -> SeasonHistory:
    """Return the history of a seed."""
    random = Random(f"{seed} {bundle} season")
    dialect = draw(bundle, random)
    if bundle in ("hostile", "mixed") and random.random() < 0.1:
        # Applies write from rows where they are whole.
        dialect = replace(dialect, list_rows="without dates")
    first = _season(random)
    campaigns = _campaigns(random, first, dialect)
    seasons = [first]
    rollouts = [_rollout(random, 0, 0)]
    if random.random() < 0.45:
        seasons.append(_changed(random, first))
    if len(seasons) > 1 or random.random() < 0.15:
        rollouts.append(_rollout(random, len(seasons) - 1, 3))
    people = _people(random, first, len(rollouts))
    faults = _faults(random)
    # Their own numbers, so that histories without them are as they were.
    other = Random(f"{seed} {bundle} taken back")
    if other.random() < 0.5:
        rollouts = _taken_back(other, rollouts, len(seasons))
        people += _people_later(other, first, len(rollouts))
    other = Random(f"{seed} {bundle} days")
    if other.random() < 0.3:
        seasons = [_without_calls(other, one) for one in seasons]
        rollouts = _with_days(other, rollouts)
        people += _people_of_hours(other, first)
    window = 150 if dialect.maintenance_length == "minutes" else 7200
    maintenance: tuple[tuple[float, float], ...] = ()
    if dialect.maintenance != "none" and random.random() < 0.7:
        begins = random.uniform(0.0, 90.0)
        maintenance = ((begins, begins + random.uniform(20.0, window)),)
    return SeasonHistory(
        seed=seed,
        dialect=dialect,
        campaigns=campaigns,
        tasks=_others(random, first),
        people=people,
        faults=faults,
        maintenance=maintenance,
        other_use=(random.uniform(0.0, 40.0),) if random.random() < 0.15 else (),
        fillers=random.randint(0, 6) if dialect.cap in ("any", "16", "filtered after the cut") else 0,
        seasons=tuple(seasons),
        rollouts=tuple(rollouts),
    )


def _season(random: Random) -> SeasonPlan:
    names = random.sample(_NAMES, random.randint(2, 5))
    regions = random.choice((("west", "east"), ("west", "east"), ("west", "east", "south"), ("west",)))
    places = [(name, region) for name in names for region in regions]
    # Two regions in one dial group cannot have the same name.
    places = [
        one
        for number, one in enumerate(places)
        if (one[0], GROUPS[one[1]]) not in [(name, GROUPS[region]) for name, region in places[:number]]
    ]
    random.shuffle(places)
    if len(places) < 3:
        places.append(("Extra", regions[0]))
    kind = random.choice(("create", "clone", "mixed", "mixed"))
    campaigns = []
    for name, region in places[: random.randint(3, 8)]:
        is_clone = kind == "clone" or (kind == "mixed" and random.random() < 0.5)
        start, end = _dates(random)
        campaigns.append(
            WantedPlan(
                name,
                region,
                SOURCE if is_clone else None,
                start,
                end,
                state=random.choice((None, 0, 1, 1)),
                ring_time=random.choice((None, 20, 45)),
                protect=random.choice((None, None, None, True)),
            )
        )
    campaigns.sort(key=lambda one: regions.index(one.region))
    waits = random.random() < 0.3
    return SeasonPlan(tuple(campaigns), random.choice((60, 600, 7200)) if waits else None)


def _changed(random: Random, season: SeasonPlan) -> SeasonPlan:
    """Return a later version of a season."""
    campaigns = []
    for one in season.campaigns:
        chance = random.random()
        is_last = not campaigns and one is season.campaigns[-1]
        if chance < 0.1 and len(season.campaigns) > 3 and not is_last:
            continue
        if chance < 0.5:
            start, end = _dates(random)
            one = replace(one, start=start, end=end, ring_time=random.choice((one.ring_time, 25, 60)))
        if random.random() < 0.2:
            one = replace(one, state=random.choice((0, 1)))
        if random.random() < 0.15:
            one = replace(one, protect=random.choice((None, False, True)))
        campaigns.append(one)
    if random.random() < 0.4:
        start, end = _dates(random)
        region = campaigns[-1].region
        campaigns.append(WantedPlan("Late addition", region, random.choice((None, SOURCE)), start, end, 1))
    return replace(season, campaigns=tuple(campaigns))


def _campaigns(random: Random, season: SeasonPlan, dialect: Dialect) -> tuple[SeedCampaign, ...]:
    found = []
    for elsewhere in (False, True):
        over, running = random.random() < 0.6, random.random() < 0.4
        end = START + (-random.uniform(2, 300) if over else random.uniform(1, 30)) * _DAY
        window = _window(end - 40 * _DAY, end)
        found.append(SeedCampaign(SOURCE, *window, state=int(running), elsewhere=elsewhere))
    existing = random.choice((0.0, 0.0, 0.25, 0.6))
    for one in season.campaigns:
        if random.random() < existing:
            window = _window(START - _DAY, START + random.randint(3, 20) * _DAY)
            elsewhere = GROUPS[one.region] == OTHER_GROUP
            found.append(SeedCampaign(one.name, *window, state=random.choice((0, 1)), elsewhere=elsewhere))
    found.append(SeedCampaign(OTHER, *_window(START - 5 * _DAY, START + 9 * _DAY), state=1))
    if dialect.list_rows == "nulls in other rows":
        nulls = random.choice((("campaignName",), ("startDate", "endDate"), ("campaignName", "startDate")))
        found.append(SeedCampaign("Odd", *_window(START, START + _DAY), state=0, nulls=nulls))
    return tuple(found)


def _window(start: float, end: float) -> tuple[int, int]:
    return int(start) * 1000, int(end) * 1000


def _dates(random: Random) -> tuple[str, str]:
    start = datetime.fromtimestamp(int(START), UTC) + timedelta(days=random.randint(-1, 8))
    end = start + timedelta(days=random.randint(3, 30))
    form = random.choice(("day", "day", "day", "minute", "second"))
    if form == "day":
        return f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}"
    if form == "minute":
        return f"{start:%Y-%m-%d}T08:30", f"{end:%Y-%m-%d}T20:15"
    return f"{start:%Y-%m-%d}T08:30:07", f"{end:%Y-%m-%d}T20:15:41"


def _rollout(random: Random, version: int, number: int) -> RolloutPlan:
    """Draw a rollout whose tasks are numbered from ``number`` on."""
    later = number > 0
    start = random.choice((0.0, 5.0, 60.0, 3600.0)) if later and random.random() < 0.75 else -1.0
    is_later = later and start >= 0
    if start < 0:
        start = random.uniform(0.0, 120.0) if later else 0.0
    applies = [_apply(random, number + 1, random.choice((0.5, 10.0, 120.0, 1800.0)))]
    if random.random() < 0.2:
        delay = applies[0].delay + random.choice((0.0, random.uniform(0.0, 5.0), random.uniform(0.0, 120.0)))
        applies.append(replace(_apply(random, number + 2, delay), is_other_run=True))
    plain = tuple(AttemptPlan(delay=delay) for delay in (0.0, 60.0, 300.0))
    return RolloutPlan(version, start, is_later, SeasonTaskPlan(number, plain), tuple(applies))


def _taken_back(random: Random, rollouts: list[RolloutPlan], versions: int) -> list[RolloutPlan]:
    """Return rollouts with rollbacks, pauses and resumes after them."""
    found = list(rollouts)
    for kind in random.choice(_TAKEN_BACK):
        start = random.choice((0.0, 5.0, 60.0, 3600.0))
        if random.random() < 0.35:
            # Its only attempt is killed; it is taken for dead only later.
            end = AttemptPlan(end=random.choice(("kill", FILE_KILL)), at=random.randint(1, 40))
            last = found[-1]
            found[-1] = replace(last, applies=(replace(last.applies[0], attempts=(end,)),))
            start = random.choice((5.0, 2000.0, 2000.0, 2000.0))
        rollout = _rollout(random, random.randrange(versions), 20 + 3 * len(found))
        found.append(replace(rollout, start=start, is_later=random.random() < 0.8, kind=kind))
    return found


def _people_later(random: Random, season: SeasonPlan, rollouts: int) -> tuple[SeasonPerson, ...]:
    """Draw people who act between a plan and its apply, or in the hours in which all happens."""
    people = []
    for _ in range(random.choice((0, 0, 1, 1, 2, 4))):
        one = random.choice(season.campaigns)
        in_gap = random.random() < 0.7
        person = SeasonPerson(
            random.choice(("pause", "pause", "resume", "edit dates", "edit field", "rename", "delete")),
            random.choice(("named", "ours", "ours")),
            one.name,
            at_step=0 if in_gap or random.random() < 0.2 else random.randint(1, 400),
            at=random.uniform(0.0, 1.0) if in_gap else random.uniform(0.0, 9000.0),
            group=GROUPS[one.region],
            rollout=random.randrange(rollouts) if in_gap else None,
            is_before=in_gap and random.random() < 0.7,
        )
        people.append(person)
    return tuple(people)


def _without_calls(random: Random, season: SeasonPlan) -> SeasonPlan:
    """Return a season that excludes dates, and is not over when the daily task has run."""
    campaigns = tuple(replace(one, end=one.end.replace("2026", "2027")) for one in season.campaigns)
    return replace(season, campaigns=campaigns, exclude=_excluded(random))


def _excluded(random: Random) -> tuple[str, ...]:
    first = datetime.fromtimestamp(int(START), UTC)
    return tuple(
        f"{first + timedelta(days=random.randint(-2, 9)):%Y-%m-%d}" for _ in range(random.randint(0, 3))
    )


def _with_days(random: Random, rollouts: list[RolloutPlan]) -> list[RolloutPlan]:
    """Return rollouts with runs of the daily task between them, or while they wait for a wave."""
    found = list(rollouts)
    for number in range(random.choice((1, 2, 2, 3))):
        run = _rollout(random, 0, 60 + 3 * number)
        is_later = random.random() < 0.7
        days = 86_400 * random.uniform(0, 6)
        start = random.choice((5.0, 3600.0, days, days)) if is_later else random.uniform(60.0, 9000.0)
        run = replace(run, start=start, is_later=is_later, kind="days", applies=run.applies[:1])
        found.insert(random.randint(1, len(found)), run)
    return found


def _people_of_hours(random: Random, season: SeasonPlan) -> tuple[SeasonPerson, ...]:
    people = []
    for _ in range(random.choice((0, 0, 1, 2))):
        one = random.choice(season.campaigns)
        at = random.choice((random.uniform(0.0, 9000.0), random.uniform(0.0, 700_000.0)))
        people.append(SeasonPerson("edit hours", "named", one.name, at=at, group=GROUPS[one.region]))
    return tuple(people)


def _apply(random: Random, number: int, delay: float) -> SeasonTaskPlan:
    return SeasonTaskPlan(
        number,
        _attempts(random),
        delay=delay,
        own_permits=random.random() < 0.3,
        share=random.choice(("100%", "100%", "100%", "10%", "5%")),
    )


def _attempts(random: Random) -> tuple[AttemptPlan, ...]:
    """Draw three attempts, of which at least one is not interrupted."""
    plans: list[AttemptPlan] = []
    spared = random.randint(0, 2) if random.random() < 0.5 else 2
    for number in range(3):
        end, at, at_end = "", 0, False
        if number != spared and random.random() < 0.5:
            end = random.choice(("kill", "kill", "kill unsent", "zombie", "zombie", "at end", FILE_KILL))
            at = random.randint(1, 16 if end == FILE_KILL else random.choice((8, 30, 70)))
            if end == "at end":
                end, at_end = "", True
        plans.append(
            AttemptPlan(
                delay=0.0 if number == 0 else random.choice((0.3, 5.0, 60.0, 300.0)),
                skew=random.choice((0.0, 0.0, random.uniform(-400.0, 400.0))),
                end=end,
                at=at,
                killed_at_end=at_end,
                pace=random.choice((0.1, 0.3, 0.3, 2.0)),
            )
        )
    return tuple(plans)


def _others(random: Random, season: SeasonPlan) -> tuple[TaskPlan, ...]:
    """Draw tasks of others, who create campaigns of the same names in the first dial group."""
    names = [one.name for one in season.campaigns if GROUPS[one.region] == GROUP]
    count = random.choice((0, 0, 0, 0, 1, 1, 2)) if names else 0
    tasks = []
    for number in range(6, 6 + count):
        start, end = _dates(random)
        tasks.append(
            TaskPlan(
                number=number,
                kind="create",
                owner=("rollout", f"create{number}", -1),
                name=random.choice(names),
                start=random.choice((0.0, random.uniform(0.0, 60.0), random.uniform(0.0, 600.0))),
                attempts=_attempts(random),
                campaign_start=start,
                campaign_end=end,
                state=random.choice((None, 0, 1)),
                if_exists=random.choice(("update", "skip", "fail")),
                has_store=random.random() < 0.6,
            )
        )
    return tuple(tasks)


def _people(random: Random, season: SeasonPlan, rollouts: int) -> tuple[SeasonPerson, ...]:
    people = []
    for _ in range(random.choice((0, 0, 0, 1, 1, 2, 3, 5))):
        one = random.choice(season.campaigns)
        target = random.choice(("named", "named", "named", "ours", "ours", "other"))
        action = random.choice(_ACTIONS)
        if random.random() < 0.12:
            action, target = random.choice(("activate source",) * 3 + ("edit source", "delete")), "source"
        in_gap = random.random() < 0.4
        people.append(
            SeasonPerson(
                action,
                target,
                one.name,
                at_step=0 if in_gap or random.random() < 0.2 else random.randint(1, 160),
                at=random.uniform(0.0, 1.0) if in_gap else random.uniform(0.0, 600.0),
                group=GROUPS[one.region],
                rollout=random.randrange(rollouts) if in_gap else None,
            )
        )
    return tuple(people)


def _faults(random: Random) -> tuple[WireFault, ...]:
    count = random.choice((0, 0, 0, 1, 1, 2, 4))
    return tuple(
        WireFault(random.choice((1, 1, 2, 4, 5)), random.randint(1, 70), random.choice(_FAULTS))
        for _ in range(count)
    )
