"""Load leads into a campaign."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.operators.base import EngageVoiceOperator
from airflow_provider_engagevoice.utils.arguments import CAMPAIGN_INDEX, CampaignLinks

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg
    from airflow.providers.openlineage.extractors import OperatorLineage

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
    from airflow_provider_engagevoice.utils.airflow_arguments import OperatorArguments
    from airflow_provider_engagevoice.utils.arguments import Reader
    from airflow_provider_engagevoice.utils.object_storage import RejectFile

# As in operators.campaigns, what a task needs at run time is imported there.


class EngageVoiceLoadLeadsOperator(EngageVoiceOperator):
    """
    Load leads into a campaign, each exactly once, from files, a database or another task.

    All rows are read and checked before anything is sent; if more are bad than ``max_bad_rows`` allows,
    nothing is loaded. Rows are then sent in chunks. A checkpoint records which chunks the server has: on
    Airflow 3.3 in the task's state store, before that in the connection's ``token_store`` for seven days. A
    retry resumes where the last attempt stopped, a chunk whose response was lost is looked up on the server
    before it is sent again, and a finished task that is cleared loads nothing.

    Returns counts only: ``supplied``, ``accepted``, ``inserted``, ``rejected``, ``duplicates``,
    ``do_not_call``, ``settled_chunks``, ``campaign_id``, ``dial_group_id``, ``list_name``, ``list_id`` (None
    if the server made several lists), ``lists``, ``seconds`` and ``rejects``, the path of the rejected rows.

    .. seealso::
        `RingCentral: loading leads
        <https://developers.ringcentral.com/engage/voice/guide/dialing/leads/bulk-import>`__

    :param campaign: campaign to load: id, exact name, the output of another operator, or a mapping such as
        ``{"campaign_name": "20261201"}``
    :param dial_group: dial group of the campaign: id, exact name or mapping; default: all are searched by
        name
    :param source: a path of Airflow's object storage, or several; each may be a glob. CSV, TSV, JSON Lines
        (all three may be gzipped) or Parquet, by the suffix or ``source_format``. Give one of ``source``,
        ``sql`` and ``records``.
    :param source_conn_id: connection of the storage
    :param source_format: ``csv``, ``tsv``, ``jsonl`` or ``parquet``; default: by the suffix
    :param encoding: encoding of text files, by Python's name; default: ``utf-8``
    :param sql: query whose rows are the leads. With an ORDER BY a retry reads the rows in the same order and
        need not look up each of them.
    :param sql_conn_id: connection of the database, any with a DB-API hook; required with ``sql``
    :param sql_parameters: parameters of the query, in the driver's style
    :param records: mappings of column name to value: a short list, or what another task returned
    :param mapping: column to lead field, such as ``{"mobile": "leadPhone"}``; None drops the column. Columns
        named like a field need no mapping.
    :param send_unmapped: whether to send columns without a field as ``extendedLeadData``; default: False
    :param list_name: name of the lists in Engage Voice; default: the key of the task instance
    :param max_bad_rows: how many rows may be bad: ``fail`` for none (default), a number, or a share of the
        rows such as ``2%``
    :param rejects_path: path of object storage for rejected rows and their reasons, in the format of its
        suffix
    :param rejects_conn_id: connection of that storage
    :param duplicate_handling: ``REMOVE_ALL_EXISTING`` (default) drops leads whose phone the campaign already
        has, ``REMOVE_FROM_LIST`` drops duplicates within one request only, ``RETAIN_ALL`` loads them again
    :param time_zone_option: how the vendor determines a lead's time zone: ``NPA_NXX`` (area code, default),
        ``ZIPCODE``, ``EXPLICIT`` (``leadTimezone``), ``COUNTRY`` or ``NOT_APPLICABLE``
    :param dial_priority: ``NORMAL`` (default), or ``IMMEDIATE`` for the top of the dialer's queue
    :param list_state: state of the new lists, a vendor's ``listState``; default: ``ACTIVE``
    :param settings: any other field of the request by the vendor's name, such as ``{"dncTags": ["web"]}``
    :param country: country of the phone numbers, three letters; default: the campaign's
    :param method: ``direct`` (default) sends JSON, which the server counts at once and rejects by lead;
        ``file`` sends CSV files, which it loads in the background
    :param chunk_size: leads per request, at most 5,000, or 20,000 with ``method="file"``; default: 500, or
        5,000. The vendor documents no limit.
    :param max_concurrent_requests: 1 to 32; default: 4. The vendor's rate limits apply to all of them.
    :param validate_only: whether to send nothing and return what was found in the rows; default: False
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    renamed_arguments = {
        "on_reject": "max_bad_rows",
        "rejects": "rejects_path",
        "in_flight": "max_concurrent_requests",
        "extended": "send_unmapped",
        "dry_run": "validate_only",
    }
    template_fields: Sequence[str] = (
        "campaign",
        "dial_group",
        "source",
        "source_conn_id",
        "source_format",
        "encoding",
        "sql",
        "sql_conn_id",
        "sql_parameters",
        "records",
        "mapping",
        "send_unmapped",
        "list_name",
        "max_bad_rows",
        "rejects_path",
        "rejects_conn_id",
        "duplicate_handling",
        "time_zone_option",
        "dial_priority",
        "list_state",
        "settings",
        "country",
        "method",
        "chunk_size",
        "max_concurrent_requests",
        "validate_only",
        "engagevoice_conn_id",
    )
    operator_extra_links = CampaignLinks()
    default_map_index = CAMPAIGN_INDEX
    _loaded: tuple[str, FoundCampaign] | None = None
    template_fields_renderers = {"sql": "sql", "mapping": "json", "settings": "json"}

    def __init__(
        self,
        *,
        campaign: CampaignReference | XComArg,
        dial_group: DialGroupReference | XComArg | None = None,
        source: str | Sequence[str] | XComArg | None = None,
        source_conn_id: str | XComArg | None = None,
        source_format: str | XComArg | None = None,
        encoding: str | XComArg = "utf-8",
        sql: str | XComArg | None = None,
        sql_conn_id: str | XComArg | None = None,
        sql_parameters: Mapping[str, object] | Sequence[object] | XComArg | None = None,
        records: Iterable[Mapping[str, object]] | XComArg | None = None,
        mapping: Mapping[str, str | None] | XComArg | None = None,
        send_unmapped: bool | str | XComArg = False,
        list_name: str | XComArg = "{{ task_instance_key_str }}",
        max_bad_rows: str | int | Mapping[str, float] | XComArg = "fail",
        rejects_path: str | XComArg | None = None,
        rejects_conn_id: str | XComArg | None = None,
        duplicate_handling: str | XComArg = "REMOVE_ALL_EXISTING",
        time_zone_option: str | XComArg = "NPA_NXX",
        dial_priority: str | XComArg = "NORMAL",
        list_state: str | XComArg = "ACTIVE",
        settings: Mapping[str, object] | XComArg | None = None,
        country: str | XComArg | None = None,
        method: str | XComArg = "direct",
        chunk_size: int | str | XComArg | None = None,
        max_concurrent_requests: int | str | XComArg = 4,
        validate_only: bool | str | XComArg = False,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
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
        self.send_unmapped = send_unmapped
        self.list_name = list_name
        self.max_bad_rows = max_bad_rows
        self.rejects_path = rejects_path
        self.rejects_conn_id = rejects_conn_id
        self.duplicate_handling = duplicate_handling
        self.time_zone_option = time_zone_option
        self.dial_priority = dial_priority
        self.list_state = list_state
        self.settings = settings
        self.country = country
        self.method = method
        self.chunk_size = chunk_size
        self.max_concurrent_requests = max_concurrent_requests
        self.validate_only = validate_only

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice import inputs
        from airflow_provider_engagevoice.leads.loading import options
        from airflow_provider_engagevoice.models import enums

        return {
            "campaign": inputs.read_campaign,
            "dial_group": inputs.read_dial_group,
            "source": inputs.read_texts,
            "source_conn_id": inputs.read_text,
            "source_format": _read_format,
            "encoding": inputs.read_encoding,
            "sql": inputs.read_text,
            "sql_conn_id": inputs.read_text,
            "send_unmapped": inputs.read_flag,
            "list_name": inputs.read_text,
            "max_bad_rows": inputs.read_row_limit,
            "rejects_path": inputs.read_text,
            "rejects_conn_id": inputs.read_text,
            "duplicate_handling": partial(inputs.read_choice, choices=enums.DuplicateHandling),
            "time_zone_option": partial(inputs.read_choice, choices=enums.TimeZoneOption),
            "dial_priority": partial(inputs.read_choice, choices=enums.DialPriority),
            "list_state": partial(inputs.read_choice, choices=enums.ListState),
            "settings": options.read_settings,
            "country": inputs.read_country,
            "method": partial(inputs.read_choice, choices=options.UploadMethod),
            "chunk_size": inputs.read_count,
            "max_concurrent_requests": partial(inputs.read_count, most=32),
            "validate_only": inputs.read_flag,
        }

    def check_literals(self) -> None:
        """Check literal arguments; there must be one source of rows."""
        super().check_literals()
        self._check_source()

    def _check_source(self) -> None:
        from airflow_provider_engagevoice.exceptions import InvalidInputError
        from airflow_provider_engagevoice.inputs import require

        given = [name for name in ("source", "sql", "records") if getattr(self, name) is not None]
        if not given:
            raise InvalidInputError("source", None, "one of source, sql and records is required")
        if len(given) > 1:
            expected = f"give one of source, sql and records, not {' and '.join(given)}"
            raise InvalidInputError(given[1], getattr(self, given[1]), expected)
        if self.sql is not None:
            require(self.sql_conn_id, "sql_conn_id")

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.client.lookup import find_campaign
        from airflow_provider_engagevoice.exceptions import EngageVoiceError
        from airflow_provider_engagevoice.inputs import read_count
        from airflow_provider_engagevoice.leads.loading.loader import uploader_class
        from airflow_provider_engagevoice.leads.loading.options import LoadOptions
        from airflow_provider_engagevoice.leads.loading.spool import Spool
        from airflow_provider_engagevoice.leads.mapping import read_mapping
        from airflow_provider_engagevoice.leads.report import RejectLimit
        from airflow_provider_engagevoice.leads.validate import LeadValidator
        from airflow_provider_engagevoice.utils.object_storage import RejectFile

        began = clock.monotonic()
        values = self.read_arguments()
        self._check_source()
        mapping: Any = self.mapping
        plan = read_mapping(mapping, send_unmapped=values["send_unmapped"])
        limit = RejectLimit.of(self.max_bad_rows)
        found = self.hook.run(find_campaign(values["campaign"], values["dial_group"]))
        options = LoadOptions(
            values["list_name"],
            self._key(context, found.campaign_id)[:8],
            values["dial_priority"],
            values["duplicate_handling"],
            values["list_state"],
            values["time_zone_option"],
            values["settings"] or {},
        )
        country = values["country"] or found.campaign.countryId or "USA"
        uploader = uploader_class(str(values["method"]), country)
        chunk_size = uploader.default_chunk_size
        if values["chunk_size"] is not None:
            chunk_size = read_count(values["chunk_size"], "chunk_size", most=uploader.max_chunk_size)
        with ExitStack() as stack:
            spool = stack.enter_context(Spool(chunk_size))
            rejects = stack.enter_context(RejectFile(values["rejects_path"], values["rejects_conn_id"], plan))
            check = stack.enter_context(
                LeadValidator(plan, country=country, time_zone_option=options.time_zone_option)
            )
            for source in stack.enter_context(closing(self._sources(values))):
                rejects.start(source)
                for rows in check.read(source):
                    spool.add(rows.numbers, rows.leads)
                    for reject in rows.rejects:
                        rejects.write(reject)
            spool.finish()
            self.log.info("%s", check.report.text())
            if values["validate_only"]:
                return check.report.as_dict() | {"rejects": rejects.finish()}
            try:
                limit.verify(check.report)
            except EngageVoiceError:
                rejects.finish()
                raise
            in_flight = values["max_concurrent_requests"]
            result = self._load(
                context, found, options, uploader, spool, rejects, check.report, limit, in_flight
            )
        return result | {"seconds": round(clock.monotonic() - began, 3)}

    def _sources(self, values: Mapping[str, Any]) -> Generator[Source, None, None]:
        from airflow_provider_engagevoice.utils import lead_sources

        if values["source"] is not None:
            yield from lead_sources.file_sources(
                values["source"],
                conn_id=values["source_conn_id"],
                format=values["source_format"],
                encoding=values["encoding"],
            )
        elif values["sql"] is not None:
            yield from lead_sources.table_source(values["sql"], values["sql_conn_id"], self.sql_parameters)
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
        from airflow_provider_engagevoice.links import push_campaign_url
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
        self._loaded = client.account_id(), found
        push_campaign_url(context, self, client.settings.base_url, found.campaign_id)
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

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage:
        """Return the OpenLineage facets of a load; called by OpenLineage's provider."""
        from airflow_provider_engagevoice.assets import empty_lineage, load_lineage

        read = self.source, self.sql, self.sql_conn_id
        return empty_lineage() if self._loaded is None else load_lineage(*self._loaded, *read)

    def _lists(self, found: FoundCampaign, options: LoadOptions) -> list[dict[str, Any]]:
        """Return the lists of this load on the server; the fields of a list are not documented."""
        lists = self.hook.list_campaign_lists(found.dial_group_id, found.campaign_id)
        return [one for one in lists if options.matches(str(one.get("listDesc", "")))]

    def _key(self, context: Context, campaign_id: int) -> str:
        """Return the key of the load: the same for every attempt of this task instance at this campaign."""
        ti = context["ti"]
        names = (ti.dag_id, ti.task_id, ti.run_id, str(ti.map_index), str(campaign_id))
        return blake2b("\0".join(names).encode(), digest_size=16).hexdigest()


def _read_format(value: object, field: str) -> str:
    from airflow_provider_engagevoice.inputs import read_choice
    from airflow_provider_engagevoice.leads.sources.base import Format

    return read_choice(value, field, Format)
