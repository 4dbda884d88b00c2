"""What happens in a history of waits, drawn from its seed: campaigns, waits, people and odd answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from tests.simulation.dialects import Dialect, draw
from tests.simulation.rows import Row
from tests.simulation.vendor import GROUP, LONG_AGO, OTHER_GROUP, START, Vendor

NAME, OTHER, OLD = "Renewals 2026", "Collections", "Last season"
_HOUR = 3600.0
_KINDS = ("pause", "resume", "dates", "rename", "delete", "recreate", "swap", "twin", "flicker")
#: What one answer shows that is not so; by the first ones a campaign is missing, or not the only one.
MISLEADING = ("empty list", "row missing", "404", "twin")
_HARMLESS = ("HTML", "cut off", "no dates", "null row")


@dataclass(frozen=True, slots=True)
class WaitPlan:
    """One wait.

    :param by: "name" or "id" of the campaign
    :param of: name that the campaign has at the start
    :param group: how the dial group is given: "id", "name" or "" if it is not
    :param goal: "open" or "closed"
    :param poke: ``poke_interval``, in seconds
    """

    by: str
    of: str
    group: str
    goal: str
    poke: float


@dataclass(frozen=True, slots=True)
class Act:
    """What a person does.

    :param at: seconds after the start, also before it; dates are, too
    :param target: name of the campaign; of several the one with the lowest id
    """

    at: float
    kind: str
    target: str = NAME
    start: float = 0.0
    end: float = 0.0
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class HistoryPlan:
    """A whole history of waits.

    :param campaigns: those at the start: name, dates in seconds after the start, state, fields that are null
    :param odd: one answer each, the first after a second, that is odd
    :param pace: seconds that a request and its answer take at most
    """

    seed: int
    dialect: Dialect
    campaigns: tuple[tuple[str, float, float, int, tuple[str, ...]], ...]
    waits: tuple[WaitPlan, ...]
    acts: tuple[Act, ...] = ()
    odd: tuple[tuple[float, str], ...] = ()
    maintenance: tuple[tuple[float, float], ...] = ()
    other_use: tuple[float, ...] = ()
    fillers: int = 0
    timeout: float = _HOUR
    pace: float = 0.2


def draw_history(seed: int, bundle: str) -> HistoryPlan:
    """Return the plan of a seed."""
    random = Random(f"{seed} {bundle} waits")
    dialect = draw(bundle, random)
    timeout = random.choice((600.0, 900.0, 900.0, 1800.0))
    acts = sorted(_acts(random, timeout), key=lambda act: act.at)
    maintenance: tuple[tuple[float, float], ...] = ()
    if dialect.maintenance != "none" and random.random() < 0.7:
        begins = random.uniform(0.0, timeout * 0.7)
        longest = 240.0 if dialect.maintenance_length == "minutes" else 7200.0
        maintenance = ((begins, begins + random.uniform(20.0, longest)),)
    return HistoryPlan(
        seed=seed,
        dialect=dialect,
        campaigns=_campaigns(random, timeout, dialect),
        waits=tuple(_waits(random)),
        acts=tuple(acts),
        odd=_odd(random, timeout),
        maintenance=maintenance,
        other_use=(random.uniform(0.0, timeout),) if random.random() < 0.05 else (),
        fillers=_fillers(random, dialect),
        timeout=timeout,
        pace=random.choice((0.05, 0.2, 0.2, 1.0)),
    )


def _odd(random: Random, timeout: float) -> tuple[tuple[float, str], ...]:
    """Draw odd answers, of which at most one says that a campaign is missing, or not the only one."""
    found = [random.choice((*MISLEADING, *_HARMLESS))] if random.random() < 0.6 else []
    found += [random.choice(_HARMLESS) for _ in range(random.choice((0, 0, 1)))]
    return tuple((random.uniform(0.0, timeout), kind) for kind in found)


def _fillers(random: Random, dialect: Dialect) -> int:
    if dialect.cap in ("any", "filtered after the cut"):
        return random.randint(0, 6)
    return random.randint(10, 20) if dialect.cap == "16" and random.random() < 0.3 else 0


def _campaigns(
    random: Random, timeout: float, dialect: Dialect
) -> tuple[tuple[str, float, float, int, tuple[str, ...]], ...]:
    found = []
    if random.random() < 0.95:
        found.append((NAME, *_dates(random, timeout), random.choice((1, 1, 1, 0)), ()))
    found.append((OTHER, *_dates(random, timeout), random.choice((1, 1, 0)), ()))
    if dialect.list_rows == "nulls in other rows":
        nulls = random.choice((("campaignName",), ("startDate", "endDate"), ("campaignName", "isActive")))
        found.append(("Odd", 0.0, _HOUR, 0, nulls))
    random.shuffle(found)
    return tuple(found)


def _dates(random: Random, timeout: float) -> tuple[float, float]:
    start = random.choice((-_HOUR, random.uniform(0, timeout), random.uniform(0, timeout), timeout + _HOUR))
    length = random.choice((_HOUR * 24, _HOUR * 24, random.uniform(1, timeout)))
    return float(int(start)), float(int(start + length))


def _waits(random: Random) -> Iterator[WaitPlan]:
    group = random.choice(("id", "id", "id", "name", ""))
    first = WaitPlan(
        random.choice(("name", "name", "id")),
        NAME,
        group,
        random.choice(("open", "open", "open", "closed")),
        random.choice((20.0, 60.0, 60.0, 300.0)),
    )
    yield first
    if random.random() < 0.3:
        yield replace(first, by=random.choice(("name", "id")), of=OTHER, poke=random.choice((20.0, 60.0)))


def _acts(random: Random, timeout: float) -> Iterator[Act]:
    for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3))):
        # Some act just before the wait begins, as the task before it does.
        at = random.uniform(1.0, timeout * 0.9) if random.random() < 0.8 else random.uniform(-30.0, 0.0)
        later = at + random.choice((0.0, random.uniform(1, 30), random.uniform(30, 600)))
        start, end = _dates(random, timeout)
        target = random.choice((NAME, NAME, NAME, OTHER))
        kind = random.choice(_KINDS)
        elsewhere = random.random() < 0.1
        new = Act(later, "add", NAME, start, end, elsewhere)
        match kind:
            case "rename" | "delete":
                yield Act(at, kind, target)
            case "recreate":
                yield Act(at, random.choice(("delete", "rename")))
                yield new
            case "swap":
                yield Act(at, "rename")
                yield Act(at, "take name", OTHER)
            case "twin":
                yield replace(new, at=at)
                if random.random() < 0.5:
                    yield Act(later, "delete the newest")
            case "flicker":
                yield Act(at, "rename")
                yield Act(later, "take name", OLD)
            case "pause":
                yield Act(at, "pause", target)
                if random.random() < 0.5:
                    yield Act(later, "resume", target)
            case _:
                yield Act(at, kind, target, start, end)


def build(plan: HistoryPlan) -> Vendor:
    """Return the server as it is at the start."""
    intervals = tuple((START + begin, START + end) for begin, end in plan.maintenance)
    vendor = Vendor(plan.dialect, Random(f"{plan.seed} vendor"), maintenance=intervals)
    for number in range(plan.fillers):
        vendor.add(f"Old {number}", LONG_AGO, startDate=1_600_000_000_000, endDate=1_610_000_000_000)
    for name, start, end, state, nulls in plan.campaigns:
        row = vendor.add(name, LONG_AGO, isActive=state, startDate=_stored(start), endDate=_stored(end))
        row.nulls = nulls
    return vendor


def _stored(seconds: float) -> int:
    return (int(START) + int(seconds)) * 1000


def carry_out(act: Act, vendor: Vendor) -> None:
    """Do what a person does, at its time."""
    now = START + act.at
    if act.kind == "add":
        dates = {"startDate": _stored(act.start), "endDate": _stored(act.end)}
        vendor.add(act.target, now, "person", OTHER_GROUP if act.elsewhere else GROUP, isActive=1, **dates)
        return
    named = rows_named(vendor, act.target)
    if act.kind == "delete the newest":
        if len(named) > 1:
            vendor.remove(named[-1], now, "person")
        return
    if not named:
        return
    row = named[0]
    match act.kind:
        case "delete":
            vendor.remove(row, now, "person")
        case "rename":
            vendor.edit(row, {"campaignName": OLD}, now, "person")
        case "take name":
            vendor.edit(row, {"campaignName": NAME}, now, "person")
        case "pause" | "resume":
            vendor.edit(row, {"isActive": int(act.kind == "resume")}, now, "person")
        case _:
            dates = {"startDate": _stored(act.start), "endDate": _stored(act.end)}
            vendor.edit(row, dates, now, "person")


def rows_named(vendor: Vendor, name: str) -> list[Row]:
    """Return the campaigns that have a name, as the server stores it, lowest id first."""
    stored = vendor.name_as_stored(name)
    return [row for row in vendor.rows.values() if row.exists and not row.nulls and row.name == stored]


def id_at_start(plan: HistoryPlan, wait: WaitPlan) -> int:
    """Return the id that a wait by id is for; of a campaign that never was if there is none."""
    named = rows_named(build(plan), wait.of)
    return named[0].campaign_id if named else 999_999
