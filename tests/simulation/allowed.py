"""What a task may write: which campaign it may change or delete, and which of its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tests.simulation.rows import DATES, NESTED, Json, Row, is_row_of, plain_name

if TYPE_CHECKING:
    from tests.simulation.actors import Task

#: Part of each working name.
MARK = "[unfinished"
_DAY = 86_400.0
#: Fields that have rules of their own.
_NAME_AND_STATE = ("campaignName", "isActive")


def is_marked(name: object) -> bool:
    """Return whether a name is that of an unfinished campaign."""
    return isinstance(name, str) and MARK in name


def can_dial(fields: Json | None, now: float) -> bool:
    """Return whether a campaign with these fields may dial now or later, whatever an end date means."""
    if fields is None or not fields["isActive"]:
        return False
    return fields["endDate"] is None or fields["endDate"] / 1000 + _DAY > now


def has_rows_of_others(body: Mapping[str, Any] | None, row: Row) -> bool:
    """Return whether a body that is sent for a campaign has rows of another one, and is to have none.

    A campaign that is not being created is sent back with the rows that it has.
    """
    rows = (body or {}).get(NESTED) or ()
    is_new = row.now.fields is not None and is_marked(plain_name(row.now.fields["campaignName"]))
    is_sent_back = not is_new and any(one.fields and rows == one.fields.get(NESTED) for one in row.versions)
    return not is_sent_back and not all(is_row_of(one, row.campaign_id) for one in rows)


def is_unfinished_of(task: Task, fields: Json) -> bool:
    """Return whether a campaign has a working name of the name that a task asks for."""
    name = plain_name(fields["campaignName"])
    return is_marked(name) and name.startswith(task.stored_name[: name.index(MARK) - 1])


def was_never_completed(task: Task, row: Row, fields: Json) -> bool:
    """Return whether a task for the same name created a campaign that no person had renamed."""
    creator = getattr(row.versions[0].by, "task", None)
    if creator is None or creator.name != task.name:
        return False
    names = set()
    for version in row.versions:
        if version.fields is not None:
            names.add(version.fields["campaignName"])
        if version.fields is fields:
            break
    return len(names) == 1


def may_change(task: Task, row: Row, fields: Json, leads: Sequence[float]) -> bool:
    """Return whether a task may change a campaign that has these fields."""
    plan, name = task.plan, plain_name(fields["campaignName"])
    if task.is_ensure:
        if getattr(row.versions[0].by, "task", None) is task:
            return True
        if name == task.stored_name:
            return plan.if_exists == "update"
        return is_unfinished_of(task, fields) or was_never_completed(task, row, fields)
    if plan.kind != "update":
        return False
    if task.target is not None:
        return row.campaign_id == task.target
    if name == task.stored_new_name and any(
        one.fields and plain_name(one.fields["campaignName"]) == task.stored_name for one in row.versions
    ):
        # Another task has given it the same new name.
        return True
    return name == task.stored_name or row.campaign_id in task.written


def may_delete(task: Task, row: Row, fields: Json, leads: Sequence[float]) -> bool:
    """Return whether a task may delete a campaign that has these fields.

    :param leads: when leads were loaded into it
    """
    if task.is_ensure:
        unfinished = is_unfinished_of(task, fields) or was_never_completed(task, row, fields)
        return unfinished and not can_dial(fields, task.world.now) and not leads
    if task.plan.kind != "delete":
        return False
    if task.target is not None:
        return row.campaign_id == task.target
    return plain_name(fields["campaignName"]) == task.stored_name


def unasked(task: Task, row: Row, shown: Json, fields: Json) -> Iterator[str]:
    """Yield what a PUT has changed that the task was not asked to change.

    :param shown: fields as the last read before it has shown them
    """
    asked = task.asked.union(_NAME_AND_STATE)
    for name in shown:
        if name == NESTED and task.is_ensure and fields.get(name) == _own_rows(row, shown):
            # A clone is written without the rows of its source.
            continue
        if name not in asked and not _same(task, name, shown[name], fields.get(name)):
            yield f"a field that was not asked for is changed: {name}"
    before, after = (plain_name(one["campaignName"]) for one in (shown, fields))
    names: set[str | None] = {task.stored_name}
    if task.plan.kind == "update":
        names = {task.stored_new_name}
        if row.campaign_id in task.written and task.stored_new_name == before:
            names |= _names_before(row)
    if after != before and after not in names and not (task.is_ensure and _is_withdrawn(task, fields)):
        yield "a name that was not asked for"
    if bool(shown["isActive"]) == bool(fields["isActive"]):
        return
    if fields["isActive"] and not _may_activate(task, row, before):
        yield "active, though not asked for"
    if not fields["isActive"] and not _may_deactivate(task, row, before):
        yield "inactive, though not asked for"


def _own_rows(row: Row, shown: Json) -> list[Json]:
    return [one for one in shown[NESTED] or () if is_row_of(one, row.campaign_id)]


def _names_before(row: Row) -> set[str]:
    """Return the names that a campaign has had, which a rename that comes second may give it again."""
    return {plain_name(one.fields["campaignName"]) for one in row.versions if one.fields}


def _is_withdrawn(task: Task, fields: Json) -> bool:
    return not task.is_kept or is_unfinished_of(task, fields)


def _same(task: Task, name: str, before: object, after: object) -> bool:
    if name in DATES and isinstance(before, int) and isinstance(after, int):
        # A server that shows no milliseconds is sent none.
        shows_them = task.world.plan.dialect.date_format != "no milliseconds"
        return before == after if shows_them else before // 1000 == after // 1000
    return before == after


def enforces(task: Task, row: Row) -> bool:
    """Return whether a create or clone may change the state of a campaign that exists."""
    plan = task.plan
    is_own = getattr(row.versions[0].by, "task", None) is task
    return plan.enforce_active and plan.state is not None and (is_own or plan.if_exists == "update")


def _may_activate(task: Task, row: Row, name: str) -> bool:
    if not task.plan.state:
        return False
    return not task.is_ensure or name != task.stored_name or enforces(task, row) or not task.is_kept


def _may_deactivate(task: Task, row: Row, name: str) -> bool:
    if not task.is_ensure:
        return task.plan.state == 0
    if name == task.stored_name and enforces(task, row) and task.plan.state == 0:
        return True
    is_own = getattr(row.versions[0].by, "task", None) is task
    return is_own or is_marked(name) or not task.is_kept


def taken_back(task: Task, row: Row, shown: Json, fields: Json | None) -> set[str]:
    """Return what a create or clone does to a campaign that a task has reported.

    :param shown: fields as the last read before it has shown them, or as they were
    """
    if not task.is_ensure:
        return set()
    if fields is None:
        # One that was unfinished when it was read was reported since.
        return set() if is_marked(plain_name(shown["campaignName"])) else {"deleted"}
    found = set()
    if plain_name(shown["campaignName"]) != plain_name(fields["campaignName"]):
        found.add("renamed")
    if shown["isActive"] and not fields["isActive"] and not (enforces(task, row) and task.plan.state == 0):
        found.add("made inactive")
    return found
