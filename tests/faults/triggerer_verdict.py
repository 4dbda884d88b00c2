"""What became of waits whose triggerer was killed, read from Airflow's database and the server's log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.benchmarks.fleet.figures import SIGN_IN
from tests.benchmarks.triggerer.measure import percentile
from tests.benchmarks.triggerer.world import FIRST_CAMPAIGN

#: Every change of a task's state, by a trigger of the database itself: nobody can forget to tell.
_WATCH = """
CREATE TABLE state_changes (
    at timestamptz DEFAULT clock_timestamp(), task_id text, dag_id text, was text, became text);
CREATE FUNCTION note_state() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF OLD.state IS DISTINCT FROM NEW.state THEN
        INSERT INTO state_changes (task_id, dag_id, was, became)
        VALUES (NEW.task_id, NEW.dag_id, OLD.state, NEW.state);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER note_state AFTER UPDATE ON task_instance FOR EACH ROW EXECUTE FUNCTION note_state();
"""
_WAITS = "dag_id LIKE 'waits_%'"
#: Seconds. The vendor's budget for lists of campaigns is not documented; it counts as provisioning.
_BUDGET = 120


def watch_task_states(dsn: str) -> None:
    """Have the database note every change of a task's state."""
    import psycopg2

    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(_WATCH)
    connection.close()


class CampaignSnapshot:
    """What Airflow's database knows of the waits.

    :param dsn: of that database
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def deferred(self) -> int:
        """Return how many waits are on."""
        return int(
            self._rows(f"SELECT count(*) FROM task_instance WHERE {_WAITS} AND state = 'deferred'")[0][0]
        )

    def is_watched(self) -> bool:
        """Tell whether a watcher has looked, so that what happens from now on is news to it."""
        return bool(self._rows("SELECT 1 FROM asset_state_store"))

    def told(self) -> int:
        """Return how many events were told to watchers."""
        return int(self._rows("SELECT count(*) FROM asset_event WHERE source_task_id IS NULL")[0][0])

    def states(self) -> dict[int, str]:
        """Return the state of each wait, by campaign."""
        rows = self._rows(f"SELECT task_id, state FROM task_instance WHERE {_WAITS}")
        return {_campaign(task_id): state for task_id, state in rows}

    def ends(self) -> list[tuple[int, float]]:
        """Return each end of being deferred: campaign, and when, in seconds since 1970."""
        rows = self._rows(
            f"SELECT task_id, extract(epoch FROM at) FROM state_changes WHERE {_WAITS} AND was = 'deferred'"
        )
        return [(_campaign(task_id), float(at)) for task_id, at in rows]

    def asset_events(self) -> tuple[Counter[int], Counter[int]]:
        """Return how many events there are of each campaign: made by waits, and told to watchers."""
        made: Counter[int] = Counter()
        told: Counter[int] = Counter()
        for extra, task_id in self._rows("SELECT extra, source_task_id FROM asset_event"):
            if task_id is None:
                told[extra["payload"]["campaign_id"]] += 1
            else:
                made[extra["campaign_id"]] += 1
        return made, told

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        import psycopg2

        connection = psycopg2.connect(self._dsn)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()


def _campaign(task_id: str) -> int:
    return FIRST_CAMPAIGN + int(task_id.removeprefix("wait_"))


@dataclass(frozen=True)
class Verdict:
    """What became of the waits.

    :ivar states: how many ended in each state
    :ivar wrong: how many ended in a state in which they should not
    :ivar early: how many ended before their windows opened
    :ivar ended_twice: how many stopped being deferred more than once
    :ivar events_wrong: waits with an outlet that made no event of their campaign's asset, or several
    :ivar untold: openings that no watcher was told of
    :ivar told_twice: openings that a watcher was told of more than once
    :ivar late: seconds from the opening to the end, sorted, of waits that opened while a triggerer ran
    :ivar late_after_kill: the same where none did: from the restart of a triggerer to the end
    :ivar after_restart: most requests in the minute after a restart
    :ivar refused: answers 429
    """

    states: Mapping[str, int]
    wrong: int
    early: int
    ended_twice: int
    events_wrong: int
    untold: int
    told_twice: int
    late: list[float]
    late_after_kill: list[float]
    after_restart: int
    refused: int

    def problems(self) -> list[str]:
        """Return what is not as it should be."""
        wanted = dict.fromkeys(("wrong", "early", "ended_twice", "events_wrong", "untold", "refused"), 0)
        found = [f"{name} is {getattr(self, name)}" for name in wanted if getattr(self, name)]
        if self.after_restart > _BUDGET:
            found.append(f"{self.after_restart} requests in the minute after a restart")
        return found

    def table(self) -> str:
        """Return it as lines."""
        late, after = (
            ", ".join(f"{percentile(values, part):.2f}" for part in (50, 99, 100))
            for values in (self.late, self.late_after_kill)
        )
        rows = {
            "waits ended": ", ".join(f"{count} {state}" for state, count in sorted(self.states.items())),
            "in a state that is wrong": self.wrong,
            "before the window opened": self.early,
            "more than once": self.ended_twice,
            "asset events missing or doubled": self.events_wrong,
            "openings watchers were not told of": self.untold,
            "openings watchers were told of twice": self.told_twice,
            f"late, {len(self.late)} waits, p50, p99, most (s)": late,
            f"after a restart, {len(self.late_after_kill)} waits (s)": after,
            "most requests in the minute after a restart": self.after_restart,
            "answers 429": self.refused,
            "problems": "; ".join(self.problems()) or "none",
        }
        return "\n".join(f"{label:46} {value}" for label, value in rows.items())


def judge(
    seen: CampaignSnapshot,
    *,
    opens_at: Mapping[int, datetime],
    deleted: Collection[int],
    kills: Sequence[float],
    restarts: Sequence[float],
    catching_up: float,
    requests: Sequence[Mapping[str, Any]],
) -> Verdict:
    """Compare what became of the waits with what should have.

    :param opens_at: when the window of each campaign opened in the end
    :param deleted: campaigns that were deleted before they opened
    :param kills: seconds since 1970, as all instants here
    :param catching_up: seconds from a restart until the new triggerer has looked at everything once
    """
    states, ends = seen.states(), seen.ends()
    made, told = seen.asset_events()
    opened = opens_at.keys() - set(deleted)
    with_outlet = {one for one in opened if (one - FIRST_CAMPAIGN) % 20 == 0}
    late, after_kill, early = [], [], 0
    for campaign, at in ends:
        if campaign not in opened:
            continue
        opens = opens_at[campaign].timestamp()
        early += at < opens
        # One that opens shortly before the kill may not have been stored by then.
        gap = next(
            (
                back
                for kill, back in zip(kills, restarts, strict=True)
                if kill - 2 < opens < back + catching_up
            ),
            None,
        )
        if gap is None:
            late.append(at - opens)
        elif at > gap:
            after_kill.append(at - max(gap, opens))
    times = [one["time"] for one in requests if not one["path"].startswith(SIGN_IN)]
    return Verdict(
        states=Counter(states.values()),
        wrong=sum(state != ("failed" if one in deleted else "success") for one, state in states.items()),
        early=early,
        ended_twice=sum(count > 1 for count in Counter(one for one, _ in ends).values()),
        events_wrong=sum(made[one] != 1 for one in with_outlet),
        untold=sum(not told[one] for one in opened),
        told_twice=sum(told[one] > 1 for one in opened),
        late=sorted(late),
        late_after_kill=sorted(after_kill),
        after_restart=max(sum(back <= one < back + 60 for one in times) for back in restarts),
        refused=sum(one["status"] == 429 for one in requests),
    )
