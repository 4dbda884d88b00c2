"""Draw a plan from a seed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from airflow_provider_engagevoice.campaigns.spec import wanted_fields
from tests.simulation.client import ZONE
from tests.simulation.dialects import Dialect, draw
from tests.simulation.plans import (
    NAMES,
    OTHER,
    SOURCE,
    AttemptPlan,
    PersonPlan,
    Plan,
    SeedCampaign,
    TaskPlan,
    WireFault,
)
from tests.simulation.vendor import START

_DAY = 86_400.0
_ACTIONS = (
    "pause",
    "pause",
    "pause",
    "resume",
    "edit dates",
    "edit field",
    "rename",
    "delete",
    "twin",
    "load leads",
)
_FAULTS = ("refused", "lost before", "lost after", "broken after", "late", "slow", "revoked")
#: Owners that concatenate to the same text, and siblings of one mapped task.
_OWNERS = (
    ("rollout", "create", -1),
    ("winbacks", "create", -1),
    ("a.b", "c", -1),
    ("a", "b.c", -1),
    ("mapped", "create", 0),
    ("mapped", "create", 1),
)


def draw_plan(seed: int, bundle: str) -> Plan:
    """Return the plan of a seed."""
    random = Random(f"{seed} {bundle}")
    dialect = draw(bundle, random)
    name = random.choice(NAMES)
    tasks = _tasks(random, name)
    window = 150 if dialect.maintenance_length == "minutes" else 7200
    maintenance: tuple[tuple[float, float], ...] = ()
    if dialect.maintenance != "none" and random.random() < 0.7:
        begins = random.uniform(0.0, 40.0)
        maintenance = ((begins, begins + random.uniform(20.0, window)),)
    uses = random.random() < 0.15
    plan = Plan(
        seed=seed,
        dialect=dialect,
        campaigns=_campaigns(random, name, tasks, dialect),
        tasks=tasks,
        people=_people(random, name, tasks),
        faults=_faults(random, len(tasks)),
        maintenance=maintenance,
        other_use=(random.uniform(0.0, 20.0),) if uses else (),
        fillers=_fillers(random, dialect),
    )
    # Their own numbers, so that histories without them are as they were.
    other = Random(f"{seed} {bundle} coincidence")
    return _with_coincidence(other, plan) if other.random() < 0.15 else plan


def _with_coincidence(random: Random, plan: Plan) -> Plan:
    """Let happen what is rare by chance: a person acts between two attempts, or a clock hides an end."""
    first, *rest = plan.tasks
    if first.kind == "clone":
        end = START - random.uniform(0.0, 20.0) * 3600
        campaigns = [
            SeedCampaign(SOURCE, *_window(end - 40 * _DAY, end), state=1) if one.name == SOURCE else one
            for one in plan.campaigns
        ]
        attempts = tuple(replace(one, skew=random.uniform(5.0, 30.0) * 3600) for one in first.attempts)
        return replace(plan, campaigns=tuple(campaigns), tasks=(replace(first, attempts=attempts), *rest))
    if first.kind == "create":
        return plan
    before, after, last = first.attempts
    before = replace(before, end="", at=0, killed_at_end=True)
    attempts = before, replace(after, delay=random.choice((60.0, 300.0))), last
    task = replace(first, attempts=attempts, by_id=False, has_store=True, store_fails=0.0)
    action = "twin" if task.kind == "delete" else "pause"
    if task.kind == "update":
        task = replace(task, state=1)
    person = PersonPlan(action, "named", task.new_name or task.name, at=random.uniform(15.0, 55.0))
    return replace(plan, tasks=(task, *rest), people=(*plan.people, person))


def _fillers(random: Random, dialect: Dialect) -> int:
    chance = random.random()
    if dialect.cap in ("any", "filtered after the cut"):
        return random.randint(0, 8) if dialect.order != "another each time" else random.randint(5, 26)
    if dialect.cap == "16" and chance < 0.4:
        return random.randint(10, 22)
    if dialect.cap in ("99", "100") and chance < 0.04:
        return random.randint(93, 104)
    return 0


def _campaigns(
    random: Random, name: str, tasks: tuple[TaskPlan, ...], dialect: Dialect
) -> tuple[SeedCampaign, ...]:
    over, running = random.random() < 0.5, random.random() < 0.5
    far = random.random() < 0.8
    days = (-random.uniform(2, 300) if over else random.uniform(1, 30)) if far else random.uniform(-2, 1)
    end = START + days * _DAY
    nested = random.random() < 0.25
    found = [SeedCampaign(SOURCE, *_window(end - 40 * _DAY, end), state=int(running), nested=nested)]
    meant = [task.name for task in tasks if task.kind in ("update", "delete") and task.name != OTHER]
    for one in dict.fromkeys(meant or ([name] if random.random() < 0.15 else [])):
        found.append(
            SeedCampaign(one, *_window(START - _DAY, START + 20 * _DAY), state=random.choice((0, 1, 1)))
        )
    asked = next((task for task in tasks if task.kind in ("create", "clone")), None)
    if asked is not None and not meant and random.random() < 0.1:
        found.append(_older(asked))
    found.append(SeedCampaign(OTHER, *_window(START - 5 * _DAY, START + 9 * _DAY), state=1))
    if any(task.new_name for task in tasks) and random.random() < 0.3:
        taken = next(task.new_name for task in tasks if task.new_name)
        found.append(SeedCampaign(taken, *_window(START - 5 * _DAY, START + 9 * _DAY), state=0))
    if dialect.list_rows == "nulls in other rows":
        nulls = random.choice((("campaignName",), ("startDate", "endDate"), ("campaignName", "startDate")))
        found.append(SeedCampaign("Odd", *_window(START, START + _DAY), state=0, nulls=nulls))
    if random.random() < 0.1:
        found.append(SeedCampaign(name.swapcase(), *_window(START, START + _DAY), state=0))
    if random.random() < 0.1 and all(task.group for task in tasks):
        window = _window(START - _DAY, START + 20 * _DAY)
        found.append(SeedCampaign(name, *window, state=1, elsewhere=True))
    random.shuffle(found)
    return tuple(found)


def _older(task: TaskPlan) -> SeedCampaign:
    """Return the campaign that a task asks for, as releases that sent milliseconds have made it."""
    fields = wanted_fields(start=task.campaign_start, end=task.campaign_end, timezone=ZONE)
    start, end = (int(fields[name].timestamp()) * 1000 for name in ("startDate", "endDate"))
    return SeedCampaign(task.name, start, end + 999, state=1)


def _window(start: float, end: float) -> tuple[int, int]:
    return int(start) * 1000, int(end) * 1000


def _tasks(random: Random, name: str) -> tuple[TaskPlan, ...]:
    kinds = random.choices(("create", "clone", "update", "delete"), (45, 33, 15, 7))
    while len(kinds) < 3 and random.random() < (0.6, 0.35)[len(kinds) - 1]:
        kinds += random.choices(("same", "create", "clone", "update", "delete"), (40, 25, 15, 13, 7))
    owners = random.sample(_OWNERS, len(kinds))
    tasks: list[TaskPlan] = []
    for number, kind in enumerate(kinds):
        kind = tasks[0].kind if kind == "same" else kind
        own = name if random.random() < 0.85 else f"{name} 2"[-200:]
        tasks.append(_task(random, number, kind, owners[number], own))
    return _with_one_new_name(random, tasks)


def _with_one_new_name(random: Random, tasks: list[TaskPlan]) -> tuple[TaskPlan, ...]:
    """Let tasks ask for the name that an update gives, too."""
    new_name = next((task.new_name for task in tasks if task.new_name), None)
    if new_name is None:
        return tuple(tasks)
    found: list[TaskPlan] = []
    for task in tasks:
        if task.kind in ("create", "clone") and random.random() < 0.6:
            task = replace(task, name=new_name)
        elif task.kind == "update" and found and random.random() < 0.6:
            task = replace(task, name=OTHER, new_name=new_name, by_id=False)
        found.append(task)
    return tuple(found)


def _task(random: Random, number: int, kind: str, owner: tuple[str, str, int], name: str) -> TaskPlan:
    dated = kind in ("create", "clone") or (kind == "update" and random.random() < 0.5)
    start, end = _dates(random) if dated else (None, None)
    if kind == "update" and dated and random.random() < 0.4:
        start, end = (start, None) if random.random() < 0.5 else (None, end)
    renames = kind == "update" and random.random() < 0.5
    state = random.choice((None, 0, 1, 1, 1)) if kind in ("create", "clone") else None
    if kind == "update" and random.random() < 0.4:
        state = random.choice((0, 1))
    ring_time = random.choice((20, 25, 45)) if random.random() < 0.6 else None
    if kind == "update" and not dated and not renames and state is None:
        ring_time = 25
    cleared = random.random() < 0.25
    return TaskPlan(
        number=number,
        kind=kind,
        owner=owner,
        name=name,
        start=0.0 if number == 0 else random.choice((0.0, random.uniform(0, 3), random.uniform(0, 120))),
        attempts=_attempts(random),
        campaign_start=start,
        campaign_end=end,
        state=state,
        ring_time=None if kind == "delete" else ring_time,
        by_id=kind in ("update", "delete") and random.random() < 0.4,
        new_name=f"{name[:150]}, renamed" if renames else None,
        if_exists=random.choice(("update", "update", "update", "skip", "fail")),
        enforce_active=random.random() < 0.15,
        has_store=random.random() < 0.6,
        own_permits=random.random() < 0.3,
        share=random.choice(("100%", "100%", "100%", "10%", "5%", "3%")),
        clear_after=random.choice((5.0, 3600.0, 90 * _DAY)),
        cleared=_attempts(random) if cleared else (),
        group=_group(random, kind),
        store_fails=random.choice((0.1, 0.5, 1.0)) if random.random() < 0.1 else 0.0,
        copy_nested=kind == "clone" and random.random() < 0.3,
        fails_incomplete=kind == "clone" and random.random() < 0.2,
    )


def _group(random: Random, kind: str) -> str:
    chance = random.random()
    if chance < 0.1:
        return "name"
    return "" if chance < 0.25 and kind != "create" else "id"


def _dates(random: Random) -> tuple[str, str]:
    start = datetime.fromtimestamp(int(START), UTC) + timedelta(days=random.randint(-1, 8))
    end = start + timedelta(days=random.randint(3, 30))
    form = random.choice(("day", "day", "UTC day", "minute", "second", "millisecond"))
    if form == "day":
        return f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}"
    if form == "UTC day":
        return f"{start:%Y-%m-%d}T00:00:00Z", f"{end:%Y-%m-%d}T00:00:00Z"
    if form == "minute":
        return f"{start:%Y-%m-%d}T08:30", f"{end:%Y-%m-%d}T20:15"
    if form == "second":
        return f"{start:%Y-%m-%d}T08:30:07", f"{end:%Y-%m-%d}T20:15:41"
    return f"{start:%Y-%m-%d}T08:30:07.250", f"{end:%Y-%m-%d}T20:15:41.750"


def _attempts(random: Random) -> tuple[AttemptPlan, ...]:
    """Draw three attempts, of which at least one is not interrupted."""
    plans: list[AttemptPlan] = []
    spared = random.randint(0, 2) if random.random() < 0.5 else 2
    for number in range(3):
        end, at, at_end = "", 0, False
        if number != spared and random.random() < 0.55:
            end = random.choice(("kill", "kill", "kill unsent", "kill in flight", "zombie", "at end"))
            at = random.randint(1, random.choice((8, 24, 40, 80)))
            if end == "at end":
                end, at_end = "", True
        plans.append(
            AttemptPlan(
                delay=0.0 if number == 0 else random.choice((0.3, 5.0, 60.0, 300.0)),
                skew=_skew(random),
                end=end,
                at=at,
                killed_at_end=at_end,
                pace=random.choice((0.1, 0.3, 0.3, 2.0)),
            )
        )
    return tuple(plans)


def _skew(random: Random) -> float:
    """Draw by how much a worker's clock is wrong: mostly not, or by minutes, or by many hours."""
    chance = random.random()
    if chance < 0.6:
        return 0.0
    most = 400.0 if chance < 0.9 else 30 * 3600.0
    return random.uniform(-most, most)


def _renaming(random: Random, name: str, tasks: tuple[TaskPlan, ...]) -> tuple[str, str, str]:
    """Draw who renames what: the action, its target, and the new name."""
    names = list(dict.fromkeys(one for task in tasks for one in (task.name, task.new_name) if one))
    if random.random() < 0.25:
        return "swap", random.choice(("named", "ours")), ""
    target = random.choice(("other", "other", "ours", "unfinished", "unfinished", "named"))
    return "rename to", target, random.choice(names)


def _people(random: Random, name: str, tasks: tuple[TaskPlan, ...]) -> tuple[PersonPlan, ...]:
    people: list[PersonPlan] = []
    for _ in range(random.choice((0, 0, 1, 1, 2, 2, 3, 5))):
        chance, new_name = random.random(), ""
        if chance < 0.12:
            action, target, new_name = _renaming(random, name, tasks)
        elif chance < 0.3:
            action, target = random.choice(("activate source",) * 3 + ("edit source", "delete")), "source"
        else:
            action = random.choice(_ACTIONS)
            target = random.choice(("named", "named", "named", "ours", "ours", "other"))
        soon = random.random() < 0.75
        people.append(
            PersonPlan(
                action,
                target,
                name,
                at_step=random.randint(1, random.choice((40, 40, 120))) if soon else 0,
                at=random.choice((0.0, random.uniform(0.0, 400.0), random.uniform(0.0, 8000.0))),
                new_name=new_name,
            )
        )
    return tuple(people)


def _faults(random: Random, tasks: int) -> tuple[WireFault, ...]:
    count = random.choice((0, 0, 0, 1, 1, 2, 3))
    return tuple(
        WireFault(random.randrange(tasks), random.randint(1, random.choice((30, 60))), random.choice(_FAULTS))
        for _ in range(count)
    )
