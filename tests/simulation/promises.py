"""The promises, checked after every step from the world's own history.

(a) one campaign of a name, and nothing unfinished after the last success
(b) a campaign of ours that bears its own name has its dates, and one that does not cannot dial
(c) what is not ours is never changed or deleted, and a source is never touched
(d) a person's pause stands
(f) success means that it is so
(g) every task succeeds within three attempts, or may be refused
(h) nothing is changed that was not asked for, and what a task has reported stays
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.client.request import Request
from tests.simulation import excuses, outcomes
from tests.simulation.actors import Attempt, Sent, Task
from tests.simulation.allowed import (
    can_dial,
    has_rows_of_others,
    is_marked,
    may_change,
    may_delete,
    taken_back,
    unasked,
)
from tests.simulation.people import Person
from tests.simulation.reads import (
    has_activated,
    inactive_when_read,
    is_deleted_late,
    last_look_at_leads,
    last_read,
    last_shown,
)
from tests.simulation.refusable import refusable_cells
from tests.simulation.rows import Json, Row, Version, plain_name
from tests.simulation.vendor import GROUP

if TYPE_CHECKING:
    from tests.simulation.world import World

PROMISES = ("a", "b", "c", "d", "f", "g", "h")


class Promises:
    """What was promised in one history, and how it went.

    :ivar failures: promise, what kind of thing broke it, and which
    :ivar exposure: minutes outside what was asked for in which a campaign could dial, by cause
    :ivar risked: promises that could have failed
    :ivar refused: tasks that ended with a typed error, and the cells that allow it
    :ivar windows: changes by people in the moment between our read and our write, by promise
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.failures: list[tuple[str, str, str]] = []
        self.risked: set[str] = set()
        self.refused: list[tuple[Task, list[tuple[str, str]]]] = []
        self.excused: list[Task] = []
        self.windows: Counter[str] = Counter()
        self.exposure: dict[str, float] = {}
        #: Clones of a source that was activated right before: nothing can prevent that they dial.
        self._overtaken: set[int] = set()
        self._pauses: dict[int, Version] = {}
        #: Campaigns that bear a name again that others had taken from them.
        self.renamed_back: set[int] = set()
        #: Campaigns that a task has reported as a success.
        self._reported: set[int] = set()
        #: Reported campaigns that a write has undone whose sender could not see them.
        self.undone: set[int] = set()

    def broken(self, promise: str, kind: str, detail: object = "") -> None:
        """Record that a promise is broken."""
        self.failures.append((promise, kind, str(detail)))
        self.world.note("BROKEN", f"({promise})", kind, detail)

    # While it runs.

    def before_request(self, attempt: Attempt, request: Request[Any], sent: Sent) -> None:
        """Check what a request is about to do."""
        if request.method not in ("PUT", "DELETE") or sent.row is None:
            return
        row = self.world.vendor.rows.get(sent.row)
        if row is None or row.now.fields is None:
            return
        if has_rows_of_others(request.body, row):
            self.broken("c", "PUT with rows of another campaign", sent.row)
        self.risked.add("c")
        task = attempt.task
        if task.plan.kind == "clone" and row is self.world.source and not self._is_source_no_more(task):
            self.broken("c", f"{request.method} of the source", row.campaign_id)
            return
        allowed = may_delete if request.method == "DELETE" else may_change
        if allowed(task, row, row.now.fields, row.leads_at):
            return
        read = last_read(attempt, sent)
        shown = read and next((one.fields for one in row.versions if one.number == read.shown), None)
        looked = last_look_at_leads(attempt, sent)
        if shown and allowed(task, row, shown, [at for at in row.leads_at if at < looked]):
            self.windows["c"] += 1
            return
        self.broken("c", f"{request.method}, {task.plan.kind}", f"{row.campaign_id} {row.name!r}")

    def _is_source_no_more(self, task: Task) -> bool:
        """Return whether a person has given the source, which is named, the name that a clone asks for."""
        return isinstance(self.world.source_reference, str) and self.world.source.name == task.stored_name

    def on_write(self, row: Row, version: Version) -> None:
        """Check a version that was just written."""
        self.world.note(version.by, "WRITES", version.how, row.campaign_id, version.fields)
        fields, by = version.fields, version.by
        if isinstance(by, Person):
            if version.how == "pause" and fields is not None and not is_marked(fields["campaignName"]):
                self._pauses[row.campaign_id] = version
            elif fields is None or fields["isActive"]:
                self._pauses.pop(row.campaign_id, None)
            return
        if not isinstance(by, Attempt):
            return
        by.task.written.add(row.campaign_id)
        self._check_unasked(row, version, by)
        if fields is None:
            return
        if version.how == "put":
            self._note_rename(row, by)
        self._check_dialing(row, version, by)
        if version.how == "put" and row.campaign_id in self._pauses:
            self._check_pause(row, by, fields)

    def _check_unasked(self, row: Row, version: Version, attempt: Attempt) -> None:
        """Check that a write changes nothing that was not asked for, and takes back no success."""
        if version.how not in ("put", "delete"):
            return
        shown = last_shown(attempt, row, deleted=version.fields is None)
        if shown is None or shown.fields is None:
            self.broken("h", f"{version.how} of a campaign that was not read", row.campaign_id)
            return
        self.risked.add("h")
        task = attempt.task
        if attempt.over and version.how == "put" and shown is not row.versions[-2]:
            self.windows["h, undone by a write that was carried out after its sender had died"] += 1
            self._reported.discard(row.campaign_id)
            self.undone.add(row.campaign_id)
            return
        if version.fields is None and is_deleted_late(row, version, attempt):
            self.windows["h, deleted later than the server has answered"] += 1
            self._reported.discard(row.campaign_id)
            self.undone.add(row.campaign_id)
            return
        if version.fields is None and task.plan.kind == "delete":
            second = task.knows and not attempt.run and any(row is not other for other in task.deleted)
            # An attempt from before a clear may carry out the deletion that the clear has recorded.
            if second and not any(one.run and last_shown(one, row, deleted=True) for one in task.attempts):
                self.broken("h", "a delete deletes a second campaign", row.campaign_id)
            task.deleted.append(row)
        if version.fields is not None:
            for problem in unasked(attempt.task, row, shown.fields, version.fields):
                self.broken("h", f"{attempt.task.plan.kind}: {problem}", row.campaign_id)
        if row.campaign_id in self._reported:
            before = row.versions[-2].fields or shown.fields
            seen, done = (taken_back(task, row, one, version.fields) for one in (shown.fields, before))
            # What others have changed between the read and the write is overwritten unseen.
            hows = seen & done if last_read(attempt, attempt.sent[-1]) or version.fields is None else done
            if done - seen:
                self.windows["h"] += 1
                # From now on it is what the write has made of it.
                self._reported.discard(row.campaign_id)
                self.undone.add(row.campaign_id)
            if row.versions[0].by in task.attempts and row not in task.reported:
                # What others have succeeded with, too, is its own.
                hows = set()
            for how in sorted(hows):
                self.broken("h", f"a campaign that was reported is {how}", row.campaign_id)

    def _note_rename(self, row: Row, attempt: Attempt) -> None:
        """Take note of a write from a read that did not show yet that others had renamed the campaign."""
        read, is_update = last_read(attempt, attempt.sent[-1]), not attempt.task.is_ensure
        renames = [
            after
            for before, after in pairwise(row.versions[:-1])
            if (isinstance(after.by, Person) and after.how == "rename")
            or (is_update and after.by is not attempt and outcomes.name_of(before) != outcomes.name_of(after))
        ]
        if read is None or not renames or read.shown >= renames[-1].number:
            return
        self.windows["a" if read.at <= renames[-1].at else "a, hidden by the server"] += 1
        self.renamed_back.add(row.campaign_id)

    def _check_pause(self, row: Row, attempt: Attempt, fields: Json) -> None:
        pause = self._pauses[row.campaign_id]
        self.risked.add("d")
        sent, plan = attempt.sent[-1], attempt.task.plan
        read = last_read(attempt, sent)
        if read is not None and read.at <= pause.at:
            # Whatever the write says of the state, it is of a campaign that no person had paused.
            self.windows["d"] += 1
            del self._pauses[row.campaign_id]
            return
        if not fields["isActive"]:
            return
        del self._pauses[row.campaign_id]
        asked = bool(plan.state) and (plan.kind == "update" or plan.enforce_active)
        if asked and not self._has_activated(row, attempt, pause.at):
            if attempt.task.knows and outcomes.has_unanswered_activation(attempt.task, row):
                self.windows["d, activated by a write without an answer"] += 1
            return
        if read is not None and read.shown < pause.number:
            self.windows["d, hidden by the server"] += 1
        elif excuses.is_taken_for_cut(attempt.task, row):
            self.windows["d, under a name that looks as if the server had cut it"] += 1
        else:
            self.broken("d", f"a pause is undone, {plan.kind}", row.campaign_id)

    def _has_activated(self, row: Row, attempt: Attempt, paused_at: float) -> bool:
        """Return whether a task had activated a campaign before a person paused it, and may know it.

        Attempts that share no state do not know of each other.
        """
        versions = [one for one in pairwise(row.versions) if one[1].how == "put" and one[1].at <= paused_at]
        # A page of maintenance may have the status of a success.
        if has_activated(attempt, row, paused_at) and any(after.by is attempt for _, after in versions):
            return True
        earlier = [one for one in attempt.task.attempts if one.run == attempt.run and one is not attempt]
        activated = [
            after.by
            for before, after in versions
            if after.fields
            and after.fields["isActive"]
            and before.number in inactive_when_read(after.by, row)
        ]
        is_shown = self.world.plan.dialect.get_shows != "after some requests"
        is_kept = attempt.task.knows and is_shown
        return is_kept and any(one in activated and has_activated(one, row, paused_at) for one in earlier)

    def _check_dialing(self, row: Row, version: Version, attempt: Attempt) -> None:
        fields, task = version.fields, attempt.task
        assert fields is not None
        if not task.is_ensure and not task.dates:
            return
        if task.stored_new_name and plain_name(fields["campaignName"]) != task.stored_new_name:
            # It has given the campaign its old name again, and whatever dates it had.
            return
        self.risked.add("b")
        name = plain_name(fields["campaignName"])
        right = outcomes.has_dates(task, fields, exactly=False)
        if not task.is_ensure or (name == task.stored_name and not is_marked(name)):
            if right or (version.how != "put" and not can_dial(fields, self.world.now)):
                return
            if version.how == "clone" and self._is_overtaken(row, attempt):
                return
            self.broken(
                "b", f"other dates under its own name, {task.plan.kind}: {version.how}", row.campaign_id
            )
            return
        if not can_dial(fields, self.world.now) or self._was_touched(row):
            return
        if version.how == "clone" and self._is_overtaken(row, attempt):
            return
        self.broken("b", f"unfinished and can dial: {version.how}", f"{row.campaign_id} {name!r}")

    def _is_overtaken(self, row: Row, attempt: Attempt) -> bool:
        """Return whether a clone may dial because its source was activated after the read right before."""
        read = last_read(attempt, attempt.sent[-1])
        versions = self.world.source.versions
        source = read and next((one for one in versions if one.number == read.shown), None)
        if source is None or can_dial(source.fields, self.world.now):
            return False
        self.windows["b"] += 1
        self._overtaken.add(row.campaign_id)
        return True

    def _was_touched(self, row: Row) -> bool:
        return any(isinstance(version.by, Person) for version in row.versions)

    # At the end of attempts, tasks and the history.

    def on_success(self, task: Task, attempt: Attempt, result: Any) -> None:
        """Check that success means that it is so."""
        self.risked.update("fg")
        if result.campaign_id is not None:
            row = self.world.vendor.rows.get(result.campaign_id)
            task.reported.append(row)
            if row is not None and not is_marked(row.name):
                # Otherwise an attempt beside it has undone it since it was read last.
                self._reported.add(result.campaign_id)
        outcomes.add_exposure(task, self.exposure)
        problem = outcomes.problem_of_success(task, attempt, result)
        if problem is not None:
            self.broken("f", *problem)

    def on_zombie_end(self, attempt: Attempt, result: Any, error: Exception | None) -> None:
        """Take note that an attempt has ended that no task waits for."""

    def on_untyped(self, attempt: Attempt, error: Exception) -> None:
        """Report an error that is none of the package's."""
        self.broken("g", f"untyped {type(error).__name__}", error)

    def on_failure(self, task: Task, attempt: Attempt) -> None:
        """Judge a task that has failed for good."""
        self.risked.add("g")
        if task.error is None or attempt.error is None or excuses.is_excused(task, attempt, task.error):
            self.excused.append(task)
            return
        cells = refusable_cells(task)
        if cells:
            self.refused.append((task, cells))
            return
        self.broken("g", f"{task.plan.kind} fails: {type(task.error).__name__}", task.error)

    def at_end(self) -> None:
        """Check what is left."""
        world = self.world
        ensures = [task for task in world.tasks if task.is_ensure]
        for name in dict.fromkeys(task.stored_name for task in ensures):
            tasks = [task for task in ensures if task.stored_name == task.name == name]
            if all(task.state == "success" for task in tasks):
                self._check_nothing_unfinished(tasks)
        for name in dict.fromkeys(task.given_name for task in world.tasks if task.given_name):
            # A server that does not keep working names does not show that a campaign is unfinished.
            tasks = [
                task
                for task in world.tasks
                if task.given_name == name and (task.is_kept or task.state == "success")
            ]
            self._check_one(name, tasks)
        for task, _ in self.refused:
            self._check_nothing_dials(task)
        for campaign_id in self._pauses:
            if any(campaign_id in task.written for task in world.tasks):
                self.risked.add("d")

    def _check_one(self, name: str, tasks: list[Task]) -> None:
        """Check that our tasks have left one campaign of a name."""
        began = min((task.attempts[0].began for task in tasks if task.attempts), default=self.world.now)
        ours: list[Row] = []
        before: list[Row] = []
        for row in self.world.vendor.rows.values():
            if (
                row.name != name
                or row.nulls
                or row.group_id != GROUP
                or row.campaign_id in self.renamed_back | self.undone
            ):
                continue
            naming = outcomes.naming(row)
            if isinstance(naming.by, Attempt):
                if naming.by.task in tasks and self._counts(row, naming.by.task):
                    ours.append(row)
            elif naming.at < began - 60:
                before.append(row)
        if ours:
            self.risked.add("a")
        if (
            ours
            and len(ours) + len(before) > 1
            and not any(excuses.tells_of(task, ours + before) for task in tasks)
        ):
            what = "two campaigns, one from before" if before else "two campaigns of ours"
            self.broken("a", what, f"{len(ours) + len(before)} are named {name!r}")

    def _counts(self, row: Row, task: Task) -> bool:
        """Return whether a campaign counts: one that the server named too early may be left inactive."""
        return task.is_kept or task.state == "success" or can_dial(row.now.fields, self.world.now)

    def _check_nothing_unfinished(self, tasks: list[Task]) -> None:
        for row in self.world.vendor.rows.values():
            creator = row.versions[0].by
            if not isinstance(creator, Attempt) or not row.exists or self._was_touched(row) or row.leads_at:
                continue
            if creator.task not in tasks or not is_marked(row.name) or row.campaign_id in self.undone:
                continue
            late = row.versions[0].at > creator.ended_at
            lost = creator.disowned and creator.error is not None
            cells = refusable_cells(creator.task)
            if late or lost or any(point in ("delete", "list_shows", "order") for point, _ in cells):
                continue
            self.broken("a", "left unfinished", f"{row.campaign_id} {row.name!r}")

    def _check_nothing_dials(self, task: Task) -> None:
        for row in self.world.vendor.rows.values():
            creator, fields = row.versions[0].by, row.now.fields
            if not isinstance(creator, Attempt) or creator.task is not task or self._was_touched(row):
                continue
            if any(version.by.task is not task for version in row.versions):
                continue
            if not can_dial(fields, self.world.now) or row.campaign_id in self._overtaken:
                continue
            assert fields is not None
            same = [
                one
                for one in self.world.tasks
                if one.dates and row.name in (one.stored_name, one.stored_new_name)
            ]
            if not any(outcomes.has_dates(one, fields, exactly=False) for one in same):
                self.broken("b", "refused, but can dial", f"{row.campaign_id} {row.name!r}")
