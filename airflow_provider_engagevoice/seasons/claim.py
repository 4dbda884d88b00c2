"""Make a task the only one that works with the record of a season."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import EngageVoiceError, SupersededError
from airflow_provider_engagevoice.seasons.actions import change_of
from airflow_provider_engagevoice.seasons.plan import Plan
from airflow_provider_engagevoice.seasons.record import Record
from airflow_provider_engagevoice.seasons.work import RecordedCampaign, Work, unique_key

log = logging.getLogger(__name__)


class OtherApplyError(EngageVoiceError):
    """Another apply of the season is running."""

    retryable = True


class StalePlanError(EngageVoiceError):
    """The season was applied after the plan was made."""


def begin_or_go_on(plan: Plan, last: Record | None, run: str, attempt: int) -> tuple[Record, Work]:
    """Return the record that a plan is applied with, and in it how far the plan has come; nothing is saved.

    A plan of the daily task has no record of its own.

    :param last: record of the season's last apply
    :param run: task instance, without its attempt
    :raises OtherApplyError: if another task is applying the season
    :raises StalePlanError: if another plan was applied since this one was made
    :raises SupersededError: if a later attempt has begun
    """
    works = last.works if last is not None else []
    if last is not None:
        check_idle(last, run)
    work = next((one for one in works if one.digest == plan.digest), None)
    if last is not None and work is not None:
        if work.run == run and work.attempt > attempt:
            raise SupersededError(f"attempt {work.attempt} of this task has started; nothing more is done")
        return last, work
    check_not_stale(plan, last)
    known = {one.campaign_id: one for one in last.campaigns.values()} if last else {}
    changes = {one.key: change_of(one, known) for one in plan.campaigns}
    if last is not None and plan.of_days:
        last.days = Work(digest=plan.digest, run=run, started_at=clock.time(), changes=changes)
        return last, last.days
    record = Record(
        season=plan.season,
        account_id=plan.account_id,
        serial=plan.serial + 1,
        digest=plan.digest,
        run=run,
        started_at=clock.time(),
        campaigns=_known(plan, last) if last else {},
        changes=changes,
    )
    return record, record


def check_idle(last: Record, run: str = "") -> None:
    """Check that no other task is applying a season.

    :param run: of this one
    :raises OtherApplyError: if one is
    """
    for other in last.works:
        if other.status == "applying" and other.run != run:
            if other.is_alive:
                raise OtherApplyError(
                    f"another apply of season {last.season!r} is running: {other.run}, record {last.file}, "
                    f"alive at {_shown(other.written_at)}"
                )
            log.warning("the apply %s was left unfinished by %s", last.file, other.run)


def _known(plan: Plan, last: Record) -> dict[str, RecordedCampaign]:
    """Return the campaigns of the last apply that are still there, with dates that are excluded now."""
    # A plan of the season looks for what a killed apply has created; others know only what the record has.
    known = dict(last.campaigns)
    for one in last.begun(created=plan.is_of_record):
        known[unique_key(one.key, one.campaign_id, known)] = one
    orphans = {one.campaign_id for one in plan.orphans}
    asked = {one.campaign_id: one.exclusion for one in plan.campaigns}
    asked |= {one.campaign_id: one.exclusion for one in plan.orphans}
    return {
        key: replace(one, orphan=id_ in orphans, exclusion=one.excluding(asked.get(id_)))
        for key, one in known.items()
        if key not in plan.gone and (id_ := one.campaign_id)
    }


def check_not_stale(plan: Plan, last: Record | None) -> None:
    """Check that a plan can be applied, or goes on to be.

    :param last: record of the season's last apply
    :raises StalePlanError: if another plan was applied since this one was made
    """
    if last is None or last.digest == plan.digest:
        return
    if (last.serial, last.as_of) != (plan.serial, plan.as_of):
        by = max(last.works, key=lambda one: one.written_at)
        raise StalePlanError(
            f"season {last.season!r} was applied after the plan was made: by {by.run}, record "
            f"{last.file}; make a new plan"
        )


def _shown(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).isoformat(" ", "seconds")
