"""What a preflight has found, as data that is written to files and shown to people."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from airflow_provider_engagevoice.exceptions import EngageVoiceError

# One line each, or the API reference does not find them.
ERROR = "error"
WARNING = "warning"
NOT_CHECKED = "not checked"
SEVERITIES = (ERROR, WARNING, NOT_CHECKED)
#: Campaigns that a line for people names.
_SHOWN = 5

_NOTE = (
    "These compare settings with numbers that laws state. They are no legal advice, and what is not listed "
    "here was not examined. The hours of a campaign are read as the called person's own time; the vendor "
    "does not say whose time they are."
)


@dataclass(slots=True)
class Finding:
    """One thing that a preflight has found.

    :param rule: id of the rule
    :param severity: ``error``, ``warning`` or ``not checked``
    :param source: where the rule is written
    :param as_of: day on which the source was read, ISO 8601
    :param found: what the campaigns have
    :param what_to_do: what would settle it
    :param campaigns: names, with those of their dial groups
    :param leads: how many leads of the list it is about; None without a list
    """

    rule: str
    severity: str
    source: str
    as_of: str
    found: str
    what_to_do: str
    campaigns: list[str] = field(default_factory=list)
    leads: int | None = None


class FindingsError(EngageVoiceError):
    """A preflight has found errors that were not accepted."""


def check_accepted(findings: Iterable[Finding], accepted: Collection[str]) -> None:
    """Check that all errors are accepted.

    :param accepted: ids of rules
    :raises FindingsError: with those that are not
    """
    left = [one for one in findings if one.severity == ERROR and one.rule not in accepted]
    if left:
        lines = "\n".join(line(one) for one in left)
        rules = sorted({one.rule for one in left})
        raise FindingsError(
            f"the preflight has found errors; correct them, or accept them with accept_findings={rules!r}:"
            f"\n{lines}"
        )


def counts(findings: Collection[Finding]) -> dict[str, int]:
    """Return how many findings there are of each severity."""
    return {severity: sum(one.severity == severity for one in findings) for severity in SEVERITIES}


def line(finding: Finding) -> str:
    """Return a finding as a line of text."""
    leads = f"; leads: {finding.leads:,}" if finding.leads is not None else ""
    about = f" ({_about(finding)}{leads})" if finding.campaigns else ""
    return f"{finding.severity}: {finding.rule}: {finding.found}{about}; {finding.what_to_do}"


def table(findings: Collection[Finding]) -> list[str]:
    """Return findings as lines of text, errors first; what was not checked is one line."""
    lines = [line(one) for one in _sorted(findings) if one.severity != NOT_CHECKED]
    left = dict.fromkeys(one.rule for one in findings if one.severity == NOT_CHECKED)
    return [*lines, f"{NOT_CHECKED}: {', '.join(left)}"] if left else lines


def markdown(findings: Collection[Finding]) -> list[str]:
    """Return findings as lines of Markdown, errors first; none if there are no findings."""
    if not findings:
        return []
    lines = ["## Findings", "", _NOTE]
    if found := [one for one in _sorted(findings) if one.severity != NOT_CHECKED]:
        lines += [
            "",
            "| severity | rule | found | campaigns | leads | what to do | source |",
            f"|{'---|' * 7}",
        ]
        lines += [f"| {' | '.join(map(cell, _cells(one)))} |" for one in found]
    if left := [one for one in findings if one.severity == NOT_CHECKED]:
        lines += ["", "Not checked:", ""]
        lines += [f"- {cell(f'{one.rule}: {one.found} ({_about(one)}); {one.what_to_do}')}" for one in left]
    return lines


def _cells(one: Finding) -> tuple[str, ...]:
    leads = "" if one.leads is None else f"{one.leads:,}"
    source = f"{one.source} (read {one.as_of})" if one.source else ""
    return one.severity, one.rule, one.found, _about(one), leads, one.what_to_do, source


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: SEVERITIES.index(one.severity))


def _about(finding: Finding) -> str:
    names = finding.campaigns
    return f"{len(names)} campaigns, such as {names[0]}" if len(names) > _SHOWN else ", ".join(names)


def cell(text: str) -> str:
    """Return text as it is written in a table of Markdown."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
