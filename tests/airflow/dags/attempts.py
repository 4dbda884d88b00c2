"""Attempts that are killed, and errors that are not retryable."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Context, task

from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook
from airflow_provider_engagevoice.operators.campaigns import EngageVoiceCreateCampaignOperator
from airflow_provider_engagevoice.retries import EngageVoiceRetryPolicy


class KilledAfterwards(EngageVoiceCreateCampaignOperator):
    """Is killed in its first attempt, after its last write and before its result is stored."""

    def execute(self, context: Context) -> dict[str, Any]:
        result = super().execute(context)
        if context["ti"].try_number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


with DAG(
    "attempts",
    schedule=None,
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=0),
        "retry_policy": EngageVoiceRetryPolicy(),
    },
):
    KilledAfterwards(
        task_id="killed_after_its_last_write",
        dial_group="Outbound Renewals",
        campaign_name="Cut off",
        campaign_start="2090-11-01",
        campaign_end="2090-11-30",
        caller_id="4155550123",
        is_active=1,
        if_exists="fail",
    )

    @task
    def reads_a_missing_campaign() -> None:
        """Fail in a Python task with an error of the hook."""
        EngageVoiceHook().get_campaign(115801, 1)

    reads_a_missing_campaign()
