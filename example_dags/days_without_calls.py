"""Keep the dates without calls of a season free.

They are in ``exclude`` of ``spring.season.yaml``, which ``spring_season`` applies. A run closes their days of
the week up to six days ahead, and opens them again afterwards. At 4:00 in the west, a date is over in all
regions, and the next day has not begun to dial.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_engagevoice.operators.exclude_dates import EngageVoiceExcludeSeasonDatesOperator
from airflow_provider_engagevoice.operators.seasons import EngageVoiceVerifySeasonOperator

with DAG(
    "days_without_calls",
    schedule="0 4 * * *",
    start_date=pendulum.datetime(2026, 11, 1, tz="America/Los_Angeles"),
    catchup=False,
    max_active_runs=1,
    params={"storage": Param("file:///tmp/engagevoice", type="string")},
    doc_md=__doc__,
    tags=["engagevoice", "example"],
) as dag:
    exclude = EngageVoiceExcludeSeasonDatesOperator(
        task_id="exclude",
        record="{{ params.storage }}/seasons/spring",
        retries=3,
        retry_delay=timedelta(minutes=5),
    )
    EngageVoiceVerifySeasonOperator(task_id="verify", record=exclude.output)
