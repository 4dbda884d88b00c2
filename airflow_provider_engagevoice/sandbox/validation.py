"""Validation of campaigns and dial groups, and the defaults of omitted fields.

The bounds follow the vendor's document *About Campaigns* and its OpenAPI file. Not documented, assumed: a
name has at most 255 characters, a caller id 7 to 15 digits with or without ``+``, the end is after the start,
and null means omitted.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from airflow_provider_engagevoice.sandbox import defaults
from airflow_provider_engagevoice.sandbox.errors import Problem, bad_request

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d\.\d{3}[+-]\d\d[0-5]\d", re.ASCII)
_MAX_NAME_LENGTH: Final = 255
_DIAL_MODES: Final = ("PREVIEW", "CLICK_TO_TALK", "PREDICTIVE", "POWER", "TCPA_SAFE_MODE")

Check = Callable[[Any], str | None]


def parse_date(text: str) -> datetime:
    """Parse a date in the vendor's format, such as ``2026-07-01T07:00:00.000+0000``.

    :raises ValueError: if it is not one
    """
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error


def format_date(instant: datetime) -> str:
    """Return an instant in the vendor's format, in UTC."""
    utc = instant.astimezone(UTC)
    return f"{utc.year:04d}-{utc:%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"


def _integer(low: int, high: int) -> Check:
    def check(value: Any) -> str | None:
        valid = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if valid else f"must be an integer from {low} to {high}"

    return check


def _one_of(*allowed: str) -> Check:
    return lambda value: None if value in allowed else f"must be one of {', '.join(allowed)}"


def _pattern(pattern: str, meaning: str) -> Check:
    def check(value: Any) -> str | None:
        valid = isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None
        return None if valid else f"must be {meaning}"

    return check


def _name(value: Any) -> str | None:
    valid = isinstance(value, str) and len(value.strip()) > 0 and len(value) <= _MAX_NAME_LENGTH
    return None if valid else f"must be text of 1 to {_MAX_NAME_LENGTH} characters"


def _date(value: Any) -> str | None:
    try:
        parse_date(value if isinstance(value, str) else "")
    except ValueError:
        return "must be a date such as 2026-07-01T07:00:00.000+0000"
    return None


def _same_type(default: Any) -> Check:
    """Check for a value of the default's type."""
    if isinstance(default, bool):
        return lambda value: None if isinstance(value, bool) else "must be true or false"
    if isinstance(default, int):
        return lambda value: None if type(value) is int else "must be an integer"
    if isinstance(default, float):
        return lambda value: None if type(value) in (int, float) else "must be a number"
    if isinstance(default, str):
        return lambda value: None if isinstance(value, str) else "must be text"
    return lambda value: None


_CAMPAIGN_CHECKS: Final[Mapping[str, Check]] = {
    **{name: _same_type(default) for name, default in defaults.CAMPAIGN.items()},
    **{
        f"{day}Sched": _pattern(r"\d{8}", "eight digits such as 08002100")
        for day in ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
    },
    "campaignName": _name,
    "startDate": _date,
    "endDate": _date,
    "callerId": _pattern(r"\+?\d{7,15}", "a telephone number"),
    "transferCallerId": _pattern(r"(\d{10})?", "ten digits"),
    "isActive": _integer(0, 2),
    "maxRingTime": _integer(0, 60),
    "maxRingTimeTransfer": _integer(0, 120),
    "campaignPriority": _integer(1, 5),
    "dialLoadedOrder": _integer(0, 4),
    "scrubDisconnectNoanswer": _integer(0, 1),
    "trackSpeedToLead": _integer(0, 1),
    "countryId": _one_of(*sorted(defaults.COUNTRY_IDS)),
    "dncScrubOption": _one_of(
        "DO_NOT_SCRUB", "INTERNAL_AND_NATIONAL", "INTERNAL_ONLY", "CELLULAR_AND_INTERNAL", "CELLULAR_ONLY"
    ),
    "requeueType": _one_of("ADVANCED", "RESTRICTED"),
    "callingConfiguration": _one_of("SIMPLE", "STRATEGIC"),
}
_CAMPAIGN_REQUIRED: Final = ("campaignName", "startDate", "endDate", "callerId")
_CAMPAIGN_READ_ONLY: Final = ("campaignId", "permissions", "lastPassDts", "dialGroup", "groupId")

_DIAL_GROUP_CHECKS: Final[Mapping[str, Check]] = {
    **{name: _same_type(default) for name, default in defaults.DIAL_GROUP.items()},
    "dialGroupName": _name,
    "dialMode": _one_of(*_DIAL_MODES),
    "hciEnabled": _one_of("DISABLED", "HCI_FETCH", "HCI_PACING"),
}
_DIAL_GROUP_REQUIRED: Final = ("dialGroupName",)
_DIAL_GROUP_READ_ONLY: Final = ("dialGroupId", "groupId", "permissions", "agentDialGroupMembers", "campaigns")


def _problems(
    given: Mapping[str, Any], required: tuple[str, ...], checks: Mapping[str, Check]
) -> list[Problem]:
    problems = [Problem(name, "is required") for name in required if given.get(name) is None]
    for name, value in given.items():
        check = checks.get(name)
        message = check(value) if check is not None and value is not None else None
        if message is not None:
            problems.append(Problem(name, message, value))
    return problems


def _completed(
    given: Mapping[str, Any], read_only: tuple[str, ...], template: Mapping[str, Any]
) -> dict[str, Any]:
    kept = {name: value for name, value in given.items() if name not in template or value is not None}
    return {
        **{name: kept[name] if name in kept else copy.deepcopy(value) for name, value in template.items()},
        **kept,
        **{name: template[name] for name in read_only if name in template},
    }


def campaign_fields(
    given: Mapping[str, Any], stored: Mapping[str, Any] | None = None, sparse_put: str = "dropped"
) -> dict[str, Any]:
    """Return the campaign to store for a create, or for a PUT over ``stored``; 400 if invalid.

    Omitted fields get their defaults, unknown fields are kept as sent, and dates are converted to UTC. A PUT
    needs no more than the name: without dates and caller ID the campaign has none.

    :param sparse_put: the dialect's ``sparse_put``: what becomes of fields that a PUT omits
    """
    given = {name: value for name, value in given.items() if name not in _CAMPAIGN_READ_ONLY}
    required: tuple[str, ...] = _CAMPAIGN_REQUIRED
    if stored is not None:
        required = ("campaignName",)
        if sparse_put == "merged":
            given = {**stored, **given}
        elif sparse_put == "refused":
            required = tuple(stored.keys() - set(_CAMPAIGN_READ_ONLY) - given.keys()) or required
        given = {name: value for name, value in given.items() if name not in _CAMPAIGN_READ_ONLY}
    problems = _problems(given, required, _CAMPAIGN_CHECKS)
    bad = {problem.attribute for problem in problems}
    start, end = (None if name in bad else given.get(name) for name in ("startDate", "endDate"))
    if start is not None and end is not None and parse_date(end) <= parse_date(start):
        problems.append(Problem("endDate", "must be after startDate", end))
    calling = given.get("callingConfiguration")
    if stored is not None:
        fixed = stored.get("callingConfiguration")
        if calling is not None and calling != (fixed or "SIMPLE"):
            problems.append(Problem("callingConfiguration", "cannot be changed after creation", calling))
        if calling is None and fixed is not None:
            given = {**given, "callingConfiguration": fixed}
    if problems:
        raise bad_request(problems)
    fields = _completed(given, _CAMPAIGN_READ_ONLY, defaults.CAMPAIGN)
    for name in ("startDate", "endDate"):
        if fields[name] is not None:
            fields[name] = format_date(parse_date(fields[name]))
    return fields


def dial_group_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dial group to store for a create or a PUT; 400 if invalid. Flags may be 0 and 1."""
    given = {
        name: bool(value) if isinstance(defaults.DIAL_GROUP.get(name), bool) and value in (0, 1) else value
        for name, value in given.items()
        if name not in _DIAL_GROUP_READ_ONLY
    }
    problems = _problems(given, _DIAL_GROUP_REQUIRED, _DIAL_GROUP_CHECKS)
    if problems:
        raise bad_request(problems)
    return _completed(given, _DIAL_GROUP_READ_ONLY, defaults.DIAL_GROUP)


def clone_problems(name: str | None, country: str) -> list[Problem]:
    """Return the problems in the query of a clone."""
    problems = []
    message = _name(name)
    if message is not None:
        problems.append(Problem("newCampaignName", message, name))
    if country not in defaults.COUNTRY_IDS:
        problems.append(Problem("newCountryCode", "is not a country of this account", country))
    return problems
