"""The rate limits of the lead endpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.errors import RateLimitedError
from airflow_provider_engagevoice.sandbox.limits import Meter
from airflow_provider_engagevoice.sandbox.settings import LEAD_BUDGETS, Budget
from tests.integration.sandbox.conftest import api_client

CAMPAIGN = f"/campaigns/{seed.HOLIDAY_RENEWALS_2025_ID}/leadLoader"
SEARCH = "/campaignLeads/leadSearch"
Send = Callable[[httpx.Client], httpx.Response]


def test_all_windows_are_enforced() -> None:
    clock = [0.0]
    meter = Meter((Budget(2, 10), Budget(3, 60)), "g", enforced=True, now=lambda: clock[0])

    def rejection(now: float) -> tuple[str, str] | None:
        clock[0] = now
        try:
            meter.acquire("a")
        except RateLimitedError as error:
            return error.headers["Retry-After"], error.headers["X-Rate-Limit-Window"]
        return None

    assert [rejection(0), rejection(5)] == [None, None]
    assert rejection(6) == ("4", "10")
    assert rejection(10) is None
    assert rejection(11) == ("49", "60")
    assert rejection(16) == ("44", "60")
    assert rejection(60) is None
    assert meter.counters() == {"total": 4, "refused": 3, "in_window": {"a": 3}}


@pytest.mark.parametrize(
    ("budget", "send"),
    [
        ("leadLoader/direct", lambda api: api.post(f"{CAMPAIGN}/direct", json={})),
        ("leadLoader/preview", lambda api: api.post(f"{CAMPAIGN}/preview?fileType=COMMA")),
        ("leadLoader/process", lambda api: api.post(f"{CAMPAIGN}/process", json={})),
        ("leadSearch", lambda api: api.post(SEARCH, json={})),
        ("leadSearch?count=true", lambda api: api.post(f"{SEARCH}?count=true", json={})),
        ("leadSearchByPhoneList", lambda api: api.post("/campaignLeads/leadSearchByPhoneList")),
        ("campaignLeads/actions", lambda api: api.put("/campaignLeads/actions?leadAction=X", json={})),
        ("campaignLeads/{leadId}", lambda api: api.patch("/campaignLeads/1?campaignId=1", json={})),
        ("realTimeData", lambda api: api.get("/realTimeData/outbound")),
    ],
)
@pytest.mark.few(2)
def test_each_endpoint_has_its_own_limit(start: Any, budget: str, send: Send) -> None:
    small = {name: (Budget(2, 30), Budget(3, 60)) for name in LEAD_BUDGETS}
    server = start(lead_budgets=small, provisioning=Budget(0, 60))
    with api_client(server) as api:
        assert 429 not in {send(api).status_code, send(api).status_code}
        rejected = send(api)
    assert (rejected.status_code, rejected.json()) == (429, "rate")
    assert 25 <= int(rejected.headers["Retry-After"]) <= 30
    assert rejected.headers["X-Rate-Limit-Limit"] == "2"
    assert rejected.headers["X-Rate-Limit-Remaining"] == "0"
    assert rejected.headers["X-Rate-Limit-Window"] == "30"
    assert rejected.headers["X-Rate-Limit-Group"] == budget
    counted = server.counters()
    assert counted["lead_budgets"].pop(budget) == {"total": 2, "refused": 1, "in_window": {"99990000": 2}}
    assert {one["total"] for one in counted["lead_budgets"].values()} == {0}
    assert counted["provisioning_in_window"] == {}


def test_documented_limits(start: Any) -> None:
    server = start()
    with api_client(server) as api:
        searches = [api.post(SEARCH, json={}).status_code for _ in range(16)]
        counts = [api.post(f"{SEARCH}?count=true", json={}).status_code for _ in range(91)]
    assert searches == [200] * 15 + [429]
    assert counts == [200] * 90 + [429]


def test_disabled_limits_still_count(start: Any) -> None:
    server = start(limits=False, lead_budgets={**LEAD_BUDGETS, "leadSearch": (Budget(1, 60),)})
    with api_client(server) as api:
        assert {api.post(SEARCH, json={}).status_code for _ in range(3)} == {200}
    assert server.counters()["lead_budgets"]["leadSearch"]["in_window"] == {"99990000": 3}
