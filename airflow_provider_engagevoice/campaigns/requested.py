"""The campaign that a task has requested: whether it may still appear, and under which name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.checkpoint import TaskRecord, fields_from_json, fields_to_json
from airflow_provider_engagevoice.campaigns.names import altered_name_error, is_altered, is_altered_suffix
from airflow_provider_engagevoice.campaigns.reconcile import remove_unfinished
from airflow_provider_engagevoice.campaigns.write import is_close
from airflow_provider_engagevoice.client.lookup import look_up
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import StoredDifferentlyError
from airflow_provider_engagevoice.inputs import normal_name
from airflow_provider_engagevoice.models.campaign import Campaign

#: Seconds for which a campaign that was requested is looked for: it may be created a minute later, and listed
#: half a minute after that.
SETTLE_SECONDS = 100.0
#: Readings of the list before it is given up, for one that waits for its permits each time.
_MIN_LOOKS = 4


class RequestedCampaign:
    """What a task knows of the campaign that its attempts have requested.

    :param name: the campaign's own name
    :param working: its name until it is complete
    :ivar creates: number of requests of this attempt
    :ivar looks: readings of the list in which it was missing
    """

    def __init__(self, group_id: int, name: str, working: str, record: TaskRecord) -> None:
        self._group_id = group_id
        self._name = name
        self._working = working
        self._record = record
        self.creates = 0
        self.looks = 0
        #: Instant of ``clock.monotonic`` until which a create may still be carried out; None if none may.
        self._pending_until: float | None = None
        self.read()
        if self._requests > len(record.campaign_ids):
            self.end()

    def read(self) -> None:
        """Read what attempts have saved."""
        #: Highest id in the list before the last create, None without one.
        self._newest_before: int | None = self._record.get("newest_before")
        #: Campaigns that were requested by this and earlier attempts.
        self._requests = self._record.get("requests") or int(self._record.is_blind)
        #: Fields of the campaign that was requested last.
        self._fields = fields_from_json(self._record.get("requested") or {})

    def begin(self, newest_before: int) -> None:
        """Save that a campaign is about to be requested.

        :param newest_before: highest id in the list
        """
        self.creates += 1
        self.looks = 0
        self._newest_before = newest_before
        self._record.reload()
        self._requests = max(self._requests, self._record.get("requests") or 0) + 1
        self._record.save(requests=self._requests, newest_before=newest_before, dial_group_id=self._group_id)

    def expect(self, fields: Mapping[str, Any]) -> None:
        """Save what shows that a campaign is the one that is about to be requested."""
        self._fields = dict(fields)
        self._record.save(requested=fields_to_json(self._fields))

    def end(self) -> None:
        """Note that the request was sent, whatever the answer."""
        self._pending_until = clock.monotonic() + SETTLE_SECONDS

    def is_pending(self, listed_at: float) -> bool:
        """Return whether it may still appear.

        :param listed_at: instant of ``clock.monotonic`` at which the list was read
        """
        if self._pending_until is None or self._requests <= len(self._record.campaign_ids):
            return False
        return listed_at < self._pending_until or self.looks < _MIN_LOOKS

    def _is_new(self, campaign_id: int) -> bool:
        """Return whether a campaign was created after this task requested one that it has not seen yet."""
        return self._requests > len(self._record.campaign_ids) and self.is_newer(campaign_id)

    def is_newer(self, campaign_id: int) -> bool:
        """Return whether a campaign was created after this task's request, so by a task beside it."""
        return self._newest_before is not None and campaign_id > self._newest_before

    def check_altered(self, names: Mapping[int, str]) -> Procedure[None]:
        """Delete and report a campaign that the last create has made, with its suffix, under another name.

        :param names: stored name of each campaign in the dial group
        :raises StoredDifferentlyError: if there is one
        """
        for campaign_id, stored in names.items():
            if self._is_new(campaign_id) and is_altered_suffix(stored, self._working, self._name):
                yield from remove_unfinished(self._group_id, campaign_id, stored.__eq__)
                raise self._altered(campaign_id, stored, "was deleted")

    def explain(self, names: Mapping[int, str], listed: Iterable[Campaign]) -> Procedure[None]:
        """Name a campaign that may be the one that was requested, with a name cut to its beginning.

        :param listed: campaigns whose dates show how the server stores them
        :raises StoredDifferentlyError: if there is one
        """
        for campaign_id, stored in names.items():
            if self._is_new(campaign_id) and is_altered(stored, self._working):
                campaign = yield from look_up(self._group_id, campaign_id)
                if campaign is not None:
                    self.check_cut(campaign, listed)

    def check_cut(self, campaign: Campaign, listed: Iterable[Campaign]) -> None:
        """Check that a campaign is not the one that was requested, with a name cut to its beginning.

        :raises StoredDifferentlyError: if it may be
        """
        campaign_id, stored = campaign.campaignId, campaign.campaignName
        if self._record.is_refused(campaign_id):
            raise self._altered(campaign_id, stored, "may be it; delete it if it is")
        is_suspect = self._is_new(campaign_id) and is_altered(stored, self._working)
        if is_suspect and self._fields and is_close(self._fields, campaign, listed):
            if normal_name(stored) == self._name:
                self._record.refuse(campaign_id)
            else:
                self._record.save(altered=campaign_id)
            raise self._altered(campaign_id, stored, "may be it; delete it if it is")

    def _altered(self, campaign_id: int, stored: str, remark: str) -> StoredDifferentlyError:
        return altered_name_error(stored, self._working, f"; campaign {campaign_id} {remark}")
