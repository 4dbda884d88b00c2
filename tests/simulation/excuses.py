"""Whether a task's failure is right: because of the dialect, or of what people and other tasks did."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from airflow_provider_engagevoice.exceptions import (
    AmbiguousNameError,
    CampaignExistsError,
    ConcurrentChangesError,
    ConflictError,
    IncompleteCopyError,
    InvalidInputError,
    NoAnswerError,
    NotFoundError,
    PageAnswerError,
    PermissionDeniedError,
    ServerError,
    StateStoreError,
    StoredDifferentlyError,
    UnstableListError,
)
from tests.simulation.allowed import is_marked, is_unfinished_of
from tests.simulation.outcomes import has_dates, is_by, is_meant, is_named_by_person, name_of, naming
from tests.simulation.people import Person
from tests.simulation.rows import DATES, Row, Version

if TYPE_CHECKING:
    from tests.simulation.actors import Attempt, Task


def is_excused(task: Task, attempt: Attempt, error: Exception) -> bool:
    """Return whether what people and other tasks did makes the failure right."""
    world, plan = task.world, task.plan
    rows = [row for row in world.vendor.rows.values() if not row.nulls]
    names = {task.stored_name, task.stored_new_name}
    named = [row for row in rows if any(name_of(one) in names for one in row.versions)]
    if isinstance(error, CampaignExistsError) and (plan.if_exists == "fail" or plan.new_name):
        others = [row for row in named if not is_by(task, row.versions[0])]
        # Without a store, a campaign that others have changed since cannot be told from theirs.
        changed = [row for row in named if any(not is_by(task, one) for one in row.versions)]
        others += [row for row in named if is_named_by_person(row)]
        return bool(others) or task.run == 1 or (not task.knows and bool(changed))
    if isinstance(error, ConflictError):
        folded = [one.casefold() for one in (*task.names, task.stored_name)]
        # A person may have renamed it since the server refused the name.
        return any(
            (name_of(one) or "").casefold() in folded
            for row in rows
            if row.campaign_id not in task.written or is_named_by_person(row)
            for one, at_end in zip(
                row.versions, [*(later.at for later in row.versions[1:]), world.now], strict=True
            )
            if at_end >= attempt.began
        )
    if isinstance(error, ConcurrentChangesError) and task.stored_new_name:
        # Another task creates a campaign of the new name; the server may have cut its working name.
        new = task.stored_new_name
        names = [
            name_of(one) or "" for row in rows for one in row.versions if not is_by(task, row.versions[0])
        ]
        if any(name.startswith(f"{new} [") for name in names):
            return True
    if isinstance(error, NotFoundError | ConcurrentChangesError) and not task.is_ensure:
        renamed_by_us = plan.new_name is not None and any(row.campaign_id in task.written for row in named)
        if renamed_by_us and not task.knows:
            return True
        return not any(is_meant(task, row) and row.now.at < attempt.began for row in rows)
    is_absent = isinstance(error, NotFoundError | PermissionDeniedError)
    if is_absent and plan.kind == "clone" and isinstance(world.source_reference, str):
        # A person has renamed the source, and no other campaign has its name.
        is_renamed = any(isinstance(one.by, Person) and one.how == "rename" for one in world.source.versions)
        if is_renamed and not any(row.name == world.source_reference for row in rows):
            return True
    if is_absent and plan.kind == "clone" and not world.source.exists:
        if not plan.group and not task.knows:
            # Nothing says any more in which dial group the copy is.
            return True
        # A copy that another attempt has made meanwhile cannot be known of.
        copies = [row for row in rows if is_by(task, row.versions[0]) and bears(task, row)]
        return all(row.versions[0].at >= attempt.began for row in copies)
    if ended_in_maintenance(attempt, error):
        # Airflow has counted an attempt that did not end by itself, and none is left after the maintenance.
        earlier = [one for one in task.attempts if one.run == attempt.run and one is not attempt]
        return any(one.disowned or one.error is None for one in earlier)
    if isinstance(error, ConcurrentChangesError) and " all named " in str(error):
        # A person has given another one the name, or an attempt that was killed before it took that back, or
        # that read one before a person renamed it.
        givers = [one.by for row in named for one in row.versions if name_of(one) in names]
        given = any(isinstance(one, Person) or _is_open_rename(task, one) for one in givers)
        given = given or any(row.campaign_id in world.promises.renamed_back for row in named)
        changes = [pair for row in named for pair in pairwise(row.versions) if name_of(pair[1]) in names]
        return given or any(_takes_back(task, before, after) for before, after in changes)
    if isinstance(error, ConcurrentChangesError) and any(row.leads_at for row in rows if bears(task, row)):
        return True
    if isinstance(error, ConcurrentChangesError) and "keep changing" in str(error):
        return _keep_changing(task, attempt, rows)
    if isinstance(error, AmbiguousNameError):
        # Without a store, a campaign of ours to which a person gave the name cannot be told from theirs.
        given = [row for row in named if isinstance(naming(row).by, Person) and not task.knows]
        return len(named) > 1 and any(row in given or not is_by(task, row.versions[0]) for row in named)
    if isinstance(error, UnstableListError):
        # A person has renamed it, or others have deleted it, before a list has shown it.
        changed = [row for row in rows if row.versions[0].by is attempt and len(row.versions) > 1]
        return any(
            not is_by(task, row.versions[1]) and name_of(row.versions[0]) != name_of(row.versions[1])
            for row in changed
            if f"{name_of(row.versions[0])!r}" in str(error)
        )
    if isinstance(error, IncompleteCopyError):
        copies_rows = plan.copy_nested and world.plan.dialect.clone_copies == "dates and state"
        return plan.fails_incomplete and world.has_own_rows and not copies_rows
    if isinstance(error, StateStoreError):
        return plan.store_fails > 0
    if isinstance(error, InvalidInputError):
        return _is_bad_input(task, rows)
    if isinstance(error, StoredDifferentlyError):
        return _is_overwritten(task, attempt, str(error), rows)
    return False


def ended_in_maintenance(attempt: Attempt, error: Exception | None) -> bool:
    """Return whether an attempt has failed because the server was in maintenance at its last request."""
    if not isinstance(error, NoAnswerError | PageAnswerError | ServerError) or not attempt.sent:
        return False
    last = attempt.sent[-1].at
    return any(begin <= last < end for begin, end in attempt.world.vendor.maintenance)


def tells_of(task: Task, rows: list[Row]) -> bool:
    """Return whether a rename has failed, and its error names all campaigns of the new name, or need not."""
    if task.is_ensure:
        return False
    if not task.knows:
        # A retry does not know any more that it has renamed the campaign.
        return len(task.attempts) > 1
    if task.state != "failed":
        return False
    if isinstance(task.error, UnstableListError):
        return True
    if task.attempts[-1].error is None or ended_in_maintenance(task.attempts[-1], task.error):
        # It was killed, or could not give the campaign its old name again.
        return True
    return all(str(row.campaign_id) in str(task.error) for row in rows)


def is_taken_for_cut(task: Task, row: Row) -> bool:
    """Return whether a person has cut a campaign's name as servers do, and the task has withdrawn it."""
    given = ""
    for before, after in pairwise(row.versions):
        name = name_of(after) or ""
        if isinstance(after.by, Person) and name_of(before) == task.stored_name and name != task.stored_name:
            given = name if task.stored_name.casefold().startswith(name.casefold()) else ""
        elif given and is_by(task, after) and name_of(before) == given and is_marked(name):
            return True
    return False


def _keep_changing(task: Task, attempt: Attempt, rows: list[Row]) -> bool:
    """Return whether others have written campaigns of a name several times since an attempt began."""
    changes = [
        one
        for row in rows
        if any(one.fields and is_unfinished_of(task, one.fields) for one in row.versions)
        for one in row.versions
        if one.at >= attempt.began and one.by is not attempt
    ]
    return len(changes) > 1


def _is_open_rename(task: Task, giver: object) -> bool:
    other = getattr(giver, "task", task)
    if other is task or not other.plan.new_name:
        return False
    # Or it has not taken the name back yet.
    return any(one.end for one in other.plan.attempts) or not getattr(giver, "over", True)


def _takes_back(task: Task, before: Version, after: Version) -> bool:
    """Return whether a rename that came second has given a campaign its old name again."""
    other = getattr(after.by, "task", task)
    return other is not task and bool(other.plan.new_name) and name_of(before) == other.stored_new_name


def _is_overwritten(task: Task, attempt: Attempt, error: str, rows: list[Row]) -> bool:
    """Return whether others have changed a field that an error names, or given a name as if it were cut."""
    for row in rows:
        is_own = row.campaign_id in task.written
        for before, after in pairwise(row.versions):
            if is_by(task, after) or not before.fields or not after.fields:
                continue
            # Another task's may be its own as well, if it had no answer to its create.
            if (
                isinstance(after.by, Person)
                and task.is_ensure
                and (is_own or is_unfinished_of(task, before.fields))
                and task.stored_name.casefold().startswith((name_of(after) or "-").casefold())
            ):
                return True
            if not is_own:
                continue
            changed = [name for name in task.asked if before.fields[name] != after.fields[name]]
            if after.at >= attempt.began and any(f"{name} is " in error for name in changed):
                return True
    return False


def _is_bad_input(task: Task, rows: list[Row]) -> bool:
    """Return whether arguments that were right at first cannot be used any more."""
    world, plan = task.world, task.plan
    # A person may have given the source's name to another one.
    sources = [row for row in rows if any(name_of(one) == world.source_reference for one in row.versions)]
    if plan.kind == "clone" and any(
        name_of(one) == task.stored_name for row in (world.source, *sources) for one in row.versions
    ):
        # The source has got the name that is asked for.
        return True
    if not task.dates:
        return False
    if plan.kind == "update":
        # With the other date, which others may have changed, they are no window, or one that is over.
        for row in rows:
            for fields in (one.fields for one in row.versions if one.fields):
                start, end = ({**fields, **task.dates}[name] for name in DATES)
                if is_named(task, row) and (end <= start or world.now * 1000 > end):
                    return True
        return False
    # The window is over, and nothing has it already.
    meant = [row.now.fields for row in rows if row.name == task.stored_name]
    is_over = world.now * 1000 > task.dates["endDate"]
    return is_over and not any(fields and has_dates(task, fields, exactly=True) for fields in meant)


def is_named(task: Task, row: Row) -> bool:
    """Return whether a campaign has, or has had, the name or the id that an update names."""
    if task.target is not None:
        return row.campaign_id == task.target
    return any(name_of(one) == task.stored_name for one in row.versions)


def bears(task: Task, row: Row) -> bool:
    """Return whether a campaign has the name that a task asks for, or that with a suffix."""
    name = row.name or ""
    if name.startswith(f"{task.stored_name} [unfinished "):
        return name.endswith("]")
    return name == task.stored_name
