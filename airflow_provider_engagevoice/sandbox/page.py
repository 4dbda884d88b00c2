"""The page at ``/``: one HTML document without scripts or assets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import Final

from airflow_provider_engagevoice.sandbox.backend import Backend
from airflow_provider_engagevoice.sandbox.limits import Meter
from airflow_provider_engagevoice.sandbox.page_campaigns import account_section
from airflow_provider_engagevoice.sandbox.page_markup import STYLE, head_of, name_of, progress, table
from airflow_provider_engagevoice.sandbox.request_log import RequestRecord

_REFRESH_SECONDS: Final = 2
_SHOWN_REQUESTS: Final = 30


def _meters(backend: Backend) -> Iterator[tuple[str, Meter]]:
    yield "Sign-in and refresh", backend.exchange
    yield from backend.lead_meters.items()
    yield "Everything else", backend.provisioning


def _budget_row(name: str, meter: Meter) -> str:
    *shorter, longest = sorted(meter.budgets, key=lambda budget: budget.seconds)
    also = "".join(f", {budget.limit} in {budget.seconds:g} s" for budget in shorter)
    spent = meter.spent()
    lines = "".join(
        f"<span class=line>{progress(count, longest.limit, name)} {count} of {longest.limit}"
        + (f" <span class=quiet>by {escape(key)}</span>" if len(spent) > 1 else "")
        + "</span>"
        for key, count in (spent or {"": 0}).items()
    )
    return (
        f"<tr><th scope=row>{escape(name)}</th><td class=quiet>{longest.limit} in {longest.seconds:g} s{also}"
        f"</td><td class=spent>{lines}</td>"
        f"<td class='number refused'>{meter.refused:,}</td></tr>"
    )


def _budgets(backend: Backend) -> str:
    rows = (_budget_row(name, meter) for name, meter in _meters(backend))
    off = (
        ""
        if backend.settings.limits
        else "<p>The limits are off: requests are counted, and none is refused.</p>"
    )
    return f"<h2>Budgets</h2>{off}" + table(
        "budgets", head_of("Requests", "At most", "Spent", "#Refused"), rows, "Budgets"
    )


def _request_row(record: RequestRecord) -> str:
    came = datetime.fromtimestamp(record.time, UTC)
    fault = f" <span class=bad>fault: {escape(record.fault)}</span>" if record.fault else ""
    failed = " bad" if record.status is None or record.status >= 400 else ""
    status = "none" if record.status is None else record.status
    return (
        f"<tr><td>{came:%H:%M:%S}</td><td>{escape(record.method)}</td>"
        f"<td class=path><code>{escape(record.path)}</code>{fault}</td>"
        f"<td class='number{failed}'>{status}</td><td class=number>{record.ms:.1f} ms</td></tr>"
    )


def _requests(backend: Backend) -> str:
    records = backend.log.last(_SHOWN_REQUESTS)
    if not records:
        return "<h2>Last requests</h2><p class=quiet>None yet.</p>"
    head = head_of("UTC", "Method", "Path", "#Status", "#Took")
    return "<h2>Last requests</h2>" + table(
        "requests", head, map(_request_row, reversed(records)), "Last requests"
    )


def _dialer(backend: Backend) -> str:
    rate = backend.dialer.settings.rate
    return f"The dialer makes {rate:g} calls a second." if rate else "The dialer is off."


def render(backend: Backend) -> str:
    """Return the page as of now."""
    now = datetime.now(UTC)
    main = backend.settings.main_account
    accounts = "".join(account_section(backend, account, now) for account in backend.settings.accounts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # Without an address, a document that was opened at one of its campaigns would stay as it is.
        f'<meta http-equiv="refresh" content="{_REFRESH_SECONDS}; url=.">'
        # Without an icon browsers ask for one, and say that there is none.
        '<link rel="icon" href="data:,">'
        f"<title>Engage Voice sandbox</title><style>{STYLE}</style></head><body><main>"
        "<h1>Engage Voice sandbox</h1>"
        "<p class=notice>This is <strong>not the real RingCentral</strong>. Nothing here rings anybody.</p>"
        f"<p><strong>{_dialer(backend)}</strong> It is {now:%Y-%m-%d %H:%M:%S} UTC; the page renews itself"
        f" every {_REFRESH_SECONDS} seconds. <span class=quiet>Main account"
        f" {escape(main.account_id)}, {name_of(main.name)}.</span></p>"
        f"{accounts}{_budgets(backend)}{_requests(backend)}</main></body></html>"
    )
