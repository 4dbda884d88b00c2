"""The documented rate limits: always counted, enforced unless disabled."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox.errors import RateLimitedError
from airflow_provider_engagevoice.sandbox.limits import Meter
from airflow_provider_engagevoice.sandbox.settings import Budget
from tests.integration.sandbox.conftest import TOKEN, direct_login


def test_sliding_window_per_key() -> None:
    now = 100.0
    meter = Meter(Budget(2, 10), "medium", enforced=True, now=lambda: now)
    meter.acquire("a")
    now = 104.0
    meter.acquire("a")
    meter.acquire("b")
    with pytest.raises(RateLimitedError) as rejected:
        meter.acquire("a")
    assert rejected.value.headers["Retry-After"] == "6"
    now = 110.0
    meter.acquire("a")
    assert meter.used() == {"a": 2, "b": 1}
    assert (meter.total, meter.refused) == (4, 1)


def test_sign_in_and_refresh_share_a_limit(start: Any) -> None:
    server = start()
    with httpx.Client(base_url=server.url) as web:
        token = direct_login(web).json()["refreshToken"]
        for _ in range(4):
            token = web.post("/api/auth/token/refresh", data={"refresh_token": token}).json()["refreshToken"]
        for refused in (
            direct_login(web),
            web.post("/api/auth/token/refresh", data={"refresh_token": token}),
            web.post("/api/auth/login/rc/accesstoken", data={"rcAccessToken": "x", "rcTokenType": "Bearer"}),
        ):
            assert (refused.status_code, refused.json()) == (429, "rate")
            assert 55 <= int(refused.headers["Retry-After"]) <= 60
            assert refused.headers["X-Rate-Limit-Limit"] == "5"
            assert refused.headers["X-Rate-Limit-Remaining"] == "0"
            assert refused.headers["X-Rate-Limit-Window"] == "60"
            assert refused.headers["X-Rate-Limit-Group"] == "auth"
        counters = web.get("/sandbox/counters").json()
    assert counters["exchanges_in_window"] == 5
    assert counters["refused"] == {"exchange": 3, "provisioning": 0}
    assert counters["statuses"] == {"200": 5, "429": 3}


def test_provisioning_limit_is_per_account(start: Any) -> None:
    server = start(provisioning=Budget(3, 60))
    with httpx.Client(base_url=server.url, headers=TOKEN) as web:
        path = "/voice/api/v1/admin/accounts/~/dialGroups"
        statuses = [web.get(path).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        assert web.get("/voice/api/v1/admin/accounts").status_code == 200
        server.reset()
        assert web.get(path).status_code == 200


def test_disabled_limits_still_count(start: Any) -> None:
    server = start(limits=False, exchange=Budget(1, 60))
    with httpx.Client(base_url=server.url) as web:
        assert [direct_login(web).status_code for _ in range(3)] == [200, 200, 200]
    assert server.counters()["exchanges_in_window"] == 3
