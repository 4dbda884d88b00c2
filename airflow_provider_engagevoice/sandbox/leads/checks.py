"""Validation of the lead loader: an invalid request is 400, an invalid lead is a rejected row.

Not documented by the vendor, assumed: at most 5,000 leads per call; an unknown field rejects the lead, or the
request that has it; null means omitted, and blank text means empty; numbers and booleans are accepted as
text, as in the vendor's sample; an invalid enum value is 400 even inside a lead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.defaults import COUNTRY_IDS
from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request
from airflow_provider_engagevoice.sandbox.leads import fields

MAX_LEADS: Final = 5_000
E164: Final = "e164"
"""``numberOriginCountry`` of numbers in E.164, as clients send it."""
_MAX_DESCRIPTION_LENGTH: Final = 255

_TEN_DIGITS: Final = re.compile(r"\d{10}(?:\|\d{10})*", re.ASCII).fullmatch
_ANY_DIGITS: Final = re.compile(r"\+?\d{4,15}(?:\|\+?\d{4,15})*", re.ASCII).fullmatch
_E164: Final = re.compile(r"\+[1-9]\d{6,14}", re.ASCII).fullmatch
_ZIP: Final = re.compile(r"\d{5}(?:-\d{4})?", re.ASCII).fullmatch

_TEXT: Final = frozenset(fields.TEXT_FIELDS)
_LEAD_ENUMS: Final[Mapping[str, tuple[str, ...]]] = {
    "leadState": fields.LEAD_STATES,
    "lastPassDisposition": fields.SYSTEM_DISPOSITIONS,
}


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _integer(value: Any) -> bool:
    return type(value) is int


def _boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _text_list(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _columns(value: Any) -> bool:
    return isinstance(value, dict) and all(type(one) is int and one >= 0 for one in value.values())


_REQUEST_ENUMS: Final[Mapping[str, tuple[str, ...]]] = {
    "dialPriority": fields.DIAL_PRIORITIES,
    "duplicateHandling": fields.DUPLICATE_HANDLINGS,
    "timeZoneOption": fields.TIME_ZONE_OPTIONS,
    "listState": fields.LIST_STATES,
    "fileType": fields.FILE_TYPES,
    "numberOriginCountry": (E164, *sorted(COUNTRY_IDS)),
}
_REQUEST_KINDS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "description": (_text, "text"),
    "dncTags": (_text_list, "a list of text values"),
    "uploadLeads": (lambda value: isinstance(value, list), "a list of leads"),
    "transactionId": (_text, "text"),
    "quoteChar": (_text, "text"),
    "pageNumber": (_integer, "an integer"),
    "fileContainsHeaders": (_boolean, "true or false"),
    "phoneNumbersI18nEnabled": (_boolean, "true or false"),
    "internationalNumberFormat": (_boolean, "true or false"),
    "scheduleArchiveDts": (_text, "text"),
    "pageColumnMappings": (_columns, "an object of column numbers, the first being 0"),
    "extendedLeadDataMappings": (_columns, "an object of column numbers, the first being 0"),
    "additionalPhoneMappings": (_columns, "an object of column numbers, the first being 0"),
}
_REQUIRED: Final = ("dialPriority", "duplicateHandling", "timeZoneOption")
"""Required by the vendor's document on the lead loader; its OpenAPI file requires nothing."""


def request_fields(body: Mapping[str, Any], *required: str) -> dict[str, Any]:
    """Return a load request without its nulls; 400 if anything is invalid.

    :param required: fields required in addition to those of every load request
    """
    given = {name: value for name, value in body.items() if value is not None}
    problems = [Problem(name, "is required") for name in (*_REQUIRED, *required) if name not in given]
    for name, value in given.items():
        if name in _REQUEST_ENUMS:
            if value not in _REQUEST_ENUMS[name]:
                problems.append(Problem(name, f"must be one of {', '.join(_REQUEST_ENUMS[name])}", value))
        elif name not in _REQUEST_KINDS:
            problems.append(Problem(name, "is not a field of a load request", value))
        elif not _REQUEST_KINDS[name][0](value):
            problems.append(Problem(name, f"must be {_REQUEST_KINDS[name][1]}", value))
    if len(str(given.get("description", ""))) > _MAX_DESCRIPTION_LENGTH:
        problems.append(Problem("description", f"must have at most {_MAX_DESCRIPTION_LENGTH} characters"))
    if problems:
        raise bad_request(problems)
    return given


@dataclass(slots=True)
class CheckedLeads:
    """Accepted leads, and ``rejected`` ones as the vendor's ``RejectedRow``."""

    accepted: list[dict[str, Any]]
    rejected: list[dict[str, Any]]


class LeadChecks:
    """Validates the leads of one call.

    :param time_zone_option: EXPLICIT requires a ``leadTimezone`` in each lead, any text, since accounts have
        dial zones of their own; ZIPCODE a ``zip``
    :param country: country of ``leadPhone``: ten digits in the USA and Canada, elsewhere any 4 to 15, with a
        ``+`` or not; ``e164`` requires E.164
    """

    def __init__(self, time_zone_option: str, country: str) -> None:
        ten_digits = country in ("USA", "CAN")
        if country == E164:
            self._phone, self._phone_meaning = _E164, "a number such as +442071838750"
        else:
            self._phone = _TEN_DIGITS if ten_digits else _ANY_DIGITS
            self._phone_meaning = "ten digits" if ten_digits else "4 to 15 digits"
        self._needs_zone = time_zone_option == "EXPLICIT"
        self._needs_zip = time_zone_option == "ZIPCODE"
        self._enum_problems: list[Problem] = []

    def check(self, leads: list[Any]) -> CheckedLeads:
        """Return the accepted and rejected leads; 400 if a value is not in its enum.

        Accepted leads are converted in place to what is stored: text fields to text, objects to JSON.
        """
        checked = CheckedLeads([], [])
        for lead in leads:
            message = self._message(lead) if type(lead) is dict else "a lead must be an object"
            if message is None:
                checked.accepted.append(lead)
            else:
                checked.rejected.append({"message": message, "rowData": row_data(lead)})
        if self._enum_problems:
            raise bad_request(self._enum_problems)
        return checked

    def _message(self, lead: dict[str, Any]) -> str | None:
        for name, value in lead.items():
            if name in _TEXT and type(value) is str:
                if not value or value.isspace():
                    return f"{name}: must not be empty text"
            elif value is not None:
                message = self._other_value_message(lead, name, value)
                if message is not None:
                    return message
        if lead.get("externId") is None:
            return "externId: is required"
        return self._phone_message(lead) or self._zone_message(lead)

    def _other_value_message(self, lead: dict[str, Any], name: str, value: Any) -> str | None:
        if name in _TEXT:
            if not isinstance(value, (int, float)):
                return f"{name}: must be text"
            lead[name] = as_text(value)
        elif name in fields.INTEGER_FIELDS:
            return None if type(value) is int else f"{name}: must be an integer"
        elif name in fields.FLAG_FIELDS:
            return None if isinstance(value, bool) else f"{name}: must be true or false"
        elif name in fields.OBJECT_FIELDS:
            if not isinstance(value, dict) or any(isinstance(one, (dict, list)) for one in value.values()):
                return f"{name}: must be an object of text values"
            lead[name] = json.dumps(value)
        elif name == fields.AGENT_FIELD:
            return None if isinstance(value, str) else f"{name}: must be text"
        elif name in _LEAD_ENUMS and value not in _LEAD_ENUMS[name]:
            self._enum_problems.append(Problem(name, f"must be one of {', '.join(_LEAD_ENUMS[name])}", value))
        elif name not in fields.SERVER_FIELDS:
            return f"{name}: is not a field of a lead"
        return None

    def _phone_message(self, lead: dict[str, Any]) -> str | None:
        phone, e164 = lead.get("leadPhone"), lead.get("leadPhoneE164")
        if e164 is not None and not _E164(e164):
            return "leadPhoneE164: must be a number such as +14155550100"
        if phone is None:
            if e164 is None:
                return "leadPhone: is required, or leadPhoneE164"
            lead["leadPhone"] = e164
        elif not self._phone(phone):
            return f"leadPhone: must be {self._phone_meaning}, several separated by |"
        return None

    def _zone_message(self, lead: dict[str, Any]) -> str | None:
        if self._needs_zone and not lead.get("leadTimezone"):
            return "leadTimezone: is required, because timeZoneOption is EXPLICIT"
        if self._needs_zip and not _ZIP(lead.get("zip") or ""):
            return "zip: must be five digits, because timeZoneOption is ZIPCODE"
        return None


def as_text(value: Any) -> str:
    """Return a JSON value as the text of a file's cell."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)


def row_data(lead: Any) -> list[str]:
    """Return the values of a rejected lead.

    Not documented by the vendor, assumed: ``externId`` first, then the number (``leadPhone``, else
    ``leadPhoneE164``), empty if the lead has none, then the other values in the order sent, so that a
    client can identify its row.
    """
    if not isinstance(lead, dict):
        return ["", "", as_text(lead)]
    phone = "leadPhone" if lead.get("leadPhone") is not None else "leadPhoneE164"
    others = [as_text(value) for name, value in lead.items() if name not in ("externId", phone)]
    return [as_text(lead.get("externId")), as_text(lead.get(phone)), *others]
