"""The page at ``/``: one HTML document without scripts or assets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.dialing import CAMPAIGN_STATES, why_not_dialing
from airflow_provider_engagevoice.sandbox.leads.statistics import Counts, day_of
from airflow_provider_engagevoice.sandbox.request_log import RequestRecord
from airflow_provider_engagevoice.sandbox.settings import SandboxAccount
from airflow_provider_engagevoice.sandbox.validation import parse_date

_REFRESH_SECONDS: Final = 5
_SHOWN_REQUESTS: Final = 30
_HEADINGS: Final = (
    *("Id", "Campaign", "State", "Start", "End", "Now"),
    *("Ready", "Pending", "Complete", "Connects today", "Abandoned"),
)

_STYLE: Final = """
:root { color-scheme: light dark; --line: #d0d4da; --soft: #f3f5f7; --go: #116329; --warn: #7a4d00;
  --warn-back: #fff3d6; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3b424b; --soft: #1c2128; --go: #4ac26b; --warn: #ffd58a; --warn-back: #3a2c0c; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1rem 1.5rem 3rem; }
.notice { background: var(--warn-back); color: var(--warn); padding: .6rem 1rem; border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; margin: .3rem 0 1.2rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem .3rem 0;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
code, time { font-variant-numeric: tabular-nums; } .when { white-space: nowrap; }
h3 { margin: 1rem 0 0; } .quiet { opacity: .7; }
.scroll { overflow-x: auto; } :target { background: var(--soft); outline: 2px solid var(--go); }
.dialing { color: var(--go); font-weight: 600; }
"""


def _instant(text: str, account: SandboxAccount) -> str:
    instant = parse_date(text)
    local = instant.astimezone(ZoneInfo(account.time_zone))
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC<br><span class=quiet>{local:%Y-%m-%d %H:%M:%S %Z}</span>"


def _table(headings: Iterable[str], rows: Iterable[str]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    return f"<div class=scroll><table><tr>{head}</tr>{''.join(rows)}</table></div>"


def _campaign_row(
    campaign: Mapping[str, Any],
    group: Mapping[str, Any],
    account: SandboxAccount,
    now: datetime,
    states: Counts,
    day: Counts,
) -> str:
    reason = why_not_dialing(campaign, group, account, now)
    dials = "<span class=dialing>would dial</span>" if reason is None else f"no: {escape(reason)}"
    campaign_id = int(campaign["campaignId"])
    return (
        f'<tr id="campaign-{campaign_id}"><td><code>{campaign_id}</code></td>'
        f"<td>{escape(campaign['campaignName'])}</td><td>{CAMPAIGN_STATES[campaign['isActive']]}</td>"
        f"<td class=when>{_instant(campaign['startDate'], account)}</td>"
        f"<td class=when>{_instant(campaign['endDate'], account)}</td>"
        f"<td>{dials}</td>{_lead_cells(states, day)}</tr>"
    )


def _lead_cells(states: Counts, day: Counts) -> str:
    connects, abandoned = day["connects"], day["abandon"]
    rate = f"{abandoned / connects:.1%}" if connects else ""
    shown = (states["READY"], states["PENDING"], states["COMPLETE"], connects)
    return "".join(f"<td class=number>{cell}</td>" for cell in (*(f"{one:,}" for one in shown), rate))


def _account_section(backend: Backend, account: SandboxAccount, now: datetime) -> str:
    parts = [
        f"<h2>{escape(account.name)} <span class=quiet>account <code>{escape(account.account_id)}</code>,"
        f" {escape(account.time_zone)}</span></h2>"
    ]
    states = backend.statistics.lead_states(account.account_id)
    days = backend.statistics.day(account.account_id, day_of(account, now))
    for group in backend.store.dial_groups(account.account_id):
        campaigns = backend.store.campaigns(account.account_id, group["dialGroupId"])
        state = "" if group["isActive"] else ", inactive"
        parts.append(
            f"<h3>{escape(group['dialGroupName'])} <span class=quiet>dial group"
            f" <code>{int(group['dialGroupId'])}</code>, {escape(group['dialMode'])}{state}</span></h3>"
        )
        rows = [
            _campaign_row(
                campaign,
                group,
                account,
                now,
                states.get(campaign["campaignId"], Counter()),
                days.get(campaign["campaignId"], Counter()),
            )
            for campaign in campaigns
        ]
        parts.append(_table(_HEADINGS, rows) if rows else "<p class=quiet>No campaigns.</p>")
    return "".join(parts)


def _request_row(record: RequestRecord) -> str:
    came = datetime.fromtimestamp(record.time, UTC)
    fault = f" <span class=quiet>fault: {escape(record.fault)}</span>" if record.fault else ""
    status = "none" if record.status is None else record.status
    return (
        f"<tr><td><time>{came:%H:%M:%S}</time></td><td>{escape(record.method)}</td>"
        f"<td><code>{escape(record.path)}</code>{fault}</td><td class=number>{status}</td>"
        f"<td class=number>{record.ms:.1f}</td></tr>"
    )


def _dialer(backend: Backend) -> str:
    rate = backend.dialer.settings.rate
    return f"The dialer makes {rate:g} calls a second." if rate else "The dialer is off."


def render(backend: Backend) -> str:
    """Return the page as of now."""
    now = datetime.now(UTC)
    main = backend.settings.main_account
    accounts = "".join(_account_section(backend, account, now) for account in backend.settings.accounts)
    records = reversed(backend.log.last(_SHOWN_REQUESTS))
    requests = _table(("UTC", "Method", "Path", "Status", "ms"), map(_request_row, records))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="{_REFRESH_SECONDS}">'
        f"<title>Engage Voice sandbox</title><style>{_STYLE}</style></head><body>"
        "<h1>Engage Voice sandbox</h1>"
        "<p class=notice>This is <strong>not the real RingCentral</strong>. Nothing here rings anybody.</p>"
        f"<p>{escape(main.name)} <span class=quiet>main account <code>{escape(main.account_id)}</code>"
        f"</span>. It is {now:%Y-%m-%d %H:%M:%S} UTC;"
        f" the page renews itself every {_REFRESH_SECONDS} seconds. {_dialer(backend)}</p>"
        f"{accounts}<h2>Last requests</h2>{requests}</body></html>"
    )
