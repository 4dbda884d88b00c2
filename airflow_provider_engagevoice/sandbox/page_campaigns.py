"""The page's section on an account: totals, upcoming window changes, and campaigns by dial group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.dialing import (
    Rules,
    has_dates,
    why_not_dialing,
    why_not_in_window,
)
from airflow_provider_engagevoice.sandbox.leads.statistics import Counts, day_of
from airflow_provider_engagevoice.sandbox.page_markup import name_html, progress, table
from airflow_provider_engagevoice.sandbox.page_times import (
    WindowChange,
    hours_of_today,
    local_and_utc,
    local_time,
    next_change,
    time_until,
)
from airflow_provider_engagevoice.sandbox.settings import SandboxAccount
from airflow_provider_engagevoice.sandbox.validation import parse_date

_SHOWN_CHANGES: Final = 5
_COLUMNS: Final = (
    *("name", "status", "window", "progress"),
    *("number", "few", "number", "few", "number", "number", "number"),
)
_HEAD: Final = (
    f"<colgroup>{''.join(f'<col class={name}-column>' for name in _COLUMNS)}</colgroup><thead><tr>"
    "<th scope=col rowspan=2>Campaign</th><th scope=col rowspan=2>Status</th>"
    "<th scope=col rowspan=2>Window</th><th scope=colgroup colspan=5>Leads</th>"
    "<th scope=colgroup colspan=3>Calls today</th></tr><tr><th scope=col>Progress</th>"
    + "".join(
        f"<th scope=col class=number>{heading}</th>"
        for heading in ("Ready", "Pending", "Complete", "Other", "Dialed", "Connects", "Abandoned")
    )
    + "</tr></thead>"
)


@dataclass(frozen=True, slots=True)
class _Figures:
    """Leads by state, and the calls of the day."""

    leads: Counts
    calls: Counts

    @property
    def waiting(self) -> int:
        """Leads that are being called or can still be called."""
        return self.leads["READY"] + self.leads["PENDING"]

    @property
    def other(self) -> int:
        """Leads that are neither waiting nor complete, such as DO-NOT-CALL."""
        return self.leads.total() - self.waiting - self.leads["COMPLETE"]

    @property
    def abandoned_percent(self) -> float | None:
        """Percentage of answered calls for which no agent was available."""
        connects = self.calls["connects"]
        return 100 * self.calls["abandon"] / connects if connects else None


@dataclass(frozen=True, slots=True)
class _ShownCampaign:
    """A campaign with its current state."""

    body: Mapping[str, Any]
    figures: _Figures
    reason: str | None
    change: WindowChange | None
    hours: str | None
    """The dialing hours of the day, where nothing else keeps it from dialing."""

    @property
    def id(self) -> int:
        return int(self.body["campaignId"])


def account_section(backend: Backend, account: SandboxAccount, now: datetime) -> str:
    """Return the page's section on one account."""
    states = backend.statistics.lead_states(account.account_id)
    days = backend.statistics.day(account.account_id, day_of(account, now))
    groups = [
        (group, sorted(_campaigns(backend, account, group, states, days, now), key=_dials_first))
        for group in backend.store.dial_groups(account.account_id)
    ]
    # What dials now comes first.
    groups.sort(key=lambda group: not any(campaign.reason is None for campaign in group[1]))
    all_campaigns = [campaign for _, campaigns in groups for campaign in campaigns]
    return "".join(
        (
            f"<h2>{name_html(account.name)} <span class=quiet>account {escape(account.account_id)},"
            f" {escape(account.time_zone)}</span></h2>",
            _totals(all_campaigns),
            _upcoming(all_campaigns, account, now),
            *(_group(backend, account, group, campaigns, now) for group, campaigns in groups),
        )
    )


def _campaigns(
    backend: Backend,
    account: SandboxAccount,
    group: Mapping[str, Any],
    states: Mapping[int, Counts],
    days: Mapping[int, Counts],
    now: datetime,
) -> Iterator[_ShownCampaign]:
    rules = Rules.of(account, backend.dialect)
    for body in backend.store.campaigns(account.account_id, group["dialGroupId"]):
        campaign_id = body["campaignId"]
        yield _ShownCampaign(
            body,
            _Figures(states.get(campaign_id, Counter()), days.get(campaign_id, Counter())),
            why_not_dialing(body, group, rules, now),
            next_change(body, group, rules, now),
            hours_of_today(body, rules, now) if why_not_in_window(body, group, rules, now) is None else None,
        )


def _dials_first(campaign: _ShownCampaign) -> tuple[bool, bool]:
    """Return a sort key: campaigns that can dial now, of these the ones with leads, then the others."""
    return campaign.reason is not None, not campaign.figures.waiting


def _totals(campaigns: list[_ShownCampaign]) -> str:
    leads: Counts = Counter()
    calls: Counts = Counter()
    for campaign in campaigns:
        leads.update(campaign.figures.leads)
        calls.update(campaign.figures.calls)
    figures = _Figures(leads, calls)
    open_now = sum(campaign.reason is None for campaign in campaigns)
    shown = (
        ("Campaigns open", f"{open_now} of {len(campaigns)}"),
        ("Leads ready", f"{leads['READY']:,}"),
        ("Pending", f"{leads['PENDING']:,}"),
        ("Complete", f"{leads['COMPLETE']:,}"),
        ("Other", f"{figures.other:,}"),
        ("Calls today", f"{calls['calls']:,}"),
        ("Connects", f"{calls['connects']:,}"),
        ("Abandoned", _percent(figures) or "0"),
    )
    tiles = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in shown)
    return f"<dl class=totals>{tiles}</dl>"


def _percent(figures: _Figures) -> str:
    percent = figures.abandoned_percent
    return "" if percent is None else f"{percent:.1f}%"


def _upcoming(campaigns: list[_ShownCampaign], account: SandboxAccount, now: datetime) -> str:
    changes = [(one.change.at, one.change.verb, one.body) for one in campaigns if one.change is not None]
    changes.sort(key=lambda change: change[0])
    items = (
        f"<li><strong>{verb} {time_until(at, now)}</strong> {name_html(body['campaignName'])}"
        f" <span class='quiet when'>{escape(local_time(at, account))}</span></li>"
        for at, verb, body in changes[:_SHOWN_CHANGES]
    )
    shown = f"<ol class=upcoming>{''.join(items)}</ol>" if changes else "<p class=quiet>None.</p>"
    more = len(changes) - _SHOWN_CHANGES
    rest = f"<p class=quiet>and {more} more</p>" if more > 0 else ""
    return f"<h3>Upcoming</h3>{shown}{rest}"


def _group(
    backend: Backend,
    account: SandboxAccount,
    group: Mapping[str, Any],
    campaigns: list[_ShownCampaign],
    now: datetime,
) -> str:
    name = group["dialGroupName"]
    inactive = "" if group["isActive"] else ", inactive"
    heading = (
        f"<h3>{name_html(name)} <span class=quiet>dial group {int(group['dialGroupId'])},"
        f" {escape(group['dialMode'])}{inactive}</span></h3>"
    )
    if not campaigns:
        return f"{heading}<p class=quiet>No campaigns.</p>"
    dials = backend.dialer.settings.rate > 0
    rows = (_row(campaign, account, now, dials) for campaign in campaigns)
    return heading + table("campaigns", _HEAD, rows, f"Campaigns of {name}")


def _row(campaign: _ShownCampaign, account: SandboxAccount, now: datetime, dials: bool) -> str:
    body, figures = campaign.body, campaign.figures
    untouched = "" if figures.leads or figures.calls else " class=untouched"
    return (
        f'<tr id="campaign-{campaign.id}"{untouched}><th scope=row>{name_html(body["campaignName"])}'
        f" <span class='quiet small'>{campaign.id}</span></th>"
        f"<td class=status>{_status(campaign, account, now, dials)}</td>"
        f"<td class=window>{_window(campaign, account)}</td>"
        f"<td class=progress>{_progress(figures)}</td>{_numbers(body, figures)}</tr>"
    )


def _status(campaign: _ShownCampaign, account: SandboxAccount, now: datetime, dials: bool) -> str:
    if campaign.reason is not None:
        state = f"<span class=state>{escape(campaign.reason)}</span>"
    elif dials and campaign.figures.waiting:
        state = "<span class='state go'>dialing</span>"
    else:
        why = "no leads left" if campaign.figures.leads else "no leads"
        state = f"<span class='state go'>open</span>, {why if dials else 'dialer off'}"
    if (change := campaign.change) is None:
        return state
    # The next column shows the end.
    at = (
        ""
        if change.verb == "ends"
        else f"<span class='quiet small'>{escape(local_time(change.at, account))}</span>"
    )
    return f"{state} <span class=line>{change.verb} {time_until(change.at, now)} {at}</span>"


def _window(campaign: _ShownCampaign, account: SandboxAccount) -> str:
    if not has_dates(campaign.body):
        return "<span class=quiet>no dates</span>"
    start, end = (parse_date(campaign.body[name]) for name in ("startDate", "endDate"))
    dates = f"{local_and_utc(start, account)} {local_and_utc(end, account)}"
    return dates if campaign.hours is None else f"{dates} <span class='quiet small'>{campaign.hours}</span>"


def _progress(figures: _Figures) -> str:
    total = figures.leads.total()
    if not total:
        return "<span class=quiet>no leads</span>"
    done = total - figures.waiting
    # Rounded down, so that 100% means that no lead is waiting.
    return f"{progress(done, total, 'Lead progress')} {100 * done // total}% of {total:,}"


def _numbers(body: Mapping[str, Any], figures: _Figures) -> str:
    leads, calls = figures.leads, figures.calls
    shown = (
        ("Ready", leads["READY"]),
        ("Pending", leads["PENDING"]),
        ("Complete", leads["COMPLETE"]),
        ("Other", figures.other),
        ("Calls today", calls["calls"]),
        ("Connects", calls["connects"]),
        ("Abandoned", calls["abandon"]),
    )
    *most, (name, abandoned) = shown
    cells = [f'<td class=number data-label="{label}">{count:,}</td>' for label, count in most]
    target, percent = body["targetAbandonRate"], figures.abandoned_percent
    over = percent is not None and percent > target
    share = f" <span class='small{' bad' if over else ' quiet'}'>{_percent(figures)}"
    share += f"<br>over {target:g}%</span>" if over else "</span>"
    return "".join((*cells, f'<td class=number data-label="{name}">{abandoned:,}{share}</td>'))
