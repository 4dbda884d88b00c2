"""From what the rows of a list say to the campaigns that they mean."""

from __future__ import annotations

from collections import defaultdict

from airflow_provider_engagevoice.client.lookup import (
    LAG_SECONDS,
    DialGroupReference,
    FoundCampaign,
    group_of,
    list_candidates,
    pauses,
    read_campaign,
)
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import NotFoundError, nearest
from airflow_provider_engagevoice.inputs import normal_name


class CampaignDirectory:
    """Finds campaigns by exact name or id. They are listed once, and again while one is not found.

    :param dial_group: of the campaigns; None for all
    """

    def __init__(self, dial_group: DialGroupReference | None) -> None:
        self._dial_group = dial_group
        #: Ids of dial groups and campaigns, by the name of a campaign and by its id.
        self._ids: dict[str, set[tuple[int, int]]] | None = None
        self._names: dict[int, str] = {}
        self._again = pauses(LAG_SECONDS)

    def find(self, text: str) -> Procedure[FoundCampaign | None]:
        """Return the campaign that a text means, which is read; None if it means none, or several.

        A list may show a new campaign late, so all searches together wait for :data:`LAG_SECONDS`.

        :param text: a name as servers store it, or an id
        """
        while not (found := (yield from self._listed()).get(text)):
            pause = next(self._again, None)
            if pause is None:
                return None
            yield pause
            self._ids = None
        if len(found) > 1:
            return None
        [(group_id, campaign_id)] = found
        try:
            campaign = yield from read_campaign(group_id, campaign_id)
        except NotFoundError:
            return None
        is_meant = text in (str(campaign_id), normal_name(campaign.campaignName))
        return FoundCampaign(group_id, campaign) if is_meant else None

    def problem(self, text: str) -> str:
        """Return why a text was not found: the ids of several campaigns, or the nearest names."""
        found = sorted(campaign_id for _, campaign_id in (self._ids or {}).get(text, ()))
        if len(found) > 1:
            return f"; it means several campaigns: {', '.join(map(str, found))}; use the id"
        return nearest(text, self._names.values())

    def _listed(self) -> Procedure[dict[str, set[tuple[int, int]]]]:
        if self._ids is None:
            group_id = yield from group_of(None, self._dial_group)
            ids: dict[str, set[tuple[int, int]]] = defaultdict(set)
            for of_group, campaign in (yield from list_candidates(group_id)):
                name = normal_name(campaign.campaignName)
                self._names[campaign.campaignId] = name
                for text in (name, str(campaign.campaignId)):
                    ids[text].add((of_group, campaign.campaignId))
            self._ids = dict(ids)
        return self._ids
