"""Seasons: many campaigns from one file, planned, applied and recorded.

The objects of :mod:`airflow_provider_engagevoice.seasons.model` can be imported from here.
"""

from airflow_provider_engagevoice.seasons.model import Defaults, Region, Season, SeasonCampaign, Wave

__all__ = ["Defaults", "Region", "Season", "SeasonCampaign", "Wave"]
