"""What happened to campaigns between two polls. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from airflow_provider_engagevoice.models.campaign import READ_ONLY_FIELDS, Campaign
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS
from airflow_provider_engagevoice.polling.event_filter import Event
from airflow_provider_engagevoice.polling.windows import state_of

#: Fields whose values are kept, to report how they changed; of all others only a digest is kept.
_KEPT = ("campaignName", "startDate", "endDate", "isActive", *SCHEDULE_FIELDS)
_NOT_DIGESTED = READ_ONLY_FIELDS | set(_KEPT)


@dataclass(frozen=True, slots=True)
class CampaignSnapshot:
    """A campaign as of the last poll.

    :param dial_group_name: name of its dial group
    :param fields: the fields that are kept, in the server's format
    :param digest: digest of all other fields
    :param is_open: whether it was active and within its dates
    :param is_over: whether its dates were over
    """

    campaign_id: int
    dial_group_id: int
    dial_group_name: str
    fields: Mapping[str, Any]
    digest: str
    start: datetime | None
    end: datetime | None
    is_open: bool
    is_over: bool

    @classmethod
    def of(cls, campaign: Campaign, dial_group_id: int, dial_group_name: str, now: datetime) -> Self:
        """Return the snapshot of a campaign as of ``now``."""
        raw = campaign.raw
        others = {name: value for name, value in raw.items() if name not in _NOT_DIGESTED}
        text = json.dumps(others, sort_keys=True, default=str).encode(errors="replace")
        snapshot = cls(
            campaign.campaignId,
            dial_group_id,
            dial_group_name,
            {name: raw.get(name) for name in _KEPT} | {"isActive": state_of(raw.get("isActive"))},
            hashlib.blake2b(text, digest_size=6).hexdigest(),
            campaign.start,
            campaign.end,
            is_open=False,
            is_over=False,
        )
        return snapshot.at(now)

    def at(self, now: datetime) -> Self:
        """Return the same campaign as of another instant."""
        is_over = self.end is not None and now >= self.end
        is_open = self.is_active and self.start is not None and not is_over and now >= self.start
        if (is_open, is_over) == (self.is_open, self.is_over):
            return self
        values = {name: getattr(self, name) for name in self.__slots__}
        return type(self)(**values | {"is_open": is_open, "is_over": is_over})

    def completed(self, before: Self, now: datetime) -> Self:
        """Return it with what its row leaves out, which is as it was before: odd rows are no edits.

        :param before: the same campaign as of an earlier poll
        """
        left_out = {name for name in _KEPT if self._leaves_out(name) and not before._leaves_out(name)}
        if not left_out:
            return self
        completed = replace(
            self,
            fields={**self.fields, **{name: before.fields[name] for name in left_out}},
            digest=before.digest,
            start=before.start if "startDate" in left_out else self.start,
            end=before.end if "endDate" in left_out else self.end,
        )
        return completed.at(now)

    def _leaves_out(self, name: str) -> bool:
        if name == "startDate":
            return self.start is None
        if name == "endDate":
            return self.end is None
        return self.fields[name] in (None, "")

    @property
    def is_active(self) -> bool:
        """Whether the campaign is active."""
        return bool(self.fields["isActive"] == CampaignState.ACTIVE)

    def changes_at(self, now: datetime) -> datetime | None:
        """Return the next instant at which time alone opens or closes it; None if there is none."""
        return min((one for one in (self.start, self.end) if one is not None and one > now), default=None)

    def to_json(self) -> list[Any]:
        """Return it as plain JSON values, for a checkpoint."""
        values = [self.fields[name] for name in _KEPT]
        return [self.dial_group_id, self.dial_group_name, values, self.digest, self.is_open, self.is_over]

    @classmethod
    def from_json(cls, campaign_id: int, kept: Any) -> Self:
        """Return the snapshot that :meth:`to_json` wrote.

        :raises ValueError: if ``kept`` is something else; also ``TypeError``
        """
        dial_group_id, dial_group_name, values, digest, is_open, is_over = kept
        fields = dict(zip(_KEPT, values, strict=True))
        fields["isActive"] = state_of(fields["isActive"])
        campaign = Campaign.from_server({**fields, "campaignId": campaign_id})
        return cls(
            campaign_id,
            int(dial_group_id),
            str(dial_group_name),
            fields,
            str(digest),
            campaign.start,
            campaign.end,
            bool(is_open),
            bool(is_over),
        )


def _is_same_date(name: str, before: CampaignSnapshot, after: CampaignSnapshot) -> bool:
    """Return whether a date differs only in its form, or by less than the seconds that servers keep."""
    dates = {"startDate": (before.start, after.start), "endDate": (before.end, after.end)}
    one, other = dates.get(name, (None, None))
    return one is not None and other is not None and abs(other - one) < timedelta(seconds=1)


def events_between(
    before: CampaignSnapshot | None, after: CampaignSnapshot | None
) -> Iterator[tuple[Event, dict[str, list[Any]]]]:
    """Yield each event with the fields that changed, in the order in which the events can have happened.

    The changes map field names to the old and the new value; ``settings`` means all fields except name,
    dates, state and day hours.

    :param before: None if the campaign did not exist
    :param after: None if it no longer exists
    """
    if after is None:
        if before is not None:
            yield Event.DELETED, {}
        return
    if before is None:
        yield Event.CREATED, {}
        if after.is_open:
            yield Event.OPENED, {}
        return
    changed = {
        name: [before.fields[name], value]
        for name, value in after.fields.items()
        if before.fields[name] != value and not _is_same_date(name, before, after)
    }
    state = {name: changed.pop(name) for name in ("isActive",) if name in changed}
    if before.digest != after.digest:
        changed["settings"] = [before.digest, after.digest]
    if changed:
        yield Event.EDITED, changed
    if after.is_active and not before.is_active:
        yield Event.ACTIVATED, state
    # A window may have opened and closed since the last poll.
    was_missed = after.is_over and not before.is_over and before.is_active and after.is_active
    if not before.is_open and (after.is_open or was_missed):
        yield Event.OPENED, {**changed, **state}
    if before.is_active and not after.is_active:
        yield Event.PAUSED, state
    if after.is_over and not before.is_over:
        yield Event.CLOSED, changed
