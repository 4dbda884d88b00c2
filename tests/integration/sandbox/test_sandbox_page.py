"""The page and the request log, and that neither shows secrets."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import credentials, seed
from airflow_provider_engagevoice.sandbox.dialects import DEFAULT
from airflow_provider_engagevoice.sandbox.dialing import Rules, why_not_dialing
from airflow_provider_engagevoice.sandbox.page_times import WindowChange, next_change, time_until
from airflow_provider_engagevoice.sandbox.request_log import redact
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import DEFAULT_ACCOUNT, SandboxAccount
from airflow_provider_engagevoice.sandbox.validation import campaign_fields
from tests.integration.sandbox.conftest import ALL_DAY, CAMPAIGNS, Json, Start, direct_login

LAST_INSTANT = "9999-12-31T23:59:59.000+0000"
RULES = Rules.of(DEFAULT_ACCOUNT, DEFAULT)


def test_page_shows_the_initial_data(web: httpx.Client, api: httpx.Client) -> None:
    page = web.get("/").text
    for text in (
        "not the real RingCentral",
        "Demo Sales Floor",
        "Outbound Renewals",
        f'id="campaign-{seed.HOLIDAY_RENEWALS_2025_ID}"',
        "2025-11-01 07:00 UTC",
        "2025-11-01 00:00 PDT",
        ">ended<",
    ):
        assert text in page
    assert "src=" not in page
    assert re.findall("href=.*?>", page) == ['href="data:,">']


def test_page_escapes(web: httpx.Client, api: httpx.Client, body: Json) -> None:
    evil = "<script>alert(1)</script>&\"'"
    group = api.post("/dialGroups", json={"dialGroupName": evil, "dialMode": "POWER"}).json()
    api.post(f"/dialGroups/{group['dialGroupId']}/campaigns", json={**body, "campaignName": evil})
    api.get("/<b>bold</b>")
    page = web.get("/").text
    assert "<script" not in page
    assert "<b>" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#x27;") == 3
    assert 'aria-label="Campaigns of &lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#x27;"' in page


def test_page_shows_the_next_window_changes(web: httpx.Client, api: httpx.Client, body: Json) -> None:
    for year in range(2101, 2108):
        dates = {"startDate": f"{year}-01-01T08:00:00.000+0000", "endDate": f"{year}-12-01T08:00:00.000+0000"}
        created = api.post(CAMPAIGNS, json={**body, **dates, "campaignName": f"Season {year}"}).json()
        api.put(f"{CAMPAIGNS}/{created['campaignId']}", json={**created, "isActive": 1})
    upcoming = web.get("/").text.partition("Upcoming")[2].partition("<h3>")[0]
    assert re.findall(r"Season (\d+)", upcoming) == ["2101", "2102", "2103", "2104", "2105"]
    assert "and 2 more" in upcoming


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_page_shows_the_latest_possible_date(start: Start, body: Json, zone: str) -> None:
    sandbox = start(
        accounts=(SandboxAccount("1", "Far", zone),), dialect=replace(DEFAULT, create_state="as sent")
    )
    for name, start_date in (
        ("endless", "2026-01-01T00:00:00.000+0000"),
        ("to come", "9999-12-31T22:00:00.000+0000"),
    ):
        fields = {**body, "campaignName": name, "startDate": start_date, "endDate": LAST_INSTANT}
        sandbox.store.seed_campaign("1", seed.MY_NEW_DIAL_GROUP_ID, campaign_fields(fields))
    page = httpx.get(sandbox.url)
    assert page.status_code == 200
    assert "9999-12-31 23:59:59 UTC" in page.text


@pytest.mark.parametrize("path", ["/voice/admin", "/voice/admin/", "/voice/admin/accounts/1"])
def test_administration_links_lead_to_the_page(web: httpx.Client, path: str) -> None:
    response = web.get(path)
    assert (response.status_code, response.headers["location"]) == (307, "/")


def test_no_secret_is_shown_or_logged(web: httpx.Client, sandbox: SandboxServer) -> None:
    secrets = [credentials.API_TOKEN, credentials.DIRECT_PASSWORD, credentials.JWT, "admin%40", "admin@"]
    direct = direct_login(web).json()
    secrets += [direct["accessToken"], direct["refreshToken"]]
    web.post("/api/auth/token/refresh", params={"refresh_token": direct["refreshToken"]})
    web.post("/api/auth/login/rc/accesstoken", params={"rcAccessToken": direct["accessToken"]})
    web.delete(f"/voice/api/v1/admin/token/{credentials.API_TOKEN}")
    web.get(f"/wrong/{direct['accessToken']}")
    # The page has the sandbox's own credentials, for the connection of Airflow.
    page = re.sub("<input.*?>", "", web.get("/").text)
    shown = page + web.get("/sandbox/requests").text + web.get("/sandbox/counters").text
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
        ({}, (7, 7, 4), "outside dialing hours"),
        ({}, (7, 6, 14, 59), "outside dialing hours"),
        ({}, (7, 12, 18), "closed today"),
        ({}, (7, 6, 6, 59), "not started"),
        ({}, (7, 13, 7), "ended"),
        ({"isActive": 0}, (7, 6, 15), "inactive"),
        ({"isActive": 2}, (7, 6, 15), "agent callbacks only"),
    ],
)
def test_why_a_campaign_does_not_dial(changed: Json, utc: tuple[int, ...], reason: str | None) -> None:
    now = datetime(2026, *utc, tzinfo=UTC)  # type: ignore[arg-type, misc]
    assert why_not_dialing({**WINDOW, **changed}, {"isActive": True}, RULES, now) == reason
    assert why_not_dialing(WINDOW, {"isActive": False}, RULES, now) == "dial group inactive"


@pytest.mark.parametrize(
    ("changed", "utc", "verb", "at"),
    [
        ({}, (7, 6, 15), "closes", (7, 7, 4)),
        ({}, (7, 7, 4), "opens", (7, 7, 15)),
        ({}, (7, 6, 14, 59, 59), "opens", (7, 6, 15)),
        ({}, (6, 1), "opens", (7, 6, 15)),
        ({"startDate": "2026-07-06T16:30:00.000+0000"}, (6, 1), "opens", (7, 6, 16, 30)),
        ({"endDate": "2026-07-11T20:00:00.000+0000"}, (7, 11, 19), "ends", (7, 11, 20)),
        (ALL_DAY, (7, 6, 8), "ends", (7, 13, 7)),
        ({"endDate": "2026-12-13T07:00:00.000+0000"}, (7, 12, 18), "opens", (7, 13, 15)),
        ({"endDate": "2026-12-13T07:00:00.000+0000"}, (10, 31, 20), "closes", (11, 1, 4)),
        ({"endDate": "2026-12-13T07:00:00.000+0000"}, (11, 1, 12), "opens", (11, 2, 16)),
    ],
)
def test_next_window_change(changed: Json, utc: tuple[int, ...], verb: str, at: tuple[int, ...]) -> None:
    now, then = (datetime(2026, *date, tzinfo=UTC) for date in (utc, at))  # type: ignore[arg-type, misc]
    assert next_change({**WINDOW, **changed}, {"isActive": True}, RULES, now) == WindowChange(then, verb)


@pytest.mark.parametrize(
    ("changed", "group", "utc"),
    [
        ({}, True, (7, 13, 7)),
        ({}, True, (7, 12, 18)),
        ({}, False, (7, 6, 15)),
        ({"isActive": 0}, True, (7, 6, 15)),
        ({"isActive": 2}, True, (7, 1)),
        (dict.fromkeys(ALL_DAY, "00000000"), True, (7, 6, 15)),
    ],
)
def test_no_next_window_change(changed: Json, group: bool, utc: tuple[int, ...]) -> None:
    now = datetime(2026, *utc, tzinfo=UTC)  # type: ignore[arg-type, misc]
    assert next_change({**WINDOW, **changed}, {"isActive": group}, RULES, now) is None


@pytest.mark.parametrize(
    ("wait", "text"),
    [
        (timedelta(seconds=-1), "in 0 s"),
        (timedelta(seconds=89.4), "in 89 s"),
        (timedelta(seconds=90), "in 2 min"),
        (timedelta(minutes=89), "in 89 min"),
        (timedelta(minutes=90), "in 1 h 30 min"),
        (timedelta(hours=24), "in 24 h"),
        (timedelta(hours=48), "in 2 days"),
        (timedelta(days=400), "in 400 days"),
    ],
)
def test_time_until(wait: timedelta, text: str) -> None:
    now = datetime(2026, 7, 6, tzinfo=UTC)
    assert time_until(now + wait, now) == text


@pytest.mark.parametrize("path", ["/", "/sandbox/counters", "/sandbox/reset", "/sandbox/faults"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "sandbox.localhost"}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Host": "rebound.example"}, 403),
        ({"Host": "10.0.0.1"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "https://site.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "http://me@localhost:1", "Host": "localhost:1"}, 403),
        ({"Origin": "http://localhost:1", "Host": "localhost:1"}, 200),
        ({"Origin": "http://localhost:2", "Host": "localhost:1"}, 403),
    ],
)
def test_other_sites_are_refused(
    web: httpx.Client, sandbox: SandboxServer, headers: dict[str, str], status: int, path: str
) -> None:
    sandbox.add_fault("html", path="/never")
    method = "POST" if path == "/sandbox/reset" else "DELETE" if path == "/sandbox/faults" else "GET"
    assert web.request(method, path, headers=headers).status_code == status
    if method != "GET":
        assert len(sandbox.faults()) == (1 if status == 403 else 0)


def test_the_api_is_open_to_any_host(api: httpx.Client) -> None:
    assert api.get("/dialGroups", headers={"Host": "sandbox.example"}).status_code == 200


def test_where_other_machines_may_come_any_host_is_right(start: Start) -> None:
    sandbox = start(host="0.0.0.0")
    port = sandbox.url.rpartition(":")[2]
    url = f"http://127.0.0.1:{port}/sandbox/counters"
    assert httpx.get(url, headers={"Host": f"sandbox:{port}"}).status_code == 200
    for origin in ("http://site.example", "null"):
        assert httpx.get(url, headers={"Origin": origin}).status_code == 403


def test_page_has_the_connection(web: httpx.Client, sandbox: SandboxServer) -> None:
    (value,) = re.findall(r'<input readonly value="(.*?)">', web.get("/").text)
    connection = json.loads(html.unescape(value))
    assert connection["host"] == connection["extra"]["rc_server"] == sandbox.url
    assert connection["extra"]["jwt_token"] == credentials.JWT
    assert "allow_http" not in connection["extra"]


def test_what_dials_comes_first(
    web: httpx.Client, api: httpx.Client, sandbox: SandboxServer, body: Json
) -> None:
    dates = {"startDate": "2020-01-01T00:00:00.000+0000", "endDate": "2099-01-01T00:00:00.000+0000"}
    path = f"/dialGroups/{seed.WINBACK_ID}/campaigns"
    for name, hours, state in (("closed", "00000000", 1), ("open", "00002400", 1), ("paused", "00002400", 0)):
        fields = {**body, **dates, **dict.fromkeys(ALL_DAY, hours), "campaignName": name}
        created = api.post(path, json=fields).json()
        api.put(f"{path}/{created['campaignId']}", json={**created, "isActive": state})
    page = web.get("/").text.partition("Upcoming")[2]
    assert re.findall("<h3><bdi>(.*?)</bdi>", page)[0] == "Winback"
    rows = re.findall(r"<tr id=.*?</tr>", page)
    assert [re.findall("<bdi>(.*?)</bdi>", row)[0] for row in rows[:3]] == ["open", "closed", "paused"]
    windows = [re.findall("<td class=window>(.*?)</td>", row)[0] for row in rows[:4]]
    assert ["today" in window for window in windows] == [True, True, False, False]
    sandbox.set_dialect(day_hours_zone="UTC")
    assert "today 00:00 to 24:00 UTC" in web.get("/").text
    group = api.get(f"/dialGroups/{seed.WINBACK_ID}").json()
    api.put(f"/dialGroups/{seed.WINBACK_ID}", json={**group, "isActive": False})
    assert "today 00:00" not in web.get("/").text
