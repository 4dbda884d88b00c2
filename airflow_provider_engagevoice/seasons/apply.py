"""Carry out a plan: each campaign once, whatever ends the task in between, and leave a record."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.characters import shown_lines
from airflow_provider_engagevoice.client.request import Pause, Procedure
from airflow_provider_engagevoice.exceptions import (
    ApiError,
    AuthenticationError,
    EngageVoiceError,
    InvalidConnectionError,
    SupersededError,
    TokenStoreError,
)
from airflow_provider_engagevoice.preflight.findings import ERROR, check_accepted
from airflow_provider_engagevoice.seasons.actions import ChangedSincePlanError, Done, action_of
from airflow_provider_engagevoice.seasons.authors import find_authors
from airflow_provider_engagevoice.seasons.batch import ProcedureBatch
from airflow_provider_engagevoice.seasons.claim import StalePlanError, begin_or_go_on
from airflow_provider_engagevoice.seasons.exclusions import kept_free, opened_day
from airflow_provider_engagevoice.seasons.plan import Plan, PlannedCampaign, written_by
from airflow_provider_engagevoice.seasons.record import Record, Records
from airflow_provider_engagevoice.seasons.work import ANSWERED, STATE, Approval, RecordedCampaign, Work

log = logging.getLogger(__name__)

#: Seconds after which the record is written although nothing has changed: the sign of life.
_ALIVE_SECONDS = 60.0
#: Seconds between claiming the season and checking that no other apply has claimed it at the same time.
_CLAIM_SECONDS = 2.0
#: Seconds between two lines of progress.
_PROGRESS_SECONDS = 5.0
#: Campaigns in a row that the server has not answered for, before the apply is given up for now.
_MAX_OUTAGES = 3
#: Errors after which no other campaign can succeed either.
_FATAL = (AuthenticationError, InvalidConnectionError, TokenStoreError, SupersededError)
#: Campaigns that an error names.
_MOST_NAMED = 10


class NotAppliedError(EngageVoiceError):
    """Some campaigns of a plan were not applied; the message names them."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """How far an apply has come.

    :param record: name of the record's file
    :param outcomes: number of campaigns by outcome
    :param changed: whether anything was written
    :param until: when the next wave may start; None if all have ended
    """

    record: str
    outcomes: Mapping[str, int]
    changed: bool
    until: datetime | None = None


class Apply:
    """One attempt at a plan.

    :param run: identifies the task in its run: the same for all of its attempts, and unique to it
    :param attempt: number of the attempt, from 1
    :param applied_by: who has triggered it
    :param approval: who has approved the plan
    :param copy_nested: whether the server takes rows with the ids of a source
    :param accept_findings: rules whose errors are accepted
    """

    def __init__(
        self,
        plan: Plan,
        records: Records,
        *,
        run: str,
        attempt: int = 1,
        applied_by: str | None = None,
        approval: Approval | None = None,
        copy_nested: bool = False,
        accept_findings: Collection[str] = (),
    ) -> None:
        self._plan = plan
        self._orphans = {one.campaign_id for one in plan.orphans}
        self._records = records
        self._run = run
        self._attempt = attempt
        self._applied_by = applied_by
        self._approval = approval
        self._copy_nested = copy_nested
        self._accept_findings = accept_findings
        self._record: Record
        #: How far the plan has come, in the record.
        self._work: Work
        self._is_dirty = False
        self._wave: list[PlannedCampaign] = []
        self._outages = 0
        #: Id and values of the campaigns of the wave that someone has changed since the plan, by key.
        self._changed: dict[str, tuple[int, Mapping[str, object]]] = {}
        self._told_at = clock.monotonic()

    def run(self) -> Procedure[ApplyResult]:
        """Apply the plan, or go on where an earlier attempt has ended.

        A campaign that someone has changed since the plan is left alone; the others go on. The next wave only
        starts once all campaigns of the waves before it are applied.

        :raises FindingsError: if the preflight has found errors that are not accepted; nothing was sent
        :raises NotAppliedError: at the end of a wave, if campaigns of it were not applied
        :raises OtherApplyError: if another apply of the season is running
        :raises StalePlanError: if another plan was applied since this one was made
        :raises SupersededError: if another attempt or apply has taken over
        """
        last = self._records.last()
        mine = self._records.of_plan(self._plan.serial + 1, self._plan.digest)
        if mine is not None and mine.status == "applied":
            log.info("the plan was applied already, see %s", mine.file)
            self._record = self._work = mine
            return self._result(changed=False)
        check_accepted(self._plan.findings, self._accept_findings)
        yield from self._claim(last)
        try:
            return (yield from self._run_waves())
        except SupersededError:
            raise
        except EngageVoiceError:
            self._work.status = "failed"
            self._flush()
            raise

    def _claim(self, last: Record | None) -> Procedure[None]:
        """Make this the task that works with the season's record."""
        self._record, self._work = begin_or_go_on(self._plan, last, self._run, self._attempt)
        record, work = self._record, self._work
        work.status, work.run, work.attempt = "applying", self._run, self._attempt
        if work is record:
            record.applied_by = self._applied_by
            errors = {one.rule for one in self._plan.findings if one.severity == ERROR}
            record.accepted_findings = sorted(errors)
            record.approval = self._approval or record.approval
        work.written_at = clock.time()
        self._records.save(record)
        self._records.point_to(record, work)
        yield Pause(_CLAIM_SECONDS)
        self._check_ours()

    def _check_ours(self) -> None:
        """Check that no other attempt and no other apply has taken over.

        :raises SupersededError: if one has
        """
        holder = self._records.holder()
        if holder != (self._record.file, self._run, self._attempt):
            by = f"by {holder[1]}, attempt {holder[2]}" if holder else "by no task: its record is gone"
            raise SupersededError(f"season {self._plan.season!r} is now applied {by}; nothing more is done")

    def _flush(self) -> None:
        """Write the record if it has changed, or has not been written for a while.

        :raises SupersededError: if another attempt or apply has taken over
        """
        self._check_ours()
        if self._is_dirty or clock.time() - self._work.written_at > _ALIVE_SECONDS:
            self._work.written_at = clock.time()
            self._records.save(self._record)
            self._is_dirty = False

    def _run_waves(self) -> Procedure[ApplyResult]:
        work, batch = self._work, ProcedureBatch(self._flush, self._put, self._ended)
        while work.wave < len(self._plan.waves):
            if (until := self._starts_at()) is not None and until > clock.now():
                # Another apply need not wait for it: a pause of the season, or its rollback, may be urgent.
                work.status, work.waits_until = "waiting", until.timestamp()
                self._is_dirty = True
                self._flush()
                return self._result(until=until)
            ids = {one.campaign_id: one for one in self._record.campaigns.values()}
            self._wave = [
                kept_free(one, work.changes[one.key], ids.get(one.campaign_id or 0))
                for one in self._plan.campaigns
                if one.wave == work.wave and not work.changes[one.key].is_done
            ]
            self._check_exclusions()
            yield from batch.run(
                action_of(one, self._plan, work.checkpoints, self._touch, self._copy_nested)
                for one in self._wave
            )
            self._report(force=True)
            yield from self._name_authors()
            self._check_wave()
            work.wave += 1
            work.wave_ended_at = clock.time()
            self._is_dirty = True
        work.status, work.ended_at, self._is_dirty = "applied", clock.time(), True
        work.checkpoints.clear()
        self._flush()
        self._records.point_to(self._record, work)
        return self._result()

    def _check_exclusions(self) -> None:
        """Check that no day is opened, or left open, that has to be closed since the plan was made."""
        for one in self._wave:
            if found := opened_day(one, datetime.fromtimestamp(self._plan.created_at, UTC)):
                self._touch()
                does, limit = found
                raise StalePlanError(
                    f"the plan would {does}, but by now it has to be {limit.hours!r} for "
                    f"{', '.join(limit.dates)}; make a new plan"
                )

    def _touch(self) -> None:
        self._is_dirty = True

    def _starts_at(self) -> datetime | None:
        """Return when the next wave may start; None for at once, as if it writes nothing."""
        number = self._work.wave
        if not any(one.writes and one.wave == number for one in self._plan.campaigns):
            return None
        wave = self._plan.waves[number]
        moments = [] if wave.at is None else [datetime.fromisoformat(wave.at)]
        if wave.after is not None:
            ended = self._work.wave_ended_at or self._work.started_at
            moments.append(datetime.fromtimestamp(ended, UTC) + timedelta(seconds=wave.after))
        return max(moments, default=None)

    def _put(self, number: int) -> None:
        """Record that a campaign was activated: if a person pauses it from now on, it stays paused."""
        key = self._wave[number].key
        checkpoint, change = self._work.checkpoints.get(key, {}), self._work.changes[key]
        if change.action != "update" or not change.after.get(STATE) or checkpoint.get(ANSWERED):
            return
        self._work.checkpoints[key] = {**checkpoint, ANSWERED: True}
        self._is_dirty = True
        self._flush()

    def _ended(self, number: int, result: Any) -> None:
        """Record how it went with one campaign."""
        planned = self._wave[number]
        change = self._work.changes[planned.key]
        self._is_dirty = True
        if isinstance(result, EngageVoiceError):
            is_outage = isinstance(result, ApiError) and result.retryable
            self._outages = self._outages + 1 if is_outage else 0
            is_changed = isinstance(result, ChangedSincePlanError)
            if isinstance(result, ChangedSincePlanError) and result.now and planned.campaign_id is not None:
                self._changed[planned.key] = planned.campaign_id, result.now
            change.outcome, change.error = "changed" if is_changed else "failed", str(result)
            change.retryable = result.retryable
            log.warning("%r in dial group %s: %s", planned.name, planned.dial_group, result)
            if isinstance(result, _FATAL) or self._outages >= _MAX_OUTAGES:
                raise result
            return
        self._outages = 0
        change.outcome, change.campaign_id, change.error = result.outcome, result.campaign_id, None
        self._work.changes[planned.key] = change.limited_to(self._work.checkpoints.pop(planned.key, {}))
        if self._record.days is not None:
            # What a killed run of the daily task has begun.
            self._record.days.checkpoints.pop(planned.key, None)
        if result.campaign_id is not None and result.outcome != "protected":
            self._remember(planned, result)
        elif planned.key in self._record.campaigns:
            # Days without calls hold for protected campaigns, too.
            self._record.campaigns[planned.key].exclusion = planned.exclusion
        self._report()

    def _remember(self, planned: PlannedCampaign, done: Done) -> None:
        campaigns, campaign_id = self._record.campaigns, done.campaign_id
        assert campaign_id is not None
        # A campaign that was renamed has had another key.
        keys = [key for key, one in campaigns.items() if one.campaign_id == campaign_id or key == planned.key]
        known = [campaigns.pop(key) for key in keys]
        change = planned.state_change
        if self._plan.of_days:
            self._record.keep_free(campaign_id, written_by(planned))
        is_set = planned.before is None or planned.before[STATE] == planned.state
        paused_from = planned.paused_from
        if change is not None and change.applied:
            is_set = True
            if done.outcome == "unchanged" and paused_from is not None:
                # Someone has paused it, or a pause of the season before, which a list has not shown yet.
                paused_from = known[0].paused_from if known else None
        campaigns[planned.key] = RecordedCampaign(
            campaign_id=campaign_id,
            dial_group_id=planned.dial_group_id,
            name=planned.name,
            region=planned.region,
            fields={**(planned.left or {}), **planned.fields},
            state=planned.state if is_set else known[0].state if known else None,
            protect=planned.protect,
            orphan=campaign_id in self._orphans,
            paused_from=paused_from,
            dial_group=planned.dial_group,
            exclusion=planned.exclusion,
        )

    def _report(self, *, force: bool = False) -> None:
        if force or clock.monotonic() - self._told_at >= _PROGRESS_SECONDS:
            self._told_at = clock.monotonic()
            outcomes = self._outcomes()
            done = sum(outcomes.values()) - outcomes["pending"]
            counts = ", ".join(f"{name} {count}" for name, count in outcomes.items())
            log.info("%d of %d campaigns: %s", done, sum(outcomes.values()), counts)

    def _name_authors(self) -> Procedure[None]:
        """Add to the errors of campaigns that someone has changed who that was."""
        now = dict(self._changed.values())
        authors = yield from find_authors(self._plan.account_id, now, self._plan.created_at)
        for key, (campaign_id, _) in self._changed.items():
            if names := authors.get(campaign_id):
                by = "; ".join(f"{name or 'deleted'}: {author}" for name, author in names.items())
                self._work.changes[key].error = f"{self._work.changes[key].error} ({by})"
                self._is_dirty = True
        self._changed.clear()

    def _check_wave(self) -> None:
        left = [one for one in self._wave if not self._work.changes[one.key].is_done]
        if not left:
            return
        changes = self._work.changes
        lines = [f"{one.name!r} in dial group {one.dial_group!r}: {changes[one.key].error}" for one in left]
        lines = shown_lines(lines, _MOST_NAMED, ", see the record")
        raise NotAppliedError(
            f"{len(left)} of {len(self._plan.campaigns)} campaigns were not applied; make a new plan if they "
            "have changed:\n" + "\n".join(lines),
            retryable=any(self._work.changes[one.key].retryable for one in left),
        )

    def _outcomes(self) -> Counter[str]:
        return Counter(change.outcome for change in self._work.changes.values())

    def _result(self, *, changed: bool | None = None, until: datetime | None = None) -> ApplyResult:
        outcomes = self._outcomes()
        if changed is None:
            changed = any(outcomes[name] for name in ("created", "cloned", "updated"))
        return ApplyResult(self._record.file, dict(outcomes), changed, until)
