"""Write leads that a search finds to object storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.client.lookup import CampaignReference, DialGroupReference

# As in operators.campaigns, what a task needs at run time is imported there.


class EngageVoiceLeadSearchToStorageOperator(EngageVoiceOperator):
    """
    Search leads and write them to a file, page by page, whatever their number.

    ``.jsonl`` keeps each row as the vendor sends it. ``.csv`` and ``.parquet`` have a column for each field
    that is documented, and ``other``, a JSON object of what is not; Parquet needs the extra ``[parquet]``.
    The file is there whole or not at all, and takes the place of one of that name.

    The API pages by position: leads that are dialed or loaded meanwhile may move the others, so that some
    are missing or there twice, above all when ``criteria`` asks for states. Where the number written is not
    the number counted it warns; search once the campaign is at rest, or by what does not change.

    Returns ``rows``, how many were written, ``counted``, how many there were before, and ``path``.

    .. seealso::
        `Vendor's document on lead search
        <https://developers.ringcentral.com/engage/voice/guide/dialing/leads/search>`__

    :param path: file on Airflow's object storage, such as ``s3://bucket/{{ ds }}/results.parquet``; its
        suffix tells the format
    :param path_conn_id: connection of the storage
    :param campaign: id, exact name, or the mapping another operator returned; where left out, ``criteria``
        has to name campaigns, lists or leads
    :param dial_group: dial group of the campaign; where left out, a name is looked for in all of them
    :param criteria: which of its leads, by the vendor's names, such as ``{"leadStates": ["COMPLETE"]}``; all
        of them have to hold
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    template_fields: Sequence[str] = (
        "path",
        "path_conn_id",
        "campaign",
        "dial_group",
        "criteria",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {"criteria": "json"}

    def __init__(
        self,
        *,
        path: str,
        path_conn_id: str | None = None,
        campaign: CampaignReference | None = None,
        dial_group: DialGroupReference | None = None,
        criteria: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.path_conn_id = path_conn_id
        self.campaign = campaign
        self.dial_group = dial_group
        self.criteria = criteria

    def _execute(self, context: Context) -> dict[str, Any]:
        from airflow_provider_engagevoice.client.endpoints.leads import SEARCH_ROWS, search_leads_page
        from airflow_provider_engagevoice.client.lookup import lead_criteria
        from airflow_provider_engagevoice.client.pagination import each_page
        from airflow_provider_engagevoice.leads.writers.search_results import (
            open_search_results,
            output_format,
        )
        from airflow_provider_engagevoice.utils.object_storage import new_file

        format = output_format(self.path)
        criteria = self.hook.run(lead_criteria(self.campaign, self.dial_group, self.criteria))
        counted = self.hook.count_leads(criteria)
        rows = 0
        with (
            new_file(self.path, self.path_conn_id) as file,
            closing(open_search_results(file, format)) as writer,
        ):
            ask = partial(search_leads_page, criteria)
            for page in each_page(self.hook.run, ask, itemgetter("leadId"), SEARCH_ROWS):
                writer.write(page)
                rows += len(page)
        told = {"rows": rows, "counted": counted, "path": self.path}
        if rows == counted or rows == self.hook.count_leads(criteria):
            self.log.info("%s", told)
        else:
            self.log.warning("%s; leads changed meanwhile: some may be missing or there twice", told)
        return told
