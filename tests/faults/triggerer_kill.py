"""Kill the triggerer repeatedly while many waits run on it.

``python -m tests.faults.triggerer_kill [--waits 1000] [--kills 10]`` runs a real Airflow on PostgreSQL, kills
its triggerer by SIGKILL around the openings of windows, starts another one immediately, and prints the result
of the waits. It exits with 0 only if every wait ended once and correctly, and no request exceeded a limit.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from tests.benchmarks.triggerer.kinds import WindowWait
from tests.benchmarks.triggerer.world import (
    FIRST_CAMPAIGN,
    FIRST_GROUP,
    SandboxProcess,
    World,
    sandbox_process,
)
from tests.faults.triggerer_verdict import Verdict, WaitsInDatabase, judge, watch_task_states
from tests.support.connections import jwt_connection
from tests.support.real_airflow import RealAirflow, real_airflow
from tests.support.services import PostgresServer, postgres_server

DAG_FILE = Path(__file__).parent / "dags" / "many_waits.py"
EACH = 20
#: Seconds for everything to start, and for each dial group to be polled and each wait to start.
_BEGIN, _BEGIN_GROUP, _BEGIN_WAIT = 120.0, 0.8, 0.15
#: Seconds from a kill to openings around it: just before, while no triggerer runs, during the takeover.
_AROUND = (-1.5, 12.0)
#: Fractions of the time from one kill to the next, at which windows open while a triggerer runs normally.
_BETWEEN = (0.85, 0.95)
_DIES_QUICKLY = {
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "5",
}


@dataclass(frozen=True)
class Plan:
    """The size of a run.

    :ivar waits: a multiple of the waits in one DAG
    :ivar groups: dial groups they are spread over
    :ivar between: seconds from one kill to the next; the minute of requests after each is checked
    :ivar poke_interval: seconds
    """

    waits: int
    kills: int
    seed: int
    groups: int = 50
    between: float = 65.0
    poke_interval: float = 120.0


def carry_out(plan: Plan) -> Verdict:
    """Run it, and return the verdict on the waits."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="engagevoice-kill-")))
        sandbox = stack.enter_context(sandbox_process(folder))
        database = stack.enter_context(postgres_server(folder))
        world = World(sandbox.database)
        stack.callback(world.close)
        world.add_groups(plan.groups)
        more = {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.url,
            "AIRFLOW__TRIGGERER__CAPACITY": str(2 * plan.waits),
            "MANY_WAITS": json.dumps(
                {
                    "dags": plan.waits // EACH,
                    "each": EACH,
                    "first_campaign": FIRST_CAMPAIGN,
                    "first_group": FIRST_GROUP,
                    "groups": plan.groups,
                    "poke_interval": plan.poke_interval,
                }
            ),
        }
        airflow = stack.enter_context(
            real_airflow(
                jwt_connection(sandbox.url, watch_interval=plan.poke_interval),
                [DAG_FILE],
                schedules=True,
                more=more | _DIES_QUICKLY,
            )
        )
        return _carry_out(plan, airflow, sandbox, database, world)


def _carry_out(
    plan: Plan, airflow: RealAirflow, sandbox: SandboxProcess, database: PostgresServer, world: World
) -> Verdict:
    random = Random(plan.seed)
    begin = _BEGIN + _BEGIN_GROUP * plan.groups + _BEGIN_WAIT * plan.waits
    first_kill = datetime.now(UTC) + timedelta(seconds=begin)
    kills = [first_kill + timedelta(seconds=plan.between * number) for number in range(plan.kills)]
    waits = _waits(plan, kills, random)
    world.add_campaigns(waits)
    watch_task_states(database.dsn)
    airflow.unpause("on_every_opening")
    for number in range(plan.waits // EACH):
        airflow.trigger(f"waits_{number}", {})
    seen = WaitsInDatabase(database.dsn)
    airflow.wait_until("start of all waits", lambda: seen.deferred() == plan.waits or None, 600, every=1)
    airflow.wait_until("first poll of the watcher", lambda: seen.is_watched() or None, 600, every=1)
    if datetime.now(UTC) > kills[0] + timedelta(seconds=_AROUND[0]):
        raise RuntimeError("the waits started too slowly for this plan")
    half_way = (plan.kills - 1) // 2
    deleted, postponed = _edited(waits, kills[half_way], random)
    put_off_to = kills[-1] + timedelta(seconds=plan.between / 2)
    restarts = []
    for number, kill in enumerate(kills):
        time.sleep(max(0.0, (kill - datetime.now(UTC)).total_seconds()))
        airflow.kill_triggerer()
        if number == half_way:
            # While no triggerer polls.
            for wait in deleted:
                world.delete(wait)
            world.postpone(postponed, put_off_to)
        airflow.start_triggerer()
        restarts.append(time.time())
    airflow.wait_until("end of all waits", lambda: seen.unfinished() == 0 or None, 300, every=1)
    opened = plan.waits - len(deleted)
    with suppress(TimeoutError):
        airflow.wait_until("events of all openings", lambda: seen.reported() >= opened or None, 150, every=1)
    time.sleep(max(0.0, restarts[-1] + 60 - time.time()))
    opens_at = {wait.campaign_id: wait.opens_at for wait in waits}
    opens_at |= {wait.campaign_id: put_off_to for wait in postponed}
    return judge(
        seen,
        opens_at=opens_at,
        deleted={wait.campaign_id for wait in deleted},
        kills=[kill.timestamp() for kill in kills],
        restarts=restarts,
        catching_up=15.0 + _BEGIN_GROUP * plan.groups,
        requests=sandbox.requests(),
    )


def _waits(plan: Plan, kills: list[datetime], random: Random) -> list[WindowWait]:
    """Return waits whose windows open at one instant near each kill and at one in between, in all groups."""
    instants = []
    for kill in kills:
        near, far = random.uniform(*_AROUND), plan.between * random.uniform(*_BETWEEN)
        instants += [kill + timedelta(seconds=seconds) for seconds in (near, far)]
    return [
        WindowWait(
            FIRST_CAMPAIGN + number, FIRST_GROUP + number % plan.groups, opens_at, True, plan.poke_interval
        )
        for number, opens_at in enumerate(random.choices(instants, k=plan.waits))
    ]


def _edited(
    waits: list[WindowWait], half_way: datetime, random: Random
) -> tuple[list[WindowWait], list[WindowWait]]:
    """Return waits to edit halfway: campaigns to delete, and openings to postpone."""
    later = [wait for wait in waits if wait.opens_at > half_way + timedelta(seconds=_AROUND[1] + 1)]
    chosen = random.sample(later, min(len(later), 2 * max(1, len(waits) // 40)))
    return chosen[::2], chosen[1::2]


def main() -> int:
    """Run as requested; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.triggerer_kill")
    parser.add_argument("--waits", type=int, default=1000, help=f"a multiple of {EACH} (%(default)s)")
    parser.add_argument("--kills", type=int, default=10, help="kills of the triggerer (%(default)s)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="seed of the openings")
    given = parser.parse_args()
    plan = Plan(given.waits, given.kills, given.seed)
    verdict = carry_out(plan)
    print(f"seed {plan.seed}; {plan.waits} waits, {plan.kills} kills of the triggerer\n{verdict.table()}")
    return 1 if verdict.problems() else 0


if __name__ == "__main__":
    sys.exit(main())
