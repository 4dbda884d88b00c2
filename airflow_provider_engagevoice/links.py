"""The operators' extra link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context, TaskInstanceKey

#: XCom key of the campaign's URL.
CAMPAIGN_URL_KEY = "campaign_url"


def push_campaign_url(context: Context, task: BaseOperator, base_url: str, campaign_id: int | None) -> None:
    """Push the URL that a task's link leads to."""
    if task.do_xcom_push and campaign_id is not None:
        url = f"{base_url}/voice/admin/#campaign-{campaign_id}"
        context["ti"].xcom_push(key=CAMPAIGN_URL_KEY, value=url)
        vars(task)[CAMPAIGN_URL_KEY] = url


class EngageVoiceCampaignLink(BaseOperatorLink):
    """Link from the task to its campaign in the Engage Voice administration.

    The vendor documents no URL of a single campaign, so the link opens the administration with the campaign
    in the fragment, which a local sandbox follows.
    """

    name = "Engage Voice campaign"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the URL from XCom, without a request."""
        from airflow.providers.common.compat.sdk import XCom

        url: str | None = vars(operator).get(CAMPAIGN_URL_KEY)
        if url is None and hasattr(XCom, "get_all"):
            # The process of the task itself, on Airflow 3, where get_value logs an error if there is no URL.
            urls = XCom.get_all(
                key=CAMPAIGN_URL_KEY, dag_id=ti_key.dag_id, task_id=ti_key.task_id, run_id=ti_key.run_id
            )
            if not urls or ti_key.map_index < 0:
                return urls[0] if urls else ""
        return url or XCom.get_value(key=CAMPAIGN_URL_KEY, ti_key=ti_key) or ""
