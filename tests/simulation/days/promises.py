"""What holds in some weeks with excluded dates, and how that is looked at.

(n) no call: while it is an excluded date in its zone, and while it is that date by the clock by which hours
    are read, the server does not dial, by no clock, if the task has succeeded once in the six days before (in
    the five days, for clocks further ahead than the first hour), unless a person has set these hours
(c) closed: no write opens a day that has to be closed
(p) people: nothing that a person has set is changed
(r) restored: in the end, days have their usual hours again
(t) told: a run that leaves a day open says so
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.dates import first_instant
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS, read_day
from tests.simulation.days.draw import DAY
from tests.simulation.rows import Row, Version

if TYPE_CHECKING:
    from tests.simulation.days.world import DaysWorld

TITLES = {
    "n": "no call on an excluded date",
    "c": "no write opens a day that has to be closed",
    "p": "what a person has set stands",
    "r": "days have their usual hours in the end",
    "t": "a day that is left open is told",
}
#: Minutes by which clocks are ahead of UTC.
CLOCKS = (*range(-720, 841, 60), -570, 330, 345, 570)
_HALF_HOUR = timedelta(minutes=30)
#: Seconds for which reads may show what was before, and a run may take.
_LATE = 120.0


@dataclass(frozen=True, slots=True)
class Ran:
    """A run that has done its work.

    :param began: when the attempt began, from when on its work counts
    """

    began: float
    ended: float
    is_told: bool = False


@dataclass(slots=True, eq=False)
class Actor:
    """An attempt.

    :ivar shown: by campaign, the number of the version that its last read has shown
    """

    run: int
    is_killed: bool = False
    shown: dict[int, int] = field(default_factory=dict)


class DayPromises:
    """Looks at a history.

    :ivar failures: promise and what has happened
    :ivar held: how often each promise was at stake
    """

    def __init__(self, world: DaysWorld) -> None:
        self._world = world
        self.failures: list[tuple[str, str]] = []
        self.held: Counter[str] = Counter()
        #: By the number of a version that an attempt has written, the number of the one that it had read.
        self.seen: dict[int, int] = {}
        self._zone = ZoneInfo(world.plan.zone)

    def _broken(self, promise: str, what: object) -> None:
        self.failures.append((promise, str(what)))

    def after(self, ran: Ran) -> None:
        """Look at what a run has left that has not failed."""
        if self._world.plan.kind == "plan":
            return
        now = datetime.fromtimestamp(ran.ended, UTC)
        for row in self._world.rows:
            opened = self._world.exclusion.opens(_hours(row.now), now)
            earlier = self._world.exclusion.opens(opened and _hours(row.now), now - timedelta(seconds=_LATE))
            changed = any(one.by == "person" and one.at > ran.began - _LATE for one in row.versions)
            # A read may show what was before, until others have followed.
            changed |= self._world.server.actor.shown.get(row.campaign_id, row.now.number) < row.now.number
            self.held["t"] += 1
            if opened.keys() & earlier.keys() and not changed:
                self._broken("t", f"campaign {row.campaign_id}: {opened}")

    def check(self) -> None:
        """Look at the whole history."""
        for row in self._world.rows:
            for day in self._world.plan.dates:
                self._check_calls(row, day)
            for number, version in enumerate(row.versions[1:], 1):
                if isinstance(version.by, Actor):
                    self._check_write(row, row.versions[number - 1], version)
            self._check_restored(row)
            if self._world.plan.kind != "plan":
                self.held["p"] += sum(one.by == "person" for one in row.versions)

    # (n)

    def _check_calls(self, row: Row, day: date) -> None:
        start, end = first_instant(day, self._zone), first_instant(day + DAY, self._zone)
        offset = int((start.astimezone(self._zone).utcoffset() or timedelta()).total_seconds()) // 60
        first_hour = min(
            (one.opens.hour * 60 + one.opens.minute for one in map(read_day, self._world.plan.hours) if one),
            default=0,
        )
        for clock in CLOCKS:
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(minutes=clock)
            since = first_instant(day - 6 * DAY, self._zone)
            if self._ran_between(since, midnight):
                self.held["n"] += 1
                self._check_between(row, midnight, midnight + DAY, clock, day)
            if clock - offset > first_hour - 60:
                since = first_instant(day - 5 * DAY, self._zone)
            if self._ran_between(since, start):
                self.held["n"] += 1
                self._check_between(row, start, end, clock, day)

    def _ran_between(self, since: datetime, until: datetime) -> bool:
        first, last = since.timestamp(), until.timestamp()
        return any(first <= one.began and one.ended < last for one in self._world.ran)

    def _check_between(self, row: Row, start: datetime, end: datetime, clock: int, day: date) -> None:
        for at in _instants(row, start, end):
            version = row.version_at(at.timestamp())
            assert version is not None
            local = at + timedelta(minutes=clock)
            name = SCHEDULE_FIELDS[local.weekday()]
            hours = _read_day((version.fields or {})[name])
            if hours is None or not hours.opens <= local.time() < hours.closes:
                continue
            if not self._is_of_person(row, version, name):
                self._broken("n", f"campaign {row.campaign_id} dials at {at}, clock {clock}, for {day}")
                return

    def _is_of_person(self, row: Row, version: Version, name: str) -> bool:
        """Return whether a person has set hours, other ones than usual or at a time with limits."""
        origin = _origin(row, version, name)
        if origin.by != "person":
            return False
        if _hours(origin)[name] != self._world.usual[name]:
            return True
        return name in self._world.exclusion.limits_at(datetime.fromtimestamp(origin.at, UTC))

    # (c) and (p)

    def _check_write(self, row: Row, before: Version, version: Version) -> None:
        now = datetime.fromtimestamp(version.at, UTC)
        old, new = before.fields or {}, version.fields or {}
        for name in new:
            if old.get(name) == new[name]:
                continue
            origin = _origin(row, before, name)
            is_seen = origin.number <= self.seen[version.number]
            if name not in SCHEDULE_FIELDS:
                if self._world.plan.kind != "plan" and origin.by == "person" and is_seen:
                    self._broken("p", f"{name} was {old.get(name)!r}, is {new[name]!r}")
                continue
            self.held["c"] += 1
            opened = is_seen and self._world.exclusion.opens({name: new[name]}, now)
            if opened and self._world.exclusion.opens({name: new[name]}, now - timedelta(seconds=_LATE)):
                self._broken("c", f"{name} is set to {new[name]!r} at {now}")
            is_theirs = self._world.plan.kind != "plan" and origin.by == "person"
            if (
                is_theirs
                and is_seen
                and not self._is_overwritten(row, origin)
                and not self._may_close(row, origin, name, now)
            ):
                self._broken("p", f"{name} was {old[name]!r}, is {new[name]!r} at {now}")

    def _is_overwritten(self, row: Row, origin: Version) -> bool:
        """Return whether a campaign was written from a read that did not show a person's change."""
        return any(
            isinstance(one.by, Actor) and self.seen[one.number] < origin.number < one.number
            for one in row.versions
        )

    def _may_close(self, row: Row, origin: Version, name: str, now: datetime) -> bool:
        """Return whether a person's hours may be taken for the usual ones: not if they have opened a day."""
        ours = [
            _hours(one)[name]
            for number, one in enumerate(row.versions)
            if isinstance(one.by, Actor)
            and one.number < origin.number
            and _hours(one)[name] != _hours(row.versions[number - 1])[name]
        ]
        if _hours(origin)[name] != self._world.usual[name]:
            # Nothing tells what was changed and changed back from what was never changed.
            return bool(ours) and ours[-1] == _hours(origin)[name]
        limit = self._world.exclusion.limits_at(now).get(name)
        for number, one in enumerate(row.versions):
            if one.number >= origin.number or not isinstance(one.by, Actor):
                continue
            then = self._world.exclusion.limits_at(datetime.fromtimestamp(one.at, UTC)).get(name)
            is_closed = _hours(one)[name] != _hours(row.versions[number - 1])[name]
            if is_closed and then and limit and set(then.dates) & set(limit.dates):
                # What a killed run has closed is not known to the next one.
                return bool(one.by.is_killed)
        return True

    # (r)

    def _check_restored(self, row: Row) -> None:
        plan = self._world.plan
        if any(kill is not None for one in plan.runs for kill in one.kills):
            return
        for name in SCHEDULE_FIELDS:
            if not any(one.field == name for one in plan.edits):
                self.held["r"] += 1
                if _hours(row.now)[name] != self._world.usual[name]:
                    self._broken("r", f"{name} is {_hours(row.now)[name]!r}")


_read_day = cache(read_day)


def _hours(version: Version) -> dict[str, Any]:
    fields = version.fields or {}
    return {name: fields[name] for name in SCHEDULE_FIELDS}


def _origin(row: Row, version: Version, name: str) -> Version:
    """Return the version that has set the value that a field has in another."""
    number = row.versions.index(version)
    while number and (row.versions[number - 1].fields or {}).get(name) == (version.fields or {}).get(name):
        number -= 1
    return row.versions[number]


def _instants(row: Row, start: datetime, end: datetime) -> Iterator[datetime]:
    at = start
    while at < end:
        yield at
        at += _HALF_HOUR
    for one in row.versions:
        if start.timestamp() <= one.at < end.timestamp():
            yield datetime.fromtimestamp(one.at, UTC)
