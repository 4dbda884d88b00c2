"""Files of leads: what their columns can be mapped to, and the answer to a preview."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field

from airflow_provider_engagevoice.models.resource import Resource

T = TypeVar("T")

#: The vendor's ``mappingColumns`` by the field of a lead. ``leadPhoneE164`` has none; that
#: ``PENDING_AGENT_ID`` is ``reserveAgent`` follows from what both are for.
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
    }
)


def _listed(value: Any) -> Any:
    return [] if value is None else value


Listed = Annotated[list[T], BeforeValidator(_listed), Field(default_factory=list)]


class PagePreview(BaseModel):
    """The first rows of a page, as the server reads them."""

    pageNumber: int = 1
    rowData: Listed[list[str | None]]


class PersonaPhone(BaseModel):
    """A further phone that leads of the campaign may have."""

    phoneId: int
    phoneLabel: str


class LeadFilePreview(Resource):
    """The vendor's ``LeadListPreviewResponse``."""

    identity = frozenset({"transactionId", "mappingColumns", "pagePreviews", "personaPhoneConfig"})

    transactionId: str = Field(min_length=1)
    mappingColumns: Listed[str]
    pagePreviews: Listed[PagePreview]
    personaPhoneConfig: Listed[PersonaPhone]
