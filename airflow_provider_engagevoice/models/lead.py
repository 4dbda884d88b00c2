"""Leads: the fields that can be loaded, the vendor's value lists, and the result of a load."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, Field

from airflow_provider_engagevoice.models.resource import Resource

EXTERN_ID = "externId"
#: Why an ``externId`` that is a float may be refused.
DAMAGED_ID = "a float of 2**53 or more has lost digits; write ids as text or as whole numbers"
PHONE = "leadPhone"
PHONE_E164 = "leadPhoneE164"
TIME_ZONE = "leadTimezone"
ZIP = "zip"
PRIORITY = "leadPriority"
MAX_PASSES = "maxPasses"
#: A column of the vendor's lead files, which lacks a field of the same meaning.
COUNTRY = "COUNTRY"
AUX_PHONE = "auxPhone"
CALLER_ID = "callerId"
#: Fields that are objects with text values: by any keys, and by labels of persona phones.
EXTENDED = "extendedLeadData"
#: ``extendedLeadData`` in the results of a search, as JSON.
EXTRA_DATA = "extraData"
PERSONA_PHONES = "personaPhoneConfig"
OBJECT_FIELDS = (EXTENDED, PERSONA_PHONES)

#: Text fields of ``CampaignLead`` that can be loaded: those of the vendor's ``mappingColumns``, and others
#: that its schema describes for direct loading.
TEXT_FIELDS = (
    EXTERN_ID,
    PHONE,
    PHONE_E164,
    "title",
    "firstName",
    "midName",
    "lastName",
    "suffix",
    "email",
    "address1",
    "address2",
    "city",
    "state",
    ZIP,
    TIME_ZONE,
    "gateKeeper",
    "auxData1",
    "auxData2",
    "auxData3",
    "auxData4",
    "auxData5",
    AUX_PHONE,
    "auxExternalUrl",
    "auxGreeting",
    "liveAnswerMessage",
    "machAnswerMessage",
    CALLER_ID,
    "reserveAgent",
)
INTEGER_FIELDS = (PRIORITY, MAX_PASSES)
LEAD_FIELDS = (*TEXT_FIELDS, *INTEGER_FIELDS, *OBJECT_FIELDS)
#: The other fields of ``CampaignLead``: the server sets them, or loading them is not documented.
OTHER_FIELDS = (
    "id",
    "leadId",
    "name",
    "campaign",
    "campaignRedials",
    "dupeKeyOverride",
    "lastPassDisposition",
    "lastPassDts",
    "leadPasses",
    "leadState",
    "loadedDts",
    "nextDialTime",
    "personaMapping",
    "quotaTargetIds",
    "quotaTargets",
    "sortCol",
    "stateDts",
    "suppressed",
)


class ProcessingStatus(StrEnum):
    """``processingStatus`` of a load: all but the first mean that it failed."""

    DEFAULT_NOT_A_FAILURE = "DEFAULT_NOT_A_FAILURE"
    NO_LEADS_PASSED_VALIDATION = "NO_LEADS_PASSED_VALIDATION"
    DNC_ACCOUNT_SETTINGS = "DNC_ACCOUNT_SETTINGS"
    DNC_UPLOAD_FAILED = "DNC_UPLOAD_FAILED"
    DNC_GREATER_ONE_DAY = "DNC_GREATER_ONE_DAY"
    GENERAL_FAILURE = "GENERAL_FAILURE"


class RejectedRow(BaseModel):
    """A lead that the server rejected. The content of ``rowData`` is not documented."""

    message: str = ""
    rowData: Any = None


def _rejected_rows(value: object) -> list[RejectedRow]:
    rows = value if isinstance(value, list) else [] if value is None else [value]
    return [
        RejectedRow(message=str(row.get("message") or ""), rowData=row.get("rowData"))
        if isinstance(row, Mapping)
        else RejectedRow(rowData=row)
        for row in rows
    ]


Count = Annotated[int, BeforeValidator(lambda value: 0 if value is None else value)]
#: A response without any of these fields is not the result of a load.
_RESULT_FIELDS = frozenset({"leadsSupplied", "leadsAccepted", "leadsInserted", "processingStatus"})


class LoadResult(Resource):
    """The vendor's ``LeadListProcessingResult``."""

    identity = _RESULT_FIELDS | {"deletedCount", "dncReturnedCount"}

    leadsSupplied: Count = 0
    leadsAccepted: Count = 0
    leadsInserted: Count = 0
    leadsConverted: Count = 0
    deletedCount: Count = 0
    dncReturnedCount: Count = 0
    dncUploadCount: Count = 0
    internalDncCount: Count = 0
    quotaCount: Count = 0
    whitelistCount: Count = 0
    failedAgentAssignment: Count = 0
    processingStatus: str | None = None
    processingResult: str | None = None
    message: str | None = None
    listState: str | None = None
    rejectedRows: Annotated[list[RejectedRow], BeforeValidator(_rejected_rows)] = []

    @classmethod
    def from_server(cls, data: Mapping[str, Any]) -> Self:
        """Read a response; missing counts are 0.

        :raises TypeError: if it is not the result of a load
        :raises pydantic.ValidationError: if a count or the status is invalid
        """
        if not isinstance(data, Mapping) or not data.keys() & _RESULT_FIELDS:
            raise TypeError("expected the result of loading leads")
        return super().from_server(data)

    @property
    def failed(self) -> bool:
        """Whether the load failed, although the HTTP status was 200."""
        return self.processingStatus not in (None, ProcessingStatus.DEFAULT_NOT_A_FAILURE)


T = TypeVar("T")

#: The vendor's ``mappingColumns`` by lead field. ``leadPhoneE164`` and ``maxPasses`` have none;
#: that ``PENDING_AGENT_ID`` is ``reserveAgent`` is inferred from their purpose.
MAPPING_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "leadPhone": "LEAD_PHONE",
        "externId": "EXTERN_ID",
        "title": "TITLE",
        "firstName": "FIRST_NAME",
        "midName": "MID_NAME",
        "lastName": "LAST_NAME",
        "suffix": "SUFFIX",
        "email": "EMAIL",
        "address1": "ADDRESS1",
        "address2": "ADDRESS2",
        "city": "CITY",
        "state": "STATE",
        "zip": "ZIP",
        "leadTimezone": "LEAD_TIMEZONE",
        "gateKeeper": "GATE_KEEPER",
        "auxData1": "AUX_DATA1",
        "auxData2": "AUX_DATA2",
        "auxData3": "AUX_DATA3",
        "auxData4": "AUX_DATA4",
        "auxData5": "AUX_DATA5",
        "auxPhone": "AUX_PHONE",
        "auxExternalUrl": "AUX_EXTERNAL_URL",
        "auxGreeting": "AUX_GREETING",
        "liveAnswerMessage": "LIVE_ANSWER_MESSAGE",
        "machAnswerMessage": "MACH_ANSWER_MESSAGE",
        "callerId": "CALLER_ID",
        "reserveAgent": "PENDING_AGENT_ID",
        "leadPriority": "LEAD_PRIORITY",
        COUNTRY: COUNTRY,
    }
)


def _listed(value: Any) -> Any:
    return [] if value is None else value


Listed = Annotated[list[T], BeforeValidator(_listed), Field(default_factory=list)]


class PagePreview(BaseModel):
    """The first rows of a page, as read by the server."""

    pageNumber: int = 1
    rowData: Listed[list[str | None]]


class PersonaPhone(BaseModel):
    """An additional phone of the campaign's leads."""

    phoneId: int
    phoneLabel: str


class LeadFilePreview(Resource):
    """The vendor's ``LeadListPreviewResponse``."""

    identity = frozenset({"transactionId", "mappingColumns", "pagePreviews", "personaPhoneConfig"})

    transactionId: str = Field(min_length=1)
    mappingColumns: Listed[str]
    pagePreviews: Listed[PagePreview]
    personaPhoneConfig: Listed[PersonaPhone]


class LeadActionResult(Resource):
    """What became of an action; ``success`` may be false although the answer's status is 200."""

    identity = frozenset({"success", "leadUpdateCount", "leadDeleteCount", "redialDeleteCount"})

    success: bool
    errorMessage: str | None = None
    leadUpdateCount: Count = 0
    leadDeleteCount: Count = 0
    redialDeleteCount: Count = 0
    dialerRefreshed: bool | None = None
