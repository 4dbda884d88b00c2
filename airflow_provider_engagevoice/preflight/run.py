"""Check campaigns against the rules of where they call."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from airflow_provider_engagevoice.preflight.checks import UnknownFieldError, found_by, what_to_do
from airflow_provider_engagevoice.preflight.findings import NOT_CHECKED, WARNING, Finding
from airflow_provider_engagevoice.preflight.rules import MAX_AGE_DAYS, Rule, Rules
from airflow_provider_engagevoice.preflight.subjects import Subject

#: Ids of findings that are about no single rule.
OUTDATED, NO_RULES, NO_STATE = "rules-outdated", "no-rules", "no-state"


@dataclass(slots=True)
class _Notes:
    """Findings that say the same are one, with the names of their campaigns."""

    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)

    def add(self, found: Finding, name: str) -> None:
        known = self.findings.setdefault((found.rule, found.severity, found.found), found)
        known.campaigns.append(name)


def check_campaigns(subjects: Sequence[Subject], rules: Rules, today: date) -> list[Finding]:
    """Return what is found in campaigns, in the order of the rules."""
    notes = _Notes()
    if (age := today - rules.as_of) > timedelta(days=MAX_AGE_DAYS):
        text = f"the rules were read {age.days} days ago, more than {MAX_AGE_DAYS}"
        todo = "read the sources again, and pass rules with as_of"
        notes.findings[OUTDATED, "", ""] = Finding(
            OUTDATED, WARNING, "the file of rules", rules.as_of.isoformat(), text, todo
        )
    for rule in rules.rows:
        for one in subjects:
            if one.country == rule.country and (rule.state is None or rule.state in one.states):
                _check(rule, one, notes)
    for one in subjects:
        for found in _not_checked(one, rules.of(one.country)):
            notes.add(found, one.name)
    return list(notes.findings.values())


def _check(rule: Rule, one: Subject, notes: _Notes) -> None:
    try:
        found = found_by(rule, one.fields)
    except UnknownFieldError as error:
        todo = f"set {error.field}, or check again when the campaign has it"
        notes.add(_of(rule, NOT_CHECKED, f"{error.field} is not known", todo), one.name)
        return
    if found is not None:
        text = f"{rule.text} Found: {found}"
        notes.add(_of(rule, rule.effective_severity, text, what_to_do(rule)), one.name)


def _of(rule: Rule, severity: str, found: str, todo: str) -> Finding:
    return Finding(rule.id, severity, rule.source, rule.as_of.isoformat(), found, todo)


def _not_checked(one: Subject, rules: Collection[Rule]) -> Iterator[Finding]:
    """Yield what no rule says anything about."""
    if not rules:
        where = f"country {one.country}" if one.country else "an unknown country"
        yield _nothing(NO_RULES, f"there are no rules for {where}", "ask who knows its law, and add rows")
        return
    with_rules = {rule.state for rule in rules if rule.state}
    if not with_rules:
        return
    if not one.states:
        text = f"the state is not known, so the rules of {', '.join(sorted(with_rules))} were not applied"
        yield _nothing(NO_STATE, text, "state it, or check with the list of leads")
    elif missing := sorted(one.states - with_rules):
        text = f"there are no rules for {', '.join(missing)} of {one.country}, only those of the country"
        yield _nothing(NO_RULES, text, "ask who knows its law, and add rows")


def _nothing(rule: str, found: str, todo: str) -> Finding:
    return Finding(rule, NOT_CHECKED, "", "", found, todo)
