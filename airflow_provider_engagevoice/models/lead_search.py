"""Search criteria for leads: the vendor's ``CampaignLeadSearchCriteria``, checked before it is sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any

from airflow_provider_engagevoice.dates import read_vendor_date
from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest
from airflow_provider_engagevoice.inputs import read_choice, read_count, read_flag, read_text
from airflow_provider_engagevoice.models import read_caller_id
from airflow_provider_engagevoice.models.enums import VENDOR_TIME_ZONES
from airflow_provider_engagevoice.models.lead import DAMAGED_ID
from airflow_provider_engagevoice.models.phone import BadNumberError, masked, number_text


class LeadState(StrEnum):
    """``leadState`` of a lead."""

    ACTIVE = "ACTIVE"
    AGENT_CALLBACK = "AGENT-CALLBACK"
    CALLBACK_CANCELLED = "CALLBACK-CANCELLED"
    CALLBACK = "CALLBACK"
    CANCELLED = "CANCELLED"
    COMPLETE = "COMPLETE"
    DISCONNECTED = "DISCONNECTED"
    DO_NOT_CALL = "DO-NOT-CALL"
    INTERCEPT = "INTERCEPT"
    MAX_DIAL_LIMIT = "MAX-DIAL-LIMIT"
    PAUSED = "PAUSED"
    PENDING_CALLBACK = "PENDING-CALLBACK"
    PENDING_ERR = "PENDING-ERR"
    PENDING_HCI = "PENDING-HCI"
    PENDING = "PENDING"
    READY = "READY"
    TRANSITIONED = "TRANSITIONED"
    WHITELIST = "WHITELIST"


class SystemDisposition(StrEnum):
    """The result of a call, as recorded by the dialer."""

    ANSWER = "ANSWER"
    NOANSWER = "NOANSWER"
    BUSY = "BUSY"
    MACHINE = "MACHINE"
    INTERCEPT = "INTERCEPT"
    DISCONNECT = "DISCONNECT"
    ABANDON = "ABANDON"
    CONGESTION = "CONGESTION"
    MANUAL_PASS = "MANUAL_PASS"
    INBOUND_CALLBACK = "INBOUND_CALLBACK"
    APP_DNC = "APP_DNC"
    APP_REQUEUE = "APP_REQUEUE"
    APP_REQUEUE_COMPLETE = "APP_REQUEUE_COMPLETE"
    APP_REQUEUE_ABANDON = "APP_REQUEUE_ABANDON"
    INBOUND_ABANDON = "INBOUND_ABANDON"
    API_BLOCKED = "API_BLOCKED"
    API_ERROR = "API_ERROR"


#: Leads that are still to be called or are being called. Suppressed leads are not dialed.
UNDIALED: Mapping[str, Any] = {
    "leadStates": [LeadState.READY, LeadState.PENDING],
    "suppressed": "ONLY_UNSUPPRESSED",
}
READY: Mapping[str, Any] = {**UNDIALED, "leadStates": [LeadState.READY]}
#: States in which a lead is not called again.
FINAL_STATES = frozenset(
    {
        LeadState.CALLBACK_CANCELLED,
        LeadState.CANCELLED,
        LeadState.COMPLETE,
        LeadState.DISCONNECTED,
        LeadState.DO_NOT_CALL,
        LeadState.INTERCEPT,
        LeadState.MAX_DIAL_LIMIT,
        LeadState.PAUSED,
        LeadState.TRANSITIONED,
    }
)
#: Criteria that name phones.
PHONE_CRITERIA = ("leadPhoneNumbers", "leadPhoneNum")
#: Criteria whose texts are read as by the loader.
PEOPLE_CRITERIA = (*PHONE_CRITERIA, "externIds")
#: Criteria of which a search needs at least one, so that it never covers the whole account.
SCOPES = ("campaignIds", "listIds", "leadIds")

Reader = Callable[[object, str], Any]


def _one_of(allowed: type[StrEnum] | tuple[str, ...]) -> Reader:
    return partial(read_choice, choices=allowed)


_id: Reader = partial(read_count, least=0, meaning="an id, only digits")


def _several(read: Reader) -> Reader:
    def read_all(value: object, field: str) -> list[Any]:
        if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
            value = [value]
        values = [read(one, field) for one in value]
        if not values:
            expected = "must be at least one; omit it for no limit, which an empty list means to the API"
            raise InvalidInputError(field, value, expected)
        return values

    return read_all


def _extern_id(value: object, field: str) -> str:
    """Return an ``externId``; a number is read as by the loader, without a fraction of zeros."""
    if isinstance(value, float) and abs(value) >= 2**53:
        raise InvalidInputError(field, value, DAMAGED_ID)
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
        value = int(value)
    return read_text(value, field)


def _phone(value: object, field: str) -> object:
    """Return a phone as given: only the campaign's country says how to read it."""
    if isinstance(value, str):
        for part in read_text(value, field).split("|"):
            try:
                number_text(part)
            except BadNumberError as error:
                raise InvalidInputError(field, masked(value), str(error)) from None
    elif isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidInputError(field, value, "must be a phone; did a template render to None?")
    return value


def _zone(value: object, field: str) -> dict[str, str]:
    name = value.get("name") if isinstance(value, Mapping) else value
    return {"name": read_choice(name, field, tuple(sorted(VENDOR_TIME_ZONES)))}


def _compared(read_value: Reader) -> Reader:
    def read(value: object, field: str) -> dict[str, Any]:
        if not isinstance(value, Mapping) or value.keys() != {"operator", "value"}:
            expected = 'must be a mapping such as {"operator": "GREATER_THAN", "value": …}'
            raise InvalidInputError(field, value, expected)
        operator = read_choice(value["operator"], field, ("GREATER_THAN", "LESS_THAN", "EQUALS"))
        return {"operator": operator, "value": read_value(value["value"], field)}

    return read


_READERS: Mapping[str, Reader] = {
    **dict.fromkeys(("campaignIds", "leadIds", "listIds"), _several(_id)),
    **dict.fromkeys(("agentId", "pendingAgentId"), _id),
    **dict.fromkeys(("agentDispositions", "physicalStates"), _several(read_text)),
    "externIds": _several(_extern_id),
    "leadPhoneNumbers": _several(_phone),
    "leadPhoneNum": _phone,
    "callerId": read_caller_id,
    **dict.fromkeys(
        (
            "address1",
            "address2",
            "auxData1",
            "auxData2",
            "auxData3",
            "auxData4",
            "auxData5",
            "city",
            "emailAddress",
            "firstName",
            "lastName",
            "zip",
        ),
        read_text,
    ),
    **dict.fromkeys(("loadedDtsStart", "loadedDtsEnd"), read_vendor_date),
    **dict.fromkeys(("lastPassTimeCriteria", "nextDialTimeCriteria"), _compared(read_vendor_date)),
    "leadPassesCriteria": _compared(_id),
    "leadStates": _several(_one_of(LeadState)),
    "leadTimezones": _several(_zone),
    "orphanedLeadsOnly": read_flag,
    "suppressed": _one_of(("ONLY_SUPPRESSED", "ONLY_UNSUPPRESSED", "ALL")),
    "systemDispositions": _several(_one_of(SystemDisposition)),
}


def read_criteria(value: object, field: str = "criteria") -> dict[str, Any]:
    """Return search criteria as they are sent.

    :param value: a mapping by the vendor's names; a single value means a list of one
    :raises InvalidInputError: for the first that is unknown, empty or not usable
    """
    if value is not None and not isinstance(value, Mapping):
        expected = 'must be a mapping such as {"leadStates": ["READY"]}'
        raise InvalidInputError(field, type(value).__name__, expected)
    read: dict[str, Any] = {}
    for name, one in (value or {}).items():
        if name not in _READERS:
            hint = nearest(str(name), _READERS)
            raise InvalidInputError(f"{field}.{name}", one, f"the API has no such criterion{hint}")
        read[name] = _READERS[name](one, f"{field}.{name}")
    return read


def check_scope(campaign: object, dial_group: object, criteria: Any) -> None:
    """Check that a campaign and criteria together say which leads are meant.

    :raises InvalidInputError: if they name none, or name campaigns twice
    """
    if campaign is None:
        if dial_group is not None:
            raise InvalidInputError("dial_group", dial_group, "give campaign= as well")
        require_scope(criteria or {})
    elif criteria and "campaignIds" in criteria:
        raise InvalidInputError(
            "criteria.campaignIds", criteria["campaignIds"], "campaign= is given already; give one of them"
        )


def require_scope(criteria: Mapping[str, Any]) -> None:
    """Check that criteria name campaigns, lists or leads.

    :raises InvalidInputError: if they do not
    """
    if not any(name in criteria for name in SCOPES):
        raise InvalidInputError(
            "criteria",
            sorted(criteria),
            f"name campaigns, lists or leads ({', '.join(SCOPES)}): a search of all leads is not allowed",
        )
