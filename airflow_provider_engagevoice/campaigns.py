"""Procedures on campaigns: ensure one, clone one safely, change one, remove one.

Making a campaign is not one step. Until it is complete it bears a *working name*, its own name with a mark
of the task that makes it, and is inactive (or, for a clone, cannot dial); the last write gives it its name
and its state at once. So whatever is cut off, and wherever, the next attempt of the same task finds what
there is and finishes it, and a campaign that bears its own name is complete: its state is what people made
of it since.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_engagevoice.client import api
from airflow_provider_engagevoice.client.lookup import (
    CampaignReference,
    DialGroupReference,
    FoundCampaign,
    find_campaign,
    find_dial_group,
    read_reference,
)
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.exceptions import (
    AmbiguousNameError,
    CampaignExistsError,
    EndpointMissingError,
    InvalidInputError,
    NotFoundError,
    OutcomeUnknownError,
    ResourceNotFoundError,
    StoredDifferentlyError,
)
from airflow_provider_engagevoice.models.campaign import READ_ONLY_FIELDS, Campaign
from airflow_provider_engagevoice.models.dates import parse_vendor_date
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.spec import CampaignSpec, IfExists, check_dates

log = logging.getLogger(__name__)

#: How often a create may be sent again after its answer was lost and nothing was found on the server.
_MOST_CREATES = 2
#: A source counts as over this long after its end: whether an end date holds for its whole day is not
#: documented, and clocks differ.
_SURELY_OVER = timedelta(hours=24)
_INACTIVE = int(CampaignState.INACTIVE)


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """What became of a campaign.

    :param start: ISO 8601, UTC
    :param end: ISO 8601, UTC
    :param outcome: created, updated, unchanged, deleted or absent
    """

    campaign_id: int | None
    dial_group_id: int | None
    campaign_name: str | None
    start: str | None
    end: str | None
    is_active: int | None
    outcome: str

    @classmethod
    def of(cls, found: FoundCampaign, outcome: str) -> CampaignResult:
        """Return the result for a campaign as it is on the server."""
        campaign = found.campaign
        return cls(
            campaign_id=campaign.campaignId,
            dial_group_id=found.dial_group_id,
            campaign_name=campaign.campaignName,
            start=campaign.start.isoformat() if campaign.start else None,
            end=campaign.end.isoformat() if campaign.end else None,
            is_active=None if campaign.isActive is None else int(campaign.isActive),
            outcome=outcome,
        )

    def as_xcom(self) -> dict[str, Any]:
        """Return it as plain JSON; the mapping is a campaign reference for other operators."""
        return asdict(self)


def working_name(name: str, owner: str) -> str:
    """Return the name a campaign bears while ``owner`` makes it."""
    return f"{name} [unfinished {hashlib.sha256(owner.encode()).hexdigest()[:8]}]"


def ensure_campaign(spec: CampaignSpec, *, owner: str) -> Procedure[CampaignResult]:
    """Make sure the campaign is there, once, with the fields asked for.

    :param owner: who makes it, the same for every attempt of a task and for nobody else
    :raises InvalidInputError: before anything is sent
    :raises NotFoundError: for an unknown dial group
    :raises AmbiguousNameError: when several campaigns have the name
    :raises CampaignExistsError: with ``if_exists="fail"``
    :raises StoredDifferentlyError: when the server does not store what it accepted; the campaign is inactive
    """
    check_dates(spec.fields)
    assert spec.dial_group is not None
    group = yield from find_dial_group(spec.dial_group)
    body = {**spec.fields, "campaignName": working_name(spec.name, owner), "isActive": _INACTIVE}
    create = api.create_campaign(group.dialGroupId, body)
    return (yield from _make(group.dialGroupId, spec, owner, lambda: iter(create)))


def clone_campaign(
    source: CampaignReference, spec: CampaignSpec, *, country_code: str, owner: str
) -> Procedure[CampaignResult]:
    """Clone a campaign within its dial group, so that the clone never dials outside the dates asked for.

    The vendor's clone has the source's dates and state until it is given its own. It is used where such a
    clone cannot dial: the source is inactive, or has been over for a day. Otherwise, and where the server
    has no clone endpoint, the source is read and an inactive copy created with the dates asked for.

    :param country_code: as ``newCountryCode`` takes it, such as ``USA``
    :raises: as :func:`ensure_campaign`
    """
    check_dates(spec.fields)
    found = yield from find_campaign(source, spec.dial_group, field="source")
    if found.campaign.campaignName == spec.name:
        raise InvalidInputError("campaign_name", spec.name, "it is the source's own name; choose another")
    _refuse_fixed_fields(spec.fields, found.campaign)
    owner = f"{owner} from {found.campaign_id}"
    working = working_name(spec.name, owner)
    return (
        yield from _make(
            found.dial_group_id, spec, owner, lambda: _copy(found, working, country_code, spec.fields)
        )
    )


def change_campaign(
    reference: CampaignReference,
    dial_group: DialGroupReference | None,
    *,
    fields: Mapping[str, Any],
    name: str | None,
    state: CampaignState | None,
) -> Procedure[CampaignResult]:
    """Read a campaign, change what is asked for, write it back whole.

    :param name: a new name, None to leave it
    :param state: a new state, None to leave it
    :raises InvalidInputError: when nothing is asked for, or the dates do not make a window that is not over
    """
    wanted: dict[str, Any] = dict(fields)
    if name is not None:
        wanted["campaignName"] = name
    if state is not None:
        wanted["isActive"] = int(state)
    if not wanted:
        raise InvalidInputError("campaign", reference, "say what to change")
    try:
        found = yield from find_campaign(reference, dial_group)
    except NotFoundError:
        # An earlier attempt may have renamed it before its answer was lost.
        if name is None or not isinstance(reference, str) or reference.strip().isdigit():
            raise
        found = yield from find_campaign(name, dial_group)
    if "startDate" in wanted or "endDate" in wanted:
        dates = {key: found.campaign.raw.get(key) for key in ("startDate", "endDate")} | wanted
        check_dates(dates, None if "endDate" in wanted else datetime.min.replace(tzinfo=UTC))
    changes = differences(wanted, found.campaign)
    after = yield from _store(found, wanted)
    return CampaignResult.of(after, "updated" if changes else "unchanged")


def remove_campaign(
    reference: CampaignReference, dial_group: DialGroupReference | None
) -> Procedure[CampaignResult]:
    """Delete a campaign. One that is gone already is a success, with outcome ``absent``.

    :raises NotFoundError: for an unknown dial group
    """
    group: DialGroupReference | None = dial_group
    if dial_group is not None:
        group = (yield from find_dial_group(dial_group)).dialGroupId
    try:
        found = yield from find_campaign(reference, group)
    except NotFoundError as error:
        log.warning("%s; nothing to delete", error)
        wanted = read_reference(reference, "campaign", "campaign_id")
        return CampaignResult(
            campaign_id=wanted if isinstance(wanted, int) else None,
            dial_group_id=group if isinstance(group, int) else None,
            campaign_name=wanted if isinstance(wanted, str) else None,
            start=None,
            end=None,
            is_active=None,
            outcome="absent",
        )
    yield from _delete(found.dial_group_id, found.campaign_id)
    return CampaignResult.of(found, "deleted")


def differences(wanted: Mapping[str, Any], campaign: Campaign) -> dict[str, tuple[Any, Any]]:
    """Return each field of ``wanted`` that the server holds differently, as (stored, wanted)."""
    stored = campaign.raw
    return {
        name: (stored.get(name), value)
        for name, value in wanted.items()
        if not _same(name, stored.get(name), value)
    }


def _same(name: str, stored: Any, wanted: Any) -> bool:
    if name in ("startDate", "endDate"):
        try:
            return parse_vendor_date(stored) == parse_vendor_date(wanted)
        except ValueError:
            return False
    if stored in (None, "") and wanted in (None, ""):
        return True
    return bool(stored == wanted)


def _make(
    group_id: int, spec: CampaignSpec, owner: str, create: Callable[[], Procedure[Campaign]]
) -> Procedure[CampaignResult]:
    """Find the campaign, or what an earlier attempt left of it, or create it; then see it through.

    After a create the list is read again: of two attempts that run at once both then see the older
    campaign, keep it and drop their own.
    """
    working = working_name(spec.name, owner)
    made: Campaign | None = None
    lost: OutcomeUnknownError | None = None
    creates = 0
    while True:
        listed = yield from api.list_campaigns(group_id)
        finished = [campaign for campaign in listed if campaign.campaignName == spec.name]
        unfinished = [campaign.campaignId for campaign in listed if campaign.campaignName == working]
        if made is not None and made.campaignId not in [campaign.campaignId for campaign in listed]:
            unfinished.append(made.campaignId)
        if finished:
            yield from _discard(group_id, unfinished, working)
            return (yield from _reconcile(group_id, finished, spec))
        if unfinished:
            kept = min(unfinished)
            yield from _discard(group_id, [one for one in unfinished if one != kept], working)
            if made is None or made.campaignId != kept:
                log.info("campaign %d was begun by an earlier attempt; finishing it", kept)
                made = yield from api.get_campaign(group_id, kept)
            if made.campaignName != working:
                # An attempt that runs beside this one has just finished it.
                made = None
                continue
            return (yield from _finish(FoundCampaign(group_id, made), spec))
        if lost is not None and creates == _MOST_CREATES:
            raise lost
        creates += 1
        try:
            made = yield from create()
        except OutcomeUnknownError as error:
            log.warning("%s; looking for the campaign on the server", error)
            lost = error


def _finish(found: FoundCampaign, spec: CampaignSpec) -> Procedure[CampaignResult]:
    """Give a campaign everything but its name and state, see that it is stored, then give it those."""
    found = yield from _store(found, {**spec.fields, "isActive": _INACTIVE})
    state = _INACTIVE if spec.state is None else int(spec.state)
    found = yield from _store(found, {**spec.fields, "campaignName": spec.name, "isActive": state})
    log.info(
        "campaign %d %r is complete: %s to %s, isActive %d",
        found.campaign_id,
        spec.name,
        found.campaign.start,
        found.campaign.end,
        state,
    )
    return CampaignResult.of(found, "created")


def _reconcile(group_id: int, finished: list[Campaign], spec: CampaignSpec) -> Procedure[CampaignResult]:
    """Deal with a campaign that exists under its own name."""
    if len(finished) > 1:
        ids = sorted(campaign.campaignId for campaign in finished)
        raise AmbiguousNameError(
            f"campaign_name: campaigns {', '.join(map(str, ids))} in dial group {group_id} are all named "
            f"{spec.name!r}; rename or delete all but one",
            ids,
        )
    campaign_id = finished[0].campaignId
    if spec.if_exists is IfExists.FAIL:
        raise CampaignExistsError(f"campaign {campaign_id} in dial group {group_id} is named {spec.name!r}")
    found = FoundCampaign(group_id, (yield from api.get_campaign(group_id, campaign_id)))
    if spec.if_exists is IfExists.SKIP:
        log.info("campaign %d %r exists; left as it is", campaign_id, spec.name)
        return CampaignResult.of(found, "unchanged")
    wanted = dict(spec.fields)
    if spec.state is not None and spec.enforce_active:
        wanted["isActive"] = int(spec.state)
    elif spec.state is not None and found.campaign.isActive != spec.state:
        log.warning(
            "campaign %d %r exists with isActive %r, which stands (asked for: %d); "
            "enforce_active=True would change it",
            campaign_id,
            spec.name,
            found.campaign.isActive,
            spec.state,
        )
    changes = differences(wanted, found.campaign)
    found = yield from _store(found, wanted)
    if not changes:
        log.info("campaign %d %r exists and is as asked for", campaign_id, spec.name)
    return CampaignResult.of(found, "updated" if changes else "unchanged")


def _store(found: FoundCampaign, wanted: Mapping[str, Any]) -> Procedure[FoundCampaign]:
    """Write what differs, read back what was stored, and correct it once if the server changed it."""
    for _ in range(2):
        changes = differences(wanted, found.campaign)
        if not changes:
            return found
        _refuse_fixed_fields(wanted, found.campaign)
        for name, (old, new) in changes.items():
            log.info("campaign %d %s: %r → %r", found.campaign_id, name, old, new)
        body = found.campaign.with_changes({name: wanted[name] for name in changes})
        yield from api.update_campaign(found.dial_group_id, found.campaign_id, body)
        stored = yield from api.get_campaign(found.dial_group_id, found.campaign_id)
        found = FoundCampaign(found.dial_group_id, stored)
    if changes := differences(wanted, found.campaign):
        told = "; ".join(f"{name} is {old!r}, not {new!r}" for name, (old, new) in changes.items())
        raise StoredDifferentlyError(
            f"campaign {found.campaign_id} in dial group {found.dial_group_id}: the server accepted the "
            f"change but stored something else: {told}"
        )
    return found


def _copy(
    source: FoundCampaign, working: str, country_code: str, fields: Mapping[str, Any]
) -> Procedure[Campaign]:
    """Make an unfinished copy: by the vendor's clone where that cannot dial, else by read and create."""
    campaign = source.campaign
    if not _could_dial(campaign, datetime.now(UTC)):
        try:
            return (
                yield from api.clone_campaign(
                    source.dial_group_id, campaign.campaignId, working, country_code
                )
            )
        except (EndpointMissingError, ResourceNotFoundError) as error:
            log.info("%s; copying the source by read and create", error)
            campaign = yield from api.get_campaign(source.dial_group_id, campaign.campaignId)
    else:
        log.info("source %d may be dialing, so its clone would too; copying it inactive", campaign.campaignId)
    body = {name: value for name, value in campaign.raw.items() if name not in READ_ONLY_FIELDS}
    body |= fields
    body |= {"campaignName": working, "isActive": _INACTIVE, "countryId": country_code}
    return (yield from api.create_campaign(source.dial_group_id, body))


def _could_dial(campaign: Campaign, now: datetime) -> bool:
    """Tell whether a campaign with these dates and this state may dial now or later."""
    if campaign.isActive == CampaignState.INACTIVE:
        return False
    return campaign.end is None or now < campaign.end + _SURELY_OVER


def _discard(group_id: int, campaign_ids: list[int], working: str) -> Procedure[None]:
    """Delete unfinished campaigns that are one too many, if they still are unfinished."""
    for campaign_id in campaign_ids:
        try:
            campaign = yield from api.get_campaign(group_id, campaign_id)
        except ResourceNotFoundError:
            continue
        if campaign.campaignName == working:
            log.warning(
                "campaign %d %r is left over from an attempt cut off; deleting it", campaign_id, working
            )
            yield from _delete(group_id, campaign_id)


def _delete(group_id: int, campaign_id: int) -> Procedure[None]:
    try:
        yield from api.delete_campaign(group_id, campaign_id)
    except ResourceNotFoundError:
        log.info("campaign %d is gone already", campaign_id)


def _refuse_fixed_fields(wanted: Mapping[str, Any], campaign: Campaign) -> None:
    stored = campaign.raw.get("callingConfiguration")
    asked = wanted.get("callingConfiguration", stored)
    if stored is not None and asked != stored:
        raise InvalidInputError(
            "settings.callingConfiguration", asked, f"it is {stored} and cannot be changed after creation"
        )
