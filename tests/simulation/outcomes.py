"""Whether a task's success is true, and whether its failure may be."""

from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING, Any

from tests.simulation.allowed import enforces, is_marked
from tests.simulation.people import Person
from tests.simulation.reads import last_read
from tests.simulation.rows import NESTED, PRECISION, Json, Row, Version, plain_name
from tests.simulation.vendor import GROUP, LAGS

if TYPE_CHECKING:
    from tests.simulation.actors import Attempt, Task

_SECOND, _DAY = 1000, 86_400_000
#: Minutes between the account's zone, Pacific time, and the others: of a lead in the USA, and UTC.
_ZONES_APART = {"lead": 180.0, "UTC": 480.0}


def has_dates(task: Task, fields: Json, *, exactly: bool) -> bool:
    """Return whether a campaign has the dates that a task asks for.

    :param exactly: whether what the dialect makes of dates counts as another date
    """
    unit = PRECISION[task.world.plan.dialect.date_precision]
    for name, wanted in task.dates.items():
        stored = fields[name]
        if stored is None:
            return False
        coarse = wanted - wanted % unit
        if abs(stored - wanted) >= _SECOND and (exactly or abs(stored - coarse) >= _SECOND):
            return False
    return True


def problem_of_success(task: Task, attempt: Attempt, result: Any) -> tuple[str, str] | None:
    """Return in what a task's success is not so; None if it is."""
    if task.plan.kind == "delete":
        return _problem_of_delete(task, attempt, result)
    row = task.world.vendor.rows.get(result.campaign_id)
    if row is None:
        return f"{result.outcome}, but does not exist", str(result.campaign_id)
    versions = _versions_seen(row, attempt)
    problems = [_problem_of(task, row, version, result) for version in versions]
    if all(problems):
        kind, detail = problems[-1] or ("", "")
        return f"{task.plan.kind}: {result.outcome}, but {kind}", f"{row.campaign_id} {detail}"
    # It may have been read after others have changed what was asked for.
    states = {version.fields["isActive"] for version in versions if version.fields}
    if result.is_active not in states:
        return f"{task.plan.kind}: {result.outcome}, but isActive is another", f"not {result.is_active}"
    if task.plan.kind == "update" and not _is_target(task, row):
        return "update: success with a campaign that was not named", f"{row.campaign_id} {row.name!r}"
    return (
        _problem_of_outcome(task, attempt, row, result)
        or _problem_of_warning(task, attempt, result)
        or _problem_of_copy(task, row, result)
    )


def _versions_seen(row: Row, attempt: Attempt) -> list[Version]:
    """Return the versions since the attempt's last write to the campaign, or else since a read of it.

    What people or other tasks change after that is theirs.
    """
    seen = attempt.began
    reads: set[int] = set()
    for sent in attempt.sent:
        if sent.row == row.campaign_id and sent.status == 200:
            shown = [one.at for one in row.versions if one.number == sent.shown]
            seen = min([sent.at, *shown])
            reads.add(sent.shown)
    writes = [sent.at for sent in attempt.sent if sent.row == row.campaign_id and sent.method == "PUT"]
    first = row.version_at(min([seen, *writes[-1:]]))
    start = row.versions.index(first) if first else 0
    before = 0 if writes else start
    while before and not is_by(attempt.task, row.versions[before]):
        before -= 1
        if row.versions[before].number in reads:
            start = before
    return row.versions[start:]


def _problem_of(task: Task, row: Row, version: Version, result: Any) -> tuple[str, str] | None:
    plan, fields = task.plan, version.fields
    if fields is None:
        return "it is deleted", ""
    name = task.name if task.is_ensure else task.new_name
    if name is not None and plain_name(fields["campaignName"]) != name and not _is_renamed_since(task, row):
        return "its name is another", repr(fields["campaignName"])
    # Without a store, an earlier attempt's campaign whose name was cut to its own, or was given by a person,
    # looks like anybody's.
    looks_own = task.is_kept and not is_named_by_person(row)
    is_known = is_by(task, version) and (task.knows or looks_own)
    if task.is_ensure and plan.if_exists != "update" and not is_known:
        # It is not to be changed, whatever others have made of it.
        return None
    state = _wanted_state(task, row, result)
    is_other = state is not None and bool(fields["isActive"]) != bool(state) and not is_named_by_person(row)
    if is_other and not _is_state_of_others(task, row) and not (state and _looks_paused(task, row)):
        return "isActive is not as asked for", f"{fields['isActive']}"
    if not has_dates(task, fields, exactly=True):
        return "it has other dates", f"{fields['startDate']} {fields['endDate']}"
    if plan.ring_time is not None and fields["maxRingTime"] != plan.ring_time:
        return "maxRingTime is another", str(fields["maxRingTime"])
    return None


def _wanted_state(task: Task, row: Row, result: Any) -> int | None:
    """Return the state that a campaign has to have after a success; None for any."""
    plan = task.plan
    if not task.is_kept:
        return None
    if not task.is_ensure or enforces(task, row):
        return plan.state
    if result.outcome == "created" and is_by(task, row.versions[0]):
        return plan.state or 0
    return None


def _is_state_of_others(task: Task, row: Row) -> bool:
    """Return whether people or other tasks have changed the state since the task's first attempt."""
    # What a task has created, it may say again after a clear.
    run = 0 if task.is_ensure else task.attempts[-1].run
    began = min(one.began for one in task.attempts if one.run == run)
    return any(
        after.at >= began
        and not is_by(task, after)
        and (
            before.fields is None
            or after.fields is None
            or before.fields["isActive"] != after.fields["isActive"]
        )
        for before, after in pairwise(row.versions)
    )


def _is_renamed_since(task: Task, row: Row) -> bool:
    """Return whether a person, or an attempt that was taken for dead, has renamed it since an update has."""
    if task.is_ensure:
        return False
    is_ours = False
    for before, after in pairwise(row.versions):
        if name_of(before) != name_of(after):
            if is_ours and (isinstance(after.by, Person) or getattr(after.by, "disowned", False)):
                return True
            is_ours = is_ours or is_by(task, after)
    return False


def is_named_by_person(row: Row) -> bool:
    """Return whether a person has given an unfinished campaign its name, so that it was not activated."""
    return any(
        isinstance(after.by, Person) and is_marked(name_of(before)) and not is_marked(name_of(after))
        for before, after in pairwise(row.versions)
    )


def has_unanswered_activation(task: Task, row: Row) -> bool:
    """Return whether an earlier attempt of the run may have activated a campaign: it got no answer."""
    return any(
        sent.activates and sent.row == row.campaign_id and not sent.status
        for one in _earlier(task)
        for sent in one.sent
    )


def _earlier(task: Task) -> list[Attempt]:
    run = task.attempts[-1].run
    return [one for one in task.attempts[:-1] if one.run == run]


def _looks_paused(task: Task, row: Row) -> bool:
    """Return whether a retry may take a campaign that no attempt has activated for one that was paused."""
    return (
        has_unanswered_activation(task, row)
        or _is_announced(task, row)
        or _has_read_old_state(task, row)
        # It could not save that a server has refused to activate it.
        or (task.plan.store_fails > 0 and len(task.attempts) > 1)
    )


def _is_announced(task: Task, row: Row) -> bool:
    """Return whether an attempt that runs beside its successor has saved that it activates a campaign."""
    saved = task.attempts[-1].checkpoint.load() or {}
    activated = saved.get("activated")
    is_saved = activated is not None and activated[0] == row.campaign_id
    return is_saved and any(not one.over for one in _earlier(task))


def _has_read_old_state(task: Task, row: Row) -> bool:
    """Return whether a retry has read a campaign from before an earlier attempt activated it.

    What it reads then looks as if a person had paused the campaign, which stands.
    """
    attempt = task.attempts[-1]
    writes = [one for one in attempt.sent if one.method == "PUT" and one.row == row.campaign_id]
    shown = [read.shown for one in writes if (read := last_read(attempt, one)) is not None]
    return any(
        one.number > min(shown, default=one.number)
        and is_by(task, one)
        and one.by is not attempt
        and one.fields is not None
        and bool(one.fields["isActive"])
        for one in row.versions
    )


def _is_target(task: Task, row: Row) -> bool:
    """Return whether a campaign has the id that an update names, or has had the name since it began."""
    if task.target is not None:
        return row.campaign_id == task.target
    if task.new_name and not task.knows and len(task.attempts) > 1:
        # It may have been renamed by an attempt of which nothing is known.
        return True
    since = task.attempts[0].began - LAGS[task.world.plan.dialect.list_shows] - 60
    ends = [*(one.at for one in row.versions[1:]), inf]
    return any(
        name_of(one) == task.stored_name and end >= since for one, end in zip(row.versions, ends, strict=True)
    )


def _problem_of_outcome(task: Task, attempt: Attempt, row: Row, result: Any) -> tuple[str, str] | None:
    if not task.is_ensure or not task.knows or not task.is_kept:
        return None
    if row.campaign_id in task.world.promises.undone:
        return None
    creator = row.versions[0].by
    created = getattr(creator, "task", None) is task
    has_told = created and creator.disowned and creator.succeeded
    # An attempt that Airflow had given up has told of it.
    if has_told and (creator.ended_at < attempt.began or creator.run < attempt.run):
        return None
    before = [one.campaign_id for one in task.results[:-1]]
    is_known = created and row.campaign_id not in before and not is_named_by_person(row)
    if is_known and result.outcome == "unchanged":
        return "created, but the outcome is unchanged", str(row.campaign_id)
    if result.outcome == "created" and row.campaign_id in before:
        return "created a second time", str(row.campaign_id)
    return None


def _problem_of_copy(task: Task, row: Row, result: Any) -> tuple[str, str] | None:
    """Return whether a copy lacks rows of its source, and the result does not say so, or the other way.

    Others may have completed one that people had named, and the task may have requested another one since.
    """
    source = task.world.vendor.rows.get(result.source_id)
    is_its_own = all(is_by(task, one) for one in row.versions)
    if result.copied_by is None or source is None or not (task.knows and is_its_own) or not row.exists:
        return None
    is_told = NESTED in (result.not_copied or ())
    has_rows = any(one.fields and one.fields.get(NESTED) for one in source.versions)
    lacks = has_rows and not (row.now.fields or {}).get(NESTED)
    return None if is_told == lacks else ("not_copied is wrong", f"{row.campaign_id} {result.not_copied}")


def _problem_of_warning(task: Task, attempt: Attempt, result: Any) -> tuple[str, str] | None:
    """Return whether a campaign that people or the server hold back was reported otherwise than once."""
    plan = task.plan
    if not plan.state or result.is_active or (task.is_ensure and plan.if_exists != "update"):
        return None
    warnings = [text for text in attempt.warnings if "inactive" in text or "isActive" in text]
    return None if len(warnings) == 1 else ("held back, without one warning", f"{len(warnings)} warnings")


def _problem_of_delete(task: Task, attempt: Attempt, result: Any) -> tuple[str, str] | None:
    rows = task.world.vendor.rows
    if result.outcome == "deleted":
        row = rows.get(result.campaign_id)
        return ("deleted, but still exists", str(row.campaign_id)) if row and row.exists else None
    # One that gets the name while the task looks for it may be missed.
    since = attempt.began - LAGS[task.world.plan.dialect.list_shows] - 60
    for row in rows.values():
        if is_meant(task, row, since):
            return "absent, but exists", str(row.campaign_id)
    return None


def add_exposure(task: Task, exposure: dict[str, float]) -> None:
    """Add the minutes outside what was asked for in which a campaign may dial."""
    dialect = task.world.plan.dialect
    if task.is_ensure and dialect.end_date == "whole day":
        minutes = (-task.dates["endDate"] % _DAY) / 60_000
        exposure["end date, whole day"] = max(exposure.get("end date, whole day", 0.0), minutes)
    if task.is_ensure and dialect.day_hours_zone != "account":
        exposure[f"day hours, {dialect.day_hours_zone}"] = _ZONES_APART[dialect.day_hours_zone]


def is_meant(task: Task, row: Row, since: float = inf) -> bool:
    """Return whether a task means a campaign, by its id or name, now and at all times since an instant."""
    if row.group_id != GROUP or task.target not in (None, row.campaign_id):
        return False
    versions = [row.version_at(since), *(one for one in row.versions if one.at > since)]
    return all(
        one is not None
        and one.fields is not None
        and (task.target is not None or plain_name(one.fields["campaignName"]) == task.stored_name)
        for one in versions
    )


def is_by(task: Task, version: Version) -> bool:
    return getattr(version.by, "task", None) is task


def name_of(version: Version) -> str | None:
    return None if version.fields is None else plain_name(version.fields["campaignName"])


def naming(row: Row) -> Version:
    """Return the version since which a campaign has its name."""
    versions = row.versions
    found = versions[-1]
    for version in reversed(versions):
        if version.fields is None or name_of(version) != row.name:
            break
        found = version
    return found
