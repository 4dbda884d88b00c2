"""Read, check and load the leads of a task."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack, closing
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.lookup import FoundCampaign, find_campaign
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.inputs import read_count
from airflow_provider_engagevoice.leads import report as reports
from airflow_provider_engagevoice.leads.loading.loader import Loader, uploader_class
from airflow_provider_engagevoice.leads.loading.options import LoadOptions, UploadMethod
from airflow_provider_engagevoice.leads.loading.progress import LoadProgress
from airflow_provider_engagevoice.leads.loading.spool import Spool
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.phones import TEN_DIGIT_COUNTRIES
from airflow_provider_engagevoice.leads.report import RejectLimit
from airflow_provider_engagevoice.leads.validate import LeadValidator
from airflow_provider_engagevoice.models.enums import DuplicateHandling
from airflow_provider_engagevoice.utils.lead_sources import chosen_sources
from airflow_provider_engagevoice.utils.object_storage import RejectFile
from airflow_provider_engagevoice.utils.state_store import announce_load, lead_checkpoint

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.leads.loading.uploader import Uploader

log = logging.getLogger(__name__)


class LeadLoad:
    """One attempt of a task at a load.

    :param task: the operator
    :param values: its arguments that were read
    :ivar loaded: the account and the campaign, once the server has the leads
    """

    def __init__(self, task: Any, context: Context, values: Mapping[str, Any]) -> None:
        self._task = task
        self._context = context
        self._values = values
        self.loaded: tuple[str, FoundCampaign] | None = None

    def run(self) -> dict[str, Any]:
        """Return the counts of the load, or with ``validate_only`` what the checks have found."""
        began = clock.monotonic()
        values = self._values
        mapping: Any = self._task.mapping
        as_file = values["method"] == UploadMethod.FILE
        plan = read_mapping(mapping, send_unmapped=values["send_unmapped"], as_file=as_file)
        limit = RejectLimit.of(self._task.max_bad_rows)
        found = self._task.hook.run(find_campaign(values["campaign"], values["dial_group"]))
        country = values["country"] or found.campaign.countryId or "USA"
        options = LoadOptions(
            values["list_name"],
            self._key(found.campaign_id)[:8],
            values["dial_priority"],
            values["duplicate_handling"],
            values["list_state"],
            values["time_zone_option"],
            values["settings"] or {},
            check_existing=values["check_existing"],
            in_e164=country not in TEN_DIGIT_COUNTRIES,
        )
        uploader = uploader_class(values["method"])
        chunk_size = uploader.default_chunk_size
        if values["chunk_size"] is not None:
            chunk_size = read_count(values["chunk_size"], "chunk_size", most=uploader.max_chunk_size)
        with ExitStack() as stack:
            spool = stack.enter_context(Spool(chunk_size))
            rejects = stack.enter_context(RejectFile(values["rejects_path"], values["rejects_conn_id"], plan))
            check = stack.enter_context(
                LeadValidator(
                    plan,
                    country=country,
                    time_zone_option=options.time_zone_option,
                    special_numbers=values["allow_special_numbers"],
                    retain_duplicates=options.duplicate_handling == DuplicateHandling.RETAIN_ALL,
                )
            )
            sources = chosen_sources(
                values,
                self._task.sql_parameters,
                self._task.revealed("records"),
                drop_unnamed=plan.drop_unnamed,
            )
            for source in stack.enter_context(closing(sources)):
                rejects.start(source)
                for rows in check.read(source):
                    spool.add(rows.numbers, rows.leads)
                    for reject in rows.rejects:
                        rejects.write(reject)
            spool.finish()
            log.log(logging.WARNING if check.report.warnings else logging.INFO, "%s", check.report.text())
            if values["validate_only"]:
                return check.report.as_dict() | {"rejects": rejects.finish()}
            try:
                limit.verify(check.report)
            except EngageVoiceError:
                rejects.finish()
                raise
            result = self._load(found, options, uploader, spool, rejects, check, limit)
        return result | {"seconds": round(clock.monotonic() - began, 3)}

    def _load(
        self,
        found: FoundCampaign,
        options: LoadOptions,
        uploader: type[Uploader],
        spool: Spool,
        rejects: RejectFile,
        check: LeadValidator,
        limit: RejectLimit,
    ) -> dict[str, Any]:
        report, client = check.report, self._task.hook.client
        key = self._key(found.campaign_id)
        checkpoint = lead_checkpoint(self._context, client.shared_state.store, key)
        with LoadProgress(client.settings.budgets.rates(uploader.budget)) as progress:
            load = Loader(
                client,
                partial(uploader, found.dial_group_id, found.campaign_id, options),
                spool,
                checkpoint=checkpoint,
                rejects=rejects,
                max_concurrent_requests=self._values["max_concurrent_requests"],
                progress=progress.update,
                reconcile_after=float(self._values["reconcile_after"]),
                targets=check.targets,
            )
            # Only a task's state store is certain to have the checkpoint of an earlier attempt.
            is_retry = self._context["ti"].try_number > 1 and self._context.get("task_state_store") is None
            counts = load.run(may_be_sent=is_retry or bool(self._lists(found, options)))
        self.loaded = client.account_id(), found
        lists = self._lists(found, options)
        result = {
            "outcome": "unchanged" if load.was_finished else "loaded",
            **reports.load_counts(report, counts),
            "campaign_id": found.campaign_id,
            "dial_group_id": found.dial_group_id,
            "list_name": options.description,
            "list_id": lists[0].get("listId") if len(lists) == 1 else None,
            "lists": len(lists),
            "rejects": rejects.finish(),
        }
        log.info("%s", result)
        log.info("%s", reports.not_called(report, counts))
        limit.verify(report, rejected_by_server=reports.rejected_by_server(report, counts))
        reports.verify_loaded(report, counts)
        if not announce_load(self._context, checkpoint, self._task, was_finished=load.was_finished):
            self._task.outlets = []
        return result

    def _lists(self, found: FoundCampaign, options: LoadOptions) -> list[dict[str, Any]]:
        """Return the lists of this load on the server; the fields of a list are not documented."""
        lists = self._task.hook.list_campaign_lists(found.dial_group_id, found.campaign_id)
        return [one for one in lists if options.matches(str(one.get("listDesc", "")))]

    def _key(self, campaign_id: int) -> str:
        """Return the key of the load: the same for every attempt of this task instance at this campaign."""
        ti = self._context["ti"]
        names = (ti.dag_id, ti.task_id, ti.run_id, str(ti.map_index), str(campaign_id))
        return blake2b("\0".join(names).encode(), digest_size=16).hexdigest()
