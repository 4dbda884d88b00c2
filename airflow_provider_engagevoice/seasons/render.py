"""A plan for people: a table for the log, and Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.dates import shown
from airflow_provider_engagevoice.models.campaign import DATE_FIELDS
from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS
from airflow_provider_engagevoice.preflight import findings
from airflow_provider_engagevoice.preflight.findings import cell
from airflow_provider_engagevoice.seasons.authors import by_whom
from airflow_provider_engagevoice.seasons.plan import (
    CHANGED_BY_SOMEONE,
    FieldChange,
    Plan,
    PlannedCampaign,
    StateChange,
)
from airflow_provider_engagevoice.seasons.work import NAME

_TITLES = {
    "create": "Create",
    "clone": "Clone",
    "update": "Update",
    "protected": "Protected",
    "over": "Not created, their windows are over",
    "unchanged": "Unchanged",
}
_STATES = {0: "inactive", 1: "active", 2: "agent callbacks only"}


def summary(plan: Plan) -> str:
    """Return a plan in one line."""
    counts = ", ".join(f"{count} {name}" for name, count in plan.counts.items() if count)
    return f"season {plan.season!r}, plan {plan.digest[:12]}: {counts or 'no campaigns'}"


def table(plan: Plan) -> str:
    """Return a plan as lines of text, all that is unchanged in one line."""
    lines = [summary(plan), *findings.table(plan.findings)]
    for one in plan.campaigns:
        note = _note(plan, one)
        if one.action == "unchanged" and one.state_change is None and not note:
            continue
        lines.append(f"{one.action:<9} {one.dial_group} / {_present_name(one)}{f' ({note})' if note else ''}")
        lines += [f"          {text}" for text in _details(plan, one)]
    if unchanged := plan.counts["unchanged"]:
        lines.append(f"unchanged {unchanged} campaigns")
    lines += [f"orphan    campaign {one.campaign_id} {one.name}" for one in plan.orphans]
    return "\n".join(lines)


def markdown(plan: Plan) -> str:
    """Return a plan as Markdown."""
    lines = [
        f"# Season {plan.season}",
        "",
        f"Plan `{plan.digest[:12]}` for account {plan.account_id}, made at {_minute(plan.created_at)}.",
        "",
        "| action | campaigns |",
        "|---|---|",
        *(f"| {name} | {count} |" for name, count in plan.counts.items() if count),
    ]
    if plan.takes_back is not None:
        lines[3:3] = ["", f"This plan takes back apply {plan.serial} of {_minute(plan.takes_back)}."]
    if plan.findings:
        lines += ["", *findings.markdown(plan.findings)]
    for action, title in _TITLES.items():
        if action != "unchanged" and (found := [one for one in plan.campaigns if one.action == action]):
            lines += ["", f"## {title}", "", "| dial group | campaign | what |", "|---|---|---|"]
            lines += [
                f"| {cell(one.dial_group)} | {cell(_present_name(one))} | {'<br>'.join(map(cell, texts))} |"
                for one, texts in ((one, _cells(plan, one)) for one in found)
            ]
    if left := [one for one in plan.campaigns if one.action == "unchanged" and _note(plan, one)]:
        lines += ["", "## Left as they are", "", "| dial group | campaign | why |", "|---|---|---|"]
        lines += [
            f"| {cell(one.dial_group)} | {cell(_present_name(one))} | {cell(_note(plan, one))} |"
            for one in left
        ]
    states = [one for one in plan.campaigns if one.state_change is not None]
    if states:
        lines += ["", "## State", "", "| dial group | campaign | state |", "|---|---|---|"]
        lines += [
            f"| {cell(one.dial_group)} | {cell(_present_name(one))} | {cell(_state(one))} |" for one in states
        ]
    if plan.orphans:
        lines += ["", "## No longer in the season", ""]
        lines += [f"- campaign {one.campaign_id} {cell(one.name)}" for one in plan.orphans]
    if len(plan.waves) > 1:
        lines += ["", "## Waves", ""]
        lines += [f"{number}. {_wave(wave)}" for number, wave in enumerate(plan.waves, 1)]
    return "\n".join(lines) + "\n"


def _minute(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(" ", "minutes")


def _present_name(one: PlannedCampaign) -> str:
    return one.name if one.before is None else str(one.before[NAME])


def _cells(plan: Plan, one: PlannedCampaign) -> list[str]:
    return [*_details(plan, one), *([note] if (note := _note(plan, one)) else [])] or [one.action]


def zone_of(plan: Plan, one: PlannedCampaign) -> ZoneInfo:
    """Return the time zone in which people are shown the dates of a campaign."""
    return ZoneInfo(plan.timezones.get(one.region, "UTC"))


def _details(plan: Plan, one: PlannedCampaign) -> Iterator[str]:
    zone = zone_of(plan, one)
    if one.action == "clone":
        # Plans of earlier releases do not have its name.
        source = f"{one.source_name!r} ({one.source})" if one.source_name else f"campaign {one.source}"
        yield f"from {source}"
    if one.action in ("create", "clone"):
        start, end = (value_text(name, one.fields[name], zone) for name in DATE_FIELDS)
        yield f"{start} to {end}, {_STATES[one.state or 0]}"
        yield from _stated(one, zone)
    for name, change in one.changes.items():
        drift = f" ({CHANGED_BY_SOMEONE}{_by(change)})" if change.drift else ""
        texts = (value_text(name, value, zone) for value in (change.old, change.new))
        free = f", without calls on {dates}" if (dates := _excluded(one, name)) else ""
        yield f"{name}: {' → '.join(texts)}{free}{drift}"
    if one.state_change is not None:
        yield _state(one)


def _stated(one: PlannedCampaign, zone: ZoneInfo) -> Iterator[str]:
    """Return what a new campaign gets, beside its dates: its hours, and of a clone what its source lacks."""
    for name, new in one.fields.items():
        old = one.of_source.get(name)
        is_same = old == new or (old in (None, "") and new in (None, ""))
        if name in (*DATE_FIELDS, *SCHEDULE_FIELDS) or (name in one.of_source and is_same):
            continue
        arrow = f"{value_text(name, old, zone)} → " if name in one.of_source else ""
        yield f"{name}: {arrow}{value_text(name, new, zone)}"
    yield f"hours: {_hours(one)}"


def _hours(one: PlannedCampaign) -> str:
    """Return the hours of a new campaign, those of all days."""
    origin = "those of the source" if one.action == "clone" else "the server's default"
    unknown = f"{origin} (not known)"

    def of_day(name: str) -> str:
        old = one.of_source.get(name)
        new = one.fields.get(name, old)
        if not new:
            return unknown
        arrow = f"{old!r} → " if old and old != new else ""
        free = f" (without calls on {dates})" if (dates := _excluded(one, name)) else ""
        return f"{arrow}{new!r}{free}"

    # Most days have the same hours.
    days = [(hours, [*names]) for hours, names in groupby(SCHEDULE_FIELDS, of_day)]
    if len(days) == 1 and days[0][0] == unknown:
        return unknown
    return ", ".join(
        f"{first}{f' to {others[-1]}' if others else ''} {hours}" for hours, (first, *others) in days
    )


def _excluded(one: PlannedCampaign, name: str) -> str:
    """Return the dates for which a day has other hours than usual."""
    limit = one.exclusion.limits.get(name) if one.exclusion is not None else None
    return ", ".join(limit.dates) if limit is not None else ""


def _state(one: PlannedCampaign) -> str:
    change = one.state_change
    if change is None:
        return ""
    old = _STATES.get(change.old, str(change.old)) if change.old is not None else "of unknown state"
    new = _STATES[change.new]
    if change.applied:
        return f"state: {old} → {new}"
    return f"stays {old}, the season asks for {new}: {change.why}{_by(change)}"


def _by(change: FieldChange | StateChange) -> str:
    return f": {change.changed_by}" if change.changed_by else ""


def _wave(wave: Any) -> str:
    when = [f"{wave.after / 60:g} minutes after the one before"] if wave.after is not None else []
    when += [f"not before {wave.at}"] if wave.at else []
    return ", ".join([*wave.regions]) + (f" ({', '.join(when)})" if when else "")


def _note(plan: Plan, one: PlannedCampaign) -> str:
    zone = zone_of(plan, one)
    kept = [
        f"{name} {value_text(name, change.old, zone)} → {value_text(name, change.new, zone)}"
        + by_whom(change.changed_by)
        for name, change in one.kept.items()
    ]
    notes = [one.note] if one.note else []
    if kept:
        notes.append(f"changed by someone since: {'; '.join(kept)}")
    return "; ".join(notes)


def value_text(name: str, value: Any, zone: ZoneInfo) -> str:
    """Return the JSON value of a field, dates in a time zone."""
    if name in DATE_FIELDS and value:
        try:
            return shown(datetime.fromisoformat(value), zone)
        except ValueError:
            # The server's own text, which is no date.
            pass
    return repr(value) if isinstance(value, str) else str(value)
