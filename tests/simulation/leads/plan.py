"""What happens in one history of a load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from airflow_provider_engagevoice.models.enums import DuplicateHandling
from airflow_provider_engagevoice.models.lead_actions import ENDING
from tests.simulation.leads.dialects import LeadDialect, draw

#: What may happen to a request, beside nothing.
FAULTS = ("refused", "lost before", "broken", "broken", "broken", "502", "HTML", "429")
#: Ids of campaigns count from this one.
FIRST_CAMPAIGN = 2


@dataclass(frozen=True, slots=True)
class AttemptPlan:
    """One attempt of the task.

    :param kill_at: request before which it is killed; 0 for never
    :param freeze_at: request before which it is stopped for ``frozen`` seconds; 0 for never. Airflow then
        takes it for dead, and starts the next one
    :param delay: seconds before it begins
    """

    kill_at: int = 0
    freeze_at: int = 0
    frozen: float = 0.0
    delay: float = 5.0


@dataclass(frozen=True, slots=True)
class OptOutPlan:
    """An action that ends calls to people.

    :param action: one of ``ENDING``
    :param named: numbers of the people; those from 600 on are in no list
    :param after: seconds after the load
    :param most: ``max_leads``
    :param faults: by number of its requests
    """

    action: str
    named: tuple[int, ...]
    after: float
    most: int | None = None
    faults: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """One history.

    :param leads: number of leads in the source
    :param refused: numbers of those that the server rejects
    :param others: numbers of source leads that the campaign has from elsewhere
    :param faults: by number of the request
    :param lost_checkpoint: whether the checkpoint is gone before the second attempt
    :param changed_source: whether a lead is put in front of the source before the second attempt
    :param cleared: whether the task is cleared after its success
    :param seconds: pairs of numbers of leads; the first has the phone of the other as its second number
    :param half_characters: numbers of leads with half a surrogate pair in a name
    :param unrecorded: whether the task is killed once after the load, before Airflow notes its success
    :param opt_out: an action on people who are named by phone, after the load
    :param campaigns: number of campaigns into which a column of the source routes its rows
    """

    seed: int
    dialect: LeadDialect
    leads: int = 6
    chunk_size: int = 3
    concurrent: int = 2
    method: str = "direct"
    handling: str = DuplicateHandling.RETAIN_ALL
    check_existing: bool = False
    refused: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    faults: tuple[tuple[int, str], ...] = ()
    attempts: tuple[AttemptPlan, ...] = (AttemptPlan(delay=0.0),)
    lost_checkpoint: bool = False
    changed_source: bool = False
    cleared: bool = False
    pace: float = 0.1
    seconds: tuple[tuple[int, int], ...] = ()
    half_characters: tuple[int, ...] = ()
    unrecorded: bool = False
    opt_out: OptOutPlan | None = None
    campaigns: int = 1

    def campaign_of(self, number: int) -> int:
        """Return the campaign of a lead, by its number."""
        return FIRST_CAMPAIGN + number % self.campaigns


def draw_plan(seed: int, bundle: str) -> LoadPlan:
    """Draw a history."""
    random = Random(f"{seed} {bundle} load")
    leads = random.choice((1, 4, 6, 9, 9, 40))
    numbers = range(leads)
    attempts = []
    for number in range(random.choice((1, 1, 2, 2, 3))):
        how = random.random()
        at = random.randrange(1, 12)
        attempts.append(
            AttemptPlan(
                kill_at=at if how < 0.35 else 0,
                freeze_at=at if 0.35 <= how < 0.5 else 0,
                frozen=random.choice((20.0, 100.0, 400.0)),
                delay=random.choice((1.0, 5.0, 300.0)) if number else 0.0,
            )
        )
    count = random.choice((0, 0, 1, 1, 2, 4))
    faults = {random.randrange(1, 14): random.choice(FAULTS) for _ in range(count)}
    return LoadPlan(
        seed,
        draw(bundle, random),
        leads,
        chunk_size=random.choice((1, 3, 3, 20)) if leads > 1 else 3,
        concurrent=random.choice((1, 2, 4)),
        method="file" if random.random() < 0.25 else "direct",
        handling=random.choice([one.value for one in DuplicateHandling]),
        check_existing=random.random() < 0.2,
        refused=tuple(one for one in numbers if random.random() < 0.08),
        others=tuple(one for one in numbers if random.random() < 0.08),
        faults=tuple(sorted(faults.items())),
        attempts=tuple(attempts),
        lost_checkpoint=random.random() < 0.1,
        changed_source=random.random() < 0.1,
        cleared=random.random() < 0.15,
        pace=random.choice((0.05, 0.1, 1.0)),
        seconds=tuple((one, random.randrange(leads + 3)) for one in numbers if random.random() < 0.06),
        half_characters=tuple(one for one in numbers if random.random() < 0.03),
        unrecorded=random.random() < 0.1,
        opt_out=_draw_opt_out(leads, random) if random.random() < 0.3 else None,
        campaigns=random.choice((2, 3, 5)) if random.random() < 0.25 else 1,
    )


def _draw_opt_out(leads: int, random: Random) -> OptOutPlan:
    named = [random.choice((random.randrange(leads + 3), random.randrange(leads), 600)) for _ in range(3)]
    count = random.choice((0, 0, 1, 2))
    return OptOutPlan(
        random.choice(sorted(ENDING)),
        tuple(sorted(set(named[: random.choice((1, 2, 3))]))),
        random.choice((0.5, 3.0, 300.0)),
        random.choice((None, None, 1000)),
        tuple((random.randrange(1, 12), random.choice(FAULTS)) for _ in range(count)),
    )


def simpler(plan: LoadPlan) -> Iterator[LoadPlan]:
    """Yield plans that are a little smaller."""
    for name in ("faults", "refused", "others", "seconds", "half_characters"):
        items = getattr(plan, name)
        for at in range(len(items)):
            yield replace(plan, **{name: items[:at] + items[at + 1 :]})
    for at in range(len(plan.attempts)):
        if len(plan.attempts) > 1:
            yield replace(plan, attempts=plan.attempts[:at] + plan.attempts[at + 1 :])
        one = plan.attempts[at]
        for plain in (AttemptPlan(delay=one.delay), replace(one, delay=5.0 if at else 0.0)):
            if plain != one:
                yield replace(plan, attempts=(*plan.attempts[:at], plain, *plan.attempts[at + 1 :]))
    friendly, usual = LeadDialect(), LoadPlan(plan.seed, plan.dialect)
    for point in plan.dialect.differing():
        yield replace(plan, dialect=replace(plan.dialect, **{point: getattr(friendly, point)}))
    for name in (
        "lost_checkpoint",
        "changed_source",
        "cleared",
        "check_existing",
        "concurrent",
        "pace",
        "method",
        "unrecorded",
        "opt_out",
        "campaigns",
    ):
        if getattr(plan, name) != getattr(usual, name):
            yield replace(plan, **{name: getattr(usual, name)})
    if plan.leads > 1:
        for leads in {plan.leads // 2, plan.leads - 1}:
            yield replace(
                plan,
                leads=leads,
                refused=tuple(one for one in plan.refused if one < leads),
                others=tuple(one for one in plan.others if one < leads),
                seconds=tuple(pair for pair in plan.seconds if pair[0] < leads),
                half_characters=tuple(one for one in plan.half_characters if one < leads),
            )
