"""Each value of each point of a dialect: what the server then does over HTTP."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.dialects import (
    BUNDLES,
    CAMPAIGN_VALUES,
    DEFAULT,
    REFUSABLE,
    VALUES,
    Dialect,
    read_dialect,
)
from airflow_provider_engagevoice.sandbox.dialing import Rules, why_not_dialing
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import DEFAULT_ACCOUNT, Budget, DialerSettings
from tests.integration.sandbox.conftest import (
    ALL_DAY,
    API,
    CAMPAIGNS,
    GROUP,
    TOKEN,
    Json,
    Load,
    Speak,
    Start,
    attributes,
    create,
    names,
    path_of,
)
from tests.integration.sandbox.conftest import direct_login as sign_in
from tests.support.clocks import ShiftedClock

DOCS = Path(__file__).parents[3] / "docs/sandbox.md"


@pytest.mark.parametrize(("first", "second_row"), [("0", "c1"), ("1", "c0")])
def test_first_page(api: httpx.Client, speak: Speak, body: Json, first: str, second_row: str) -> None:
    speak(first_page=first)
    for index in range(3):
        create(api, body, f"c{index}")
    assert (
        names(api.get(f"{CAMPAIGNS}?maxRows=1"))
        == names(api.get(f"{CAMPAIGNS}?page={first}&maxRows=1"))
        == ["c0"]
    )
    assert names(api.get(f"{CAMPAIGNS}?page=1&maxRows=1")) == [second_row]
    groups = api.get("/dialGroups?page=1&maxRows=1").json()
    assert groups[0]["dialGroupId"] == (GROUP if first == "1" else seed.OUTBOUND_RENEWALS_ID)


@pytest.mark.parametrize(("cap", "rows"), [("none", 120), ("100", 100), ("16", 16), ("99", 99), ("any", 7)])
def test_cap(
    api: httpx.Client, speak: Speak, sandbox: SandboxServer, body: Json, cap: str, rows: int
) -> None:
    fill(sandbox, body, 120)
    speak(cap=cap)
    assert len(api.get(f"{CAMPAIGNS}?maxRows=500").json()) == rows


def test_rows_filtered_after_the_cut(
    api: httpx.Client, speak: Speak, sandbox: SandboxServer, body: Json
) -> None:
    fill(sandbox, body, 11)
    speak(cap="filtered after the cut")
    pages = [names(api.get(f"{CAMPAIGNS}?page={page}&maxRows=6")) for page in range(4)]
    assert [len(page) for page in pages] == [4, 4, 3, 0]
    assert [name for page in pages for name in page] == [f"c{index:03}" for index in range(11)]


def fill(sandbox: SandboxServer, body: Json, count: int) -> None:
    account = DEFAULT_ACCOUNT.account_id
    fields = {**api_fields(body), "isActive": 0}
    for index in range(count):
        sandbox.store.seed_campaign(account, GROUP, {**fields, "campaignName": f"c{index:03}"})


def api_fields(body: Json) -> Json:
    from airflow_provider_engagevoice.sandbox.validation import campaign_fields

    return campaign_fields(body)


def test_order(api: httpx.Client, speak: Speak, body: Json) -> None:
    given = ["b", "a", "d", "c", "e", "f", "g", "h"]
    speak()
    for name in given:
        create(api, body, name)
    assert names(api.get(CAMPAIGNS)) == given
    speak(order="by name")
    assert names(api.get(CAMPAIGNS)) == sorted(given)
    assert names(api.get(f"{CAMPAIGNS}?page=1&maxRows=3")) == ["d", "e", "f"]
    speak(order="another each time")
    readings = [names(api.get(CAMPAIGNS)) for _ in range(5)]
    assert len(set(map(tuple, readings))) > 1
    assert all(sorted(reading) == sorted(given) for reading in readings)


@pytest.mark.parametrize(
    ("value", "lag"), [("after 1 s", 1.0), ("after 5 s", 5.0), ("after 30 s", 30.0), ("never", 1e6)]
)
def test_a_list_shows_a_write_later(
    api: httpx.Client, speak: Speak, body: Json, ahead: ShiftedClock, value: str, lag: float
) -> None:
    speak()
    old, gone = (create(api, body, name).json() for name in ("old", "gone"))
    ahead.uptime += 100
    speak(list_shows=value)
    new = create(api, body, "new").json()
    api.put(path_of(old), json={**old, "campaignName": "renamed"})
    api.delete(path_of(gone))
    before, after = ["old", "gone"], ["renamed", "new"]
    if value == "never":
        before = []  # not even what was written before
    assert names(api.get(CAMPAIGNS)) == before
    assert [one["campaignName"] for one in children(api)] == before
    assert api.get(path_of(new)).json()["campaignName"] == "new"
    ahead.uptime += lag - 0.5
    assert names(api.get(CAMPAIGNS)) == before
    ahead.uptime += 0.6
    assert names(api.get(CAMPAIGNS)) == ([] if value == "never" else after)


def children(api: httpx.Client) -> list[Json]:
    groups = api.get("/dialGroups/withChildren").json()
    return next(group["campaigns"] for group in groups if group["dialGroupId"] == GROUP)


def test_reads_lag_by_requests(api: httpx.Client, speak: Speak, body: Json) -> None:
    speak(get_shows="after some requests")
    created = create(api, body).json()
    statuses = [api.get(path_of(created)).status_code for _ in range(3)]
    assert statuses == [404, 404, 200]
    api.put(path_of(created), json={**created, "maxRingTime": 45})
    assert [api.get(path_of(created)).json()["maxRingTime"] for _ in range(3)] == [30, 30, 45]
    assert names(api.get(CAMPAIGNS)) == [body["campaignName"]]


def test_a_new_campaign_is_not_found_for_a_moment(
    api: httpx.Client, speak: Speak, body: Json, ahead: ShiftedClock
) -> None:
    speak(get_shows="404 for a moment")
    created = create(api, body).json()
    assert api.get(path_of(created)).status_code == 404
    ahead.uptime += 2.1
    assert api.get(path_of(created)).status_code == 200


WINDOW = {
    "isActive": 1,
    "startDate": "2026-07-06T07:00:00.000+0000",
    "endDate": "2026-07-08T15:00:00.000+0000",
    **ALL_DAY,
}


@pytest.mark.parametrize(
    ("value", "at", "reason"),
    [
        ("exclusive", (8, 14, 59, 59), None),
        ("exclusive", (8, 15), "ended"),
        ("inclusive", (8, 15), None),
        ("inclusive", (8, 15, 0, 1), "ended"),
        ("whole day", (9, 6, 59), None),
        ("whole day", (9, 7), "ended"),
    ],
)
def test_end_date(value: str, at: tuple[int, ...], reason: str | None) -> None:
    rules = Rules.of(DEFAULT_ACCOUNT, Dialect(end_date=value))
    now = datetime(2026, 7, *at, tzinfo=UTC)  # type: ignore[misc]
    assert why_not_dialing(WINDOW, {"isActive": True}, rules, now) == reason


def test_zone_of_the_daily_hours(
    sandbox: SandboxServer, api: httpx.Client, campaign: int, load: Load, speak: Speak
) -> None:
    row = api.get(f"{CAMPAIGNS}/{campaign}").json()
    row |= {"startDate": "2026-01-01T00:00:00.000+0000", "endDate": "2099-01-01T00:00:00.000+0000"}
    load({"externId": "a", "leadPhone": "2125550111"}, {"externId": "b", "leadPhone": "4155550111"})

    def dialed(zone: str) -> list[int]:
        """Return how many leads are dialed in the current hour of a time zone, by ``day_hours_zone``."""
        hour = datetime.now(ZoneInfo(zone)).hour
        hours = dict.fromkeys(ALL_DAY, f"{hour:02}00{hour + 1:02}00")
        api.put(f"{CAMPAIGNS}/{campaign}", json={**row, **hours, "isActive": 1})
        found = []
        for value in VALUES["day_hours_zone"]:
            speak(day_hours_zone=value)
            sandbox.backend.calls.step(10, DialerSettings())
            states = sandbox.backend.statistics.lead_states(DEFAULT_ACCOUNT.account_id)
            found.append(int(states[campaign]["PENDING"]))
            sandbox.backend.database.change("UPDATE leads SET leadState = 'READY'")
        return found

    assert dialed("America/Los_Angeles") == [2, 1, 0]
    assert dialed("America/New_York") == [0, 1, 0]
    assert dialed("UTC") == [0, 0, 2]


@pytest.mark.parametrize(("value", "status"), [("502", 502), ("503", 503), ("200 HTML", 200)])
def test_maintenance(
    sandbox: SandboxServer,
    api: httpx.Client,
    web: httpx.Client,
    speak: Speak,
    ahead: ShiftedClock,
    value: str,
    status: int,
) -> None:
    speak(maintenance=value)
    assert api.get("/dialGroups").headers["content-type"] == "application/json"
    web.post("/sandbox/maintenance").raise_for_status()
    response = api.post(CAMPAIGNS, json={})
    assert (response.status_code, response.headers["content-type"][:9]) == (status, "text/html")
    ahead.uptime += 121
    assert api.get("/dialGroups").headers["content-type"] == "application/json"
    sandbox.set_dialect(maintenance_length="longer than the task")
    sandbox.begin_maintenance()
    ahead.uptime += 86_400
    assert api.get("/dialGroups").headers["content-type"].startswith("text/html")
    web.delete("/sandbox/maintenance").raise_for_status()
    assert api.get("/dialGroups").headers["content-type"] == "application/json"


def test_no_maintenance(web: httpx.Client, speak: Speak) -> None:
    speak()
    assert attributes(web.post("/sandbox/maintenance")) == ["maintenance"]


@pytest.mark.parametrize("value", VALUES["too_many"])
@pytest.mark.few(1)
def test_what_a_429_carries(start: Start, value: str) -> None:
    server = start(provisioning=Budget(1, 30.0), dialect=Dialect(too_many=value))
    with httpx.Client(base_url=server.url + API, headers=TOKEN) as api:
        assert api.get("/dialGroups").status_code == 200
        refused = api.get("/dialGroups")
    assert refused.status_code == 429
    retry_after = refused.headers.get("retry-after")
    if value == "no header":
        assert retry_after is None
    elif value == "date":
        until = datetime.strptime(retry_after, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
        assert 25 < (until - datetime.now(UTC)).total_seconds() < 35
    else:
        assert int(retry_after) in (range(25, 31) if value == "seconds" else (1,))


def test_the_penalty_is_the_whole_window() -> None:
    from airflow_provider_engagevoice.sandbox.errors import RateLimitedError
    from airflow_provider_engagevoice.sandbox.limits import Meter

    now = 100.0
    meter = Meter(
        Budget(2, 10), "medium", enforced=True, now=lambda: now, too_many=lambda: "1, for the whole window"
    )
    meter.acquire("a")
    meter.acquire("a")
    now = 105.0
    for later in (105.0, 111.0, 114.9):
        now = later
        with pytest.raises(RateLimitedError) as rejected:
            meter.acquire("a")
        assert rejected.value.headers["Retry-After"] == "1"
    meter.acquire("b")
    now = 115.0
    meter.acquire("a")


@pytest.mark.parametrize(
    ("value", "works"), [("hours", True), ("for ever", True), ("with the access token", False)]
)
@pytest.mark.few(1)
def test_refresh_tokens(start: Start, value: str, works: bool) -> None:
    server = start(limits=False, token_seconds=0.0, dialect=Dialect(refresh_token=value))
    with httpx.Client(base_url=server.url) as web:
        token = sign_in(web).json()["refreshToken"]
        response = web.post("/api/auth/token/refresh", data={"refresh_token": token})
    assert response.status_code == (200 if works else 401)


def test_the_dialect_can_be_changed(sandbox: SandboxServer, web: httpx.Client, speak: Speak) -> None:
    speak()
    changed = web.post("/sandbox/dialect", json={"create_answer": "echo"})
    assert changed.json() == web.get("/sandbox/dialect").json()
    assert sandbox.backend.dialect == Dialect(create_answer="echo")
    for wrong in ({"create_answer": "nothing"}, {"creat_answer": "echo"}, {"cap": 16}):
        assert attributes(web.post("/sandbox/dialect", json=wrong)) == ["dialect"]
    web.post("/sandbox/reset")
    assert sandbox.backend.dialect == DEFAULT


def test_arguments() -> None:
    assert read_dialect([]) == DEFAULT
    assert read_dialect(["cap=16"]) == replace(DEFAULT, cap="16")
    assert read_dialect(["hostile", "cap = 16"]) == replace(BUNDLES["hostile"], cap="16")
    for wrong, hint in (
        ("nice", "friendly, likely, hostile"),
        ("capp=1", "did you mean cap"),
        ("cap=17", "100, 16"),
    ):
        with pytest.raises(ValueError, match=hint):
            read_dialect([wrong])


def test_bundles() -> None:
    assert BUNDLES["friendly"].differing() == {}
    hostile = BUNDLES["hostile"]
    assert all(
        getattr(hostile, name) != values[0] for name, values in VALUES.items() if name != "maintenance_length"
    )
    assert not [name for name in VALUES if (name, getattr(hostile, name)) in REFUSABLE]


def test_the_documentation_lists_every_value_and_bundle() -> None:
    rows = re.findall(r"^\| `(\w+)`: [^|]*\| ([^|]*) \|$", DOCS.read_text(), re.MULTILINE)
    documented = {point: tuple(re.findall(r"`([^`]+)`", values)) for point, values in rows}
    assert documented == {name: VALUES[name] for name in VALUES if name not in CAMPAIGN_VALUES}
    four = re.findall(r"^\| `(\w+)` \|" + r" `([^`]+)` \|" * 4 + "$", DOCS.read_text(), re.MULTILINE)
    dialects = (DEFAULT, *BUNDLES.values())
    assert four == [(name, *(getattr(one, name) for one in dialects)) for name in VALUES]
