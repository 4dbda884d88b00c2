"""The vendor's names for lead fields, their values and their columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from phonenumbers import PhoneNumberFormat, format_number, parse

TEXT_FIELDS: Final = (
    "externId",
    "leadPhone",
    "leadPhoneE164",
    "firstName",
    "lastName",
    "midName",
    "name",
    "title",
    "suffix",
    "email",
    "address1",
    "address2",
    "city",
    "state",
    "zip",
    "leadTimezone",
    "auxData1",
    "auxData2",
    "auxData3",
    "auxData4",
    "auxData5",
    "auxPhone",
    "auxGreeting",
    "auxExternalUrl",
    "callerId",
    "gateKeeper",
    "liveAnswerMessage",
    "machAnswerMessage",
    "sortCol",
    "personaMapping",
)
INTEGER_FIELDS: Final = ("leadPriority", "maxPasses", "dupeKeyOverride")
FLAG_FIELDS: Final = ("suppressed",)
OBJECT_FIELDS: Final = ("extendedLeadData", "personaPhoneConfig")
STORED_FIELDS: Final = (*TEXT_FIELDS, *INTEGER_FIELDS, *FLAG_FIELDS, *OBJECT_FIELDS)
"""Fields stored as sent by the loader, in columns of the same names."""

AGENT_FIELD: Final = "reserveAgent"
"""May be blank, as documented by the vendor. An unknown agent counts as a failed assignment."""

AGENTS: Final = range(9001, 9011)
"""Ids of the agents that can be reserved; the vendor's sample reserves 9001."""

SERVER_FIELDS: Final = frozenset(
    {
        "id",
        "leadId",
        "campaign",
        "campaignRedials",
        "lastPassDisposition",
        "lastPassDts",
        "leadPasses",
        "leadState",
        "loadedDts",
        "nextDialTime",
        "quotaTargetIds",
        "quotaTargets",
        "stateDts",
    }
)
"""Fields of the vendor's ``CampaignLead`` set by the server; ignored when sent (assumed)."""

LEAD_STATES: Final = (
    "ACTIVE",
    "AGENT-CALLBACK",
    "CALLBACK-CANCELLED",
    "CALLBACK",
    "CANCELLED",
    "COMPLETE",
    "DISCONNECTED",
    "DO-NOT-CALL",
    "INTERCEPT",
    "MAX-DIAL-LIMIT",
    "PAUSED",
    "PENDING-CALLBACK",
    "PENDING-ERR",
    "PENDING-HCI",
    "PENDING",
    "READY",
    "TRANSITIONED",
    "WHITELIST",
)
SYSTEM_DISPOSITIONS: Final = (
    "ANSWER",
    "NOANSWER",
    "BUSY",
    "MACHINE",
    "INTERCEPT",
    "DISCONNECT",
    "ABANDON",
    "CONGESTION",
    "MANUAL_PASS",
    "INBOUND_CALLBACK",
    "APP_DNC",
    "APP_REQUEUE",
    "APP_REQUEUE_COMPLETE",
    "APP_REQUEUE_ABANDON",
    "INBOUND_ABANDON",
    "API_BLOCKED",
    "API_ERROR",
)
LIST_STATES: Final = (
    "ACTIVE",
    "PAUSED",
    "PENDING_DNC",
    "LOADING",
    "DELETED",
    "READY",
    "CALLBACKS",
    "CALLBACKS_AGENT",
    "DUPLICATES_NOT_MERGED",
    "DUPLICATES_NOT_MOVED",
    "ARCHIVED",
)
DIAL_PRIORITIES: Final = ("IMMEDIATE", "NORMAL")
DUPLICATE_HANDLINGS: Final = ("RETAIN_ALL", "REMOVE_ALL_EXISTING", "REMOVE_FROM_LIST")
TIME_ZONE_OPTIONS: Final = ("NPA_NXX", "ZIPCODE", "EXPLICIT", "COUNTRY", "NOT_APPLICABLE")
FILE_TYPES: Final = ("EXCEL", "PIPE", "COMMA", "TAB")


def stored_phone(lead: Mapping[str, Any], form: str) -> str:
    """Return ``leadPhone`` in the form in which a server stores it; see ``SandboxSettings.stored_phones``."""
    phone = str(lead["leadPhone"])
    if form == "e164" and not phone.startswith("+"):
        return str(lead.get("leadPhoneE164") or (f"+1{phone}" if len(phone) == 10 else phone))
    if form == "national" and phone.startswith("+"):
        written = format_number(parse(phone), PhoneNumberFormat.NATIONAL)
        return "".join(filter(str.isdecimal, written))
    return phone


def dialable(phone: str) -> str:
    """Return a number in its normalized form for comparison: a US number without ``+1``."""
    return phone[2:] if len(phone) == 12 and phone.startswith("+1") else phone
