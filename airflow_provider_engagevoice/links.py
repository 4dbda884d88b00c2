"""The operators' extra link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, TaskInstanceKey

#: XCom key under which operators leave the campaign's address.
CAMPAIGN_URL_KEY = "campaign_url"


class EngageVoiceCampaignLink(BaseOperatorLink):
    """Lead from the task to its campaign in the Engage Voice administration.

    The vendor documents no address for a single campaign, so the link opens the administration and names
    the campaign in the fragment, which a local sandbox follows.
    """

    name = "Engage Voice campaign"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Read the address from XCom; no request is made."""
        return XCom.get_value(key=CAMPAIGN_URL_KEY, ti_key=ti_key) or ""
