"""Compare what the last apply of a season has left with what the server has now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns.checkpoint import fields_from_json
from airflow_provider_engagevoice.campaigns.exclude import hours_of, is_over
from airflow_provider_engagevoice.campaigns.names import is_unfinished
from airflow_provider_engagevoice.campaigns.write import differences
from airflow_provider_engagevoice.characters import shown_lines, text_difference
from airflow_provider_engagevoice.client.endpoints.campaigns import list_campaigns
from airflow_provider_engagevoice.client.lookup import LAG_SECONDS
from airflow_provider_engagevoice.client.request import Pause, Procedure
from airflow_provider_engagevoice.inputs import EngageVoiceError
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.seasons.authors import GONE, LATE, by_whom, find_authors
from airflow_provider_engagevoice.seasons.plan import to_json_value
from airflow_provider_engagevoice.seasons.planning import whole
from airflow_provider_engagevoice.seasons.record import Record
from airflow_provider_engagevoice.seasons.work import NAME, STATE, RecordedCampaign

#: Seconds before each further look at what seems to have drifted: together as long as lists may be late.
_PAUSES = (5.0, 10.0, LAG_SECONDS - 15.0)
#: How long before an excluded date a day that is open is told: a run of the daily task is missing then.
_SOON = timedelta(hours=24)
#: Campaigns that an error names.
_MOST_NAMED = 10
_INACTIVE = int(CampaignState.INACTIVE)


@dataclass(frozen=True, slots=True)
class Drift:
    """A campaign that is not as the last apply has left it.

    :param what: ``gone``, ``changed``, ``active`` (the season asks for an inactive one), ``unfinished``, or
        ``open`` (though an excluded date begins within 24 hours)
    :param fields: field to the values that were left and that are there now, as JSON values
    :param may_dial: whether it is active
    :param changed_by: field to who has changed it and when, as text; empty where that is not known
    """

    campaign_id: int
    dial_group_id: int
    name: str
    what: str
    fields: Mapping[str, tuple[object, object]]
    may_dial: bool
    changed_by: Mapping[str, str] = field(default_factory=dict)

    @property
    def now(self) -> dict[str, object]:
        """Value of each changed field now."""
        return {GONE: None} if self.what == "gone" else {name: new for name, (_, new) in self.fields.items()}

    def as_json(self) -> dict[str, object]:
        """Return it as plain JSON."""
        return {**asdict(self), "fields": {name: list(values) for name, values in self.fields.items()}}

    def __str__(self) -> str:
        details = "; ".join(
            f"{name} {old!r} → {new!r}{text_difference(old, new)}{by_whom(self.changed_by.get(name))}"
            for name, (old, new) in self.fields.items()
        )
        dialing = ", and it may dial" if self.may_dial else ""
        what = "open on a date without calls" if self.what == "open" else self.what
        what += by_whom(self.changed_by.get(GONE))
        text = f"campaign {self.campaign_id} {self.name!r} in dial group {self.dial_group_id} is {what}"
        return f"{text}{dialing}{': ' if details else ''}{details}"


class DriftError(EngageVoiceError):
    """Campaigns of a season are not as the last apply has left them; the message names them."""

    def __init__(self, season: str, found: Sequence[Drift]) -> None:
        lines = shown_lines([str(one) for one in found], _MOST_NAMED)
        super().__init__(
            f"season {season!r}: {len(found)} campaigns are not as applied:\n" + "\n".join(lines)
        )


def waiting_text(record: Record, seconds: float) -> str:
    """Return why a wait for drift goes on, for a log.

    :param seconds: until the next poll
    """
    what = "an apply is running" if record.is_alive else f"{len(record.asked)} campaigns are as applied"
    return f"season {record.season!r}: {what}; next poll in {seconds:.0f} s"


def find_drift(record: Record) -> Procedure[list[Drift]]:
    """Return the campaigns of a season that are not as the last apply has left them; nothing is written.

    Each dial group is listed once; a campaign is read by itself only if its row lacks fields.
    """
    return (yield from _find(record, record.names))


def find_lasting_drift(record: Record) -> Procedure[list[Drift]]:
    """Do as :func:`find_drift`, for what is still so 35 seconds later: lists may show a write late.

    Dial groups in which something was found are listed up to three times more. Who has changed what is left
    is looked up in the audit log, in one request.
    """
    found = yield from find_drift(record)
    for seconds in _PAUSES:
        if found:
            yield Pause(seconds)
            found = yield from _find(record, dict.fromkeys(one.dial_group_id for one in found))
    now = {one.campaign_id: one.now for one in found if one.what != "unfinished"}
    authors = yield from find_authors(record.account_id, now, record.started_at)
    for number, one in enumerate(found):
        names = authors.get(one.campaign_id, {})
        if one.what == "open":
            # Perhaps no one has opened it: the daily task has not closed it.
            names = {name: author for name, author in names.items() if author != LATE}
        found[number] = replace(one, changed_by=names)
    return found


def _find(record: Record, group_ids: Iterable[int]) -> Procedure[list[Drift]]:
    found: list[Drift] = []
    for group_id in group_ids:
        of_group = [one for one in record.asked if one.dial_group_id == group_id]
        found += yield from _in_group(group_id, record.names[group_id], of_group)
    return found


def poll_drift(record: Record) -> Procedure[list[Drift]]:
    """Do as :func:`find_lasting_drift`, and find nothing while the season is applied."""
    return [] if record.is_alive else (yield from find_lasting_drift(record))


def _in_group(
    group_id: int, names: Collection[str], recorded: Sequence[RecordedCampaign]
) -> Procedure[list[Drift]]:
    rows = yield from list_campaigns(group_id)
    by_id = {row.campaignId: row for row in rows}
    found: list[Drift] = []
    for one in recorded:
        row = by_id.get(one.campaign_id)
        campaign = yield from whole(row, group_id, one.campaign_id, one.fields)
        found += _of_campaign(one, campaign)
    known = {one.campaign_id for one in recorded}
    for row in rows:
        if row.campaignId not in known and any(is_unfinished(row.campaignName, name) for name in names):
            may_dial = row.isActive != CampaignState.INACTIVE
            found.append(Drift(row.campaignId, group_id, row.campaignName, "unfinished", {}, may_dial))
    return found


def _of_campaign(recorded: RecordedCampaign, campaign: Campaign | None) -> list[Drift]:
    ids = recorded.campaign_id, recorded.dial_group_id, recorded.name
    if campaign is None:
        return [Drift(*ids, "gone", {}, False)]
    may_dial = campaign.isActive != CampaignState.INACTIVE
    if recorded.exclusion is not None and not is_over(campaign):
        hours = hours_of(campaign)
        if opened := recorded.exclusion.opens(hours, clock.now(), within=_SOON):
            fields = {name: (one.hours, hours[name]) for name, one in opened.items()}
            return [Drift(*ids, "open", fields, may_dial)]
    left = {**fields_from_json(recorded.fields), NAME: recorded.name}
    changed = {
        name: (to_json_value(wanted), to_json_value(now))
        for name, (now, wanted) in differences(left, campaign).items()
    }
    if changed:
        return [Drift(*ids, "changed", changed, may_dial)]
    if recorded.state == CampaignState.INACTIVE and may_dial:
        states = _INACTIVE, to_json_value(campaign.isActive)
        return [Drift(*ids, "active", {STATE: states}, may_dial)]
    return []
