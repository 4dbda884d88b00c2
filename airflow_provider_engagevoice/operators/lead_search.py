"""Write the leads that a search finds to object storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_engagevoice.arguments import Reader
    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference
    from airflow_provider_engagevoice.utils.airflow_arguments import OperatorArguments

# As in operators.campaigns, what a task needs at run time is imported there.


class EngageVoiceLeadSearchToStorageOperator(EngageVoiceOperator):
    """
    Search leads and write them to a file, page by page, whatever their number.

    ``.jsonl`` keeps each row as the vendor sends it. ``.csv`` and ``.parquet`` have a column for each
    documented field, and ``other``, a JSON object of the rest; Parquet needs the extra ``[parquet]``. The
    file is written completely or not at all, and replaces an existing one.

    The API pages by position: leads that are dialed or loaded during the search may shift the others, so some
    may be missing or duplicated, above all if ``criteria`` filters by state. If the number of rows is not the
    number counted, the task logs a warning; search when the campaign is idle, or by fields that do not
    change.

    Returns ``rows`` written, ``counted`` before the search, and ``path``.

    .. seealso::
        `RingCentral: searching leads
        <https://developers.ringcentral.com/engage/voice/guide/dialing/leads/search>`__

    :param output_path: file on Airflow's object storage, such as ``s3://bucket/{{ ds }}/results.parquet``;
        the suffix ``.jsonl``, ``.csv`` or ``.parquet`` selects the format
    :param output_conn_id: connection of the storage
    :param campaign: campaign of the leads: id, exact name, the output of another operator, or a mapping such
        as ``{"campaign_name": "20261201"}``; default: ``criteria`` must name campaigns, lists or leads
    :param dial_group: dial group of the campaign: id, exact name or mapping; default: all are searched by
        name
    :param criteria: further criteria by the vendor's names, such as ``{"leadStates": ["COMPLETE"]}``; a lead
        must match all of them. Phones are read as the loader reads them, and found in each form in which the
        server may hold them.
    :param country: country of the phones in ``criteria``, three letters; default: the campaign's
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    renamed_arguments = {"path": "output_path", "path_conn_id": "output_conn_id"}
    default_map_index = "{{ task.campaign.campaign_name | default(task.campaign or task.output_path, true) }}"
    template_fields: Sequence[str] = (
        "output_path",
        "output_conn_id",
        "campaign",
        "dial_group",
        "criteria",
        "country",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {"criteria": "json"}
    personal_fields = ("criteria",)

    def __init__(
        self,
        *,
        output_path: str | XComArg,
        output_conn_id: str | XComArg | None = None,
        campaign: CampaignReference | XComArg | None = None,
        dial_group: DialGroupReference | XComArg | None = None,
        criteria: Mapping[str, Any] | XComArg | None = None,
        country: str | XComArg | None = None,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.output_path = output_path
        self.output_conn_id = output_conn_id
        self.campaign = campaign
        self.dial_group = dial_group
        self.criteria = criteria
        self.country = country

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice import inputs
        from airflow_provider_engagevoice.models.lead_search import read_criteria

        return {
            "output_path": inputs.read_text,
            "output_conn_id": inputs.read_text,
            "campaign": inputs.read_campaign,
            "dial_group": inputs.read_dial_group,
            "criteria": read_criteria,
            "country": inputs.read_country,
        }

    def check_literals(self) -> None:
        """Check literal arguments; they must name the leads to search."""
        from airflow_provider_engagevoice.arguments import is_literal
        from airflow_provider_engagevoice.models.lead_search import check_scope

        super().check_literals()
        if is_literal(self.criteria):
            check_scope(self.campaign, self.dial_group, self.criteria)

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.client.endpoints import each_page
        from airflow_provider_engagevoice.client.endpoints.leads import search_leads_page
        from airflow_provider_engagevoice.client.lookup import lead_criteria
        from airflow_provider_engagevoice.leads.named import read_named
        from airflow_provider_engagevoice.leads.writers.search_results import (
            open_search_results,
            output_format,
        )
        from airflow_provider_engagevoice.models.lead_search import PEOPLE_CRITERIA
        from airflow_provider_engagevoice.storage import new_file

        values = self.read_arguments()
        path = values["output_path"]
        format = output_format(path)
        criteria, country = self.hook.run(
            lead_criteria(values["campaign"], values["dial_group"], values["criteria"])
        )
        named, searches = None, [criteria]
        if any(name in criteria for name in PEOPLE_CRITERIA):
            named = read_named(criteria, values["country"] or country)
        if named is not None:
            searches = [{**search, **named.others} for search in named.searches()]
        counted = self._count(searches)
        rows = 0
        with (
            new_file(path, values["output_conn_id"]) as file,
            closing(open_search_results(file, format)) as writer,
        ):
            for search in searches:
                request_page = partial(search_leads_page, search)
                for page in each_page(self.hook.run, request_page, itemgetter("leadId")):
                    if named is not None:
                        page = named.fresh(page)
                    writer.write(page)
                    rows += len(page)
        result = {"rows": rows, "counted": counted, "path": path}
        if rows == counted or rows == self._count(searches):
            self.log.info("%s", result)
        else:
            self.log.warning("%s; leads changed during the search: some may be missing or duplicated", result)
        return result

    def _count(self, searches: Sequence[Mapping[str, Any]]) -> int:
        return sum(self.hook.count_leads(search) for search in searches)
