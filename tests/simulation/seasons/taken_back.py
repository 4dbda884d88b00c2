"""Whether rollbacks, pauses and resumes have done what they are for, by the world's own history.

What nobody has disturbed is as it was before the apply that was taken back, and what was created is inactive
and marked. What someone has changed since stands. A pause leaves no campaign active, and a resume gives back
exactly the states that pauses have taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS
from airflow_provider_engagevoice.seasons.plan import PlannedCampaign
from airflow_provider_engagevoice.seasons.work import NAME, STATE
from tests.simulation.promises import is_marked
from tests.simulation.rows import DATES, PRECISION, Row, Version, plain_name
from tests.simulation.seasons.actors import ApplyTask, Rollout, SeasonAttempt
from tests.simulation.seasons.outcomes import Problem, is_kept
from tests.simulation.vendor import LAGS

_SECOND = 1000
_MARK = "[rolled back "


def problems_of(task: ApplyTask) -> Iterator[Problem]:
    """Yield in what a successful apply of a rollback, a pause or a resume has not done what it is for."""
    judge = {"rollback": _rolled_back, "pause": _paused, "resume": _resumed}[task.rollout.plan.kind]
    if task.world.plan.dialect.get_shows == "after some requests":
        # What is to be taken back, paused or resumed may not be shown for any time.
        return
    for row in task.world.vendor.rows.values():
        if row.exists and not _is_disturbed(task, row):
            yield from ((what, f"{row.campaign_id} {row.name!r}") for what in judge(task, row))


def taken_back(rollout: Rollout) -> Rollout | None:
    """Return the rollout whose apply a rollback takes back; None if there is none."""
    digest = rollout.last.digest if rollout.last is not None else ""
    found = (one for one in rollout.world.rollouts if one.made is not None and one.made.digest == digest)
    return next(found, None)


def is_outside(version: Version) -> bool:
    """Return whether a person or a task of others has written a version."""
    return version.by is not None and not isinstance(version.by, SeasonAttempt)


def last_change(row: Row, name: str, value: Any) -> Version:
    """Return the version since which a field has a value, but for the last."""
    found = row.versions[-2]
    for version in reversed(row.versions[:-1]):
        if version.fields is None or version.fields.get(name) != value:
            break
        found = version
    return found


def overwritten(rollout: Rollout, row: Row, version: Version) -> Iterator[tuple[str, Version]]:
    """Yield the fields that a rollback has written, and someone has changed since the apply, with that."""
    undone = taken_back(rollout)
    ours = [one for one in row.versions if rollout_of(one) is undone]
    if rollout.plan.kind != "rollback" or undone is None or not ours:
        return
    before, fields = row.versions[-2].fields or {}, version.fields or {}
    for name in (name for name in fields if before.get(name) != fields[name]):
        changed = last_change(row, name, before.get(name))
        is_as_applied = any((one.fields or {}).get(name) == before.get(name) for one in ours)
        if is_outside(changed) and changed.number > ours[0].number and not is_as_applied:
            yield name, changed


def _is_of_days(version: Version) -> bool:
    """Return whether the daily task has written a version."""
    rollout = rollout_of(version)
    return rollout is not None and rollout.plan.kind == "days"


def hours_before_days(row: Row, planned: PlannedCampaign) -> dict[str, Any]:
    """Return the hours that a plan has found, for those fields that the daily task has written last."""
    found = {}
    for name in SCHEDULE_FIELDS:
        values = [(one.fields or {}).get(name) for one in row.versions]
        last = next((n for n in range(len(values) - 1, 0, -1) if values[n] != values[n - 1]), 0)
        if name in (planned.before or {}) and _is_of_days(row.versions[last]):
            found[name] = (planned.before or {})[name]
    return found


def gives_back_pause(row: Row, kind: str, at: float) -> bool:
    """Return whether before an instant a season has made a campaign inactive, which is to be given back."""
    ours = [one for one in row.versions if one.at < at and rollout_of(one) is not None]
    if not ours or ours[-1].fields is None or ours[-1].fields[STATE]:
        return False
    last = rollout_of(ours[-1])
    return kind == "rollback" or (last is not None and last.plan.kind != "season")


def activated_by(row: Row, until: float) -> SeasonAttempt | None:
    """Return the attempt that has activated a campaign last until an instant; None if others have."""
    last = None
    for before, after in pairwise(row.versions):
        states = [(one.fields or {}).get(STATE) for one in (before, after)]
        if states[1] and not states[0] and after.at <= until:
            last = after.by
    return last if isinstance(last, SeasonAttempt) else None


def _is_disturbed(task: ApplyTask, row: Row) -> bool:
    """Return whether others have written a campaign since the plan, or so that it may not have seen it."""
    since = task.rollout.planned_at[0] - LAGS[task.world.plan.dialect.list_shows] - 1.0
    return any(one.at >= since and rollout_of(one) is not task.rollout for one in row.versions)


def rollout_of(version: Version) -> Rollout | None:
    """Return the rollout that has written a version; None for others."""
    return version.by.task.rollout if isinstance(version.by, SeasonAttempt) else None


def _rolled_back(task: ApplyTask, row: Row) -> Iterator[str]:
    undone = taken_back(task.rollout)
    first = next((one for one in row.versions if rollout_of(one) is undone), None)
    if undone is None or first is None or undone is task.rollout:
        return
    place = row.versions.index(first)
    later = [rollout_of(one) for one in row.versions[place:] if not _is_of_days(one)]
    if any(one not in (undone, task.rollout) for one in later):
        return
    now = row.now.fields or {}
    # An apply also creates what an earlier one has left unfinished.
    if place == 0 or is_marked(str((row.versions[place - 1].fields or {}).get(NAME))):
        left = [one for one in row.versions if rollout_of(one) is undone][-1]
        if is_marked(str((left.fields or {})[NAME])):
            return
        plans = (undone.made, task.season_plan)
        names = [one.name for plan in plans if plan is not None for one in plan.campaigns]
        if not all(is_kept(task.world, name) for name in names):
            # The apply has named it, and has not taken it for its own.
            return
        if now[STATE]:
            yield "a campaign whose creation was taken back is active"
        if _MARK not in str(now[NAME]):
            yield "a campaign whose creation was taken back has no mark"
        return
    earlier = row.versions[place - 1]
    if earlier.at >= undone.planned_at[0] and rollout_of(earlier) is None:
        # The apply may not have seen it.
        return
    before = earlier.fields or {}
    campaigns = undone.made.campaigns if undone.made is not None else []
    fields = [one.fields for one in campaigns if one.campaign_id == row.campaign_id]
    if _is_taken(task, row, str(before.get(NAME))):
        # Without its name it is not made active either.
        now = {**now, NAME: before.get(NAME), STATE: before.get(STATE)}
    is_exact = PRECISION[task.world.plan.dialect.date_precision] <= _SECOND
    for name in (*(name for one in fields for name in one), NAME, STATE):
        if name in SCHEDULE_FIELDS and task.world.plan.seasons[0].exclude is not None:
            # They follow from the dates without calls.
            continue
        if name in DATES and not is_exact:
            # What the server has made of the apply's dates looks as if someone had changed them.
            continue
        if not _is_as_before(name, before.get(name), now.get(name)):
            yield f"{'a field' if name not in (NAME, STATE) else name} is not as before the apply"


def _is_taken(task: ApplyTask, row: Row, name: str) -> bool:
    """Return whether another campaign has the name that a campaign is to have again."""
    others = [
        one for one in task.world.vendor.rows.values() if one is not row and one.group_id == row.group_id
    ]
    return any(one.exists and plain_name(str(one.name)) == plain_name(name) for one in others)


def _is_as_before(name: str, before: Any, now: Any) -> bool:
    if name in DATES and before is not None and now is not None:
        return bool(abs(before - now) < _SECOND)
    if name == NAME:
        return plain_name(before) == plain_name(now)
    return str(before or 0) == str(now or 0)


def _paused(task: ApplyTask, row: Row) -> Iterator[str]:
    last = task.rollout.last
    ids = {one.campaign_id for one in last.campaigns.values()} if last is not None else set()
    plans = [one.made.campaigns for one in task.world.rollouts if one.made is not None]
    has_names = all(is_kept(task.world, one.name) for campaigns in plans for one in campaigns)
    is_completed = any(
        rollout_of(one) and not is_marked(str((one.fields or {})[NAME])) for one in row.versions
    )
    # An apply makes another one for what someone renames before it has ended.
    is_theirs = any(is_outside(one) and one.how == "rename" for one in row.versions)
    is_new = has_names and rollout_of(row.versions[0]) is not None and is_completed and not is_theirs
    if (is_new or row.campaign_id in ids) and (row.now.fields or {})[STATE]:
        yield "a pause leaves a campaign active"


def _resumed(task: ApplyTask, row: Row) -> Iterator[str]:
    changes = [
        (one, (before.fields or {}).get(STATE))
        for before, one in zip(row.versions, row.versions[1:], strict=False)
        if (before.fields or {}).get(STATE) != (one.fields or {}).get(STATE)
    ]
    is_resumed = bool(changes) and rollout_of(changes[-1][0]) is task.rollout
    if is_resumed:
        changes.pop()
    last = rollout_of(changes[-1][0]) if changes else None
    kind = last.plan.kind if last is not None else ""
    if is_resumed and kind not in ("pause", "rollback"):
        by = activated_by(row, changes[-1][0].at) if changes else None
        if by is not None and row.campaign_id not in by.recorded:
            # Only that attempt could have told this pause from that of the season.
            return
        yield "a resume changes the state of what no pause has paused"
    elif is_resumed and (row.now.fields or {})[STATE] != changes[-1][1]:
        yield "a resume gives another state than the pause has taken"
    elif not is_resumed and kind == "pause" and last is not None:
        between = [one for one in task.world.rollouts if one.planned_at[1] > changes[-1][0].at]
        if all(one.plan.kind in ("pause", "resume", "days") for one in between):
            yield "a resume leaves a campaign paused"
