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


class EngageVoiceCampaignLink(BaseOperatorLink):
    """Link from the task to its campaign in the Engage Voice administration.

    The vendor documents no URL of a single campaign, so the link opens the administration with the campaign
    in the fragment, which a local sandbox follows.
    """

    name = "Engage Voice campaign"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the URL from XCom, without a request."""
        from airflow.providers.common.compat.sdk import XCom

        return XCom.get_value(key=CAMPAIGN_URL_KEY, ti_key=ti_key) or ""
