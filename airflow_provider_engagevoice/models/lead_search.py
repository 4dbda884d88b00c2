"""Search criteria for leads: the vendor's ``CampaignLeadSearchCriteria``, checked before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_provider_engagevoice.exceptions import InvalidInputError, nearest
from airflow_provider_engagevoice.models.enums import VENDOR_TIME_ZONES
from airflow_provider_engagevoice.models.vendor_dates import format_vendor_date, parse_vendor_date


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
    """What became of a call, as the dialer saw it."""

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


#: Leads that are still to be called, or being called. Suppressed ones are not dialed.
UNDIALED: Mapping[str, Any] = {
    "leadStates": [LeadState.READY, LeadState.PENDING],
    "suppressed": "ONLY_UNSUPPRESSED",
}
READY: Mapping[str, Any] = {**UNDIALED, "leadStates": [LeadState.READY]}
#: Criteria that say which leads are meant; one of them has to be there before anything is done to them.
NAMING = ("campaignIds", "listIds", "leadIds")

Reader = Callable[[object], Any]


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and value.strip() not in ("", "None"):
        return value
    raise ValueError("give text; did a template render to None or to nothing?")


def _id(value: object) -> int:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError("give an id, digits alone")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("write True or False")


def _instant(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("give an instant with an offset, such as 2026-07-01T07:00:00+00:00")
    return format_vendor_date(parse_vendor_date(value))


def _one_of(allowed: list[str]) -> Reader:
    def read(value: object) -> str:
        if isinstance(value, str) and value in allowed:
            return str(value)
        raise ValueError(f"write one of {', '.join(allowed)}{nearest(str(value), allowed)}")

    return read


def _several(read: Reader) -> Reader:
    def read_all(value: object) -> list[Any]:
        if isinstance(value, str | Mapping) or not hasattr(value, "__iter__"):
            value = [value]
        values = [read(one) for one in value]
        if not values:
            raise ValueError("give at least one, or leave it out: the API takes an empty list for no limit")
        return values

    return read_all


def _zone(value: object) -> Any:
    name = value.get("name") if isinstance(value, Mapping) else value
    return {"name": _one_of(sorted(VENDOR_TIME_ZONES))(name)}


def _compared(read_value: Reader) -> Reader:
    operator = _one_of(["GREATER_THAN", "LESS_THAN", "EQUALS"])

    def read(value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping) or value.keys() != {"operator", "value"}:
            raise ValueError('write a mapping such as {"operator": "GREATER_THAN", "value": …}')
        return {"operator": operator(value["operator"]), "value": read_value(value["value"])}

    return read


_READERS: Mapping[str, Reader] = {
    **dict.fromkeys(("campaignIds", "leadIds", "listIds"), _several(_id)),
    **dict.fromkeys(("agentId", "pendingAgentId"), _id),
    **dict.fromkeys(
        ("agentDispositions", "externIds", "leadPhoneNumbers", "physicalStates"), _several(_text)
    ),
    **dict.fromkeys(
        (
            "address1",
            "address2",
            "auxData1",
            "auxData2",
            "auxData3",
            "auxData4",
            "auxData5",
            "callerId",
            "city",
            "emailAddress",
            "firstName",
            "lastName",
            "leadPhoneNum",
            "zip",
        ),
        _text,
    ),
    **dict.fromkeys(("loadedDtsStart", "loadedDtsEnd"), _instant),
    **dict.fromkeys(("lastPassTimeCriteria", "nextDialTimeCriteria"), _compared(_instant)),
    "leadPassesCriteria": _compared(_id),
    "leadStates": _several(_one_of([str(state) for state in LeadState])),
    "leadTimezones": _several(_zone),
    "orphanedLeadsOnly": _flag,
    "suppressed": _one_of(["ONLY_SUPPRESSED", "ONLY_UNSUPPRESSED", "ALL"]),
    "systemDispositions": _several(_one_of([str(one) for one in SystemDisposition])),
}


def read_criteria(given: object) -> dict[str, Any]:
    """Check search criteria and return them as they are sent.

    :param given: a mapping, by the vendor's names; where a list is due one value will do
    :raises InvalidInputError: for the first that is unknown, empty or cannot be right
    """
    if given is not None and not isinstance(given, Mapping):
        raise InvalidInputError("criteria", given, 'write a mapping such as {"leadStates": ["READY"]}')
    read: dict[str, Any] = {}
    for name, value in (given or {}).items():
        if name not in _READERS:
            hint = nearest(str(name), _READERS)
            raise InvalidInputError(f"criteria.{name}", value, f"the API has no such criterion{hint}")
        try:
            read[name] = _READERS[name](value)
        except ValueError as error:
            raise InvalidInputError(f"criteria.{name}", value, str(error)) from None
    return read


def require_named(criteria: Mapping[str, Any]) -> None:
    """Check that criteria say which leads are meant.

    :raises InvalidInputError: when they name neither campaigns nor lists nor leads
    """
    if not any(name in criteria for name in NAMING):
        raise InvalidInputError(
            "criteria",
            dict(criteria),
            f"name campaigns, lists or leads ({', '.join(NAMING)}), never all there are",
        )
