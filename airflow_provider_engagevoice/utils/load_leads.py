"""Read, check and load the leads of a task, into one campaign or those that a column names."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.assets import add_campaign_event
from airflow_provider_engagevoice.client.lookup import FoundCampaign, find_campaign
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.inputs import read_count
from airflow_provider_engagevoice.leads import report as reports
from airflow_provider_engagevoice.leads.loading import LoadOptions, UploadMethod
from airflow_provider_engagevoice.leads.loading.loader import Loader, uploader_class
from airflow_provider_engagevoice.leads.loading.outcomes import Counts
from airflow_provider_engagevoice.leads.loading.progress import LoadProgress
from airflow_provider_engagevoice.leads.loading.spool import CampaignSpool, Spool
from airflow_provider_engagevoice.leads.loading.uploader import RoutedUploader, Uploader
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.phones import has_ten_digits
from airflow_provider_engagevoice.leads.report import RejectLimit
from airflow_provider_engagevoice.leads.routing import CampaignDirectory, Recipient, RoutedValidator
from airflow_provider_engagevoice.leads.validate import LeadValidator
from airflow_provider_engagevoice.models.enums import DuplicateHandling
from airflow_provider_engagevoice.utils.lead_sources import chosen_sources
from airflow_provider_engagevoice.utils.reject_file import RejectFile
from airflow_provider_engagevoice.utils.state_store import announce_load, lead_checkpoint

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.leads.mapping import MappingPlan
    from airflow_provider_engagevoice.leads.report import ValidatedRows
    from airflow_provider_engagevoice.leads.sources.base import Source

log = logging.getLogger(__name__)


class LeadLoad:
    """One attempt of a task at a load.

    :param task: the operator
    :param values: its arguments that were read
    :ivar loaded: the account and the campaigns, once the server has the leads
    """

    def __init__(self, task: Any, context: Context, values: Mapping[str, Any]) -> None:
        self._task = task
        self._context = context
        self._values = values
        self._uploader_class = uploader_class(values["method"])
        #: By id; a list for one campaign has it under 0.
        self._campaigns: dict[int, FoundCampaign] = {}
        self.loaded: tuple[str, Sequence[FoundCampaign]] | None = None

    def run(self) -> dict[str, Any]:
        """Return the counts of the load, or with ``validate_only`` what the checks have found."""
        began = clock.monotonic()
        values = self._values
        mapping: Any = self._task.mapping
        plan = read_mapping(
            mapping,
            send_unmapped=values["send_unmapped"],
            as_file=values["method"] == UploadMethod.FILE,
            campaign_column=values["campaign_column"],
        )
        limit = RejectLimit.of(self._task.max_bad_rows)
        chunk_size = self._uploader_class.default_chunk_size
        if values["chunk_size"] is not None:
            most = self._uploader_class.max_chunk_size
            chunk_size = read_count(values["chunk_size"], "chunk_size", most=most)
        with ExitStack() as stack:
            check = stack.enter_context(self._validator(plan))
            spool = stack.enter_context(Spool(chunk_size))
            rejects = stack.enter_context(RejectFile(values["rejects_path"], values["rejects_conn_id"], plan))
            sources = chosen_sources(
                values,
                self._task.sql_parameters,
                self._task.revealed("records"),
                drop_unnamed=plan.drop_unnamed,
            )
            with closing(sources):
                self._fill(spool, self._read(check, sources, rejects))
            log.log(logging.WARNING if check.report.warnings else logging.INFO, "%s", check.report.text())
            if values["validate_only"]:
                return check.report.as_dict() | self._found() | {"rejects": rejects.finish()}
            try:
                limit.verify(check.report)
            except EngageVoiceError:
                rejects.finish()
                raise
            result = self._load(spool, rejects, check, limit)
        return result | {"seconds": round(clock.monotonic() - began, 3)}

    def _validator(self, plan: MappingPlan) -> LeadValidator:
        """Find the campaign, and return what checks leads for it."""
        found = self._task.hook.run(find_campaign(self._values["campaign"], self._values["dial_group"]))
        self._campaigns[0] = found
        return LeadValidator(plan, country=self._country(found), **self._checks())

    def _checks(self) -> dict[str, Any]:
        """Return the arguments of a validator, but for the country."""
        handling = self._values["duplicate_handling"]
        return {
            "time_zone_option": self._values["time_zone_option"],
            "special_numbers": self._values["allow_special_numbers"],
            "retain_duplicates": handling == DuplicateHandling.RETAIN_ALL,
        }

    def _country(self, found: FoundCampaign) -> str:
        return str(self._values["country"] or found.campaign.countryId or "USA").strip().upper()

    def _read(
        self, check: LeadValidator, sources: Iterable[Source], rejects: RejectFile
    ) -> Iterator[ValidatedRows]:
        for source in sources:
            rejects.start(source)
            for rows in check.read(source):
                yield rows
                for reject in rows.rejects:
                    rejects.write(reject)

    def _fill(self, spool: Spool, validated: Iterable[ValidatedRows]) -> None:
        """Read all rows into the spool."""
        for rows in validated:
            spool.add(rows.numbers, rows.leads)
        spool.finish()

    def _found(self) -> dict[str, Any]:
        """Return what ``validate_only`` returns besides the report."""
        return {}

    def _load(
        self, spool: Spool, rejects: RejectFile, check: LeadValidator, limit: RejectLimit
    ) -> dict[str, Any]:
        report, client = check.report, self._task.hook.client
        checkpoint = lead_checkpoint(self._context, client.shared_state.store, self._key())
        with LoadProgress(client.settings.budgets.rates(self._uploader_class.budget)) as progress:
            load = Loader(
                client,
                self._uploader(check),
                spool,
                checkpoint=checkpoint,
                rejects=rejects,
                max_concurrent_requests=self._values["max_concurrent_requests"],
                progress=progress.update,
                reconcile_after=float(self._values["reconcile_after"]),
            )
            # Only a task's state store is certain to have the checkpoint of an earlier attempt.
            is_retry = self._context["ti"].try_number > 1 and self._context.get("task_state_store") is None
            counts = load.run(may_be_sent=is_retry or any(map(self._lists, self._campaigns.values())))
        self.loaded = client.account_id(), list(self._campaigns.values())
        result = {
            "outcome": "unchanged" if load.was_finished else "loaded",
            **reports.load_counts(report, counts),
            **self._result(load),
            "list_name": self._values["list_name"],
            "rejects": rejects.finish(),
        }
        try:
            limit.verify(report, rejected_by_server=reports.rejected_by_server(report, counts))
            reports.verify_loaded(report, counts)
            is_news = announce_load(self._context, checkpoint, self._task, was_finished=load.was_finished)
        except BaseException:
            # The counts say what the server has loaded all the same.
            result["outcome"] = "failed"
            raise
        finally:
            log.info("%s", result)
            log.info("%s", reports.not_called(report, counts))
        if is_news:
            for campaign in self._events(result):
                add_campaign_event(self._context, self._task.outlets, client.account_id(), campaign)
        else:
            self._task.outlets = []
        return result

    def _uploader(self, check: LeadValidator) -> Callable[[Callable[[], None]], Uploader | RoutedUploader]:
        """Return what makes the uploader, given what it calls before each request to load leads."""
        [found] = self._campaigns.values()
        options = self._options(self._country(found))
        return partial(
            self._uploader_class, found.dial_group_id, found.campaign_id, options, targets=check.targets
        )

    def _options(self, country: str) -> LoadOptions:
        values = self._values
        return LoadOptions(
            values["list_name"],
            self._key()[:8],
            values["dial_priority"],
            values["duplicate_handling"],
            values["list_state"],
            values["time_zone_option"],
            values["settings"] or {},
            check_existing=values["check_existing"],
            in_e164=not has_ten_digits(country),
        )

    def _result(self, load: Loader) -> dict[str, Any]:
        """Return what the result has of the campaign."""
        [found] = self._campaigns.values()
        lists = self._lists(found)
        return {
            "campaign_id": found.campaign_id,
            "dial_group_id": found.dial_group_id,
            "list_id": lists[0].get("listId") if len(lists) == 1 else None,
            "lists": len(lists),
        }

    def _events(self, result: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        """Return what the asset event of each campaign has."""
        [found] = self._campaigns.values()
        return [{"campaign_name": found.campaign.campaignName, **result}]

    def _lists(self, found: FoundCampaign) -> list[dict[str, Any]]:
        """Return the lists of this load on the server; the fields of a list are not documented."""
        options = self._options(self._country(found))
        lists = self._task.hook.list_campaign_lists(found.dial_group_id, found.campaign_id)
        return [one for one in lists if options.matches(str(one.get("listDesc", "")))]

    def _key(self) -> str:
        """Return the key of the load: the same for every attempt of this task instance at this campaign."""
        ti = self._context["ti"]
        campaign_id = self._campaigns[0].campaign_id if 0 in self._campaigns else 0
        names = (ti.dag_id, ti.task_id, ti.run_id, str(ti.map_index), str(campaign_id))
        return blake2b("\0".join(names).encode(), digest_size=16).hexdigest()


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
        self, spool: Spool, rejects: RejectFile, check: LeadValidator, limit: RejectLimit
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
