"""Read, check and load the leads of a task whose list names the campaign of each row."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.client.directory import CampaignDirectory
from airflow_provider_engagevoice.leads import report as reports
from airflow_provider_engagevoice.leads.loading.outcomes import Counts
from airflow_provider_engagevoice.leads.loading.routed import CampaignSpool, RoutedUploader
from airflow_provider_engagevoice.leads.routing import Recipient, RoutedValidator
from airflow_provider_engagevoice.utils.load_leads import LeadLoad

if TYPE_CHECKING:
    from airflow_provider_engagevoice.leads.loading.loader import Loader
    from airflow_provider_engagevoice.leads.loading.spool import Spool
    from airflow_provider_engagevoice.leads.mapping import MappingPlan
    from airflow_provider_engagevoice.leads.report import ValidatedRows
    from airflow_provider_engagevoice.leads.validate import LeadValidator
    from airflow_provider_engagevoice.utils.object_storage import RejectFile

log = logging.getLogger(__name__)


class RoutedLoad(LeadLoad):
    """One attempt of a task at a load into the campaigns that a column names."""

    _check: RoutedValidator

    def _validator(self, plan: MappingPlan) -> LeadValidator:
        values = self._values
        directory = CampaignDirectory(values["dial_group"])

        def find(text: str) -> Recipient | None:
            found = self._task.hook.run(directory.find(text))
            if found is None:
                return None
            self._campaigns[found.campaign_id] = found
            return Recipient(found.campaign_id, self._country(found))

        self._check = RoutedValidator(
            plan, values["campaign_column"], find, directory.problem, **self._checks()
        )
        return self._check

    def _fill(self, spool: Spool, validated: Iterable[ValidatedRows]) -> None:
        with CampaignSpool() as by_campaign:
            for rows in validated:
                by_campaign.add(rows.campaign_id, rows.numbers, rows.leads)
            self._check.verify_names()
            by_campaign.fill(spool)

    def _found(self) -> dict[str, Any]:
        return {"campaigns": [self._named(key) | group.report.counts() for key, group in self._groups()]}

    def _groups(self) -> Iterable[tuple[int, Any]]:
        return sorted(self._check.groups.items())

    def _named(self, campaign_id: int) -> dict[str, Any]:
        found = self._campaigns[campaign_id]
        return {
            "campaign_id": campaign_id,
            "campaign_name": found.campaign.campaignName,
            "dial_group_id": found.dial_group_id,
        }

    def _load(
        self, spool: Spool, rejects: RejectFile, check: LeadValidator, limit: reports.RejectLimit
    ) -> dict[str, Any]:
        column, names = self._values["campaign_column"], self._check.names
        rejects.added = lambda index: {column: names[spool.chunks[index].campaign_id]}
        return super()._load(spool, rejects, check, limit)

    def _uploader(self, check: LeadValidator) -> Callable[[Callable[[], None]], RoutedUploader]:
        def uploader(verify: Callable[[], None]) -> RoutedUploader:
            made = {}
            for campaign_id, group in self._groups():
                group_id, options = self._campaigns[campaign_id].dial_group_id, self._options(group.country)
                made[campaign_id] = self._uploader_class(
                    group_id, campaign_id, options, verify, targets=group.targets
                )
            return RoutedUploader(made)

        return uploader

    def _result(self, load: Loader) -> dict[str, Any]:
        campaigns = []
        for campaign_id, group in self._groups():
            counts = load.counts_by_campaign.get(campaign_id, Counts())
            named = self._named(campaign_id)
            campaigns.append(named | reports.load_counts(group.report, counts))
            log.info("%s: %s", named["campaign_name"], reports.not_called(group.report, counts))
        return {"campaigns": campaigns}

    def _events(self, result: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        shared = {name: result[name] for name in ("outcome", "list_name", "rejects")}
        return [shared | campaign for campaign in result["campaigns"]]
