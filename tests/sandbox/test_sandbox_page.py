"""The page, the log, and what neither may show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import credentials, seed
from airflow_provider_engagevoice.sandbox.dialing import why_not_dialing
from airflow_provider_engagevoice.sandbox.request_log import redact
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import DEFAULT_ACCOUNT

Json = dict[str, Any]
CAMPAIGNS = f"/dialGroups/{seed.MY_NEW_DIAL_GROUP_ID}/campaigns"


def test_page_shows_the_world(web: httpx.Client, api: httpx.Client) -> None:
    page = web.get("/").text
    for text in (
        "not the real RingCentral",
        "Demo Sales Floor",
        "Outbound Renewals",
        f'id="campaign-{seed.HOLIDAY_RENEWALS_2025_ID}"',
        "2025-11-01 07:00:00 UTC",
        "2025-11-01 00:00:00 PDT",
        "no: over",
    ):
        assert text in page
    assert "src=" not in page
    assert "href=" not in page


def test_page_escapes(web: httpx.Client, api: httpx.Client, body: Json) -> None:
    evil = "<script>alert(1)</script>&\"'"
    api.post(CAMPAIGNS, json={**body, "campaignName": evil})
    api.post("/dialGroups", json={"dialGroupName": evil, "dialMode": "POWER"})
    api.get("/<b>bold</b>")
    page = web.get("/").text
    assert "<script" not in page
    assert "<b>" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#x27;") == 2


@pytest.mark.parametrize("path", ["/voice/admin", "/voice/admin/", "/voice/admin/accounts/1"])
def test_administration_links_lead_to_the_page(web: httpx.Client, path: str) -> None:
    answer = web.get(path)
    assert (answer.status_code, answer.headers["location"]) == (307, "/")


def test_no_secret_is_shown_or_logged(web: httpx.Client, sandbox: SandboxServer) -> None:
    secrets = [credentials.API_TOKEN, credentials.DIRECT_PASSWORD, credentials.JWT, "admin%40", "admin@"]
    direct = web.post(
        "/api/auth/login/admin",
        params={
            "username": credentials.DIRECT_USERNAME,
            "password": credentials.DIRECT_PASSWORD,
            "platformId": credentials.PLATFORM_ID,
        },
    ).json()
    secrets += [direct["accessToken"], direct["refreshToken"]]
    web.post("/api/auth/token/refresh", params={"refresh_token": direct["refreshToken"]})
    web.post("/api/auth/login/rc/accesstoken", params={"rcAccessToken": direct["accessToken"]})
    web.delete(f"/voice/api/v1/admin/token/{credentials.API_TOKEN}")
    web.get(f"/wrong/{direct['accessToken']}")
    shown = web.get("/").text + web.get("/sandbox/requests").text + web.get("/sandbox/counters").text
    assert not [secret for secret in secrets if secret in shown]
    assert "/api/auth/login/admin?username=***&amp;password=***&amp;platformId=***" in shown


@pytest.mark.parametrize(
    ("path", "query", "shown"),
    [
        ("/a", "", "/a"),
        ("/a", "page=1&maxRows=5&other=x", "/a?page=1&maxRows=5&other=***"),
        (
            "/x/clone",
            "newCampaignName=My+Name&newCountryCode=USA",
            "/x/clone?newCampaignName=My+Name&newCountryCode=USA",
        ),
        ("/voice/api/v1/admin/token/anything", "", "/voice/api/v1/admin/token/***"),
        ("/x/aws80:0000/y", "", "/x/***/y"),
    ],
)
def test_redaction(path: str, query: str, shown: str) -> None:
    assert redact(path, query) == shown


def test_request_log(web: httpx.Client, api: httpx.Client, sandbox: SandboxServer) -> None:
    api.get("/dialGroups")
    api.get("/dialGroups/1")
    web.get("/voice/api/v1/admin/accounts")
    records = web.get("/sandbox/requests", params={"limit": 2}).json()
    assert [(each["method"], each["status"], each["account_id"]) for each in records] == [
        ("GET", 404, "99990000"),
        ("GET", 401, None),
    ]
    assert records[0]["ms"] > 0
    assert web.get("/sandbox/counters").json()["routes"] == {
        "GET /voice/api/v1/admin/accounts/{id}/dialGroups": 1,
        "GET /voice/api/v1/admin/accounts/{id}/dialGroups/{id}": 1,
        "GET /voice/api/v1/admin/accounts": 1,
    }


WINDOW = {
    "isActive": 1,
    "startDate": "2026-07-06T07:00:00.000+0000",
    "endDate": "2026-07-13T07:00:00.000+0000",
    "sunSched": "00000000",
    **{f"{day}Sched": "08002100" for day in ("mon", "tue", "wed", "thu", "fri", "sat")},
}


@pytest.mark.parametrize(
    ("changed", "utc", "reason"),
    [
        ({}, (7, 6, 15), None),
        ({}, (7, 7, 3, 59), None),
        ({}, (7, 7, 4), "out of hours"),
        ({}, (7, 6, 14, 59), "out of hours"),
        ({}, (7, 12, 18), "closed day"),
        ({}, (7, 6, 6, 59), "not started"),
        ({}, (7, 13, 7), "over"),
        ({"isActive": 0}, (7, 6, 15), "inactive"),
        ({"isActive": 2}, (7, 6, 15), "agent callbacks only"),
    ],
)
def test_whether_a_campaign_would_dial(changed: Json, utc: tuple[int, ...], reason: str | None) -> None:
    now = datetime(2026, *utc, tzinfo=UTC)  # type: ignore[arg-type, misc]
    assert why_not_dialing({**WINDOW, **changed}, {"isActive": True}, DEFAULT_ACCOUNT, now) == reason
    assert why_not_dialing(WINDOW, {"isActive": False}, DEFAULT_ACCOUNT, now) == "dial group inactive"
