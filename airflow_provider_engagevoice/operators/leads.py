"""Operators on leads: render, call one procedure, return a small XCom."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.client.lookup import (
        CampaignReference,
        DialGroupReference,
        FoundCampaign,
    )
    from airflow_provider_engagevoice.leads.loading.options import LoadOptions
    from airflow_provider_engagevoice.leads.loading.spool import Spool
    from airflow_provider_engagevoice.leads.loading.uploader import Uploader
    from airflow_provider_engagevoice.leads.report import RejectLimit, Report
    from airflow_provider_engagevoice.leads.sources.base import Source
    from airflow_provider_engagevoice.utils.reject_file import RejectFile


class EngageVoiceLoadLeadsOperator(EngageVoiceOperator):
    """
    Load leads into a campaign, each exactly once, from files, a database or another task.

    All rows are read and checked before anything is sent; a list with more bad rows than ``on_reject`` allows
    loads nobody. Rows are then sent in chunks. Which chunks the server has is noted, on Airflow 3.3 in the
    task's state store and before that where processes share tokens (``token_store``, for seven days): a retry
    goes on where the last attempt stopped, a chunk whose answer was lost is looked for on the server before
    it is sent again, and a finished task that is cleared loads nothing.

    Returns counts only: ``supplied``, ``accepted``, ``inserted``, ``rejected``, ``duplicates``,
    ``do_not_call``, ``campaign_id``, ``dial_group_id``, ``list_name``, ``list_id`` (None when the server made
    several lists), ``lists``, ``seconds`` and ``rejects``, the path of the rejects.

    .. seealso::
        `Vendor's guide to loading leads
        <https://developers.ringcentral.com/engage/voice/guide/dialing/leads/bulk-import>`__

    :param campaign: id, exact name, or the mapping another operator returned
    :param dial_group: dial group of the campaign; where left out, a name is looked for in all of them
    :param source: file, or several: paths of Airflow's object storage, each of which may be a glob. CSV, TSV,
        JSON Lines (all three also gzipped) and Parquet, by the suffix or ``source_format``
    :param source_conn_id: connection of the storage
    :param source_format: ``csv``, ``tsv``, ``jsonl`` or ``parquet``
    :param encoding: of text files
    :param sql: a query, in place of ``source``; give it an ORDER BY, so that a retry reads the same rows in
        the same order and need not look for each of them
    :param sql_conn_id: connection of any SQL database
    :param sql_parameters: parameters of the query
    :param records: mappings, column name to value, in place of ``source``: a short list, or what another
        task returned
    :param mapping: column to lead field, such as ``{"mobile": "leadPhone"}``; columns that have a field's
        name need no mapping, and None leaves a column out
    :param extended: send columns without a field as ``extendedLeadData``
    :param list_name: what the lists are called in Engage Voice
    :param on_reject: how many rows may be bad: ``fail`` for none, a number, or a share such as ``2%``
    :param rejects: path of object storage that takes the rejected rows and why, in the format of its suffix
    :param rejects_conn_id: connection of that storage
    :param duplicate_handling: ``REMOVE_ALL_EXISTING`` leaves out people whom the campaign has already,
        ``REMOVE_FROM_LIST`` looks within one request alone, ``RETAIN_ALL`` calls them again
    :param time_zone_option: whence the vendor takes a lead's time zone: ``NPA_NXX`` (the number),
        ``ZIPCODE``, ``EXPLICIT`` (``leadTimezone``), ``COUNTRY`` or ``NOT_APPLICABLE``
    :param dial_priority: ``NORMAL`` or ``IMMEDIATE``
    :param list_state: ``ACTIVE``, or another state for the new lists
    :param settings: any other field of the request by the vendor's name, such as ``{"dncTags": ["web"]}``
    :param country: of the numbers, three letters; the campaign's where left out
    :param method: ``direct`` sends leads as JSON, which the server counts at once; ``file`` sends CSV files,
        which it loads in its own time. Only ``direct`` names the leads that the server refuses
    :param chunk_size: leads in one request: 500, or 5,000 of a file, where left out. The vendor documents no
        limit; its users send 100 to 500 in a request
    :param in_flight: requests on their way at a time
    :param dry_run: read and check only, and return what would be sent and what is wrong
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    template_fields: Sequence[str] = (
        "campaign",
        "dial_group",
        "source",
        "source_conn_id",
        "sql",
        "sql_conn_id",
        "sql_parameters",
        "records",
        "mapping",
        "list_name",
        "on_reject",
        "rejects",
        "rejects_conn_id",
        "duplicate_handling",
        "time_zone_option",
        "dial_priority",
        "list_state",
        "settings",
        "country",
        "method",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {"sql": "sql", "mapping": "json", "settings": "json"}

    def __init__(
        self,
        *,
        campaign: CampaignReference,
        dial_group: DialGroupReference | None = None,
        source: str | Sequence[str] | None = None,
        source_conn_id: str | None = None,
        source_format: str | None = None,
        encoding: str = "utf-8",
        sql: str | None = None,
        sql_conn_id: str | None = None,
        sql_parameters: Mapping[str, object] | Sequence[object] | None = None,
        records: Iterable[Mapping[str, object]] | None = None,
        mapping: Mapping[str, str | None] | None = None,
        extended: bool = False,
        list_name: str = "{{ task_instance_key_str }}",
        on_reject: str | int | Mapping[str, float] = "fail",
        rejects: str | None = None,
        rejects_conn_id: str | None = None,
        duplicate_handling: str = "REMOVE_ALL_EXISTING",
        time_zone_option: str = "NPA_NXX",
        dial_priority: str = "NORMAL",
        list_state: str = "ACTIVE",
        settings: Mapping[str, object] | None = None,
        country: str | None = None,
        method: str = "direct",
        chunk_size: int | None = None,
        in_flight: int = 4,
        dry_run: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        given = [
            name
            for name, value in (("source", source), ("sql", sql), ("records", records))
            if value is not None
        ]
        if len(given) != 1:
            raise ValueError(f"give one of source, sql and records; given: {', '.join(given) or 'none'}")
        if sql is not None and sql_conn_id is None:
            raise ValueError("sql needs sql_conn_id")
        self.campaign = campaign
        self.dial_group = dial_group
        self.source = source
        self.source_conn_id = source_conn_id
        self.source_format = source_format
        self.encoding = encoding
        self.sql = sql
        self.sql_conn_id = sql_conn_id
        self.sql_parameters = sql_parameters
        self.records = records
        self.mapping = mapping
        self.extended = extended
        self.list_name = list_name
        self.on_reject = on_reject
        self.rejects = rejects
        self.rejects_conn_id = rejects_conn_id
        self.duplicate_handling = duplicate_handling
        self.time_zone_option = time_zone_option
        self.dial_priority = dial_priority
        self.list_state = list_state
        self.settings = settings
        self.country = country
        self.method = method
        self.chunk_size = chunk_size
        self.in_flight = in_flight
        # BaseOperator has a method dry_run.
        self.only_check = dry_run

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.client.lookup import find_campaign
        from airflow_provider_engagevoice.exceptions import EngageVoiceError
        from airflow_provider_engagevoice.leads.loading.loader import uploader_class
        from airflow_provider_engagevoice.leads.loading.options import read_count, read_options
        from airflow_provider_engagevoice.leads.loading.spool import Spool
        from airflow_provider_engagevoice.leads.mapping import read_mapping
        from airflow_provider_engagevoice.leads.report import RejectLimit
        from airflow_provider_engagevoice.leads.validate import LeadValidator
        from airflow_provider_engagevoice.utils.reject_file import RejectFile

        began = clock.monotonic()
        in_flight = read_count(self.in_flight, "in_flight", most=32)
        plan, limit = read_mapping(self.mapping, send_unmapped=self.extended), RejectLimit.of(self.on_reject)
        found = self.hook.run(find_campaign(self.campaign, self.dial_group))
        options = read_options(
            self.list_name,
            tag=self._key(context, found.campaign_id)[:8],
            dial_priority=self.dial_priority,
            duplicate_handling=self.duplicate_handling,
            list_state=self.list_state,
            time_zone_option=self.time_zone_option,
            settings=self.settings or {},
        )
        country = self.country or found.campaign.countryId or "USA"
        uploader = uploader_class(self.method, country)
        chunk_size = uploader.default_chunk_size
        if self.chunk_size is not None:
            chunk_size = read_count(self.chunk_size, "chunk_size", most=uploader.max_chunk_size)
        with ExitStack() as stack:
            spool = stack.enter_context(Spool(chunk_size))
            rejects = stack.enter_context(RejectFile(self.rejects, self.rejects_conn_id, plan))
            check = stack.enter_context(
                LeadValidator(plan, country=country, time_zone_option=options.time_zone_option)
            )
            for source in stack.enter_context(closing(self._sources())):
                rejects.start(source)
                for rows in check.read(source):
                    spool.add(rows.numbers, rows.leads)
                    for reject in rows.rejects:
                        rejects.write(reject)
            spool.finish()
            self.log.info("%s", check.report.text())
            if self.only_check:
                return check.report.as_dict() | {"rejects": rejects.finish()}
            try:
                limit.verify(check.report)
            except EngageVoiceError:
                rejects.finish()
                raise
            result = self._load(
                context, found, options, uploader, spool, rejects, check.report, limit, in_flight
            )
        return result | {"seconds": round(clock.monotonic() - began, 3)}

    def _sources(self) -> Generator[Source, None, None]:
        from airflow_provider_engagevoice.utils import lead_sources

        if self.source is not None:
            yield from lead_sources.file_sources(
                self.source, conn_id=self.source_conn_id, format=self.source_format, encoding=self.encoding
            )
        elif self.sql is not None:
            assert self.sql_conn_id is not None
            yield from lead_sources.table_source(self.sql, self.sql_conn_id, self.sql_parameters)
        else:
            yield lead_sources.record_source(self.records)

    def _load(
        self,
        context: Context,
        found: FoundCampaign,
        options: LoadOptions,
        uploader: type[Uploader],
        spool: Spool,
        rejects: RejectFile,
        report: Report,
        limit: RejectLimit,
        in_flight: int,
    ) -> dict[str, Any]:
        from airflow_provider_engagevoice.leads.loading.loader import Loader
        from airflow_provider_engagevoice.leads.loading.progress import LoadProgress
        from airflow_provider_engagevoice.utils.state_store import lead_checkpoint

        client = self.hook.client
        key = self._key(context, found.campaign_id)
        with LoadProgress(client.settings.budgets.rates(uploader.budget)) as progress:
            load = Loader(
                uploader(client, found.dial_group_id, found.campaign_id, options),
                spool,
                checkpoint=lead_checkpoint(context, client.shared_state.store, key),
                rejects=rejects,
                max_concurrent_requests=in_flight,
                progress=progress.update,
            )
            counts = load.run(lists_exist=bool(self._lists(found, options)))
        lists = self._lists(found, options)
        result = {
            "supplied": report.rows,
            "accepted": counts.accepted,
            "inserted": counts.inserted,
            "rejected": report.bad + counts.rejected,
            "duplicates": report.duplicate_phones + report.duplicate_extern_ids + counts.duplicates,
            "do_not_call": counts.do_not_call,
            "settled_chunks": counts.reconciled,
            "campaign_id": found.campaign_id,
            "dial_group_id": found.dial_group_id,
            "list_name": options.description,
            "list_id": lists[0].get("listId") if len(lists) == 1 else None,
            "lists": len(lists),
            "rejects": rejects.finish(),
        }
        self.log.info("%s", result)
        limit.verify(report, rejected_by_server=counts.rejected)
        return result

    def _lists(self, found: FoundCampaign, options: LoadOptions) -> list[dict[str, Any]]:
        """Return the lists of this load that the server has; which fields it tells is not documented."""
        lists = self.hook.list_campaign_lists(found.dial_group_id, found.campaign_id)
        return [one for one in lists if options.matches(str(one.get("listDesc", "")))]

    def _key(self, context: Context, campaign_id: int) -> str:
        """Return what the attempts of this task instance at this campaign have in common."""
        ti = context["ti"]
        names = (ti.dag_id, ti.task_id, ti.run_id, str(ti.map_index), str(campaign_id))
        return blake2b("\0".join(names).encode(), digest_size=16).hexdigest()
