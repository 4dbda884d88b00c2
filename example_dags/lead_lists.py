"""Lists as they come: a do-not-call file, a workbook for two campaigns, and a folder partitioned by state.

``storage`` has ``do_not_call.txt`` (area code and number, no header), ``partners.xlsx`` (``Campaign``,
``Customer``, ``Mobile``) and ``regions``, with folders such as ``state=CA`` of Parquet files (``id``,
``phone``). Requires the extras ``[excel]`` and ``[parquet]``.
"""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_engagevoice.operators.campaigns import EngageVoiceCreateCampaignOperator
from airflow_provider_engagevoice.operators.do_not_call import EngageVoiceDncOperator
from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator

ANCHOR = "(data_interval_end | default(dag_run.run_after, true))"
DIAL_GROUP = "Outbound Renewals"
REJECTS = "{{ params.storage }}/rejects/{{ run_id | replace(':', '-') }}"

with DAG(
    "lead_lists",
    schedule=None,
    start_date=pendulum.datetime(2026, 11, 1, tz="America/Los_Angeles"),
    params={"storage": Param("file:///tmp/lists", type="string", description="object storage folder")},
    doc_md=__doc__,
    tags=["engagevoice", "example"],
) as dag:
    create = EngageVoiceCreateCampaignOperator.partial(
        task_id="create",
        dial_group=DIAL_GROUP,
        campaign_start="{{ " + ANCHOR + " }}",
        campaign_end="{{ " + ANCHOR + " + macros.timedelta(days=30) }}",
        timezone="America/Los_Angeles",
        caller_id="4155550123",
        settings={"dncScrubOption": "INTERNAL_ONLY"},
    ).expand(campaign_name=["Partners East", "Partners West"])
    do_not_call = EngageVoiceDncOperator(
        task_id="do_not_call",
        action="upload",
        source="{{ params.storage }}/do_not_call.txt",
        columns=[1, 2],
        max_bad_rows="1%",
        rejects_path=f"{REJECTS}/do_not_call.csv",
    )
    partners = EngageVoiceLoadLeadsOperator(
        task_id="partners",
        campaign_column="Campaign",
        dial_group=DIAL_GROUP,
        source="{{ params.storage }}/partners.xlsx",
        mapping={"Customer": "externId", "Mobile": "leadPhone"},
        max_bad_rows="5%",
        rejects_path=f"{REJECTS}/partners.csv",
    )
    regions = EngageVoiceLoadLeadsOperator(
        task_id="regions",
        campaign="Partners West",
        dial_group=DIAL_GROUP,
        source="{{ params.storage }}/regions",
        mapping={"id": "externId", "phone": "leadPhone"},
        max_bad_rows="5%",
        rejects_path=f"{REJECTS}/regions.parquet",
    )

    create >> do_not_call >> [partners, regions]
