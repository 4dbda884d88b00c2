"""The page at ``/``: one HTML document without scripts or assets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import Final

from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.connection import connection_json
from airflow_provider_engagevoice.sandbox.limits import Meter
from airflow_provider_engagevoice.sandbox.page_campaigns import account_section
from airflow_provider_engagevoice.sandbox.page_markup import STYLE, name_html, progress, table, table_head
from airflow_provider_engagevoice.sandbox.request_log import RequestRecord

_REFRESH_SECONDS: Final = 2
_SHOWN_REQUESTS: Final = 30


def _meters(backend: Backend) -> Iterator[tuple[str, Meter]]:
    yield "Sign-in and refresh", backend.exchange
    yield from backend.lead_meters.items()
    yield "All other requests", backend.provisioning


def _limit_row(name: str, meter: Meter) -> str:
    *shorter, longest = sorted(meter.budgets, key=lambda budget: budget.seconds)
    shorter_windows = "".join(f", {budget.limit} in {budget.seconds:g} s" for budget in shorter)
    used = meter.used()
    lines = "".join(
        f"<span class=line>{progress(count, longest.limit, name)} {count} of {longest.limit}"
        + (f" <span class=quiet>account {escape(key)}</span>" if len(used) > 1 else "")
        + "</span>"
        for key, count in (used or {"": 0}).items()
    )
    return (
        f"<tr><th scope=row>{escape(name)}</th>"
        f"<td class=quiet>{longest.limit} in {longest.seconds:g} s{shorter_windows}</td>"
        f"<td class=used>{lines}</td>"
        f"<td class='number rejected'>{meter.refused:,}</td></tr>"
    )


def _rate_limits(backend: Backend) -> str:
    rows = (_limit_row(name, meter) for name, meter in _meters(backend))
    off = "" if backend.settings.limits else "<p>Rate limits are not enforced; requests are only counted.</p>"
    head = table_head("Endpoint", "Limit", "Used", "#Rejected")
    return f"<h2>Rate limits</h2>{off}" + table("limits", head, rows, "Rate limits")


def _request_row(record: RequestRecord) -> str:
    received = datetime.fromtimestamp(record.time, UTC)
    fault = f" <span class=bad>fault: {escape(record.fault)}</span>" if record.fault else ""
    failed = " bad" if record.status is None or record.status >= 400 else ""
    status = "none" if record.status is None else record.status
    return (
        f"<tr><td>{received:%H:%M:%S}</td><td>{escape(record.method)}</td>"
        f"<td class=path><code>{escape(record.path)}</code>{fault}</td>"
        f"<td class='number{failed}'>{status}</td><td class=number>{record.ms:.1f} ms</td></tr>"
    )


def _requests(backend: Backend) -> str:
    records = backend.log.last(_SHOWN_REQUESTS)
    if not records:
        return "<h2>Recent requests</h2><p class=quiet>None.</p>"
    head = table_head("Time (UTC)", "Method", "Path", "#Status", "#Duration")
    return "<h2>Recent requests</h2>" + table(
        "requests", head, map(_request_row, reversed(records)), "Recent requests"
    )


def _dialer_state(backend: Backend) -> str:
    rate = backend.dialer.settings.rate
    return f"The dialer simulates {rate:g} calls per second." if rate else "The dialer is off."


def _connection(backend: Backend, url: str) -> str:
    shown = escape(connection_json(backend.settings, url))
    return (
        f'<p class=connection><label>Connection for Airflow <input readonly value="{shown}"></label>'
        # Unlike navigator.clipboard, this also works where the page is not on this machine.
        "<button type=button onclick=\"this.parentElement.querySelector('input').select();"
        " if (document.execCommand('copy')) this.textContent = 'Copied'\">Copy</button></p>"
    )


def render(backend: Backend, url: str) -> str:
    """Return the current page.

    :param url: base URL at which it is shown
    """
    now = datetime.now(UTC)
    main = backend.settings.main_account
    accounts = "".join(account_section(backend, account, now) for account in backend.settings.accounts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # Without a URL, a page opened at a campaign's anchor would not be refreshed.
        f'<meta http-equiv="refresh" content="{_REFRESH_SECONDS}; url=.">'
        # Without an icon, browsers request one and log an error.
        '<link rel="icon" href="data:,">'
        f"<title>Engage Voice sandbox</title><style>{STYLE}</style></head><body><main>"
        "<h1>Engage Voice sandbox</h1>"
        "<p class=notice>This is <strong>not the real RingCentral</strong>. It places no real calls.</p>"
        f"<p><strong>{_dialer_state(backend)}</strong> {now:%Y-%m-%d %H:%M:%S} UTC; refreshed"
        f" every {_REFRESH_SECONDS} seconds. <span class=quiet>Main account"
        f" {escape(main.account_id)}, {name_html(main.name)}.</span></p>"
        f"{_connection(backend, url)}{accounts}{_rate_limits(backend)}{_requests(backend)}"
        "</main></body></html>"
    )
