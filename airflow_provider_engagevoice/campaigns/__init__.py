"""Procedures on campaigns: create, clone, change and delete, idempotently."""

from airflow_provider_engagevoice.campaigns.ensure import ensure_campaign, ensure_clone
from airflow_provider_engagevoice.campaigns.names import working_name
from airflow_provider_engagevoice.campaigns.update import CampaignResult, change_campaign, remove_campaign
from airflow_provider_engagevoice.campaigns.write import differences

__all__ = [
    "CampaignResult",
    "change_campaign",
    "differences",
    "ensure_campaign",
    "ensure_clone",
    "remove_campaign",
    "working_name",
]
