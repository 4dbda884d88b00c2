"""What each kind of rule compares a campaign's settings with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_engagevoice.models.schedule import DAYS, DayHours, read_day
from airflow_provider_engagevoice.preflight.rules import Rule

_MINUTES_A_DAY = 1440


class UnknownFieldError(Exception):
    """A setting that a check needs is not known.

    :param field: its name
    """

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def found_by(rule: Rule, fields: Mapping[str, Any]) -> str | None:
    """Return what of a campaign is not as a rule says; None if all is.

    :param fields: vendor field to value; what is missing or None is not known
    :raises UnknownFieldError: if a setting is not known
    """
    return _CHECKS[rule.check](rule.limit, fields)


def what_to_do(rule: Rule) -> str:
    """Return what would settle a finding."""
    return _REMEDIES[rule.check]


def _hours(allowed: Mapping[str, str], fields: Mapping[str, Any]) -> str | None:
    outside: dict[str, list[str]] = {}
    unknown: list[str] = []
    for name, raw in allowed.items():
        try:
            open_, most = _day(name, _known(fields, name)), read_day(raw)
        except UnknownFieldError:
            unknown.append(name)
            continue
        if open_ is None or (most is not None and most.opens <= open_.opens and open_.closes <= most.closes):
            continue
        limit = "no calls at all" if most is None else _shown(most)
        outside.setdefault(f"{_shown(open_)}, allowed: {limit}", []).append(name.removesuffix("Sched"))
    if unknown and not outside:
        raise UnknownFieldError(unknown[0])
    return "; ".join(f"{_days(days)} {text}" for text, days in outside.items()) or None


def _day(name: str, raw: object) -> DayHours | None:
    try:
        return read_day(str(raw))
    except ValueError:
        raise UnknownFieldError(name) from None


def _shown(hours: DayHours) -> str:
    return f"{hours.opens:%H:%M}-{hours.closes:%H:%M}"


def _days(days: list[str]) -> str:
    """Return days as users write them."""
    first, last = DAYS.index(days[0]), DAYS.index(days[-1])
    if last - first + 1 == len(days) > 1:
        return f"{days[0]}-{days[-1]}"
    return ",".join(days)


def _holidays(_: object, fields: Mapping[str, Any]) -> str | None:
    return None if fields.get(HOLIDAYS) else "calls on holidays are not excluded"


def _attempts(most: Any, fields: Mapping[str, Any]) -> str | None:
    names = ("maxPasses", "maxDailyPasses", "passDelayMin")
    passes, daily, delay = (int(_known(fields, name)) for name in names)
    minutes = most.hours * 60
    # Any 24 hours are in two calendar days.
    days = (minutes + _MINUTES_A_DAY - 1) // _MINUTES_A_DAY + 1
    bounds = [passes] if passes >= 0 else []
    bounds += [daily * days] if daily >= 0 else []
    bounds += [-(-minutes // delay)] if delay > 0 else []
    if bounds and min(bounds) <= most.calls:
        return None
    up_to = f"up to {min(bounds)} calls" if bounds else "calls without limit"
    shown = ", ".join(f"{name} {value}" for name, value in zip(names, (passes, daily, delay), strict=True))
    return f"{up_to} in {most.hours} hours by {shown}, allowed: {most.calls}"


def _daily_attempts(_: object, fields: Mapping[str, Any]) -> str | None:
    return "maxDailyPasses is -1: no limit" if int(_known(fields, "maxDailyPasses")) < 0 else None


def _abandon(most: Any, fields: Mapping[str, Any]) -> str | None:
    target = float(_known(fields, "targetAbandonRate"))
    if target <= most.percent:
        return None
    return f"targetAbandonRate is {target:g}%, allowed: {most.percent:g}% over {most.days} days"


def _do_not_call(allowed: list[str], fields: Mapping[str, Any]) -> str | None:
    option = str(_known(fields, "dncScrubOption"))
    return None if option in allowed else f"dncScrubOption is {option}, not {' or '.join(allowed)}"


def _caller_id(_: object, fields: Mapping[str, Any]) -> str | None:
    if _known(fields, "callerId") or fields.get("callerIdBucket"):
        return None
    return "callerId is empty"


def _known(fields: Mapping[str, Any], name: str) -> Any:
    if fields.get(name) is None:
        raise UnknownFieldError(name)
    return fields[name]


#: No field of the vendor's: whether calls on holidays are excluded.
HOLIDAYS = "holidays excluded"

_CHECKS: Mapping[str, Callable[[Any, Mapping[str, Any]], str | None]] = {
    "hours": _hours,
    "holidays": _holidays,
    "attempts": _attempts,
    "daily_attempts": _daily_attempts,
    "abandon": _abandon,
    "do_not_call": _do_not_call,
    "caller_id": _caller_id,
}
_REMEDIES = {
    "hours": "set the hours within those; they are read as the called person's time",
    "holidays": "exclude them in the season's file, or pause the campaigns on those days",
    "attempts": "lower maxPasses or maxDailyPasses, or raise passDelayMin; they count calls of one campaign",
    "daily_attempts": "set maxDailyPasses",
    "abandon": "lower targetAbandonRate; it is a target, so watch the rate of the last 30 days, too",
    "do_not_call": "set dncScrubOption, or scrub lists before they are loaded",
    "caller_id": "set a caller ID",
}
