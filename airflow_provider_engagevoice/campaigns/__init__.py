"""Procedures on campaigns: ensure one, clone one safely, change one, remove one.

Making a campaign is not one step. Until it is complete it bears a *working name*, its own name with a mark
of the task that makes it, and is inactive (or, for a clone, cannot dial); the last write gives it its name
and its state at once. So whatever is cut off, and wherever, the next attempt of the same task finds what
there is and finishes it, and a campaign that bears its own name is complete: its state is what people made
of it since.
"""

from airflow_provider_engagevoice.campaigns.ensure import ensure_campaign, ensure_clone, working_name
from airflow_provider_engagevoice.campaigns.result import CampaignResult
from airflow_provider_engagevoice.campaigns.update import change_campaign, differences, remove_campaign

__all__ = [
    "CampaignResult",
    "change_campaign",
    "differences",
    "ensure_campaign",
    "ensure_clone",
    "remove_campaign",
    "working_name",
]
