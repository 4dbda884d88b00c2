"""The dialer, its results, and where they are reported."""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.outcomes import Outcomes
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import DialerSettings
from tests.integration.sandbox.conftest import ALL_DAY, CAMPAIGNS, Found, Json, Load

ALWAYS_OPEN = {"isActive": 1, "endDate": "2199-01-01T00:00:00.000+0000", **ALL_DAY}
NO_DELAY = DialerSettings(rate=100, abandon_share=0.1, minute_seconds=0)


def leads(count: int, first: int = 0) -> list[Json]:
    return [
        {"externId": str(number), "leadPhone": str(4_155_550_000 + number)}
        for number in range(first, first + count)
    ]


@pytest.fixture
def change(api: httpx.Client, campaign: int) -> Any:
    """Update the campaign."""

    def change(**fields: Any) -> None:
        path = f"{CAMPAIGNS}/{campaign}"
        assert api.put(path, json={**api.get(path).json(), **fields}).status_code == 200

    return change


@pytest.fixture
def dialing(change: Any, campaign: int) -> int:
    """The campaign, open at any time."""
    change(**ALWAYS_OPEN)
    return campaign


@pytest.fixture
def row(api: httpx.Client, campaign: int) -> Any:
    """Return the campaign's row of the real-time statistics."""

    def row() -> Json:
        rows = api.get("/realTimeData/outbound").json()
        assert {one["campaignId"] for one in rows} == {seed.HOLIDAY_RENEWALS_2025_ID, campaign}
        found: Json = next(one for one in rows if one["campaignId"] == campaign)
        return found

    return row


def test_outcomes_are_reproducible() -> None:
    def run(share: float, calls: int) -> list[str]:
        outcomes = Outcomes(0, 0, share)
        return [outcomes.next() for _ in range(calls)]

    assert run(0.05, 500) == run(0.05, 500)
    assert Counter(run(0, 1_000)) == {
        "ANSWER": 400,
        "NOANSWER": 240,
        "MACHINE": 220,
        "BUSY": 80,
        "INTERCEPT": 20,
        "DISCONNECT": 20,
        "CONGESTION": 20,
    }
    for share, abandoned in ((0.05, 31), (0.1, 62), (1, 620)):
        assert Counter(run(share, 1_000))["ABANDON"] == abandoned
    assert len(set(run(0.05, 10))) >= 4


def test_a_call_is_in_progress_for_one_step(
    load: Load, sandbox: SandboxServer, dialing: int, row: Any, found: Found, web: httpx.Client
) -> None:
    load(*leads(10))
    sandbox.backend.calls.step(4, NO_DELAY)
    assert found("leadState") == ["PENDING"] * 4 + ["READY"] * 6
    assert (row()["ready"], row()["pending"], row()["active"], row()["connects"]) == (6, 4, 4, 0)
    sandbox.backend.calls.step(0, NO_DELAY)
    assert row()["active"] == 0
    assert found("leadPasses") == [1] * 4 + [0] * 6
    passes = web.get("/sandbox/passes", params={"campaignId": dialing}).json()
    assert [(one["externId"], one["passNumber"]) for one in passes] == [(str(n), 1) for n in range(4)]
    assert [one["passDisposition"] for one in passes] == found("lastPassDispo")[:4]


def test_a_campaign_is_drained(
    load: Load, sandbox: SandboxServer, dialing: int, row: Any, found: Found
) -> None:
    load(*leads(300))
    for _ in range(40):
        sandbox.backend.calls.step(30, NO_DELAY)
    result = row()
    assert (result["ready"], result["pending"], result["active"]) == (0, 0, 0)
    states = Counter(found("leadState"))
    assert set(states) == {"COMPLETE", "INTERCEPT", "DISCONNECTED"}
    assert result["complete"] == states["COMPLETE"]
    assert result["other"] == states["INTERCEPT"] + states["DISCONNECTED"]
    passes = found("leadPasses")
    assert max(passes) == 3
    counted = sandbox.backend.database.rows(
        "SELECT passDisposition, count(*) FROM passes GROUP BY passDisposition"
    )
    by_disposition = {disposition.lower(): count for disposition, count in counted}
    assert sum(by_disposition.values()) == sum(passes)
    for name in ("answer", "noanswer", "machine", "busy", "abandon", "intercept"):
        assert result[name] == by_disposition[name] > 0
    assert result["connects"] == result["answer"] + result["machine"] + result["abandon"]
    assert result["abandon"] == result["connects"] // 10
    assert result["notHumanAnswers"] == result["machine"] + result["intercept"]
    assert result["campaignName"] == "My Predictive Campaign"
    assert result["dialGroupName"] == "My New Dial Group"


@pytest.mark.parametrize(
    "changed",
    [
        {"isActive": 0},
        {"isActive": 2},
        {"startDate": "2198-01-01T00:00:00.000+0000"},
        {"endDate": "2021-01-01T00:00:00.000+0000"},
        dict.fromkeys(ALL_DAY, "00000000"),
    ],
)
def test_closed_campaigns_are_not_dialed(
    load: Load, sandbox: SandboxServer, change: Any, found: Found, changed: Json
) -> None:
    change(**{**ALWAYS_OPEN, **changed})
    load(*leads(3))
    sandbox.backend.calls.step(3, NO_DELAY)
    assert found("leadState") == ["READY"] * 3


def test_calls_in_progress_end_after_the_window(
    load: Load, sandbox: SandboxServer, dialing: int, change: Any, row: Any
) -> None:
    load(*leads(3))
    sandbox.backend.calls.step(3, NO_DELAY)
    change(isActive=0)
    sandbox.backend.calls.step(3, NO_DELAY)
    assert (row()["pending"], row()["other"] + row()["complete"] + row()["ready"]) == (0, 3)


def test_leads_that_are_not_dialed(
    load: Load, sandbox: SandboxServer, dialing: int, api: httpx.Client, row: Any, found: Found
) -> None:
    api.post("/dncLists", json={"phone": "4155550001"})
    load(
        *leads(2),
        {"externId": "suppressed", "leadPhone": "4155550100", "suppressed": True},
        {"externId": "second", "leadPhone": "4155550009|4155550001"},
    )
    load(*leads(1, 50), listState="PAUSED")
    sandbox.backend.calls.step(100, NO_DELAY)
    assert found("leadState") == ["PENDING", "DO-NOT-CALL", "READY", "DO-NOT-CALL", "READY"]
    assert row()["dnc"] == 2


def test_order_and_delay_between_passes(
    load: Load, sandbox: SandboxServer, dialing: int, change: Any, found: Found
) -> None:
    change(passDelayMin=60)
    load(*leads(40))
    load(*leads(1, 90), dialPriority="IMMEDIATE")
    sandbox.backend.calls.step(1, NO_DELAY)
    assert found(leadStates=["PENDING"]) == ["90"]
    slow = DialerSettings(rate=100, minute_seconds=60)
    sandbox.backend.calls.step(40, slow)
    sandbox.backend.calls.step(40, slow)
    waiting = found("nextDialTime", leadStates=["READY"])
    assert len(waiting) > 5
    assert (
        sandbox.backend.database.rows("SELECT 1 FROM leads WHERE leadState = 'PENDING' AND leadPasses > 0")
        == []
    )
    assert found(nextDialTimeCriteria={"operator": "LESS_THAN", "value": min(waiting)}) == found(
        leadStates=["COMPLETE", "INTERCEPT", "DISCONNECTED"]
    )


def test_numbers_of_a_lead_are_called_in_turn(
    load: Load, sandbox: SandboxServer, dialing: int, web: httpx.Client
) -> None:
    load(*({"externId": str(number), "leadPhone": "4155550100|4155550101"} for number in range(20)))
    for _ in range(5):
        sandbox.backend.calls.step(20, NO_DELAY)
    passes = web.get("/sandbox/passes").json()
    numbers = {1: "4155550100", 2: "4155550101", 3: "4155550100"}
    assert {one["passNumber"] for one in passes} == set(numbers)
    assert all(one["leadPhone"] == numbers[one["passNumber"]] for one in passes)


def test_campaigns_share_calls_equally(
    load: Load, sandbox: SandboxServer, dialing: int, api: httpx.Client, body: Json, found: Found
) -> None:
    other = api.post(CAMPAIGNS, json=body).json()
    api.put(f"{CAMPAIGNS}/{other['campaignId']}", json={**other, **ALWAYS_OPEN})
    load(*leads(10))
    load(*leads(2), into=other["campaignId"])
    sandbox.backend.calls.step(6, NO_DELAY)
    pending = Counter(found("campaignId", leadStates=["PENDING"]))
    assert pending == {dialing: 3, other["campaignId"]: 2}


def test_dialer_settings(
    load: Load, sandbox: SandboxServer, dialing: int, web: httpx.Client, row: Any
) -> None:
    off = {"rate": 0.0, "abandon_share": 0.02, "minute_seconds": 0.1}
    assert web.get("/sandbox/dialer").json() == off
    assert (row()["staffed"], row()["available"]) == (0, 0)
    load(*leads(200))
    result = web.post("/sandbox/dialer", json={"rate": 2000, "minute_seconds": 0}).json()
    assert result == {**off, "rate": 2000, "minute_seconds": 0}
    assert row()["staffed"] == 10
    deadline = time.monotonic() + 20
    while row()["ready"] + row()["pending"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert row()["ready"] + row()["pending"] == 0
    sandbox.reset()
    assert web.get("/sandbox/dialer").json() == off


@pytest.mark.parametrize(
    "settings", [{"rate": -1}, {"rate": "fast"}, {"rate": True}, {"abandon_share": 1.1}, {"speed": 1}]
)
def test_invalid_settings(web: httpx.Client, settings: Json) -> None:
    response = web.post("/sandbox/dialer", json=settings)
    assert response.status_code == 400
    assert next(iter(settings)) in response.json()["validationErrors"][0]["message"]


def test_page_shows_leads(
    load: Load, sandbox: SandboxServer, dialing: int, web: httpx.Client, row: Any
) -> None:
    load(*leads(1_200))
    assert "The dialer is off." in web.get("/").text
    for calls in (300, 5):
        sandbox.backend.calls.step(calls, DialerSettings(rate=1, abandon_share=0.25, minute_seconds=60))
    result = row()
    shown = web.get("/").text.partition(f'id="campaign-{dialing}"')[2].partition("</tr>")[0]
    cells = dict(re.findall(r'data-label="([^"]+)">([\d,]+)', shown))
    calls = sandbox.backend.statistics.totals(dialing)["calls"]
    assert cells == {
        "Ready": f"{result['ready']:,}",
        "Pending": "5",
        "Complete": str(result["complete"]),
        "Other": str(result["other"]),
        "Calls today": str(calls),
        "Connects": str(result["connects"]),
        "Abandoned": str(result["abandon"]),
    }
    assert f"{result['abandon'] / result['connects']:.1%}" in shown
    assert result["ready"] > 1_000
    assert result["abandon"] == result["connects"] // 4
    sandbox.set_dialer(rate=3)
    assert "The dialer simulates 3 calls per second." in web.get("/").text
