"""Campaigns, with every field of the vendor's document and its bounds, and the dial groups that have them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from airflow_provider_engagevoice.dates import format_vendor_date, parse_vendor_date
from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest
from airflow_provider_engagevoice.inputs import MAX_NAME_LENGTH, check_characters
from airflow_provider_engagevoice.models import caller_id, transfer_caller_id
from airflow_provider_engagevoice.models.enums import (
    CallingConfiguration,
    CampaignPriority,
    CampaignState,
    DialLoadedOrder,
    DialMode,
    DncScrubOption,
)
from airflow_provider_engagevoice.models.persona import read_windows, without_ids
from airflow_provider_engagevoice.models.resource import Resource, expected_of
from airflow_provider_engagevoice.models.schedule import raw_day

Flag = Annotated[int, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
CountOrUnlimited = Annotated[int, Field(ge=-1)]
Percent = Annotated[float, Field(ge=0, le=100)]
VendorDate = Annotated[datetime, BeforeValidator(parse_vendor_date), PlainSerializer(format_vendor_date)]
CallerId = Annotated[str, BeforeValidator(caller_id)]
TransferCallerId = Annotated[str, BeforeValidator(transfer_caller_id)]
DaySchedule = Annotated[str, BeforeValidator(raw_day)]
#: A name as the server has it; some rows have none.
Name = Annotated[str, BeforeValidator(lambda value: "" if value is None else str(value))]
JsonObject = dict[str, Any] | None
#: The OpenAPI file has a collection type where the samples have null; both are accepted.
JsonCollection = list[Any] | dict[str, Any] | None


class CampaignFields(BaseModel):
    """All fields of a campaign that can be written, as in the vendor's document and OpenAPI file.

    An omitted field stays unset; ``model_dump(exclude_unset=True)`` returns the others.
    """

    # A template rendered to a native object converts "12345" to a number, also in text fields.
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    isActive: CampaignState | None = None
    campaignName: Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH)] | None = None
    campaignDesc: str | None = None
    countryId: str | None = None
    billingCode: str | None = None
    startDate: VendorDate | None = None
    endDate: VendorDate | None = None
    maxRingTime: Annotated[int, Field(ge=0, le=60)] | None = None
    maxRingTimeTransfer: Annotated[int, Field(ge=0, le=120)] | None = None
    callerId: CallerId | None = None
    transferCallerId: TransferCallerId | None = None
    scrubDisconnectNoanswer: Flag | None = None
    dialLoadedOrder: DialLoadedOrder | None = None
    customDialZoneGroup: JsonObject = None
    trackSpeedToLead: Flag | None = None
    machineDetect: bool | None = None
    amdProfileId: JsonObject = None
    campaignUnlimitedFieldGroup: JsonObject = None
    sunSched: DaySchedule | None = None
    monSched: DaySchedule | None = None
    tueSched: DaySchedule | None = None
    wedSched: DaySchedule | None = None
    thuSched: DaySchedule | None = None
    friSched: DaySchedule | None = None
    satSched: DaySchedule | None = None
    dncScrubOption: DncScrubOption | None = None
    campaignPriority: CampaignPriority | None = None
    passDelayMin: Annotated[int, Field(ge=0)] | None = None
    whisperMsg: str | None = None
    abandonMsg: str | None = None
    onHoldMsg: str | None = None
    endCallMsg: str | None = None
    machAnswerMsg: str | None = None
    liveAnswerMsg: str | None = None
    maxPasses: CountOrUnlimited | None = None
    maxPassesExclude: str | None = None
    maxDailyPasses: CountOrUnlimited | None = None
    maxDailyPassesInclude: str | None = None
    maxDialLimit: CountOrUnlimited | None = None
    seedSuccessRate: Percent | None = None
    seedAbandonRate: Percent | None = None
    targetAbandonRate: Percent | None = None
    minPredictiveCallsHistory: Count | None = None
    showLeadInfo: int | None = None
    appUrl: str | None = None
    surveyPopType: str | None = None
    recordCall: int | None = None
    recordingSettings: str | None = None
    perspectiveRecordingMode: str | None = None
    singleChannelEnabled: bool | None = None
    stopRecordingOnTransfer: bool | None = None
    recordingInConference: bool | None = None
    agentPopMessage: str | None = None
    afterCallBaseState: str | None = None
    afterCallState: JsonObject = None
    hangupOnDisposition: int | None = None
    allowLeadUpdates: int | None = None
    allowLeadInserts: Flag | None = None
    requeueType: str | None = None
    showLeadPasses: bool | None = None
    exportFlag: bool | None = None
    enableGlobalPhoneBook: bool | None = None
    aux1Label: str | None = None
    aux2Label: str | None = None
    aux3Label: str | None = None
    aux4Label: str | None = None
    aux5Label: str | None = None
    showListName: bool | None = None
    genericKeyValuePairs: str | None = None
    filterEnabled: Flag | None = None
    filterType: str | None = None
    useGlobalWhitelist: bool | None = None
    rescrubInterval: Annotated[int, Field(ge=0)] | None = None
    pauseRecordingSec: Annotated[int, Field(ge=0)] | None = None
    dispositionTimeout: Annotated[int, Field(ge=0)] | None = None
    realtimeDncUrl: str | None = None
    postCallSoapService: JsonObject = None
    postDispSoapService: JsonObject = None
    agentConnectSoapService: JsonObject = None
    agentTermSoapService: JsonObject = None
    transferTermSoapService: JsonObject = None
    campaignResultDest: JsonObject = None
    survey: JsonObject = None
    script: JsonObject = None
    quotaGroup: JsonObject = None
    callerIdBucket: JsonObject = None
    campaignDispositions: JsonCollection = None
    campaignRequeueShortcuts: JsonCollection = None
    campaignFilterStates: JsonCollection = None
    campaignFilterTimezones: JsonCollection = None
    campaignWhitelistTagMembers: JsonCollection = None
    callingConfiguration: CallingConfiguration | None = None
    personaCallSchedules: list[dict[str, Any]] | None = None


#: Fields of the document's response that only the server writes.
READ_ONLY_FIELDS = frozenset({"campaignId", "permissions", "lastPassDts", "dialGroup", "groupId"})
DATE_FIELDS = ("startDate", "endDate")
#: Fields that may be null.
_NULLABLE = frozenset(
    name
    for name, field in CampaignFields.model_fields.items()
    if field.annotation in (JsonObject, JsonCollection)
)


_FOLDED = frozenset(name.casefold() for name in CampaignFields.model_fields)
#: Fields of a campaign whose rows have ids of their own, and belong to it alone.
_OWN_ROWS = frozenset(
    name for name, field in CampaignFields.model_fields.items() if field.annotation == JsonCollection
)


def _state(value: Any) -> Any:
    """Return ``isActive`` as a number: some servers write a boolean or text."""
    if isinstance(value, bool):
        return int(value)
    return int(value) if isinstance(value, str) and value.isdecimal() else value


class Campaign(Resource, CampaignFields):
    """A campaign as the server has it."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=False)

    identity = frozenset({"campaignId"})

    campaignId: int
    campaignName: Name = ""
    isActive: Annotated[CampaignState | None, BeforeValidator(_state)] = None
    permissions: list[str] | None = None
    lastPassDts: Any = None
    dialGroup: JsonObject = None
    groupId: int | None = None

    def with_changes(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body of a PUT: the object as the server sent it, with ``changes`` applied."""
        return request_body({**self.raw, **changes})

    def own_rows(self) -> list[str]:
        """Return the fields with rows that belong to this campaign alone, such as its dispositions.

        Fields that are unknown to this package are among them if they hold objects.
        """
        return sorted(name for name, value in self.raw.items() if has_own_rows(name, value))

    def copied_fields(self, *, own_rows: bool) -> dict[str, Any]:
        """Return what a copy of this campaign is created from.

        :param own_rows: whether to include the rows that belong to this campaign, with their ids
        """
        omitted = READ_ONLY_FIELDS if own_rows else READ_ONLY_FIELDS.union(self.own_rows())
        copied = {name: value for name, value in self.raw.items() if name not in omitted}
        if isinstance(windows := copied.get("personaCallSchedules"), list):
            copied["personaCallSchedules"] = [without_ids(window) for window in windows]
        return copied

    @property
    def start(self) -> datetime | None:
        """First instant of the campaign's dates, UTC; None if the server's value is not readable."""
        return self.startDate if isinstance(self.startDate, datetime) else None

    @property
    def end(self) -> datetime | None:
        """End of the campaign's dates, UTC; None if the server's value is not readable."""
        return self.endDate if isinstance(self.endDate, datetime) else None


def has_own_rows(name: str, value: Any) -> bool:
    """Return whether a field has rows that belong to one campaign alone."""
    if name in _OWN_ROWS:
        return bool(value)
    is_known = name in CampaignFields.model_fields or name in READ_ONLY_FIELDS
    return not is_known and isinstance(value, list) and any(isinstance(row, dict) for row in value)


def request_body(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as a request sends them: datetimes in the vendor's format."""
    return {
        name: format_vendor_date(value) if isinstance(value, datetime) else value
        for name, value in fields.items()
    }


def campaign_fields(values: Mapping[str, Any], *, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Validate fields and return them as JSON values, in the vendor's formats.

    Fields that are unknown to this package stay as they are: the server may have them.

    :param values: vendor field name to value; text is accepted for numbers
    :param labels: vendor field name to the user's name for it, for errors; default: ``settings.<name>``
    :raises InvalidInputError: for the first field that is read-only, out of bounds, or no JSON value
    """
    labels = labels or {}
    for name in values:
        check_characters(str(name), "settings")
    unknown = {name: values[name] for name in unknown_fields(values)}
    for name, value in unknown.items():
        _check_unknown(name, value)
    for name, value in values.items():
        label = labels.get(name, f"settings.{name}")
        if name in READ_ONLY_FIELDS:
            raise InvalidInputError(label, value, "only the server writes this field")
        check_characters(value, label)
        if value == "None" or (value is None and name not in _NULLABLE and name not in unknown):
            raise InvalidInputError(
                label, value, "omit the field, or give a value; did a template render to None?"
            )
    try:
        model = CampaignFields.model_validate(
            {name: value for name, value in values.items() if name not in unknown}
        )
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0])
        schema = CampaignFields.model_json_schema()["properties"][name]
        raise InvalidInputError(
            labels.get(name, f"settings.{name}"), values[name], expected_of(problem, schema)
        ) from None
    fields = model.model_dump(mode="json", exclude_unset=True)
    if "personaCallSchedules" in fields:
        fields["personaCallSchedules"] = read_windows(fields["personaCallSchedules"])
    return fields | unknown


def _check_unknown(name: object, value: object) -> None:
    if not isinstance(name, str):
        raise InvalidInputError("settings", name, "the name of a campaign field is text")
    if name.replace("_", "").casefold() in _FOLDED:
        raise InvalidInputError(
            f"settings.{name}", value, f"no such field{nearest(name, CampaignFields.model_fields)}"
        )
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise InvalidInputError(f"settings.{name}", value, "write a JSON value") from None


def unknown_fields(fields: Mapping[str, Any]) -> list[str]:
    """Return the fields that are not in the vendor's document."""
    return [name for name in fields if name not in CampaignFields.model_fields]


def check_known(fields: Mapping[str, Any], campaign: Campaign | None) -> None:
    """Check that a campaign has the fields that are unknown to this package.

    :param campaign: as the server sent it; None if there is none to look at
    :raises InvalidInputError: for the first one that it does not have
    """
    for name in unknown_fields(fields):
        if campaign is None or name not in campaign.raw:
            who = (
                "no campaign of the dial group has it"
                if campaign is None
                else f"campaign {campaign.campaignId} of the dial group lacks it"
            )
            stored = set() if campaign is None else campaign.raw.keys() - READ_ONLY_FIELDS
            hint = nearest(name, sorted(stored | CampaignFields.model_fields.keys()))
            raise InvalidInputError(
                f"settings.{name}", fields[name], f"no such field is documented, and {who}{hint}"
            )


class DialGroup(Resource):
    """A dial group as the server has it. ``isActive`` is a boolean, unlike that of a campaign."""

    identity = frozenset({"dialGroupId"})

    dialGroupId: int
    dialGroupName: Name = ""
    dialGroupDesc: str | None = None
    dialMode: DialMode | None = None
    isActive: bool | None = None
    groupId: int | None = None
    agentsReady: int | None = None
    agentDialGroupMembers: Any = None
    allowLeadSearch: str | None = None
    allowPreviewLeadFilters: bool | None = None
    billingKey: str | None = None
    enableAbsolutePriority: bool | None = None
    enableAgentFilter: bool | None = None
    enableCallbacksAfterMaxDailyPass: bool | None = None
    enableCallbacksAfterMaxpass: bool | None = None
    enableListPriority: bool | None = None
    hciEnabled: str | None = None
    maxLeadsReturned: int | None = None
    maxPorts: int | None = None
    minPredictiveAgents: int | None = None
    outdialServerGroupId: int | None = None
    permissions: list[str] | None = None
    progressiveCallDelay: int | None = None
    progressiveEnabled: bool | None = None
    realTimeAgentData: bool | None = None
    requireFetchedLeadsCalled: bool | None = None

    def children(self) -> list[Campaign]:
        """Return the campaigns in it that can be read, as ``dialGroups/withChildren`` sends them."""
        children = self.raw.get("campaigns")
        readable = []
        for child in children if isinstance(children, list) else ():
            with suppress(ValueError, TypeError):
                readable.append(Campaign.from_server(child))
        return readable


class Account(Resource):
    """A sub-account: the ``{accountId}`` of every path."""

    identity = frozenset({"accountId"})

    accountId: Annotated[str, BeforeValidator(str)]
    accountName: str | None = None
    mainAccountId: str | None = None
    mainAccountName: str | None = None


class Country(Resource):
    """A country that a campaign can dial; ``newCountryCode`` takes its ``countryId`` (``USA``)."""

    identity = frozenset({"countryId"})

    countryId: str
    countryName: str | None = None
    countryCode: str | None = None
    minAniLength: int | None = None
    maxAniLength: int | None = None
    minUtcOffset: int | None = None
    maxUtcOffset: int | None = None
