"""The vendor's search criteria for leads, as SQL conditions.

Not documented by the vendor, assumed: criteria are combined with AND; text is compared as a whole, ignoring
case; null and an empty list mean no criterion, as in the vendor's samples; an unknown criterion or an invalid
value is 400; ``campaignId``, sent by the samples in addition to ``campaignIds``, adds a campaign. The sandbox
has no record of agents who talked to a lead and no leads without a list, so criteria for them match nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request
from airflow_provider_engagevoice.sandbox.leads import fields
from airflow_provider_engagevoice.sandbox.validation import parse_date

_IN: Final = "IN (SELECT value FROM json_each(?))"
_OPERATORS: Final = {"GREATER_THAN": ">", "LESS_THAN": "<", "EQUALS": "="}
_SUPPRESSED: Final = {
    "ONLY_SUPPRESSED": "leads.suppressed IS 1",
    "ONLY_UNSUPPRESSED": "leads.suppressed IS NOT 1",
    "ALL": None,
}
_SAME_TEXT: Final = {
    **{f"auxData{number}": f"auxData{number}" for number in range(1, 6)},
    **{name: name for name in ("address1", "address2", "callerId", "city", "firstName", "lastName", "zip")},
    "emailAddress": "email",
}


@dataclass(slots=True)
class Conditions:
    """SQL conditions on ``leads`` with their parameters.

    :param campaigns: SQL query for the ids of the campaigns to search, with parameters ``campaign_values``
    :param exact_phones: whether a phone matches only the stored text, not any form of the number
    :ivar selective: whether a condition narrows the search to few rows with an index
    """

    campaigns: str
    campaign_values: tuple[Any, ...]
    exact_phones: bool = False
    parts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    selective: bool = False

    def __post_init__(self) -> None:
        self.add(f"leads.campaignId IN ({self.campaigns})", *self.campaign_values)

    def add(self, part: str, *values: Any, selective: bool = False) -> None:
        """Add a condition."""
        self.parts.append(part)
        self.values.extend(values)
        self.selective |= selective

    @property
    def everything(self) -> bool:
        """Whether the conditions match every lead of the account."""
        return len(self.parts) == 1 and len(self.campaign_values) == 1

    @property
    def sql(self) -> str:
        """The WHERE clause."""
        return " AND ".join(self.parts)


def conditions(account_id: str, criteria: Mapping[str, Any], *, exact_phones: bool = False) -> Conditions:
    """Return the conditions of a search in one account; 400 if a criterion is invalid.

    :param exact_phones: whether a phone matches only the stored text
    """
    given = {name: value for name, value in criteria.items() if value is not None and value != []}
    problems = []
    campaigns = [*_as_list(given.pop("campaignIds", [])), *_as_list(given.pop("campaignId", []))]
    if any(type(one) is not int for one in campaigns):
        problems.append(Problem("campaignIds", "must be a list of integers", campaigns))
    of_account = "SELECT id FROM campaigns WHERE account_id = ?"
    if campaigns:
        campaign_sql, values = f"{of_account} AND id {_IN}", (account_id, json.dumps(campaigns))
        found = Conditions(campaign_sql, values, exact_phones)
    else:
        found = Conditions(of_account, (account_id,), exact_phones)
    for name, value in given.items():
        reader = _READERS.get(name)
        message = "is not a criterion" if reader is None else reader(found, value)
        if message is not None:
            problems.append(Problem(name, message, value))
    if problems:
        raise bad_request(problems)
    return found


Reader = Callable[[Conditions, Any], str | None]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _same_text(column: str) -> Reader:
    def read(found: Conditions, value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be text"
        found.add(f"leads.{column} = ? COLLATE NOCASE", value)
        return None

    return read


def _one_of(column: str, allowed: tuple[str, ...]) -> Reader:
    def read(found: Conditions, value: Any) -> str | None:
        if not isinstance(value, list) or any(one not in allowed for one in value):
            return f"must be a list of {', '.join(allowed)}"
        found.add(f"leads.{column} {_IN}", json.dumps(value))
        return None

    return read


def _listed(column: str, kind: type, description: str, *, selective: bool = True) -> Reader:
    def read(found: Conditions, value: Any) -> str | None:
        if not isinstance(value, list) or any(type(one) is not kind for one in value):
            return f"must be a list of {description}"
        found.add(f"leads.{column} {_IN}", json.dumps(value), selective=selective)
        return None

    return read


def _phones(found: Conditions, value: Any) -> str | None:
    if any(not isinstance(one, str) for one in _as_list(value)):
        return "must be text, or a list of text values"
    if found.exact_phones:
        found.add(f"leads.leadPhone {_IN}", json.dumps(_as_list(value)), selective=True)
        return None
    phones = json.dumps([fields.dialable(one) for one in _as_list(value)])
    found.add(
        f"leads.leadId IN (SELECT leadId FROM leads WHERE campaignId IN ({found.campaigns})"
        f" AND leadPhone {_IN} UNION SELECT leadId FROM lead_phones WHERE phone {_IN})",
        *found.campaign_values,
        phones,
        phones,
        selective=True,
    )
    return None


def _suppressed(found: Conditions, value: Any) -> str | None:
    if not isinstance(value, str) or value not in _SUPPRESSED:
        return f"must be one of {', '.join(_SUPPRESSED)}"
    part = _SUPPRESSED[value]
    if part is not None:
        found.add(part)
    return None


def _zones(found: Conditions, value: Any) -> str | None:
    if not isinstance(value, list) or any(not isinstance(one, dict) or "name" not in one for one in value):
        return 'must be a list of objects such as {"name": "CST"}'
    found.add(f"leads.leadTimezone {_IN}", json.dumps([one["name"] for one in value]))
    return None


def milliseconds(value: Any) -> int | None:
    """Return a date in the vendor's format as milliseconds since the epoch; None if it is invalid."""
    try:
        return int(parse_date(value if isinstance(value, str) else "").timestamp() * 1000)
    except ValueError:
        return None


def _integer(value: Any) -> int | None:
    return value if type(value) is int else None


DATE_DESCRIPTION: Final = "a date such as 2026-07-01T07:00:00.000+0000"


def _loaded(operator: str) -> Reader:
    def read(found: Conditions, value: Any) -> str | None:
        instant = milliseconds(value)
        if instant is None:
            return f"must be {DATE_DESCRIPTION}"
        found.add(f"leads.loadedDts {operator} ?", instant)
        return None

    return read


def _compared(column: str, read_value: Callable[[Any], Any], description: str) -> Reader:
    def read(found: Conditions, value: Any) -> str | None:
        if not isinstance(value, dict) or value.get("operator") not in _OPERATORS:
            return f"must be an object with an operator, one of {', '.join(_OPERATORS)}, and a value"
        operand = read_value(value.get("value"))
        if operand is None:
            return f"must have a value that is {description}"
        found.add(f"leads.{column} {_OPERATORS[value['operator']]} ?", operand)
        return None

    return read


def _pending_agent(found: Conditions, value: Any) -> str | None:
    if type(value) is not int:
        return "must be an integer"
    found.add("leads.pendingAgentId = ?", value)
    return None


def _orphaned(found: Conditions, value: Any) -> str | None:
    if not isinstance(value, bool):
        return "must be true or false"
    if value:
        found.add("0")
    return None


def _matches_none(found: Conditions, value: Any) -> str | None:
    found.add("0")
    return None


_READERS: Final[Mapping[str, Reader]] = {
    **{name: _same_text(column) for name, column in _SAME_TEXT.items()},
    "agentId": _matches_none,
    "agentDispositions": _listed("agentDisposition", str, "text values", selective=False),
    "pendingAgentId": _pending_agent,
    "externIds": _listed("externId", str, "text values"),
    "leadIds": _listed("leadId", int, "integers"),
    "listIds": _listed("listId", int, "integers"),
    "physicalStates": _listed("state", str, "text values", selective=False),
    "leadPhoneNum": _phones,
    "leadPhoneNumbers": _phones,
    "leadStates": _one_of("leadState", fields.LEAD_STATES),
    "systemDispositions": _one_of("lastPassDisposition", fields.SYSTEM_DISPOSITIONS),
    "leadTimezones": _zones,
    "suppressed": _suppressed,
    "loadedDtsStart": _loaded(">="),
    "loadedDtsEnd": _loaded("<="),
    "leadPassesCriteria": _compared("leadPasses", _integer, "an integer"),
    "lastPassTimeCriteria": _compared("lastPassDts", milliseconds, DATE_DESCRIPTION),
    "nextDialTimeCriteria": _compared("nextDial", milliseconds, DATE_DESCRIPTION),
    "orphanedLeadsOnly": _orphaned,
}
