"""A rollout from the customers' table to the results: extract, load, wait, guard, wait, write back.

``database`` is a SQLite file with a table ``customers`` (``id``, ``first_name``, ``last_name``, ``phone``,
``city``, ``result``); ``opted_out.parquet`` in ``storage`` has the ids of customers who must not be called.
Trigger it manually, with a start that leaves time to load. Parquet needs the extra ``[parquet]``.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pendulum
from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath, Param, task

from airflow_provider_engagevoice.operators.campaigns import EngageVoiceCreateCampaignOperator
from airflow_provider_engagevoice.operators.lead_search import EngageVoiceLeadSearchToStorageOperator
from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator
from airflow_provider_engagevoice.operators.statistics import EngageVoiceAbandonRateGuardOperator
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor
from airflow_provider_engagevoice.sensors.leads_drained import EngageVoiceLeadsDrainedSensor

ANCHOR = "(data_interval_end | default(dag_run.run_after, true))"
START = "{{ params.campaign_start or (" + ANCHOR + " + macros.timedelta(minutes=5)) }}"
END = "{{ params.campaign_end or (" + ANCHOR + " + macros.timedelta(days=30)) }}"
FOLDER = "{{ params.storage }}/{{ run_id | replace(':', '-') }}"

with DAG(
    "lead_etl_rollout",
    schedule=None,
    start_date=pendulum.datetime(2026, 11, 1, tz="America/Los_Angeles"),
    params={
        "database": Param("customers.sqlite", type="string", description="SQLite file"),
        "storage": Param("file:///tmp/rollouts", type="string", description="folder of object storage"),
        "campaign_start": Param(None, type=["null", "string"], description="first instant, ISO 8601"),
        "campaign_end": Param(None, type=["null", "string"], description="end, ISO 8601"),
        "hours": Param("08:00-21:00", type="string", description="of each day"),
    },
    doc_md=__doc__,
    tags=["engagevoice", "example"],
) as dag:

    @task
    def extract(database: str, storage: str, folder: str) -> str:
        """Write the customers who may be called as Parquet; return the path."""
        import pyarrow
        import pyarrow.parquet

        with (ObjectStoragePath(storage) / "opted_out.parquet").open("rb") as file:
            opted_out = set(pyarrow.parquet.read_table(file)["id"].to_pylist())
        with closing(sqlite3.connect(database)) as customers:
            rows = customers.execute("SELECT id, first_name, last_name, phone, city FROM customers")
            columns = [column[0] for column in rows.description]
            called = [dict(zip(columns, row, strict=True)) for row in rows if row[0] not in opted_out]
        path = ObjectStoragePath(folder) / "leads.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(called), file)
        return str(path)

    create = EngageVoiceCreateCampaignOperator(
        task_id="create",
        dial_group="Outbound Renewals",
        campaign_name="Renewals {{ " + ANCHOR + " | ts_nodash }}",
        campaign_start=START,
        campaign_end=END,
        timezone="America/Los_Angeles",
        caller_id="4155550123",
        is_active=1,
        schedule={"mon-sun": "{{ params.hours }}"},
        settings={"maxPasses": 2},
    )
    load = EngageVoiceLoadLeadsOperator(
        task_id="load",
        campaign=create.output,
        source=extract("{{ params.database }}", "{{ params.storage }}", FOLDER),
        mapping={"id": "externId", "phone": "leadPhone"},
        list_name="Customers of {{ run_id }}",
        max_bad_rows="5%",
        rejects_path=f"{FOLDER}/rejects.parquet",
    )
    opened = EngageVoiceCampaignWindowSensor(task_id="opened", campaign=create.output, deferrable=True)
    guard = EngageVoiceAbandonRateGuardOperator(task_id="guard", campaigns=create.output, on_breach="pause")
    drained = EngageVoiceLeadsDrainedSensor(
        task_id="drained", campaign=create.output, poke_interval=30, deferrable=True
    )
    results = EngageVoiceLeadSearchToStorageOperator(
        task_id="results", campaign=create.output, output_path=f"{FOLDER}/results.jsonl"
    )

    @task
    def write_back(database: str, folder: str) -> dict[str, Any]:
        """Write what became of each customer into the table."""
        counts: dict[str, int] = {}
        leads = (ObjectStoragePath(folder) / "results.jsonl").read_text().splitlines()
        with closing(sqlite3.connect(database)) as customers, customers:
            for lead in map(json.loads, leads):
                outcome = lead["lastPassDisposition"] or lead["leadState"]
                customers.execute("UPDATE customers SET result = ? WHERE id = ?", (outcome, lead["externId"]))
                counts[outcome] = counts.get(outcome, 0) + 1
        return counts

    load >> opened >> guard >> drained >> results >> write_back("{{ params.database }}", FOLDER)
