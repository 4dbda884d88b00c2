"""Clone last season's campaigns with new dates.

Dynamic task mapping creates one clone per campaign in the parameter ``campaigns``. A clone keeps all settings
of its source except the dates and the settings overridden here.
"""

from __future__ import annotations

from typing import Any

import pendulum
from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_engagevoice.operators.campaigns import EngageVoiceCloneCampaignOperator

# The end of the run's data interval, or the time the run was triggered if there is none.
ANCHOR = "(data_interval_end | default(dag_run.run_after, true))"

with DAG(
    "clone_last_season",
    schedule=None,
    start_date=pendulum.datetime(2026, 11, 1, tz="America/Los_Angeles"),
    params={
        "campaigns": Param(["Holiday Renewals 2025"], type="array", items={"type": "string"}),
        "season": Param("2026", type="string"),
        "first_day": Param(None, type=["null", "string"], format="date"),
        "last_day": Param(None, type=["null", "string"], format="date"),
    },
    render_template_as_native_obj=True,
    doc_md=__doc__,
    tags=["engagevoice", "example"],
) as dag:

    @task
    def plan(params: dict[str, Any] | None = None) -> list[dict[str, object]]:
        """Name each clone after its source."""
        assert params is not None
        return [
            {"source_campaign": source, "campaign_name": f"{source} ({params['season']})"}
            for source in params["campaigns"]
        ]

    EngageVoiceCloneCampaignOperator.partial(
        task_id="clone",
        dial_group="Outbound Renewals",
        # Dates without times: from the start of the first day to the end of the last, in `timezone`.
        campaign_start="{{ params.first_day or macros.ds_add(" + ANCHOR + " | ds, 1) }}",
        campaign_end="{{ params.last_day or macros.ds_add(" + ANCHOR + " | ds, 31) }}",
        timezone="America/Los_Angeles",
        settings={"campaignDesc": "Cloned by Airflow run {{ run_id }}"},
    ).expand_kwargs(plan())
