"""The page in a real browser, during a rollout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.dialects import DEFAULT
from airflow_provider_engagevoice.sandbox.leads.statistics import day_of
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import (
    DEFAULT_ACCOUNT,
    LEAD_BUDGETS,
    SEARCH,
    Budget,
    SandboxSettings,
)
from airflow_provider_engagevoice.sandbox.validation import format_date
from tests.integration.sandbox.conftest import ALL_DAY, API, LOAD_OPTIONS, api_client
from tests.support.browser import Browser, Page, browser
from tests.support.services import missing_programs

pytestmark = [
    pytest.mark.skipif("chromium" in missing_programs(), reason="chromium is not installed"),
    pytest.mark.slow,
]

WIDE, NARROW, NARROWEST = 1280, 390, 320
CLOSED = dict.fromkeys(ALL_DAY, "00000000")
FIGURES = ("Progress", "Ready", "Pending", "Complete", "Other", "Dialed", "Connects", "Abandoned")
HOSTILE = "<b>Winter</b> \"sale\" onclick='x' & <img src=http://203.0.113.1/x onerror=alert(1)>"
LONG = "Renewals" * 31
ARABIC = "عروض نهاية السنة 2026"
EMOJI = "🎄 Holiday 🎁 Renewals 👩‍👩‍👧"


@dataclass
class Rollouts:
    """A sandbox with campaigns, created with its API.

    :ivar ids: campaign ids by name
    """

    sandbox: SandboxServer
    api: httpx.Client
    ids: dict[str, int] = field(default_factory=dict)

    def create(
        self,
        name: str,
        start: timedelta,
        end: timedelta,
        group: int = seed.MY_NEW_DIAL_GROUP_ID,
        **fields: Any,
    ) -> None:
        """Create a campaign with its start and end relative to now."""
        now = datetime.now(UTC)
        body = {
            "campaignName": name,
            "startDate": format_date(now + start),
            "endDate": format_date(now + end),
            "callerId": "4155550123",
            "isActive": 1,
            **ALL_DAY,
            **fields,
        }
        response = self.api.post(f"/dialGroups/{group}/campaigns", json=body)
        assert response.status_code == 200, response.text
        self.ids[name] = response.json()["campaignId"]

    def load(self, name: str, count: int) -> None:
        """Load leads into a campaign."""
        leads = [{"externId": str(n), "leadPhone": str(4_155_550_000 + n)} for n in range(count)]
        path = f"/campaigns/{self.ids[name]}/leadLoader/direct"
        response = self.api.post(path, json={**LOAD_OPTIONS, "uploadLeads": leads})
        assert response.json()["leadsInserted"] == count

    def open_in(self, name: str, delay: timedelta) -> None:
        """Set a campaign's start, relative to now."""
        path = f"/dialGroups/{seed.MY_NEW_DIAL_GROUP_ID}/campaigns/{self.ids[name]}"
        body = {**self.api.get(path).json(), "startDate": format_date(datetime.now(UTC) + delay)}
        assert self.api.put(path, json=body).status_code == 200

    def row(self, name: str) -> str:
        """Return JavaScript for a campaign's row: the text of its cells by column heading."""
        return f"""(() => {{
            const row = document.getElementById('campaign-{self.ids[name]}');
            const [upper, lower] = row.closest('table').tHead.rows;
            const heads = [...[...upper.cells].filter(one => one.rowSpan == 2), ...lower.cells];
            return Object.fromEntries(heads.map((one, n) => [one.innerText, row.cells[n].innerText.trim()]));
        }})()"""


@contextmanager
def rollouts(**settings: Any) -> Iterator[Rollouts]:
    with (
        SandboxServer(
            SandboxSettings(dialect=replace(DEFAULT, create_state="as sent"), **settings)
        ) as sandbox,
        api_client(sandbox) as api,
    ):
        yield Rollouts(sandbox, api)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    """A tab that must log no errors and send no requests except to loopback."""
    with chromium.page() as page:
        page.resize(WIDE)
        yield page
        assert page.errors == []
        assert page.requested
        assert [url for url in page.requested if not url.startswith("http://127.0.0.1:")] == []


@pytest.fixture(scope="module")
def season() -> Iterator[Rollouts]:
    """Campaigns in every state, some with problematic names; the dialer is off."""
    ago, day = timedelta(days=-1), timedelta(days=1)
    with rollouts() as rollout:
        rollout.ids["Holiday Renewals 2025"] = seed.HOLIDAY_RENEWALS_2025_ID
        rollout.create("Renewals", ago, 2.5 * day)
        rollout.load("Renewals", 40)
        rollout.create("Spring", 2.5 * day, 9 * day)
        rollout.create("Paused", ago, day, isActive=0)
        rollout.create(HOSTILE, ago, day, **CLOSED)
        rollout.create(LONG, ago, 2.5 * day, seed.WINBACK_ID)
        rollout.create(ARABIC, ago, 2.5 * day, seed.WINBACK_ID)
        rollout.create(EMOJI, 3.5 * day, 4 * day, seed.WINBACK_ID)
        large = {"calls": 12_345_678, "connects": 7_654_321, "abandon": 1_234_567}
        today = day_of(DEFAULT_ACCOUNT, datetime.now(UTC))
        rollout.sandbox.backend.statistics.count(rollout.ids[LONG], today, large)
        rollout.sandbox.add_fault("drop_answer", path="/dialGroups$")
        with pytest.raises(httpx.RemoteProtocolError):
            rollout.api.get("/dialGroups")
        yield rollout


def test_page_follows_a_rollout(tab: Page) -> None:
    with rollouts() as rollout:
        rollout.create("Renewals", timedelta(days=2.5), timedelta(days=3.5))
        rollout.load("Renewals", 300)
        row = rollout.row("Renewals")
        tab.open(rollout.sandbox.url)
        assert "The dialer is off." in tab.evaluate("document.body.innerText")
        before = tab.evaluate(row)
        assert before["Status"].startswith("not started\nopens in 2 days")
        assert {name: before[name] for name in FIGURES} == dict(
            zip(FIGURES, ("0% of 300", "300", *["0"] * 6), strict=True)
        )
        # From here on the page refreshes on its own.
        rollout.open_in("Renewals", timedelta(seconds=1))
        rollout.sandbox.set_dialer(rate=20, abandon_share=0.25, minute_seconds=0)
        tab.wait_until(f"{row}.Status.startsWith('dialing\\nends in ')")
        tab.wait_until(f"+{row}.Complete > 0 && +{row}.Ready > 0 && +{row}.Pending > 0")
        assert "The dialer simulates 20 calls per second." in tab.evaluate("document.body.innerText")
        rollout.sandbox.set_dialer(rate=5_000)
        tab.wait_until(f"{row}.Progress === '100% of 300'")
        after = tab.evaluate(row)
        actual = next(
            one
            for one in rollout.api.get("/realTimeData/outbound").json()
            if one["campaignId"] == rollout.ids["Renewals"]
        )
        assert after["Status"].startswith("open, no leads left\nends in ")
        shown = [after[name] for name in ("Ready", "Pending", "Complete", "Other", "Connects")]
        assert shown == [str(actual[name]) for name in ("ready", "pending", "complete", "other", "connects")]
        calls = sum(
            actual[name] for name in ("answer", "noanswer", "machine", "busy", "abandon", "intercept")
        )
        assert int(after["Dialed"]) >= calls > 300
        assert (
            after["Abandoned"]
            == f"{actual['abandon']}\n{actual['abandon'] / actual['connects']:.1%}\nover 3%"
        )
        totals = tab.evaluate(
            "Object.fromEntries([...document.querySelectorAll('.totals div')].map("
            "one => [one.querySelector('dt').innerText, one.querySelector('dd').innerText]))"
        )
        assert (totals["Complete"], totals["Calls today"]) == (after["Complete"], after["Dialed"])


def test_page_shows_states_and_upcoming_changes(tab: Page, season: Rollouts) -> None:
    tab.open(season.sandbox.url)
    shown = {name: tab.evaluate(season.row(name)) for name in season.ids}
    states = {name: row["Status"].split("\n")[:2] for name, row in shown.items()}
    assert states == {
        "Holiday Renewals 2025": ["ended"],
        "Renewals": ["open, dialer off", "ends in 2 days"],
        "Spring": ["not started", "opens in 2 days"],
        "Paused": ["inactive"],
        HOSTILE: ["closed today"],
        LONG: ["open, dialer off", "ends in 2 days"],
        ARABIC: ["open, dialer off", "ends in 2 days"],
        EMOJI: ["not started", "opens in 3 days"],
    }
    for name, row in shown.items():
        assert row["Campaign"] == f"{name}\n{season.ids[name]}"
    upcoming = tab.evaluate("[...document.querySelectorAll('.upcoming bdi')].map(one => one.innerText)")
    assert sorted(upcoming) == sorted(["Renewals", "Spring", LONG, ARABIC, EMOJI])
    assert upcoming[-1] == EMOJI
    assert shown["Holiday Renewals 2025"]["Window"] == (
        "2025-11-01 00:00 PDT\n2025-11-01 07:00 UTC\n2026-01-01 00:00 PST\n2026-01-01 08:00 UTC"
    )
    text_direction = "one => [one.innerText, getComputedStyle(one).direction]"
    directions = dict(tab.evaluate(f"[...document.querySelectorAll('tbody bdi')].map({text_direction})"))
    assert [name for name, direction in directions.items() if direction == "rtl"] == [ARABIC]


def test_recent_requests_and_rate_limits(tab: Page) -> None:
    with rollouts(lead_budgets={**LEAD_BUDGETS, SEARCH: (Budget(4, 10), Budget(3, 60))}) as rollout:
        for _ in range(3):
            rollout.api.post("/campaignLeads/leadSearch", json={})
        rollout.api.get("/dialGroups/1")
        tab.open(rollout.sandbox.url)
        table = (
            "[...document.querySelectorAll('.{} tbody tr')]"
            ".map(row => [...row.cells].map(one => one.innerText.trim()))"
        )
        limits = {name: rest for name, *rest in tab.evaluate(table.format("limits"))}
        assert limits["leadSearch"] == ["3 in 60 s, 4 in 10 s", "3 of 3", "0"]
        assert limits["realTimeData"] == ["120 in 60 s", "0 of 120", "0"]
        assert limits["All other requests"][1] == "1 of 120"
        assert len(limits) == 2 + len(LEAD_BUDGETS)
        rollout.api.post("/campaignLeads/leadSearch", json={})
        used = f"Object.fromEntries({table.format('limits')}.map(row => [row[0], row.slice(2).join()]))"
        tab.wait_until(f"{used}.leadSearch === '3 of 3,1'")
        recent = [
            (method, path, status) for _, method, path, status, _ in tab.evaluate(table.format("requests"))
        ]
        search = f"{API}/campaignLeads/leadSearch"
        assert recent == [
            ("POST", search, "429"),
            ("GET", f"{API}/dialGroups/1", "404"),
            *[("POST", search, "200")] * 3,
        ]


OVERFLOWING = """[...document.querySelectorAll('body *')].filter(one => {
    const style = getComputedStyle(one), hidden = one.closest('thead, colgroup');
    if (hidden && getComputedStyle(hidden).position === 'absolute') return false;
    const box = one.getBoundingClientRect();
    // The text of an input scrolls.
    const scrolls = style.display === 'inline' || one.tagName === 'INPUT';
    const spills = !scrolls && one.scrollWidth > one.clientWidth + 1;
    return box.right > WIDTH || box.left < 0 || spills;
}).map(one => one.outerHTML.slice(0, 200))"""


#: Texts of the tiles of which a word is broken in two.
BROKEN = """[...document.querySelectorAll('.totals dt, .totals dd')].filter(one => {
    const text = one.firstChild, range = document.createRange();
    return [...text.data.matchAll(/\\S+/g)].some(word => {
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        return range.getClientRects().length !== 1;
    });
}).map(one => one.innerText)"""


@pytest.mark.parametrize("width", [NARROW, NARROWEST])
def test_tiles_fit_a_phone(tab: Page, season: Rollouts, width: int) -> None:
    tab.resize(width)
    tab.open(season.sandbox.url)
    assert tab.evaluate("document.querySelectorAll('.totals div').length") == 8
    assert tab.evaluate(BROKEN) == []
    assert tab.evaluate("document.querySelector('.totals').offsetHeight") < 250


def test_copy_button(tab: Page, season: Rollouts) -> None:
    tab.open(season.sandbox.url)
    tab.call("Page.bringToFront")
    box = tab.evaluate(
        "(({x, y, width, height}) => [x + width / 2, y + height / 2])"
        "(document.querySelector('.connection button').getBoundingClientRect())"
    )
    for kind in ("mousePressed", "mouseReleased"):
        tab.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)
    assert tab.evaluate("document.querySelector('.connection button').innerText") == "Copied"
    tab.call("Browser.grantPermissions", permissions=["clipboardReadWrite"], origin=season.sandbox.url)
    read = {"expression": "navigator.clipboard.readText()", "awaitPromise": True, "returnByValue": True}
    copied = json.loads(tab.call("Runtime.evaluate", **read)["result"]["value"])
    assert copied["conn_type"] == "engagevoice"
    assert copied["extra"]["rc_server"] == season.sandbox.url


@pytest.mark.parametrize("width", [WIDE, 1000, NARROW, NARROWEST])
def test_nothing_overflows(tab: Page, season: Rollouts, width: int) -> None:
    tab.resize(width)
    tab.open(season.sandbox.url)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(OVERFLOWING.replace("WIDTH", str(width))) == []


READABILITY = """(() => {
    const parts = color => color.match(/[\\d.]+/g).map(Number);
    const over = ([r, g, b, a = 1], below) => [r, g, b].map((one, n) => one * a + below[n] * (1 - a));
    const bright = color => color.map(one => one / 255)
        .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
        .reduce((sum, one, n) => sum + one * [0.2126, 0.7152, 0.0722][n], 0);
    const back = one => one === null ? [255, 255, 255]
        : over(parts(getComputedStyle(one).backgroundColor), back(one.parentElement));
    const opacity = one => one === null ? 1 : getComputedStyle(one).opacity * opacity(one.parentElement);
    const contrast = (one, style) => {
        const [r, g, b, a = 1] = parts(style.color), behind = back(one);
        const text = bright(over([r, g, b, a * opacity(one)], behind)), ground = bright(behind);
        return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
    };
    const found = [];
    for (const one of document.querySelectorAll('body, body *')) {
        if ([...one.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim()))
            found.push([contrast(one, getComputedStyle(one)), one.outerHTML]);
        for (const part of ['::before', '::after']) {
            const style = getComputedStyle(one, part);
            if (!['none', 'normal'].includes(style.content))
                found.push([contrast(one, style), part + one.outerHTML]);
        }
    }
    const poor = found.filter(([ratio]) => !(ratio >= 4.5)).map(one => one.join(' ').slice(0, 200));
    return {texts: found.length, poor, page: bright(back(document.body))};
})()"""


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("scheme", "is_bright"), [("light", True), ("dark", False)])
def test_text_is_readable(tab: Page, season: Rollouts, scheme: str, is_bright: bool, width: int) -> None:
    tab.resize(width)
    tab.prefer(scheme)
    tab.open(f"{season.sandbox.url}/#campaign-{season.ids[LONG]}")
    result = tab.evaluate(READABILITY)
    assert result["poor"] == []
    assert result["texts"] > 200
    assert (result["page"] > 0.5) == is_bright


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_structure(tab: Page, season: Rollouts, width: int) -> None:
    tab.resize(width)
    tab.open(season.sandbox.url)
    assert tab.evaluate("[document.title, document.documentElement.lang]") == ["Engage Voice sandbox", "en"]
    levels = tab.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(one => +one.tagName[1])"
    )
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(level <= before + 1 for before, level in pairwise(levels))
    assert tab.evaluate("document.querySelectorAll('th:not([scope])').length") == 0
    assert tab.evaluate("document.scripts.length") == 0
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]

    def names(role: str) -> list[str]:
        return [one["name"]["value"] for one in nodes if one.get("role", {}).get("value") == role]

    assert names("table") == [
        *(f"Campaigns of {group}" for group in ("My New Dial Group", "Winback", "Outbound Renewals")),
        *("Rate limits", "Recent requests"),
    ]
    assert {"Campaign", "Ready", "Pending", "Complete", "Calls today", "Used", "Status", "Method"} <= set(
        names("columnheader")
    )
    assert f"{ARABIC} {season.ids[ARABIC]}" in names("rowheader")
    assert names("progressbar").count("Lead progress") == 1


def test_link_to_a_campaign_keeps_its_position_on_refresh(tab: Page, season: Rollouts) -> None:
    tab.resize(NARROW, 600)
    tab.open(f"{season.sandbox.url}/voice/admin/#campaign-{season.ids[EMOJI]}")
    target = "document.querySelector(':target')"
    assert tab.evaluate(f"{target}.id") == f"campaign-{season.ids[EMOJI]}"
    box = f"{target}.getBoundingClientRect()"
    assert tab.evaluate(f"{box}.top > -1 && {box}.bottom < 601")
    tab.evaluate("scrollBy(0, 150)")
    result = tab.evaluate("[scrollY, performance.timeOrigin]")
    tab.wait_until(f"performance.timeOrigin > {result[1]}")
    assert tab.evaluate("scrollY") == result[0]
