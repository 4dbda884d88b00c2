"""The same three waits with each sensor; the run's conf gives the campaigns and when they open."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from pathlib import Path

from airflow.providers.http.sensors.http import HttpSensor
from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.providers.standard.sensors.python import PythonSensor
from airflow.sdk import DAG

from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor


def is_open(dial_group_id: str, campaign_id: str) -> bool:
    """Poll once, as users of the vendor's Python SDK write it: sign in, get, compare."""
    # The SDK as if it were installed beside Airflow; what both need is Airflow's.
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    environment = Path(os.environ["ENGAGEVOICE_SDK_PYTHON"]).parents[1]
    sys.path.append(str(environment / "lib" / version / "site-packages"))
    from ringcentral_engage_voice import RingCentralEngageVoice

    connection = json.loads(os.environ["AIRFLOW_CONN_SANDBOX_JWT"])
    known = connection["extra"]
    client = RingCentralEngageVoice(
        known["client_id"], known["client_secret"], connection["host"], known["rc_server"]
    )
    client.authorize(jwt=known["jwt_token"])
    path = f"/api/v1/admin/accounts/{known['account_id']}/dialGroups/{dial_group_id}/campaigns/{campaign_id}"
    campaign = client.get(path).json()
    start, end = (datetime.fromisoformat(campaign[name]) for name in ("startDate", "endDate"))
    return campaign["isActive"] == 1 and start <= datetime.now(start.tzinfo) < end


GROUP = "{{ params.dial_group }}"
ACCOUNT = "voice/api/v1/admin/accounts/{{ params.account }}"

with DAG(
    "same_wait",
    schedule=None,
    params={"account": "", "dial_group": 0, "opens_at": "", "campaigns": {}},
    default_args={"poke_interval": float(os.environ["SAME_WAIT_POKE_INTERVAL"]), "timeout": 3600.0},
):
    for number in range(3):
        campaign = f"{{{{ params.campaigns['%s'][{number}] }}}}"
        for name in ("engagevoice", "from_trigger"):
            EngageVoiceCampaignWindowSensor(
                task_id=f"{name}_{number}",
                dial_group=GROUP,
                campaign=campaign % name,
                deferrable=True,
                start_from_trigger=name == "from_trigger",
            )
        HttpSensor(
            task_id=f"http_{number}",
            http_conn_id="sandbox_http",
            endpoint=f"{ACCOUNT}/dialGroups/{GROUP}/campaigns/{campaign % 'http'}",
            deferrable=True,
        )
        DateTimeSensorAsync(task_id=f"date_time_{number}", target_time="{{ params.opens_at }}")
        PythonSensor(
            task_id=f"sdk_{number}",
            python_callable=is_open,
            op_args=[GROUP, campaign % "sdk"],
            mode="reschedule",
        )
