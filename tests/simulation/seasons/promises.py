"""The promises of seasons, checked after every step from the world's own history.

(a) one campaign of a name in its dial group, and nothing unfinished after the last success
(b) a campaign of ours that bears its own name has its dates, and one that does not cannot dial
(c) nothing that is not in the plan is changed, nor what someone has changed since the plan, nor other fields
(d) a person's pause stands
(e) what a rollback takes back is as before the apply, or someone has changed it since; a pause leaves no
    campaign active, and a resume gives back what a pause has taken
(f) what the record says is what the server has, or the task names the campaign
(g) every apply succeeds within three attempts, or may be refused
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.client.request import Request
from airflow_provider_engagevoice.seasons.plan import PlannedCampaign
from airflow_provider_engagevoice.seasons.work import NAME, STATE
from tests.simulation.actors import Attempt, Sent, Task
from tests.simulation.allowed import has_rows_of_others
from tests.simulation.promises import Promises, can_dial, is_marked, last_read
from tests.simulation.rows import Json, Row, Version, plain_name
from tests.simulation.seasons import outcomes
from tests.simulation.seasons.actors import ApplyTask, PlanTask, SeasonAttempt, SeasonTask
from tests.simulation.seasons.taken_back import (
    activated_by,
    gives_back_pause,
    hours_before_days,
    is_outside,
    last_change,
    overwritten,
    problems_of,
)
from tests.simulation.seasons.values import as_planned, has_dates
from tests.simulation.vendor import LAGS

if TYPE_CHECKING:
    from tests.simulation.seasons.world import SeasonWorld

#: Seconds from the start of a list to a write from one of its rows; and from a read of a source to its clone.
_ROW_SECONDS = 15.0
_SOURCE_SECONDS = 5.0
_NEW_ROW = "c, a new campaign that was written from a row of the list"


class SeasonPromises(Promises):
    """What was promised in one history, and how it went."""

    world: Any

    def __init__(self, world: SeasonWorld) -> None:
        super().__init__(world)
        #: Campaign of the plan that each new row was requested for, by row, and by name until there is a row.
        self.wanted: dict[int, PlannedCampaign] = {}
        self._requested: dict[tuple[int, str], PlannedCampaign] = {}
        #: Number of the newest version of any campaign.
        self.newest = 0
        #: Numbers of people's pauses that were hidden from an apply that made the campaign inactive, too.
        self._hidden_pauses: set[int] = set()

    # While it runs.

    def before_request(self, attempt: Attempt, request: Request[Any], sent: Sent) -> None:
        task = attempt.task
        is_read = request.method == "GET" or request.path.startswith("admin/auditLogs/")
        if not isinstance(attempt, SeasonAttempt) or is_read:
            return
        if isinstance(task, PlanTask):
            self.broken("c", "a plan writes", request.path)
            return
        assert isinstance(task, ApplyTask)
        self.risked.add("c")
        if request.method == "POST":
            self._check_post(attempt, task, request, sent)
            return
        row = self.world.vendor.rows.get(sent.row)
        if row is None or row.now.fields is None:
            return
        if has_rows_of_others(request.body, row):
            self.broken("c", "PUT with rows of another campaign", row.campaign_id)
        check = self._check_put if request.method == "PUT" else self._check_delete
        check(attempt, task, row, sent)

    def _check_post(self, attempt: SeasonAttempt, task: ApplyTask, request: Request[Any], sent: Sent) -> None:
        group = int(request.path.split("dialGroups/")[1].split("/")[0])
        name = request.body["campaignName"] if request.body else request.query.get("newCampaignName")
        planned = next(
            (
                one
                for one in task.season_plan.campaigns
                if one.action in ("create", "clone")
                and one.dial_group_id == group
                and str(name).startswith(f"{one.name} [unfinished ")
            ),
            None,
        )
        if planned is None or (request.path.endswith("/clone") and sent.row != planned.source):
            self.broken("c", "a campaign that is not in the plan is created", name)
            return
        self._requested[group, self.world.vendor.name_as_stored(str(name))] = planned

    def _check_put(self, attempt: SeasonAttempt, task: ApplyTask, row: Row, sent: Sent) -> None:
        fields = row.now.fields
        assert fields is not None
        planned = next(
            (one for one in task.season_plan.campaigns if one.campaign_id == row.campaign_id), None
        )
        read = last_read(attempt, sent)
        if planned is None:
            if not self._is_of(task, row):
                self.broken(
                    "c", "PUT of a campaign that is not in the plan", f"{row.campaign_id} {row.name!r}"
                )
            elif read is None and not self._may_write_row(attempt, row):
                self.broken("c", "PUT of a campaign that was not read", f"{row.campaign_id} {row.name!r}")
            return
        if planned.action != "update":
            self.broken("c", f"PUT, {planned.action}", f"{row.campaign_id} {row.name!r}")
        elif read is None:
            self.broken("c", "PUT of a campaign that was not read", f"{row.campaign_id} {row.name!r}")
        elif not as_planned(planned, {**fields, **hours_before_days(row, planned)}):
            shown = next((one for one in row.versions if one.number == read.shown), None)
            if shown is None or shown.fields is None or not as_planned(planned, shown.fields):
                self.broken("c", "PUT of what was changed since the plan", f"{row.campaign_id} {row.name!r}")
            else:
                self.windows["c" if read.at <= row.now.at else "c, hidden by the server"] += 1

    def _may_write_row(self, attempt: SeasonAttempt, row: Row) -> bool:
        """Return whether a campaign that was new when the write was sent may be written from the list."""
        listed, then = attempt.lists.get(row.group_id), row.version_at(attempt.asked_at)
        named = then is not None and then.fields is not None and is_marked(then.fields["campaignName"])
        is_new = named or self._was_never_completed(row) or self._was_touched(row)
        return is_new and listed is not None and attempt.asked_at - listed[0] <= _ROW_SECONDS

    def _is_of(self, task: ApplyTask, row: Row) -> bool:
        """Return whether a row may be a new campaign of a task's plan."""
        new = [one for one in task.season_plan.campaigns if one.action in ("create", "clone")]
        wanted = self.wanted.get(row.campaign_id)
        if wanted is not None:
            return any(one.key == wanted.key for one in new)
        creator = row.versions[0].by
        if not isinstance(creator, Attempt):
            return False
        # Another's that is unfinished is made inactive before it is deleted.
        stored = self.world.vendor.name_as_stored
        return any(
            one.dial_group_id == row.group_id and stored(one.name) == getattr(creator.task, "stored_name", "")
            for one in new
        )

    def _was_never_completed(self, row: Row) -> bool:
        names = {one.fields["campaignName"] for one in row.versions if one.fields is not None}
        return len(names) == 1 and isinstance(row.versions[0].by, Attempt)

    def _check_delete(self, attempt: SeasonAttempt, task: ApplyTask, row: Row, sent: Sent) -> None:
        if row.campaign_id in {one.campaign_id for one in task.season_plan.campaigns}:
            self.broken("c", "DELETE of a campaign of the plan", f"{row.campaign_id} {row.name!r}")
            return
        if not self._is_of(task, row):
            self.broken(
                "c", "DELETE of a campaign that is not in the plan", f"{row.campaign_id} {row.name!r}"
            )
            return
        if self._may_delete(row, row.now.fields):
            return
        read = last_read(attempt, sent)
        shown = read and next((one.fields for one in row.versions if one.number == read.shown), None)
        if shown and self._may_delete(row, shown):
            self.windows["c"] += 1
        else:
            self.broken("c", "DELETE of a finished campaign", f"{row.campaign_id} {row.name!r}")

    def _may_delete(self, row: Row, fields: Json | None) -> bool:
        if fields is None:
            return True
        is_unfinished = is_marked(fields["campaignName"]) or self._was_never_completed(row)
        return is_unfinished and not can_dial(fields, self.world.now)

    def on_write(self, row: Row, version: Version) -> None:
        by, self.newest = version.by, version.number
        if not isinstance(by, SeasonAttempt):
            if isinstance(by, Attempt):
                self.world.note(by, "WRITES", version.how, row.campaign_id, version.fields)
                if version.fields is not None and version.fields["isActive"]:
                    self._pauses.pop(row.campaign_id, None)
            else:
                super().on_write(row, version)
            return
        self.world.note(by, "WRITES", version.how, row.campaign_id, version.fields)
        fields = version.fields
        if fields is None:
            return
        if version.how in ("create", "clone"):
            planned = self._requested.get((row.group_id, plain_name(fields["campaignName"])))
            if planned is not None:
                self.wanted[row.campaign_id] = planned
        else:
            self._note_rename(row, by)
            self._check_others(row, version, by)
        self._check_dialing(row, version, by)
        if version.how == "put" and row.campaign_id in self._pauses:
            self._check_pause(row, by, fields)

    def planned_for(self, attempt: Attempt, row: Row) -> PlannedCampaign | None:
        """Return the campaign of the plan that an apply writes a row for."""
        task = attempt.task
        assert isinstance(task, ApplyTask)
        wanted = self.wanted.get(row.campaign_id)
        planned = task.season_plan.campaigns
        of_id = (one for one in planned if one.campaign_id == row.campaign_id)
        of_key = (one for one in planned if wanted is not None and one.key == wanted.key)
        return next(of_id, None) or next(of_key, wanted)

    def _base(self, attempt: SeasonAttempt, row: Row) -> tuple[int, float, bool]:
        """Return what a write was made from: number of the version, when it was read, and if from a list."""
        read = last_read(attempt, attempt.sent[-1])
        if read is not None:
            return read.shown, read.at, False
        asked, served, newest = attempt.lists.get(row.group_id, (0.0, 0.0, 0))
        at = served - LAGS[self.world.plan.dialect.list_shows]
        shown = [one.number for one in row.versions if one.at <= at and one.number <= newest]
        return max(shown, default=0), asked, True

    def _note_rename(self, row: Row, attempt: Any) -> None:
        number, at, is_row = self._base(attempt, row)
        renames = [one for one in row.versions if is_outside(one) and one.how == "rename"]
        if renames and number < renames[-1].number:
            self._count("a", renames[-1], at, is_row)
            self.renamed_back.add(row.campaign_id)

    def _count(self, promise: str, version: Version, read_at: float, is_row: bool) -> None:
        """Count a change that a write has undone because it was not seen."""
        if version.at < read_at:
            self.windows[f"{promise}, hidden by the server"] += 1
        else:
            self.windows[_NEW_ROW if is_row else promise] += 1

    def _check_others(self, row: Row, version: Version, attempt: SeasonAttempt) -> None:
        """Check that a write changes no field that the season does not state."""
        planned = self.planned_for(attempt, row)
        before, fields = row.versions[-2].fields, version.fields
        if planned is None or before is None or fields is None:
            return
        is_season = attempt.task.rollout.plan.kind == "season"
        owned = {*(planned.fields if is_season else planned.changes), NAME, STATE, "countryId"}
        if planned.campaign_id == row.campaign_id and not self._asks_for_state(attempt, planned):
            owned.remove(STATE)
        if not is_season:
            self._check_theirs(row, version, attempt)
        lost = [name for name in before if name not in owned and before[name] != fields.get(name)]
        if not lost:
            return
        number, at, is_row = self._base(attempt, row)
        for name in lost:
            changed = last_change(row, name, before[name])
            if number < changed.number and (is_outside(changed) or changed.at < at):
                self._count("c", changed, at, is_row)
            else:
                self.broken(
                    "c", "a field that the season does not state is changed", f"{row.campaign_id} {name}"
                )

    def _check_theirs(self, row: Row, version: Version, attempt: SeasonAttempt) -> None:
        """Check that a rollback does not overwrite what someone has changed since the apply."""
        self.risked.add("e")
        number, at, is_row = self._base(attempt, row)
        for name, changed in overwritten(attempt.task.rollout, row, version):
            if number < changed.number:
                self._count("e", changed, at, is_row)
            else:
                self.broken("e", "a change by others is taken back", f"{row.campaign_id} {name}")

    def _check_pause(self, row: Row, attempt: Any, fields: Json) -> None:
        pause = self._pauses[row.campaign_id]
        self.risked.add("d")
        number, at, is_row = self._base(attempt, row)
        if at <= pause.at:
            self.windows[_NEW_ROW if is_row else "d"] += 1
            del self._pauses[row.campaign_id]
            return
        if not fields["isActive"]:
            if number < pause.number:
                self._hidden_pauses.add(pause.number)
            return
        del self._pauses[row.campaign_id]
        planned = self.planned_for(attempt, row)
        kind = attempt.task.rollout.plan.kind
        by = activated_by(row, pause.at)
        has_put = any(one.by is attempt and one.how == "put" and one.at <= pause.at for one in row.versions)
        knows = has_put or by is None or by.recorded.get(row.campaign_id, inf) <= attempt.began
        if kind != "season" and gives_back_pause(row, kind, pause.at):
            # Someone has activated what the season's pause had paused, and paused it again.
            return
        asks = kind == "season" and planned is not None and self._asks_for_state(attempt, planned)
        is_again = has_put or (by is not None and by.task is attempt.task)
        if asks and (pause.at < attempt.task.rollout.planned_at[1] or not is_again):
            # The campaign had the state that the plan shows.
            return
        if number < pause.number or pause.number in self._hidden_pauses:
            self.windows["d, hidden by the server"] += 1
        elif not knows and planned is not None and planned.campaign_id is not None:
            self.windows["d, activated by an attempt that was stopped before it recorded that"] += 1
        else:
            self.broken("d", "a pause is undone", row.campaign_id)

    def _asks_for_state(self, attempt: Any, planned: PlannedCampaign) -> bool:
        """Return whether a plan asks for another state than the last apply."""
        if planned.state_change is None or not planned.state_change.applied:
            return False
        if attempt.task.rollout.plan.kind != "season":
            return True
        last = attempt.task.rollout.last
        recorded = last.campaigns.get(planned.key) if last is not None else None
        return recorded is not None and recorded.state is not None and recorded.state != planned.state

    def _check_dialing(self, row: Row, version: Version, attempt: Any) -> None:
        fields = version.fields
        planned = self.planned_for(attempt, row)
        if planned is None or fields is None or attempt.task.rollout.plan.kind != "season":
            return
        self.risked.add("b")
        name, world = plain_name(fields["campaignName"]), self.world
        if planned.campaign_id == row.campaign_id or name == world.vendor.name_as_stored(planned.name):
            is_right = has_dates(world.plan.dialect, planned.fields, fields, exactly=False)
            if is_right or (version.how != "put" and not can_dial(fields, world.now)):
                return
            if version.how == "clone" and self._is_overtaken(row, attempt):
                return
            self.broken("b", f"other dates under its own name: {version.how}", row.campaign_id)
        elif can_dial(fields, world.now) and not self._was_touched(row):
            if version.how == "clone" and self._is_overtaken(row, attempt):
                return
            self.broken("b", f"unfinished and can dial: {version.how}", f"{row.campaign_id} {name!r}")

    def _is_overtaken(self, row: Row, attempt: Any) -> bool:
        planned = self.planned_for(attempt, row)
        asked, read = attempt.reads.get(planned.source if planned else 0, (0.0, None))
        if planned is None or read is None or attempt.asked_at - asked > _SOURCE_SECONDS + 0.001:
            return False
        source = self.world.vendor.rows[planned.source]
        shown = next((one for one in source.versions if one.number == read.shown), None)
        if shown is None or can_dial(shown.fields, self.world.now):
            return False
        self.windows["b"] += 1
        self._overtaken.add(row.campaign_id)
        return True

    def _was_touched(self, row: Row) -> bool:
        return any(is_outside(version) for version in row.versions)

    # At the end.

    def on_success(self, task: Task, attempt: Attempt, result: Any) -> None:
        if isinstance(task, ApplyTask):
            self.risked.update("fg")
            for problem in outcomes.problems_of_success(task, attempt, result):
                self.broken("f", *problem)
            if task.rollout.plan.kind not in ("season", "days"):
                self.risked.add("e")
                for problem in problems_of(task):
                    self.broken("e", *problem)

    def on_untyped(self, attempt: Attempt, error: Exception) -> None:
        if isinstance(attempt, SeasonAttempt):
            super().on_untyped(attempt, error)

    def on_failure(self, task: Task, attempt: Attempt) -> None:
        if not isinstance(task, SeasonTask):
            return
        self.risked.add("g")
        cells = outcomes.refusable_cells(task)
        unexcused = outcomes.unexcused(task, attempt)
        if unexcused is None:
            self.excused.append(task)
        elif cells:
            self.refused.append((task, cells))
        else:
            self.broken("g", f"{type(task).__name__} fails: {unexcused}", task.error)
        if problem := outcomes.unnamed(task):
            self.broken("f", *problem)

    def at_end(self) -> None:
        for problem in outcomes.problems_at_end(self.world, self.renamed_back):
            self.risked.add("a")
            self.broken("a", *problem)
        if any(task.state == "success" for task in self.world.applies):
            self.risked.add("a")
        if self._pauses.keys() & {row for row in self.world.vendor.rows if self._was_ours(row)}:
            self.risked.add("d")

    def _was_ours(self, campaign_id: int) -> bool:
        row = self.world.vendor.rows[campaign_id]
        return any(isinstance(version.by, SeasonAttempt) for version in row.versions)
