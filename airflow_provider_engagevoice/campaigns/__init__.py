"""Procedures on campaigns: create, clone, change and delete, idempotently.

Creating a campaign takes several requests. Until it is complete it has a *working name*, its own name with a
suffix that identifies the task, and is inactive (or, for a clone, cannot dial); the last request sets its
name and its state at once. So if an attempt is interrupted at any point, the next attempt of the same task
finds the campaign and completes it. A campaign with its own name is complete: users may have changed its
state since.
"""

from airflow_provider_engagevoice.campaigns.ensure import ensure_campaign, ensure_clone, working_name
from airflow_provider_engagevoice.campaigns.update import (
    CampaignResult,
    change_campaign,
    differences,
    remove_campaign,
)

__all__ = [
    "CampaignResult",
    "change_campaign",
    "differences",
    "ensure_campaign",
    "ensure_clone",
    "remove_campaign",
    "working_name",
]
