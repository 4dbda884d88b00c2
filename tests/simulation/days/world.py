"""Run some weeks with excluded dates."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.closed_days import Exclusion
from airflow_provider_engagevoice.campaigns.exclude import ExcludedDates, OpenDaysError, exclude_dates
from airflow_provider_engagevoice.inputs import EngageVoiceError
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS
from airflow_provider_engagevoice.seasons.claim import StalePlanError
from airflow_provider_engagevoice.seasons.close_days import check_days, plan_days
from airflow_provider_engagevoice.seasons.plan import Plan
from tests.simulation.days.draw import DAYS, RunPlan, Weeks
from tests.simulation.days.promises import Actor, DayPromises, Ran
from tests.simulation.rows import Row, Version
from tests.simulation.vendor import GROUP, START
from tests.support.clocks import FakeClock
from tests.support.season_runs import NAME, RECORDS, KilledError, SeasonWorld, day

#: Seconds between two attempts.
_RETRY = 300.0


class _Server(SeasonWorld):
    """A world whose requests belong to an attempt, which knows what its last read of a campaign has shown."""

    actor: Actor

    def _send(self, request: Any) -> Any:
        answer = super()._send(request)
        if request.method == "GET" and (last := request.path.rpartition("/")[2]).isdigit():
            self.actor.shown[int(last)] = self.vendor.shown_number
        return answer


class DaysWorld:
    """One history.

    :ivar ran: runs that have succeeded, or have failed because of a person's hours alone
    """

    def __init__(self, plan: Weeks) -> None:
        self.plan = plan
        self.clock = FakeClock(START)
        self.server = _Server(self.clock, plan.dialect)
        self.usual = dict(zip(SCHEDULE_FIELDS, plan.hours, strict=True))
        self.exclusion = Exclusion(plan.zone, [one.isoformat() for one in plan.dates], self.usual)
        dates = {"startDate": int(START - 864_000) * 1000, "endDate": int(START + 90 * 86_400) * 1000}
        self.rows: list[Row] = [
            self.server.add(f"C{number}", isActive=1, **dates, **self.usual)
            for number in range(plan.campaigns)
        ]
        self.ran: list[Ran] = []
        self.promises = DayPromises(self)
        self.server.vendor.on_write = self._note
        self._limits: list[dict[str, Any]] = [{} for _ in self.rows]
        self._edits = sorted((one for one in plan.edits if one.run < 0), key=lambda one: one.at)

    def run(self) -> DayPromises:
        """Run the history, and look at what it has come to."""
        with clock.use(self.clock):
            self.server.actor = Actor(-1)
            if self.plan.kind == "record" and not self._roll_out():
                return self.promises
            for number, one in enumerate(self.plan.runs):
                self._sleep_until(one.at)
                self._run(number, one)
            self._sleep_until(DAYS * 86_400)
            self.promises.check()
        return self.promises

    def _note(self, row: Row, version: Version) -> None:
        if isinstance(version.by, Actor):
            self.promises.seen[version.number] = version.by.shown.get(row.campaign_id, 0)

    # People.

    def _sleep_until(self, at: float) -> None:
        while self._edits and self._edits[0].at <= at:
            self._pass(self._edits[0].at)
            self._edit(self._edits.pop(0))
        self._pass(at)

    def _pass(self, at: float) -> None:
        self.clock.sleep(max(0.0, START + at - self.clock.now))

    def _edit(self, one: Any) -> None:
        row = self.rows[one.campaign]
        changes = {one.field: one.value}
        self.server.vendor.edit(row, changes, self.clock.now, "person")

    # The task.

    def _run(self, number: int, plan: RunPlan) -> None:
        for attempt, kill_at in enumerate(plan.kills, 1):
            self.server.actor = Actor(number, is_killed=kill_at is not None)
            options: dict[str, Any] = {"on_request": self._between(number)}
            if kill_at is not None:
                options |= {"kill_at": kill_at, "before_kill": plan.before}
            began = self.clock.now
            try:
                began = self._attempt(number, attempt, plan, options)
            except OpenDaysError:
                self.ran.append(Ran(began, self.clock.now, is_told=True))
                return
            except StalePlanError:
                return
            except KilledError:
                pass
            except EngageVoiceError as error:
                if not error.retryable:
                    return
            else:
                self.ran.append(Ran(began, self.clock.now))
                self.promises.after(self.ran[-1])
                return
            self._pass(self.clock.now - START + _RETRY)

    def _between(self, number: int) -> Any:
        """Return what lets people act within a run."""
        waiting = [one for one in self.plan.edits if one.run == number]
        seen = 0

        def on_request(step: int) -> None:
            nonlocal seen
            for one in [one for one in waiting if one.step <= seen]:
                waiting.remove(one)
                self._edit(one)
            seen += 1

        return on_request

    def _attempt(self, number: int, attempt: int, plan: RunPlan, options: dict[str, Any]) -> float:
        """Run an attempt; return from when on its work counts."""
        began = self.clock.now
        if self.plan.kind == "single":
            self._exclude(options)
        elif self.plan.kind == "record":
            self._close_days(f"{number}", attempt, options)
        else:
            made = self.server.plan(self.season())
            self._pass(self.clock.now - START + plan.gap)
            accepted = {one.rule for one in made.findings}
            self.server.apply(made, run=f"{number} {attempt}", attempt=1, accept=accepted, **options)
        return began

    def _exclude(self, options: dict[str, Any]) -> None:
        found: list[ExcludedDates] = []
        for number, row in enumerate(self.rows):
            exclusion = Exclusion(self.plan.zone, self.exclusion.dates, self.usual, self._limits[number])
            one = self.server.run(
                exclude_dates(row.campaign_id, GROUP, exclusion, limits_of=row.campaign_id), **options
            )
            self._limits[number] = {name: asdict(limit) for name, limit in one.limits.items()}
            found.append(one)
            options = {name: value for name, value in options.items() if name == "on_request"}
        for one in found:
            one.check()

    def _close_days(self, run: str, attempt: int, options: dict[str, Any]) -> None:
        last = self.server.record
        path = f"{RECORDS}/plan {run}"
        if last.days is not None and last.days.run == run and last.days.status != "applied":
            made = Plan.from_json(self.server.files.texts[path], path)
        else:
            made = self.server.run(plan_days(last, RECORDS))
            self.server.files.write(path, made.to_json())
        if made.campaigns:
            self.server.apply(made, run=run, attempt=attempt, **options)
        self.server.run(check_days(self.server.record))

    def _roll_out(self) -> bool:
        for _ in range(3):
            try:
                made = self.server.plan(self.season())
                accepted = {one.rule for one in made.findings}
                self.server.apply(made, run="first", accept=accepted)
                return True
            except EngageVoiceError:
                self._pass(self.clock.now - START + _RETRY)
        return False

    def season(self) -> dict[str, Any]:
        """Return the season's file."""
        return {
            "season": NAME,
            "defaults": {
                "caller_id": "4155550123",
                "hours": {name[:3]: raw for name, raw in self.usual.items()},
            },
            "regions": {"r": {"timezone": self.plan.zone, "dial_group": GROUP}},
            "campaigns": [
                {"name": f"C{number}", "window": [day(-10), day(90)]} for number in range(len(self.rows))
            ],
            "exclude": list(self.exclusion.dates),
        }
