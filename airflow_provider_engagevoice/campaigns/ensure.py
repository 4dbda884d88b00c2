"""Create and clone campaigns: exactly once, and none dials before it is complete."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from airflow_provider_engagevoice.campaigns.checkpoint import CampaignCheckpoint, TaskRecord
from airflow_provider_engagevoice.campaigns.creation import Creation
from airflow_provider_engagevoice.campaigns.names import working_name
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, OnIncompleteCopy, check_dates
from airflow_provider_engagevoice.campaigns.update import CampaignResult
from airflow_provider_engagevoice.campaigns.write import check_changes
from airflow_provider_engagevoice.client.endpoints.campaigns import (
    at_once,
    clone_campaign,
    create_campaign,
    get_campaign,
    list_campaigns,
    unanswered,
)
from airflow_provider_engagevoice.client.lookup import (
    LAG_SECONDS,
    CampaignReference,
    FoundCampaign,
    find_campaign,
    find_dial_group,
    look_up,
    pauses,
)
from airflow_provider_engagevoice.client.request import Procedure, ServerTime
from airflow_provider_engagevoice.exceptions import (
    EndpointMissingError,
    IncompleteCopyError,
    InvalidInputError,
    NotFoundError,
    OutdatedError,
    PermissionDeniedError,
    RateLimitedError,
    ResourceNotFoundError,
    UnreachableError,
)
from airflow_provider_engagevoice.inputs import read_reference, require
from airflow_provider_engagevoice.models.campaign import (
    Campaign,
    check_known,
    request_body,
    unknown_fields,
)
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.models.nested_rows import (
    RowIds,
    check_rows,
    fields_of_others,
    own_part,
    row_ids,
)
from airflow_provider_engagevoice.models.persona import check_windows

log = logging.getLogger(__name__)

#: Is called with the fields that a campaign is to have, before it is requested.
Expect: TypeAlias = Callable[[Mapping[str, Any]], None]

#: A source can no longer dial this long after its end: whether an end date includes its whole day is not
#: documented, and clocks differ.
_END_MARGIN = timedelta(hours=24)
_INACTIVE = int(CampaignState.INACTIVE)


def ensure_campaign(
    spec: CampaignSpec, *, owner: str, checkpoint: CampaignCheckpoint | None = None
) -> Procedure[CampaignResult]:
    """Ensure that the campaign exists exactly once, with the given fields.

    :param owner: identifies the task in its run: the same for all of its attempts, and unique to it
    :param checkpoint: state shared by the attempts of the task, if any
    :raises InvalidInputError: before anything is written
    :raises NotFoundError: if the dial group does not exist
    :raises AmbiguousNameError: if several campaigns have the name
    :raises CampaignExistsError: if the campaign exists, with ``if_exists="fail"``
    :raises StoredDifferentlyError: if the server does not store what it accepted; the campaign is inactive
    :raises ConcurrentChangesError: if others keep changing the campaign
    :raises OutcomeUnknownError: if the answers to all creates were lost, and the server has no campaign
    :raises UnstableListError: if the server accepted a create, and does not list the campaign
    """
    check_dates(spec.fields)
    check_windows(spec.fields)
    group_id = (yield from find_dial_group(require(spec.dial_group, "dial_group"))).dialGroupId
    working = working_name(spec.name, owner)
    record = _record(checkpoint, working)

    def create(expect: Expect) -> Procedure[None]:
        check_rows(spec.fields, None)
        fields = {**spec.fields, "isActive": _INACTIVE}
        if unknown_fields(spec.fields):
            yield from _check_unknown(group_id, spec.fields)
        expect(fields)
        body = request_body({**fields, "campaignName": working})
        yield from unanswered(create_campaign(group_id, body))

    return (yield from Creation(group_id, spec, working, create, record).run())


def _check_unknown(group_id: int, fields: Mapping[str, Any]) -> Procedure[None]:
    """Check fields that are unknown to this package by a campaign that exists.

    :raises InvalidInputError: if no campaign in the dial group has them
    """
    campaign = None
    for row in (yield from list_campaigns(group_id)):
        campaign = campaign or (yield from look_up(group_id, row.campaignId))
    check_known(fields, campaign)


def ensure_clone(
    source: CampaignReference,
    spec: CampaignSpec,
    *,
    country: str,
    owner: str,
    checkpoint: CampaignCheckpoint | None = None,
    copy_nested: bool = False,
    on_incomplete_copy: OnIncompleteCopy = OnIncompleteCopy.WARN,
) -> Procedure[CampaignResult]:
    """Clone a campaign within its dial group, so that the clone never dials outside the given dates.

    The vendor's clone has the source's dates and state until they are changed. It is used only if such a
    clone cannot dial: the source is inactive, or has been over for a day. Otherwise, or if the server has no
    clone endpoint, the source is read and an inactive copy is created with the given dates. The source is
    not needed any more once there is a copy.

    :param country: as ``newCountryCode`` takes it, such as ``USA``
    :param copy_nested: whether a create may send the rows that belong to the source
    :raises IncompleteCopyError: if the clone would lack such rows, with ``on_incomplete_copy="fail"``
    :raises: as :func:`ensure_campaign`
    """
    check_dates(spec.fields)
    wanted = read_reference(source, "source_campaign", "campaign")
    working = working_name(spec.name, json.dumps([owner, "clone", wanted]))
    record = _record(checkpoint, working)
    cloning = _Cloning(source, spec, country, working, record, copy_nested, on_incomplete_copy)
    group_id = yield from cloning.find_group()
    creation = Creation(
        group_id,
        spec,
        working,
        cloning.create,
        record,
        cloning.check_own_name,
        cloning.check_complete,
        cloning.own_part,
    )
    result = replace((yield from creation.run()), source_id=cloning.source_id, not_copied=[])
    if result.campaign_id not in record.campaign_ids:
        return result
    return replace(result, copied_by=record.get("copied_by"), not_copied=cloning.report(result.campaign_id))


def _record(checkpoint: CampaignCheckpoint | None, working: str) -> TaskRecord:
    return TaskRecord(checkpoint, {"operation": "create", "working_name": working})


class _Cloning:
    """How one campaign is cloned.

    :param working: name of the clone until it is complete
    """

    def __init__(
        self,
        source: CampaignReference,
        spec: CampaignSpec,
        country: str,
        working: str,
        record: TaskRecord,
        copy_nested: bool,
        on_incomplete: OnIncompleteCopy,
    ) -> None:
        self._source = source
        self._spec = spec
        self._country = country
        self._working = working
        self._record = record
        self._copy_nested = copy_nested
        self._on_incomplete = on_incomplete
        self._group_id = 0
        #: Whether the clone endpoint may still be tried.
        self._has_endpoint = True
        wanted = read_reference(source, "source_campaign", "campaign")
        #: Id of the source, None as long as it is not known.
        self.source_id = wanted if isinstance(wanted, int) else None
        if wanted == spec.name:
            self.check_own_name(None)

    def check_own_name(self, campaign_id: int | None) -> None:
        """Refuse a clone with the name of its source.

        :param campaign_id: id of a campaign that has the name
        """
        if campaign_id == self.source_id or campaign_id is None:
            raise InvalidInputError(
                "campaign_name", self._spec.name, "it is the source's own name; choose another"
            )

    def check_complete(self, copy: Campaign) -> None:
        """Check that a copy has rows as its source has them, and none of its source.

        :raises IncompleteCopyError: if it lacks some, and that is an error
        """
        own_rows = self.own_part(copy).own_rows()
        missing = set(self._record.get("own_rows") or ()).difference(own_rows)
        key, saved = str(copy.campaignId), self._not_copied
        missing.update(fields_of_others(copy, self._row_ids()), saved.get(key, ()))
        self._check_missing(missing)
        self._record.save(not_copied={**saved, key: sorted(missing)})

    @property
    def _not_copied(self) -> Mapping[str, list[str]]:
        """Fields of the source whose rows a copy was seen to lack, by its id: attempts may have several."""
        return self._record.get("not_copied") or {}

    def own_part(self, copy: Campaign) -> Campaign:
        """Return a copy without rows of its source, which a server may show in it."""
        return own_part(copy, self._row_ids())

    def _row_ids(self) -> RowIds:
        """Return the ids of the source's rows, None if they are not known."""
        if self._copy_nested:
            # The server takes rows with these ids.
            return {}
        saved = self._record.get("row_ids")
        return saved if isinstance(saved, Mapping) else None

    def _check_missing(self, names: Collection[str]) -> None:
        """Check that a copy may lack rows that the source has in these fields."""
        if names and self._on_incomplete is OnIncompleteCopy.FAIL:
            raise IncompleteCopyError(
                f"on_incomplete_copy: the copy of campaign {self.source_id} would lack the source's "
                f"{', '.join(sorted(names))}. Use on_incomplete_copy='warn' and add them on the vendor's "
                "pages, or set copy_nested in the connection if the server takes them"
            )

    def report(self, campaign_id: int) -> list[str]:
        """Log how the campaign was copied; return the fields of the source whose rows it lacks."""
        not_copied = self._not_copied.get(str(campaign_id), [])
        log.info("%r was copied by %s", self._spec.name, self._record.get("copied_by"))
        if not_copied:
            log.warning(
                "%r lacks the source's %s; add them on the vendor's pages if they are needed",
                self._spec.name,
                ", ".join(not_copied),
            )
        return not_copied

    def find_group(self) -> Procedure[int]:
        """Return the id of the dial group: the given one, the source's, or that of an earlier attempt."""
        given = self._spec.dial_group
        if given is None and isinstance(self._source, Mapping):
            given = self._source.get("dial_group_id")  # type: ignore[assignment]
        if given is not None:
            self._group_id = (yield from find_dial_group(given)).dialGroupId
            return self._group_id
        try:
            yield from self._find_source()
        except NotFoundError:
            saved = self._record.get("dial_group_id")
            if not isinstance(saved, int):
                raise
            self._group_id = saved
        return self._group_id

    def _find_source(self) -> Procedure[FoundCampaign]:
        group = self._group_id or self._spec.dial_group
        found = yield from find_campaign(self._source, group, field="source_campaign", patience=LAG_SECONDS)
        self._group_id, self.source_id = found.dial_group_id, found.campaign_id
        if found.campaign.campaignName == self._spec.name:
            self.check_own_name(found.campaign_id)
        check_changes(self._spec.fields, found.campaign)
        return found

    def create(self, expect: Expect) -> Procedure[None]:
        """Create an unfinished copy: by the vendor's clone if that cannot dial, else by read and create."""
        check_rows(self._spec.fields, None)
        found = yield from self._find_source()
        source: Campaign = found.campaign
        if source.countryId not in (None, self._country):
            log.warning(
                "the clone is for country %s, its source for %s; give country=%r to keep that",
                self._country,
                source.countryId,
                source.countryId,
            )
        again = pauses(LAG_SECONDS)
        while self._has_endpoint:
            now = yield from ServerTime()
            # Read right before the clone: the source may be activated at any time.
            source = yield from get_campaign(self._group_id, found.campaign_id, followers=1)
            if _may_dial(source, now):
                log.info("source %d may be dialing, so its clone would too; copying it", found.campaign_id)
                break
            clone = clone_campaign(self._group_id, found.campaign_id, self._working, self._country)
            try:
                # Tried once: if its outcome is unknown, another one could be a duplicate.
                self._has_endpoint = False
                self._record.save(copied_by="clone", own_rows=source.own_rows(), row_ids=row_ids(source))
                expect(
                    {"startDate": source.start, "endDate": source.end, "isActive": int(source.isActive or 0)}
                )
                yield from at_once(clone)
                return
            except (EndpointMissingError, ResourceNotFoundError, PermissionDeniedError) as error:
                log.info("%s; copying the source by read and create", error)
            except (OutdatedError, RateLimitedError, UnreachableError) as error:
                pause = next(again, None)
                if pause is None:
                    raise
                self._has_endpoint = True
                yield replace(pause, seconds=max(pause.seconds, error.retry_after or 0.0))
        fields = {**self._spec.fields, "isActive": _INACTIVE, "countryId": self._country}
        own_rows = source.own_rows()
        self._check_missing([] if self._copy_nested else own_rows)
        self._record.save(copied_by="read", own_rows=own_rows, row_ids=row_ids(source))
        copied = source.copied_fields(own_rows=self._copy_nested)
        body = request_body({**copied, **fields, "campaignName": self._working})
        expect(fields)
        yield from unanswered(create_campaign(self._group_id, body))


def _may_dial(campaign: Campaign, now: datetime) -> bool:
    """Return whether a campaign with these dates and this state may dial at ``now`` or later."""
    if campaign.isActive == CampaignState.INACTIVE:
        return False
    return campaign.end is None or now < campaign.end + _END_MARGIN
