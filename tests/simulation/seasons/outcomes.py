"""Whether an apply's success is true, whether its failure may be, and what is left at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.exceptions import (
    ApiError,
    InvalidInputError,
    SupersededError,
    UnstableListError,
)
from airflow_provider_engagevoice.seasons.apply import NotAppliedError
from airflow_provider_engagevoice.seasons.claim import OtherApplyError, StalePlanError
from airflow_provider_engagevoice.seasons.plan import PlannedCampaign
from airflow_provider_engagevoice.seasons.record import RecordError
from airflow_provider_engagevoice.seasons.work import NAME, RecordedCampaign, Work
from tests.simulation.actors import SUFFIX, Attempt
from tests.simulation.allowed import can_dial, is_marked
from tests.simulation.dialects import REFUSABLE
from tests.simulation.outcomes import naming
from tests.simulation.rows import PRECISION, Row, Version, plain_name
from tests.simulation.seasons.actors import ApplyTask, PlanTask, SeasonAttempt, SeasonTask
from tests.simulation.seasons.values import is_same, milliseconds
from tests.simulation.vendor import LAGS

if TYPE_CHECKING:
    from tests.simulation.seasons.world import SeasonWorld

_SECOND = 1000
#: Seconds after which an apply that gives no sign of life is taken for dead, with clocks that differ.
_DEAD_SECONDS = 900.0 + 800.0 + 60.0
Problem = tuple[str, str]


def problems_of_success(task: ApplyTask, attempt: Attempt, result: Any) -> Iterator[Problem]:
    """Yield in what the record of a successful apply is not what the server has."""
    record = task.rollout.records().load(result.record)
    work = task.rollout.work_in(record)
    if task.season_plan.of_days and (work is None or work is not record.days):
        # A later run has taken its place.
        return
    if work is None or work.status != "applied":
        yield "the record is not that of the plan", record.file
        return
    last = task.rollout.records().last()
    if last is not None and last.serial > record.serial:
        # A later plan was applied before this task has found that it had nothing left to do.
        return
    for one in task.season_plan.campaigns:
        change = work.changes[one.key]
        if not change.is_done:
            yield f"success, but the outcome is {change.outcome}", one.key
        elif change.outcome in ("protected", "over"):
            continue
        elif (recorded := record.campaigns.get(one.key)) is None:
            yield "success, but the record lacks the campaign", one.key
        else:
            yield from _problem_of(task, one, recorded, change.outcome)
    known = {one.key for one in task.season_plan.campaigns}
    ids = [one.campaign_id for one in record.campaigns.values()]
    if len(ids) != len(set(ids)):
        yield "the record has a campaign twice", str(sorted(ids))
    if more := [key for key in record.campaigns if key not in known and task.plan.number == 1]:
        yield "the record has campaigns of no apply", str(more)


def _problem_of(
    task: ApplyTask, planned: PlannedCampaign, recorded: RecordedCampaign, outcome: str
) -> Iterator[Problem]:
    row = task.world.vendor.rows.get(recorded.campaign_id)
    if row is None or row.group_id != recorded.dial_group_id:
        yield f"{outcome}, but does not exist", str(recorded.campaign_id)
        return
    if planned.campaign_id is not None and planned.campaign_id != recorded.campaign_id:
        yield f"{outcome}, but another campaign", f"{recorded.campaign_id}, not {planned.campaign_id}"
        return
    versions = _versions_since_ours(
        row, task.rollout.planned_at[0] - LAGS[task.world.plan.dialect.list_shows]
    )
    names = {*recorded.fields, NAME}
    if task.rollout.plan.kind != "season":
        # It says nothing of what it does not take back.
        names &= planned.changes.keys()
    found = [_difference(recorded, one, names) for one in versions]
    if all(found):
        yield f"{outcome}, but {found[-1]}", str(recorded.campaign_id)
    creator = row.versions[0].by
    if outcome in ("created", "cloned") and not isinstance(creator, SeasonAttempt):
        yield f"{outcome}, but another has created it", str(recorded.campaign_id)


def _versions_since_ours(row: Row, since: float) -> list[Version]:
    """Return the versions since our last write of a campaign, or else since an instant."""
    first = 0
    for index, version in enumerate(row.versions):
        if isinstance(version.by, SeasonAttempt) or version.at <= since:
            first = index
    return row.versions[first:]


def _difference(recorded: RecordedCampaign, version: Version, names: set[str]) -> str:
    if version.fields is None:
        return "it is deleted"
    if NAME in names and not is_same(NAME, recorded.name, version.fields[NAME]):
        return f"its name is {version.fields[NAME]!r}"
    for name, value in recorded.fields.items():
        if name in names and not is_same(name, value, version.fields.get(name)):
            return f"{name} is another"
    return ""


def unnamed(task: SeasonTask) -> Problem | None:
    """Return whether an apply that failed at the end names a campaign that it has not applied."""
    if not isinstance(task, ApplyTask) or not isinstance(task.error, NotAppliedError):
        return None
    work = task.rollout.work_in(task.rollout.records().last())
    if work is None or work.status != "failed":
        return None
    for one in task.season_plan.campaigns:
        change = work.changes[one.key]
        if one.wave <= work.wave and not change.is_done and repr(one.name) not in str(task.error):
            return "a campaign that was not applied is not named", one.key
    return None


def refusable_cells(task: SeasonTask) -> list[tuple[str, str]]:
    """Return the cells of the dialect that allow a task to be refused."""
    world, dialect = task.world, task.world.plan.dialect
    made = task.rollout.made
    campaigns = made.campaigns if made is not None else []
    creates = any(one.action in ("create", "clone") for one in campaigns)
    found: list[tuple[str, str]] = []
    for point, value in sorted(REFUSABLE):
        if getattr(dialect, point) != value:
            continue
        if point == "names":
            matters = not all(is_kept(world, one.name) for one in campaigns)
        elif point == "date_precision":
            dates = [
                milliseconds(one.fields.get(name)) or 0
                for one in campaigns
                for name in ("startDate", "endDate")
            ]
            matters = any(date % PRECISION[value] >= _SECOND for date in dates)
        elif point in ("order", "maintenance_length"):
            matters = point.removesuffix("_length") in world.vendor.consulted
        elif point in ("create_answer", "delete"):
            matters = creates
        else:
            matters = True
        if matters:
            found.append((point, value))
    return found


def is_kept(world: SeasonWorld, name: str) -> bool:
    """Return whether the server keeps a name, and the working names of it."""
    stored = world.vendor.name_as_stored
    return stored(name) == name and stored(f"{name}{SUFFIX}") == f"{name}{SUFFIX}"


def unexcused(task: SeasonTask, attempt: Attempt) -> str | None:
    """Return the failure for which nobody else is to blame; None if there is none."""
    error, world = task.error, task.world
    if error is None or attempt.error is None:
        return None
    if isinstance(error, ApiError) and error.retryable and _was_down(task):
        return None
    if isinstance(task, PlanTask):
        is_disturbed = isinstance(error, InvalidInputError | UnstableListError) and (
            world.others or _touched(world) or _is_recent(task)
        )
        has_none = isinstance(error, RecordError) and task.rollout.plan.kind != "season"
        return None if is_disturbed or has_none else type(error).__name__
    assert isinstance(task, ApplyTask)
    if isinstance(error, OtherApplyError | SupersededError):
        return None if _has_rival(task, attempt) else type(error).__name__
    if isinstance(error, StalePlanError):
        if str(error).startswith("the plan would "):
            # A day has to be closed by now.
            return None
        others = [one for rollout in world.rollouts if rollout is not task.rollout for one in rollout.applies]
        return None if any(one.attempts for one in others) else "StalePlanError"
    if isinstance(error, NotAppliedError):
        work = task.rollout.work_in(task.rollout.records().last())
        return None if work is None else _unexcused_campaign(task, work)
    return type(error).__name__


def _was_down(task: SeasonTask) -> bool:
    """Return whether of the attempts that would have come after a maintenance, one was interrupted."""
    if "maintenance" not in task.world.vendor.consulted:
        return False
    return isinstance(task, PlanTask) or any(one.plan.end or one.plan.killed_at_end for one in task.attempts)


def _has_rival(task: ApplyTask, attempt: Attempt) -> bool:
    """Return whether another apply, or a later attempt, may have been at it."""
    others = [one for apply in task.world.applies if apply is not task for one in apply.attempts]
    return any(one.ended_at + _DEAD_SECONDS > attempt.began or not one.over for one in others) or any(
        one.began > attempt.began for one in task.attempts
    )


def _touched(world: SeasonWorld) -> bool:
    return any(_is_outside(version) for row in world.vendor.rows.values() for version in row.versions)


def _is_recent(task: SeasonTask) -> bool:
    """Return whether a list may not show yet what an apply has written before a plan."""
    lag = LAGS[task.world.plan.dialect.list_shows]
    since = task.attempts[0].began - lag
    versions = [version for row in task.world.vendor.rows.values() for version in row.versions]
    return any(isinstance(one.by, SeasonAttempt) and one.at >= since for one in versions)


def _unexcused_campaign(task: ApplyTask, work: Work) -> str | None:
    world = task.world
    lag = LAGS[world.plan.dialect.list_shows]
    since = task.rollout.planned_at[0] - lag - 60.0
    if world.plan.dialect.get_shows == "after some requests":
        # A change by others may not be shown for any time.
        since = 0.0
    for one in task.season_plan.campaigns:
        change = work.changes[one.key]
        if change.is_done or one.wave > work.wave:
            continue
        rows = [row for row in world.vendor.rows.values() if row.group_id == one.dial_group_id]
        concerned = [
            row for row in rows if row.campaign_id in (one.campaign_id, one.source) or _bears(row, one.name)
        ]
        versions = [version for row in concerned for version in row.versions if version.at >= since]
        if any(_is_outside(version) or _is_of_other_plan(task, version) for version in versions):
            continue
        if change.retryable and _was_down(task):
            continue
        return f"{one.action} is {change.outcome}: {_kind(change.error)}"
    return None


def _kind(text: str | None) -> str:
    """Return an error without the names and numbers of one history."""
    words = [word for word in (text or "").split() if word.isalpha()]
    return " ".join(words[:9])


def _bears(row: Row, name: str) -> bool:
    """Return whether a campaign has or had a name, or a working name of it."""
    return any(
        version.fields is not None
        and plain_name(str(version.fields["campaignName"])).casefold().startswith(name.casefold())
        for version in row.versions
    )


def _is_outside(version: Version) -> bool:
    return version.by is not None and not isinstance(version.by, SeasonAttempt)


def _is_of_other_plan(task: ApplyTask, version: Version) -> bool:
    by = version.by
    if not isinstance(by, SeasonAttempt) or by.task.rollout is task.rollout:
        return False
    # What the daily task has recorded is known to an apply that goes on.
    return by.task.rollout.plan.kind != "days" or by.task.state != "success"


def problems_at_end(world: SeasonWorld, renamed_back: set[int]) -> Iterator[Problem]:
    """Yield names that several campaigns have, and what was left unfinished."""
    names = {
        (one.dial_group_id, world.vendor.name_as_stored(one.name)): one.name
        for rollout in world.rollouts
        if rollout.made is not None
        for one in rollout.made.campaigns
    }
    tasks = [*world.applies, *world.others]
    began = min((one.attempts[0].began for one in tasks if one.attempts), default=world.now)
    is_done = any(one.state == "success" and one.rollout.plan.kind == "season" for one in world.applies)
    for (group, stored), name in names.items():
        if not is_kept(world, name) and not is_done:
            continue
        ours = before = 0
        for row in world.vendor.rows.values():
            if row.name != stored or row.nulls or row.group_id != group or row.campaign_id in renamed_back:
                continue
            named = naming(row)
            if isinstance(named.by, Attempt):
                ours += is_kept(world, name) or can_dial(row.now.fields, world.now)
            elif named.at < began - 60:
                before += 1
        if ours and ours + before > 1:
            what = "two campaigns, one from before" if before else "two campaigns of ours"
            yield what, f"{ours + before} are named {stored!r}"
    yield from _unfinished(world)


def _unfinished(world: SeasonWorld) -> Iterator[Problem]:
    applies = [one for one in world.applies if one.attempts]
    last = max(applies, key=lambda one: one.attempts[-1].ended_at, default=None)
    # No other kind of plan completes what an apply has left.
    if last is None or last.state != "success" or last.rollout.plan.kind != "season":
        return
    keys = {one.key for one in last.season_plan.campaigns if one.action != "over"}
    for row in world.vendor.rows.values():
        wanted = world.promises.wanted.get(row.campaign_id)
        if wanted is None or wanted.key not in keys or not row.exists or not is_marked(row.name):
            continue
        if any(_is_outside(version) for version in row.versions):
            continue
        creator = row.versions[0].by
        cells = (*refusable_cells(last), *refusable_cells(creator.task))
        if any(point in ("delete", "list_shows", "order") for point, _ in cells):
            continue
        if row.versions[0].at > creator.ended_at:
            # The server has carried it out after the attempt had ended.
            continue
        if creator.task.state != "success" and _is_taken(last, wanted.key, world):
            # The next apply has found a campaign of that name, and the verify names the unfinished one.
            continue
        yield "left unfinished", f"{row.campaign_id} {row.name!r}"


def _is_taken(last: ApplyTask, key: str, world: SeasonWorld) -> bool:
    """Return whether someone else has made the campaign that the last plan found."""
    found = [one.campaign_id for one in last.season_plan.campaigns if one.key == key]
    return any(
        row.campaign_id in found and _is_outside(row.versions[0]) for row in world.vendor.rows.values()
    )
