"""The budgets of what concerns leads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import credentials, seed
from airflow_provider_engagevoice.sandbox.errors import RateLimitedError
from airflow_provider_engagevoice.sandbox.limits import Meter
from airflow_provider_engagevoice.sandbox.settings import LEAD_BUDGETS, Budget

CAMPAIGN = f"/campaigns/{seed.HOLIDAY_RENEWALS_2025_ID}/leadLoader"
SEARCH = "/campaignLeads/leadSearch"
Ask = Callable[[httpx.Client], httpx.Response]


def test_all_windows_hold() -> None:
    clock = [0.0]
    meter = Meter((Budget(2, 10), Budget(3, 60)), "g", enforced=True, clock=lambda: clock[0])

    def refusal(now: float) -> tuple[str, str] | None:
        clock[0] = now
        try:
            meter.spend("a")
        except RateLimitedError as error:
            return error.headers["Retry-After"], error.headers["X-Rate-Limit-Window"]
        return None

    assert [refusal(0), refusal(5)] == [None, None]
    assert refusal(6) == ("4", "10")
    assert refusal(10) is None
    assert refusal(11) == ("49", "60")
    assert refusal(16) == ("44", "60")
    assert refusal(60) is None
    assert meter.counters() == {"total": 4, "refused": 3, "in_window": {"a": 3}}


@pytest.mark.parametrize(
    ("budget", "ask"),
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
def test_each_has_its_own_budget(start: Any, budget: str, ask: Ask) -> None:
    small = {name: (Budget(2, 30), Budget(3, 60)) for name in LEAD_BUDGETS}
    server = start(lead_budgets=small, provisioning=Budget(0, 60))
    url = f"{server.url}/voice/api/v1/admin/accounts/~"
    with httpx.Client(base_url=url, headers={"X-Auth-Token": credentials.API_TOKEN}) as api:
        assert 429 not in {ask(api).status_code, ask(api).status_code}
        refused = ask(api)
    assert (refused.status_code, refused.json()) == (429, "rate")
    assert 25 <= int(refused.headers["Retry-After"]) <= 30
    assert refused.headers["X-Rate-Limit-Limit"] == "2"
    assert refused.headers["X-Rate-Limit-Remaining"] == "0"
    assert refused.headers["X-Rate-Limit-Window"] == "30"
    assert refused.headers["X-Rate-Limit-Group"] == budget
    counted = server.counters()
    assert counted["lead_budgets"].pop(budget) == {"total": 2, "refused": 1, "in_window": {"99990000": 2}}
    assert {one["total"] for one in counted["lead_budgets"].values()} == {0}
    assert counted["provisioning_in_window"] == {}


def test_documented_budgets(start: Any) -> None:
    server = start()
    url = f"{server.url}/voice/api/v1/admin/accounts/~"
    with httpx.Client(base_url=url, headers={"X-Auth-Token": credentials.API_TOKEN}) as api:
        searches = [api.post(SEARCH, json={}).status_code for _ in range(16)]
        counts = [api.post(f"{SEARCH}?count=true", json={}).status_code for _ in range(91)]
    assert searches == [200] * 15 + [429]
    assert counts == [200] * 90 + [429]


def test_limits_off_count_only(start: Any) -> None:
    server = start(limits=False, lead_budgets={**LEAD_BUDGETS, "leadSearch": (Budget(1, 60),)})
    url = f"{server.url}/voice/api/v1/admin/accounts/~"
    with httpx.Client(base_url=url, headers={"X-Auth-Token": credentials.API_TOKEN}) as api:
        assert {api.post(SEARCH, json={}).status_code for _ in range(3)} == {200}
    assert server.counters()["lead_budgets"]["leadSearch"]["in_window"] == {"99990000": 3}
