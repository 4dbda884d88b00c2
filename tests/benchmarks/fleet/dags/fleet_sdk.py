"""The work of ``fleet_create`` as users of the vendor's Python SDK write it: sign in, post, in every task.

The SDK is installed in a separate interpreter, hence Airflow's ``external_python``; nothing is shared
between the tasks, and only Airflow's ``retries`` retry.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

with DAG(
    "fleet_sdk",
    schedule=None,
    params={"size": 500, "groups": {"Winback": 115803}},
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    max_active_tasks=256,
):

    @task
    def wanted(params: dict[str, Any]) -> list[dict[str, Any]]:
        """Return dial group and name of each campaign."""
        groups = sorted(params["groups"])
        return [
            {
                "dial_group_id": params["groups"][groups[number % len(groups)]],
                "campaign_name": f"Fleet {number:04d}",
            }
            for number in range(params["size"])
        ]

    @task.external_python(python=os.environ["ENGAGEVOICE_SDK_PYTHON"], expect_airflow=False)
    def create(dial_group_id: int, campaign_name: str) -> int:
        """Create a campaign and return its id."""
        import json
        import os
        from datetime import UTC, datetime, timedelta

        from ringcentral_engage_voice import RingCentralEngageVoice

        connection = json.loads(os.environ["AIRFLOW_CONN_ENGAGEVOICE_DEFAULT"])
        known = connection["extra"]
        client = RingCentralEngageVoice(
            known["client_id"], known["client_secret"], connection["host"], known["rc_server"]
        )
        client.authorize(jwt=known["jwt_token"])
        start = datetime.now(UTC)
        campaign = {
            "campaignName": campaign_name,
            "startDate": start.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "endDate": (start + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "callerId": "4155550123",
            "isActive": 1,
            "maxRingTime": 30,
        }
        path = f"/api/v1/admin/accounts/{known['account_id']}/dialGroups/{dial_group_id}/campaigns"
        return client.post(path, campaign).json()["campaignId"]

    create.expand_kwargs(wanted())
