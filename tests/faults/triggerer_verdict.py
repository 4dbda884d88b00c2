"""The result of waits whose triggerer was killed, read from Airflow's database and the server's log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.benchmarks.fleet.figures import SIGN_IN
from tests.benchmarks.triggerer.measure import percentile
from tests.benchmarks.triggerer.world import FIRST_CAMPAIGN

#: Records every change of a task's state with a database trigger, so that none is missed.
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
    """Let the database record every change of a task's state."""
    import psycopg2

    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(_WATCH)
    connection.close()


class WaitsInDatabase:
    """The waits in Airflow's database.

    :param dsn: of that database
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def deferred(self) -> int:
        """Return the number of deferred waits."""
        return int(
            self._rows(f"SELECT count(*) FROM task_instance WHERE {_WAITS} AND state = 'deferred'")[0][0]
        )

    def unfinished(self) -> int:
        """Return the number of waits that have not ended; one that fails is queued again for that."""
        return sum(state not in ("success", "failed") for state in self.states().values())

    def is_watched(self) -> bool:
        """Return whether a watcher has polled once, so that it reports any later change."""
        return bool(self._rows("SELECT 1 FROM asset_state_store"))

    def reported(self) -> int:
        """Return the number of campaigns in the events reported by watchers."""
        return self.asset_events()[1].total()

    def states(self) -> dict[int, str]:
        """Return the state of each wait, by campaign."""
        rows = self._rows(f"SELECT task_id, state FROM task_instance WHERE {_WAITS}")
        return {_campaign(task_id): state for task_id, state in rows}

    def ends(self) -> list[tuple[int, float]]:
        """Return each end of a deferral: campaign, and time in seconds since 1970."""
        rows = self._rows(
            f"SELECT task_id, extract(epoch FROM at) FROM state_changes WHERE {_WAITS} AND was = 'deferred'"
        )
        return [(_campaign(task_id), float(at)) for task_id, at in rows]

    def asset_events(self) -> tuple[Counter[int], Counter[int]]:
        """Return the number of events of each campaign: made by waits, and reported by watchers."""
        made: Counter[int] = Counter()
        reported: Counter[int] = Counter()
        for extra, task_id in self._rows("SELECT extra, source_task_id FROM asset_event"):
            if task_id is None:
                reported.update(one["campaign_id"] for one in extra["payload"]["campaigns"])
            else:
                made[extra["campaign_id"]] += 1
        return made, reported

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
    """The result of the waits.

    :ivar states: number of waits that ended in each state
    :ivar wrong: number that ended in a wrong state
    :ivar early: number that ended before their windows opened
    :ivar ended_twice: number that stopped being deferred more than once
    :ivar events_wrong: waits with an outlet that made no event of their campaign's asset, or several
    :ivar unreported: openings that no watcher reported
    :ivar reported_twice: openings that a watcher reported more than once
    :ivar late: seconds from the opening to the end, sorted, of waits that opened while a triggerer ran
    :ivar late_after_kill: the same for the others, from the restart of the triggerer to the end
    :ivar after_restart: maximum number of requests in the minute after a restart
    :ivar rejected: 429 responses
    """

    states: Mapping[str, int]
    wrong: int
    early: int
    ended_twice: int
    events_wrong: int
    unreported: int
    reported_twice: int
    late: list[float]
    late_after_kill: list[float]
    after_restart: int
    rejected: int

    def problems(self) -> list[str]:
        """Return the findings."""
        wanted = dict.fromkeys(("wrong", "early", "ended_twice", "events_wrong", "unreported", "rejected"), 0)
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
            "in a wrong state": self.wrong,
            "before the window opened": self.early,
            "more than once": self.ended_twice,
            "asset events missing or duplicated": self.events_wrong,
            "openings not reported by watchers": self.unreported,
            "openings reported twice by watchers": self.reported_twice,
            f"late, {len(self.late)} waits, p50, p99, most (s)": late,
            f"after a restart, {len(self.late_after_kill)} waits (s)": after,
            "most requests in the minute after a restart": self.after_restart,
            "429 responses": self.rejected,
            "problems": "; ".join(self.problems()) or "none",
        }
        return "\n".join(f"{label:46} {value}" for label, value in rows.items())


def judge(
    seen: WaitsInDatabase,
    *,
    opens_at: Mapping[int, datetime],
    deleted: Collection[int],
    kills: Sequence[float],
    restarts: Sequence[float],
    catching_up: float,
    requests: Sequence[Mapping[str, Any]],
) -> Verdict:
    """Compare the result of the waits with the expected one.

    :param opens_at: when the window of each campaign finally opened
    :param deleted: campaigns that were deleted before they opened
    :param kills: seconds since 1970, as all times here
    :param catching_up: seconds from a restart until the new triggerer has polled everything once
    """
    states, ends = seen.states(), seen.ends()
    made, reported = seen.asset_events()
    opened = opens_at.keys() - set(deleted)
    with_outlet = {one for one in opened if (one - FIRST_CAMPAIGN) % 20 == 0}
    late, after_kill, early = [], [], 0
    for campaign, at in ends:
        if campaign not in opened:
            continue
        opens = opens_at[campaign].timestamp()
        early += at < opens
        # A window that opens shortly before the kill may not have been recorded by then.
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
        unreported=sum(not reported[one] for one in opened),
        reported_twice=sum(reported[one] > 1 for one in opened),
        late=sorted(late),
        late_after_kill=sorted(after_kill),
        after_restart=max(sum(back <= one < back + 60 for one in times) for back in restarts),
        rejected=sum(one["status"] == 429 for one in requests),
    )
