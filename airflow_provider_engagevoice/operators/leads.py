"""Load leads into a campaign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.arguments import CampaignLinks
from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_engagevoice.arguments import Reader
    from airflow_provider_engagevoice.client.lookup import (
        CampaignReference,
        DialGroupReference,
        FoundCampaign,
    )
    from airflow_provider_engagevoice.utils.airflow_arguments import OperatorArguments

# As in operators.campaigns, what a task needs at run time is imported there.


class EngageVoiceLoadLeadsOperator(EngageVoiceOperator):
    """
    Load leads into a campaign, each exactly once, from files, a database or another task.

    All rows are read and checked before anything is sent; if more are bad than ``max_bad_rows`` allows,
    nothing is loaded. Rows are then sent in chunks. A checkpoint records which chunks the server has: on
    Airflow 3.3 in the task's state store, before that in the connection's ``token_store`` for seven days. A
    retry resumes where the last attempt stopped, a chunk whose response was lost is looked up on the server
    before it is sent again, and a finished task that is cleared loads nothing. Each lead is loaded once if
    the server carries out a request within ``reconcile_after`` of the end of its connection, or never.

    A success accounts for each row. If no lead was loaded, the task fails, unless each row is a duplicate or
    on the do-not-call list.

    Returns counts and no leads: ``outcome`` (``loaded``, or ``unchanged`` if an earlier run had finished the
    load), ``supplied``, ``accepted``, ``inserted``, ``rejected``, ``duplicates``, ``do_not_call``,
    ``settled_chunks``, ``campaign_id``, ``dial_group_id``, ``list_name``, ``list_id`` (None if the server
    made several lists), ``lists``, ``seconds`` and ``rejects``, the path of the rejected rows. With
    ``campaign_column`` it has ``campaigns`` instead of ids and lists: the counts of each, with
    ``campaign_id``, ``campaign_name`` and ``dial_group_id``.

    .. seealso::
        `RingCentral: loading leads
        <https://developers.ringcentral.com/engage/voice/guide/dialing/leads/bulk-import>`__

    :param campaign: campaign to load: id, exact name, the output of another operator, or a mapping such as
        ``{"campaign_name": "20261201"}``. Give ``campaign`` or ``campaign_column``.
    :param campaign_column: column that names the campaign of each row, by exact name or id: a list for up to
        1,000 campaigns, which is one load with one checkpoint. All names are checked before anything is sent.
    :param dial_group: dial group of the campaigns: id, exact name or mapping; default: all are searched by
        name
    :param source: a path of Airflow's object storage, or several; each may be a folder or a glob. CSV, TSV,
        JSON Lines (all three may be gzipped), Parquet or Excel, by the suffix or ``source_format``. Folders
        such as ``state=CA`` add a column. Give one of ``source``, ``sql`` and ``records``.
    :param source_conn_id: connection of the storage
    :param source_format: ``csv``, ``tsv``, ``jsonl``, ``parquet`` or ``excel``; default: by the suffix
    :param encoding: encoding of text files, by Python's name; default: ``utf-8``, or UTF-16 if the file has
        its byte-order mark
    :param delimiter: between the cells of CSV and TSV files; default: that of a line such as ``sep=;``, the
        only one of ``,``, ``;``, tab and ``|`` that fits the first rows, or that of the format
    :param sheet: sheet of Excel workbooks; default: the first
    :param sql: query whose rows are the leads, or the name of a template file that ends in ``.sql``. With an
        ORDER BY a retry reads the rows in the same order and need not look up each of them.
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
        has, but sees only leads that were themselves loaded with it; ``REMOVE_FROM_LIST`` drops duplicates
        within one request only; ``RETAIN_ALL`` drops none, not even rows of this source with the same phone
    :param check_existing: whether to search the campaign for each ``externId`` and not to send leads that it
        has, in any list; default: False
    :param time_zone_option: how the vendor determines a lead's time zone: ``NPA_NXX`` (area code, default),
        ``ZIPCODE``, ``EXPLICIT`` (``leadTimezone``, any text), ``COUNTRY`` or ``NOT_APPLICABLE``
    :param dial_priority: ``NORMAL`` (default), or ``IMMEDIATE`` for the top of the dialer's queue
    :param list_state: state of the new lists, a vendor's ``listState``; default: ``ACTIVE``
    :param settings: any other field of the request by the vendor's name, such as ``{"dncTags": ["web"]}``
    :param country: country of the phone numbers, three letters; default: the campaign's
    :param allow_special_numbers: whether to load premium-rate, shared-cost, personal, pager and voicemail
        numbers, too; default: False, which rejects them
    :param method: ``direct`` (default) sends JSON, which the server counts at once and rejects by lead;
        ``file`` sends CSV files, which it loads in the background
    :param chunk_size: leads per request, at most 5,000, or 20,000 with ``method="file"``; default: 500, or
        5,000. The vendor documents no limit.
    :param max_concurrent_requests: 1 to 32; default: 4. The vendor's rate limits apply to all of them.
    :param reconcile_after: seconds that the server may take to carry out a request after its connection has
        ended, and to find new leads by a search; default: 60. A chunk whose response was lost is looked up
        after this time, and again before it is sent again.
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
        "campaign_column",
        "dial_group",
        "source",
        "source_conn_id",
        "source_format",
        "encoding",
        "delimiter",
        "sheet",
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
        "check_existing",
        "dial_priority",
        "list_state",
        "settings",
        "country",
        "allow_special_numbers",
        "method",
        "chunk_size",
        "max_concurrent_requests",
        "reconcile_after",
        "validate_only",
        "engagevoice_conn_id",
    )
    operator_extra_links = CampaignLinks()
    # Of a list for many campaigns, its path.
    default_map_index = "{{ task.campaign.campaign_name | default(task.campaign or task.source, true) }}"
    _loaded: tuple[str, Sequence[FoundCampaign]] | None = None
    template_fields_renderers = {"sql": "sql", "mapping": "json", "settings": "json"}
    personal_fields = ("records",)

    def __init__(
        self,
        *,
        campaign: CampaignReference | XComArg | None = None,
        campaign_column: str | XComArg | None = None,
        dial_group: DialGroupReference | XComArg | None = None,
        source: str | Sequence[str] | XComArg | None = None,
        source_conn_id: str | XComArg | None = None,
        source_format: str | XComArg | None = None,
        encoding: str | XComArg = "utf-8",
        delimiter: str | XComArg | None = None,
        sheet: str | XComArg | None = None,
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
        check_existing: bool | str | XComArg = False,
        time_zone_option: str | XComArg = "NPA_NXX",
        dial_priority: str | XComArg = "NORMAL",
        list_state: str | XComArg = "ACTIVE",
        settings: Mapping[str, object] | XComArg | None = None,
        country: str | XComArg | None = None,
        allow_special_numbers: bool | str | XComArg = False,
        method: str | XComArg = "direct",
        chunk_size: int | str | XComArg | None = None,
        max_concurrent_requests: int | str | XComArg = 4,
        reconcile_after: int | str | XComArg = 60,
        validate_only: bool | str | XComArg = False,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.campaign = campaign
        self.campaign_column = campaign_column
        self.dial_group = dial_group
        self.source = source
        self.source_conn_id = source_conn_id
        self.source_format = source_format
        self.encoding = encoding
        self.delimiter = delimiter
        self.sheet = sheet
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
        self.check_existing = check_existing
        self.time_zone_option = time_zone_option
        self.dial_priority = dial_priority
        self.list_state = list_state
        self.settings = settings
        self.country = country
        self.allow_special_numbers = allow_special_numbers
        self.method = method
        self.chunk_size = chunk_size
        self.max_concurrent_requests = max_concurrent_requests
        self.reconcile_after = reconcile_after
        self.validate_only = validate_only

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice import inputs
        from airflow_provider_engagevoice.leads import list_arguments as lists
        from airflow_provider_engagevoice.leads.loading import UploadMethod, read_list_settings
        from airflow_provider_engagevoice.leads.sources import FORMATS
        from airflow_provider_engagevoice.models import enums

        return {
            "campaign": inputs.read_campaign,
            "campaign_column": inputs.read_text,
            "dial_group": inputs.read_dial_group,
            "source": inputs.read_texts,
            "source_conn_id": inputs.read_text,
            "source_format": partial(inputs.read_choice, choices=FORMATS),
            "encoding": lists.read_encoding,
            "delimiter": lists.read_delimiter,
            "sheet": inputs.read_text,
            "sql": inputs.read_text,
            "sql_conn_id": inputs.read_text,
            "send_unmapped": inputs.read_flag,
            "list_name": inputs.read_text,
            "max_bad_rows": lists.read_row_limit,
            "rejects_path": lists.read_rejects_path,
            "rejects_conn_id": inputs.read_text,
            "duplicate_handling": partial(inputs.read_choice, choices=enums.DuplicateHandling),
            "check_existing": inputs.read_flag,
            "time_zone_option": partial(inputs.read_choice, choices=enums.TimeZoneOption),
            "dial_priority": partial(inputs.read_choice, choices=enums.DialPriority),
            "list_state": partial(inputs.read_choice, choices=enums.ListState),
            "settings": read_list_settings,
            "country": inputs.read_country,
            "allow_special_numbers": inputs.read_flag,
            "method": partial(inputs.read_choice, choices=UploadMethod),
            "chunk_size": inputs.read_count,
            "max_concurrent_requests": partial(inputs.read_count, most=32),
            "reconcile_after": inputs.read_count,
            "validate_only": inputs.read_flag,
        }

    def render_template(
        self, content: Any, context: Context, jinja_env: Any = None, seen_oids: set[int] | None = None
    ) -> Any:
        """Render a template; of all arguments only ``sql`` may name a template file."""
        if content is self.sql and isinstance(content, str) and content.endswith(".sql"):
            return self._render((jinja_env or self.get_template_env()).get_template(content), context)
        return super().render_template(content, context, jinja_env, seen_oids)

    def check_literals(self) -> None:
        """Check literal arguments; there must be one source of rows, and one of campaigns."""
        super().check_literals()
        self._check_choices()

    def _check_choices(self) -> None:
        from airflow_provider_engagevoice.exceptions import InvalidInputError
        from airflow_provider_engagevoice.inputs import HIDDEN, require

        if self.campaign is None and self.campaign_column is None:
            raise InvalidInputError("campaign", None, "one of campaign and campaign_column is required")
        if self.campaign is not None and self.campaign_column is not None:
            expected = "give one of campaign and campaign_column"
            raise InvalidInputError("campaign_column", self.campaign_column, expected)
        given = [name for name in ("source", "sql", "records") if getattr(self, name) is not None]
        if not given:
            raise InvalidInputError("source", None, "one of source, sql and records is required")
        if len(given) > 1:
            expected = f"give one of source, sql and records, not {' and '.join(given)}"
            raise InvalidInputError(given[1], HIDDEN, expected)
        if self.sql is not None:
            require(self.sql_conn_id, "sql_conn_id")

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.links import push_campaign_url
        from airflow_provider_engagevoice.utils.load_leads import LeadLoad, RoutedLoad

        values = self.read_arguments()
        self._check_choices()
        load = (LeadLoad if values["campaign_column"] is None else RoutedLoad)(self, context, values)
        try:
            return load.run()
        finally:
            if load.loaded is not None:
                self._loaded = load.loaded
                base_url = self.hook.client.settings.base_url
                campaign_ids = [found.campaign_id for found in load.loaded[1]]
                if len(campaign_ids) == 1:
                    push_campaign_url(context, self, base_url, campaign_ids[0])

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage[Any, Any]:
        """Return the OpenLineage facets of a load; called by OpenLineage's provider."""
        from airflow_provider_engagevoice.lineage import empty_lineage, load_lineage

        if self._loaded is None:
            return empty_lineage()
        return load_lineage(*self._loaded, self.source, self.sql, self.sql_conn_id)
