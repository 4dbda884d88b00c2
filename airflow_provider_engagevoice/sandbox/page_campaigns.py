"""What the page shows of an account: its totals, what is to come, and each campaign of its dial groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Final

from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.dialing import why_not_dialing
from airflow_provider_engagevoice.sandbox.leads.statistics import Counts, day_of
from airflow_provider_engagevoice.sandbox.page_markup import name_of, progress, table
from airflow_provider_engagevoice.sandbox.page_times import (
    Change,
    both,
    hours_of_today,
    local,
    next_change,
    until,
)
from airflow_provider_engagevoice.sandbox.settings import SandboxAccount
from airflow_provider_engagevoice.sandbox.validation import parse_date

_SHOWN_CHANGES: Final = 5
_COLUMNS: Final = (
    *("name", "status", "window", "done"),
    *("number", "few", "number", "few", "number", "number", "number"),
)
_HEAD: Final = (
    f"<colgroup>{''.join(f'<col class={name}-column>' for name in _COLUMNS)}</colgroup><thead><tr>"
    "<th scope=col rowspan=2>Campaign</th><th scope=col rowspan=2>Now</th>"
    "<th scope=col rowspan=2>Start and end</th><th scope=colgroup colspan=5>Leads</th>"
    "<th scope=colgroup colspan=3>Calls today</th></tr><tr><th scope=col>Worked off</th>"
    + "".join(
        f"<th scope=col class=number>{heading}</th>"
        for heading in ("Ready", "Pending", "Complete", "Other", "Made", "Answered", "Abandoned")
    )
    + "</tr></thead>"
)


@dataclass(frozen=True, slots=True)
class _Figures:
    """Leads by what has become of them, and the calls of the day."""

    leads: Counts
    calls: Counts

    @property
    def waiting(self) -> int:
        """Leads that are called, or will be."""
        return self.leads["READY"] + self.leads["PENDING"]

    @property
    def other(self) -> int:
        """Leads that are neither waiting nor complete, such as those not to be called."""
        return self.leads.total() - self.waiting - self.leads["COMPLETE"]

    @property
    def abandoned_percent(self) -> float | None:
        """Share of the answered calls for which there was no agent."""
        connects = self.calls["connects"]
        return 100 * self.calls["abandon"] / connects if connects else None


@dataclass(frozen=True, slots=True)
class _Campaign:
    """A campaign, as of now."""

    body: Mapping[str, Any]
    figures: _Figures
    reason: str | None
    change: Change | None

    @property
    def id(self) -> int:
        return int(self.body["campaignId"])


def account_section(backend: Backend, account: SandboxAccount, now: datetime) -> str:
    """Return the part of the page about one account."""
    states = backend.statistics.lead_states(account.account_id)
    days = backend.statistics.day(account.account_id, day_of(account, now))
    groups = [
        (group, list(_campaigns(backend, account, group, states, days, now)))
        for group in backend.store.dial_groups(account.account_id)
    ]
    everything = [campaign for _, campaigns in groups for campaign in campaigns]
    return "".join(
        (
            f"<h2>{name_of(account.name)} <span class=quiet>account {escape(account.account_id)},"
            f" {escape(account.time_zone)}</span></h2>",
            _totals(everything),
            _coming(everything, account, now),
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
) -> Iterator[_Campaign]:
    for body in backend.store.campaigns(account.account_id, group["dialGroupId"]):
        campaign_id = body["campaignId"]
        yield _Campaign(
            body,
            _Figures(states.get(campaign_id, Counter()), days.get(campaign_id, Counter())),
            why_not_dialing(body, group, account, now),
            next_change(body, group, account, now),
        )


def _totals(campaigns: list[_Campaign]) -> str:
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
        ("Answered", f"{calls['connects']:,}"),
        ("Abandoned", _percent(figures) or "0"),
    )
    tiles = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in shown)
    return f"<dl class=totals>{tiles}</dl>"


def _percent(figures: _Figures) -> str:
    percent = figures.abandoned_percent
    return "" if percent is None else f"{percent:.1f}%"


def _coming(campaigns: list[_Campaign], account: SandboxAccount, now: datetime) -> str:
    changes = [(one.change.at, one.change.verb, one.body) for one in campaigns if one.change is not None]
    changes.sort(key=lambda change: change[0])
    items = (
        f"<li><strong>{verb} {until(at, now)}</strong> {name_of(body['campaignName'])}"
        f" <span class='quiet when'>{escape(local(at, account))}</span></li>"
        for at, verb, body in changes[:_SHOWN_CHANGES]
    )
    shown = f"<ol class=coming>{''.join(items)}</ol>" if changes else "<p class=quiet>Nothing.</p>"
    more = len(changes) - _SHOWN_CHANGES
    rest = f"<p class=quiet>and {more} later</p>" if more > 0 else ""
    return f"<h3>Coming up</h3>{shown}{rest}"


def _group(
    backend: Backend,
    account: SandboxAccount,
    group: Mapping[str, Any],
    campaigns: list[_Campaign],
    now: datetime,
) -> str:
    name = group["dialGroupName"]
    inactive = "" if group["isActive"] else ", inactive"
    heading = (
        f"<h3>{name_of(name)} <span class=quiet>dial group {int(group['dialGroupId'])},"
        f" {escape(group['dialMode'])}{inactive}</span></h3>"
    )
    if not campaigns:
        return f"{heading}<p class=quiet>No campaigns.</p>"
    dials = backend.dialer.settings.rate > 0
    rows = (_row(campaign, account, now, dials) for campaign in campaigns)
    return heading + table("campaigns", _HEAD, rows, f"Campaigns of {name}")


def _row(campaign: _Campaign, account: SandboxAccount, now: datetime, dials: bool) -> str:
    body, figures = campaign.body, campaign.figures
    untouched = "" if figures.leads or figures.calls else " class=untouched"
    return (
        f'<tr id="campaign-{campaign.id}"{untouched}><th scope=row>{name_of(body["campaignName"])}'
        f" <span class='quiet small'>{campaign.id}</span></th>"
        f"<td class=status>{_status(campaign, account, now, dials)}</td>"
        f"<td class=window>{_window(campaign, account, now)}</td>"
        f"<td class=done>{_done(figures)}</td>{_numbers(body, figures)}</tr>"
    )


def _status(campaign: _Campaign, account: SandboxAccount, now: datetime, dials: bool) -> str:
    if campaign.reason is not None:
        state = f"<span class=state>{escape(campaign.reason)}</span>"
    elif dials and campaign.figures.waiting:
        state = "<span class='state go'>dialing</span>"
    else:
        why = "nobody left to call" if campaign.figures.leads else "no leads"
        state = f"<span class='state go'>open</span>, {why if dials else 'the dialer is off'}"
    if (change := campaign.change) is None:
        return state
    # The end stands in the next column.
    at = (
        ""
        if change.verb == "ends"
        else f"<span class='quiet small'>{escape(local(change.at, account))}</span>"
    )
    return f"{state} <span class=line>{change.verb} {until(change.at, now)} {at}</span>"


def _window(campaign: _Campaign, account: SandboxAccount, now: datetime) -> str:
    start, end = (parse_date(campaign.body[name]) for name in ("startDate", "endDate"))
    both_ends = f"{both(start, account)} {both(end, account)}"
    if end <= now:
        return both_ends
    return f"{both_ends} <span class='quiet small'>{hours_of_today(campaign.body, account, now)}</span>"


def _done(figures: _Figures) -> str:
    total = figures.leads.total()
    if not total:
        return "<span class=quiet>no leads</span>"
    done = total - figures.waiting
    # Rounded down: 100% is said when nobody is left.
    return f"{progress(done, total, 'Leads worked off')} {100 * done // total}% of {total:,}"


def _numbers(body: Mapping[str, Any], figures: _Figures) -> str:
    leads, calls = figures.leads, figures.calls
    shown = (
        ("Ready", leads["READY"]),
        ("Pending", leads["PENDING"]),
        ("Complete", leads["COMPLETE"]),
        ("Other", figures.other),
        ("Calls today", calls["calls"]),
        ("Answered", calls["connects"]),
        ("Abandoned", calls["abandon"]),
    )
    *most, (name, abandoned) = shown
    cells = [f'<td class=number data-label="{label}">{count:,}</td>' for label, count in most]
    target, percent = body["targetAbandonRate"], figures.abandoned_percent
    over = percent is not None and percent > target
    share = f" <span class='small{' bad' if over else ' quiet'}'>{_percent(figures)}"
    share += f"<br>over {target:g}%</span>" if over else "</span>"
    return "".join((*cells, f'<td class=number data-label="{name}">{abandoned:,}{share}</td>'))
