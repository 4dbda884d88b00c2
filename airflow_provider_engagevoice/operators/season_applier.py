"""Base of operators that apply a plan of a season."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.assets import CampaignOutlets
from airflow_provider_engagevoice.inputs import InvalidInputError
from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from datetime import datetime
    from typing import NoReturn

    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_engagevoice.campaigns import CampaignResult
    from airflow_provider_engagevoice.seasons.plan import Plan
    from airflow_provider_engagevoice.seasons.record import Record, Records
    from airflow_provider_engagevoice.seasons.work import Approval
    from airflow_provider_engagevoice.storage import ObjectStorage


class SeasonApplier(CampaignOutlets, EngageVoiceOperator):
    """Base of operators that apply a plan: record, XCom and asset events."""

    _account_id = ""
    _changed: Sequence[CampaignResult] = ()

    def execute_next_wave(self, context: Context, event: object = None) -> dict[str, Any]:
        """Go on after the time between two waves."""
        result: dict[str, Any] = self.execute(context)
        return result

    def _apply(self, context: Context, plan: Plan, storage: ObjectStorage) -> dict[str, Any]:
        from airflow_provider_engagevoice.seasons.apply import Apply
        from airflow_provider_engagevoice.seasons.record import Records
        from airflow_provider_engagevoice.utils.season_files import changed_campaigns, who_runs
        from airflow_provider_engagevoice.utils.state_store import run_of

        account_id = self.hook.client.account_id()
        if plan.account_id != account_id:
            raise InvalidInputError(
                "plan", plan.account_id, f"it is a plan for another account than {account_id}"
            )
        records = Records(storage, plan.record_path, plan.season)
        approval = self._approve(context, plan, records)
        result = self.hook.run(
            Apply(
                plan,
                records,
                run=run_of(context),
                attempt=context["ti"].try_number,
                applied_by=who_runs(context),
                approval=approval,
                copy_nested=self.hook.client.settings.copy_nested,
                accept_findings=self.read_arguments().get("accept_findings") or (),
            ).run()
        )
        if result.until is not None:
            self._defer_until(result.until)
        if result.changed:
            record = records.load(result.record)
            self._account_id, self._changed = account_id, changed_campaigns(plan, record)
            self._add_events(context, account_id, record, result.outcomes)
        returned = self._returned(plan, records, result.record, result.outcomes)
        return {**returned, "approval": None if approval is None else asdict(approval)}

    @staticmethod
    def _returned(plan: Plan, records: Records, record: str, outcomes: Mapping[str, int]) -> dict[str, Any]:
        return {
            "season": plan.season,
            "digest": plan.digest,
            "record_path": records.path,
            "record": record,
            "outcomes": dict(outcomes),
        }

    def _approve(self, context: Context, plan: Plan, records: Records) -> Approval | None:
        """Return who has approved a plan; operators that ask no one return None."""
        return None

    def _defer_until(self, moment: datetime) -> NoReturn:
        from airflow.providers.common.compat.standard.triggers import TimeDeltaTrigger

        from airflow_provider_engagevoice import clock

        self.log.info("the next wave starts at %s", moment.isoformat(" "))
        self.defer(trigger=TimeDeltaTrigger(moment - clock.now()), method_name="execute_next_wave")

    def _add_events(
        self, context: Context, account_id: str, record: Record, outcomes: Mapping[str, int]
    ) -> None:
        from airflow_provider_engagevoice.assets import add_campaign_event, add_season_event

        extra = {"season": record.season, "record": record.file, "digest": record.digest, **outcomes}
        add_season_event(context, self.outlets, account_id, record.season, extra)
        for one in self._changed:
            add_campaign_event(context, self.outlets, account_id, one.as_event())

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage[Any, Any]:
        """Return the OpenLineage facets of the campaigns that changed; called by OpenLineage's provider."""
        from airflow_provider_engagevoice.lineage import campaign_lineage

        return campaign_lineage(self._account_id, *self._changed)
