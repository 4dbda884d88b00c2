"""Check campaigns, and the leads that they are to call, against the rules of where they call."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.models.schedule import SCHEDULE_FIELDS, minute_of, raw_hours, read_day
from airflow_provider_engagevoice.preflight.checks import UnknownFieldError, found_by, what_to_do
from airflow_provider_engagevoice.preflight.findings import NOT_CHECKED, WARNING, Finding
from airflow_provider_engagevoice.preflight.rules import MAX_AGE_DAYS, Rule, Rules
from airflow_provider_engagevoice.preflight.subjects import Subject

#: Ids of findings that are about no single rule.
OUTDATED, NO_RULES, NO_STATE = "rules-outdated", "no-rules", "no-state"
WEAK, SEVERAL_ZONES = "area-codes-alone", "several-zones"
_ASK = "ask who knows its law, and add rules"
_MINUTE = timedelta(minutes=1)
_LAST_MINUTE = 24 * 60 - 1


def check_campaigns(subjects: Sequence[Subject], rules: Rules, today: date) -> list[Finding]:
    """Return what is found in campaigns, in the order of the rules."""
    return _Run(rules, today).findings(subjects)


class _Run:
    """One preflight. Findings that say the same are one, with the names of their campaigns."""

    def __init__(self, rules: Rules, today: date) -> None:
        self._rules = rules
        self._today = today
        self._found: dict[tuple[str, str, str], Finding] = {}
        #: Lists of leads that each finding has counted; several campaigns may call one list.
        self._counted: dict[tuple[str, str, str], set[int]] = {}

    def findings(self, subjects: Sequence[Subject]) -> list[Finding]:
        self._check_age()
        for rule in self._rules.rows:
            for one in subjects:
                if one.country == rule.country and (rule.state is None or rule.state in one.all_states):
                    self._check(rule, one)
        for one in subjects:
            self._check_places(one)
            self._check_zones(one)
        return list(self._found.values())

    def _add(self, found: Finding, one: Subject, leads: int | None = None) -> None:
        """Add a finding, or a campaign and its leads to one that says the same."""
        key = found.rule, found.severity, found.found
        known = self._found.setdefault(key, found)
        known.campaigns.append(one.name)
        counted = self._counted.setdefault(key, set())
        if leads is not None and id(one.leads) not in counted:
            counted.add(id(one.leads))
            known.leads = (known.leads or 0) + leads

    def _check_age(self) -> None:
        as_of = self._rules.as_of
        if (age := self._today - as_of) > timedelta(days=MAX_AGE_DAYS):
            text = f"the rules were read {age.days} days ago, more than {MAX_AGE_DAYS}"
            todo = "read the sources again, and pass rules with as_of"
            found = Finding(OUTDATED, WARNING, "the file of rules", as_of.isoformat(), text, todo)
            self._found[OUTDATED, WARNING, text] = found

    def _check(self, rule: Rule, one: Subject) -> None:
        try:
            found = found_by(rule, one.fields)
        except UnknownFieldError as error:
            todo = f"set {error.field}, or check again when the campaign has it"
            self._add_of(rule, one, NOT_CHECKED, f"{error.field} is not known", todo)
            return
        if found is not None:
            text = f"{rule.text} Found: {found}"
            self._add_of(rule, one, rule.effective_severity, text, what_to_do(rule))

    def _add_of(self, rule: Rule, one: Subject, severity: str, found: str, todo: str) -> None:
        leads = None
        if one.leads is not None:
            leads = one.leads.total if rule.state is None else one.leads.in_states((rule.state,))
        self._add(Finding(rule.id, severity, rule.source, rule.as_of.isoformat(), found, todo), one, leads)

    def _check_places(self, one: Subject) -> None:
        """Note which places no rule says anything about, and which are uncertain."""
        rules, leads = self._rules.of(one.country), one.leads
        if not rules:
            where = f"country {one.country}" if one.country else "an unknown country"
            self._add_other(one, NO_RULES, f"there are no rules for {where}", _ASK)
            return
        with_rules = {rule.state for rule in rules if rule.state}
        if not with_rules:
            return
        states, listed = one.all_states, ", ".join(sorted(with_rules))
        if not states:
            text = f"the state is not known, so the rules of {listed} were not applied"
            count = None if leads is None else leads.total
            self._add_other(one, NO_STATE, text, "state it, or check with the list of leads", count)
        elif missing := sorted(states - with_rules):
            text = f"there are no rules for {', '.join(missing)} of {one.country}, only those of the country"
            count = None if leads is None else leads.in_states(missing)
            self._add_other(one, NO_RULES, text, _ASK, count)
        if leads is None:
            return
        if states and leads.nowhere:
            text = f"the state of leads is not known, so the rules of {listed} were not applied to them"
            self._add_other(one, NO_STATE, text, "add their states to the list", leads.nowhere)
        if leads.weak:
            text = "leads have no state or ZIP of their own; their area codes are weak evidence"
            self._add_other(one, WEAK, text, "add their states to the list", leads.weak, WARNING)

    def _add_other(
        self,
        one: Subject,
        rule: str,
        found: str,
        todo: str,
        leads: int | None = None,
        severity: str = NOT_CHECKED,
    ) -> None:
        self._add(Finding(rule, severity, "", "", found, todo), one, leads)

    def _check_zones(self, one: Subject) -> None:
        """Note hours that are too long if they are those of one of several time zones."""
        if one.leads is None or not (apart := _zones_apart(one.leads.zones, self._today)):
            return
        for rule in self._rules.of(one.country):
            if rule.check == "hours" and rule.state is None and _is_outside_by(rule, one.fields, apart):
                hours = apart / timedelta(hours=1)
                text = (
                    f"leads are in time zones up to {hours:g} hours apart: if the hours are those of one of "
                    f"them, others are called outside of the hours of {rule.id}"
                )
                todo = "find out whose time the hours are, or choose hours that are right in all zones"
                self._add_other(one, SEVERAL_ZONES, text, todo, one.leads.total, WARNING)


def _is_outside_by(rule: Rule, fields: Mapping[str, Any], apart: timedelta) -> bool:
    """Return whether hours are as a rule says, but in other time zones are not."""
    try:
        return (
            found_by(rule, fields) is None and found_by(rule, _with_longer_hours(fields, apart)) is not None
        )
    except UnknownFieldError:
        return False


def _zones_apart(zones: Collection[str], day: date) -> timedelta:
    """Return the difference between the easternmost and the westernmost of IANA time zones on a day."""
    noon = datetime.combine(day, time(12))
    offsets = [ZoneInfo(zone).utcoffset(noon) or timedelta() for zone in zones]
    return max(offsets) - min(offsets) if offsets else timedelta()


def _with_longer_hours(fields: Mapping[str, Any], by: timedelta) -> dict[str, Any]:
    """Return a campaign's fields with hours that begin earlier and end later, within the day."""
    longer = dict(fields)
    for name in SCHEDULE_FIELDS:
        with suppress(ValueError):
            if (hours := read_day(str(fields.get(name)))) is not None:
                opens = max(0, minute_of(hours.opens) - by // _MINUTE)
                closes = min(_LAST_MINUTE, minute_of(hours.closes) + by // _MINUTE)
                longer[name] = raw_hours(opens, closes)
    return longer
