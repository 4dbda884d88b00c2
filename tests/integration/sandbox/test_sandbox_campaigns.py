"""Dial groups and campaigns: documented responses, whole-object PUT, clone, paging, validation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import defaults, seed
from airflow_provider_engagevoice.sandbox.dialects import Dialect
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import DEFAULT_ACCOUNT, SandboxAccount
from tests.integration.sandbox.conftest import CAMPAIGNS, TOKEN, Json, api_client, attributes

RENEWALS = f"/dialGroups/{seed.OUTBOUND_RENEWALS_ID}/campaigns"
HOLIDAY = f"{RENEWALS}/{seed.HOLIDAY_RENEWALS_2025_ID}"


def test_create_returns_the_whole_campaign(api: httpx.Client, body: Json) -> None:
    response = api.post(CAMPAIGNS, json=body)
    assert response.status_code == 200
    campaign = response.json()
    assert list(campaign) == list(defaults.CAMPAIGN)
    assert campaign == {
        **defaults.CAMPAIGN,
        **body,
        "isActive": 0,
        "campaignId": 136785,
        "dialGroup": {"id": 115801, "description": "My New Dial Group"},
        "groupId": 115801,
    }
    assert api.get(f"{CAMPAIGNS}/136785").json() == campaign
    again = api.post(CAMPAIGNS, json=body).json()
    assert (again["campaignId"], again["campaignName"]) == (136786, body["campaignName"])


@pytest.mark.parametrize("account", ["~", "%7BaccountId%7D", DEFAULT_ACCOUNT.account_id])
@pytest.mark.parametrize("prefix", ["/voice/api/v1", "/api/v1"])
def test_account_in_the_path(web: httpx.Client, account: str, prefix: str) -> None:
    response = web.get(f"{prefix}/admin/accounts/{account}/dialGroups", headers=TOKEN)
    assert [group["dialGroupName"] for group in response.json()] == [
        "My New Dial Group",
        "Outbound Renewals",
        "Winback",
    ]


def test_unknown_ids(web: httpx.Client, api: httpx.Client, body: Json) -> None:
    denied = web.get("/voice/api/v1/admin/accounts/123/dialGroups", headers=TOKEN)
    assert (denied.status_code, denied.json()["errorCode"]) == (403, "access.denied.exception")
    for response in (
        api.get("/dialGroups/1"),
        api.put("/dialGroups/1", json={}),
        api.delete("/dialGroups/1"),
        api.get("/dialGroups/1/campaigns"),
        api.post("/dialGroups/1/campaigns", json=body),
        api.get(f"{CAMPAIGNS}/{seed.HOLIDAY_RENEWALS_2025_ID}"),
        api.put(f"{CAMPAIGNS}/1", json=body),
        api.delete(f"{CAMPAIGNS}/1"),
        api.post(f"{CAMPAIGNS}/1/clone?newCampaignName=x"),
        api.post(f"{CAMPAIGNS}/1/clearCache"),
        api.get(f"{CAMPAIGNS}/1/lists"),
        api.get("/nothing/here"),
    ):
        assert response.status_code == 404
        assert set(response.json()) == {
            "cause",
            "details",
            "developerMessage",
            "generalMessage",
            "requestUri",
            "timestamp",
            "validationErrors",
        }
    assert attributes(api.get("/dialGroups/abc"))
    assert attributes(api.get(f"/dialGroups/{2**31}"))


def test_required_fields(api: httpx.Client) -> None:
    for body in ({}, {"campaignName": None, "startDate": None}):
        response = api.post(CAMPAIGNS, json=body)
        assert set(attributes(response)) == {"campaignName", "startDate", "endDate", "callerId"}
        assert response.json()["requestUri"].endswith(CAMPAIGNS)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("campaignName", ""),
        ("campaignName", "x" * 256),
        ("campaignName", 7),
        ("callerId", "pizza"),
        ("callerId", 4155550123),
        ("transferCallerId", "415555"),
        ("isActive", 3),
        ("isActive", True),
        ("maxRingTime", 61),
        ("maxRingTime", "30"),
        ("maxRingTimeTransfer", 121),
        ("campaignPriority", 0),
        ("campaignPriority", 6),
        ("dialLoadedOrder", 5),
        ("dncScrubOption", "ALL"),
        ("callingConfiguration", "CLEVER"),
        ("countryId", "ATLANTIS"),
        ("monSched", "8-21"),
        ("satSched", "0800210"),
        ("machineDetect", 1),
        ("seedSuccessRate", "75"),
        ("startDate", "2026-07-01T07:00:00.000Z"),
        ("startDate", "2026-07-01T07:00:00+0000"),
        ("startDate", "2026-07-01"),
        ("startDate", "2026-02-30T07:00:00.000+0000"),
        ("startDate", "0001-01-01T00:00:00.000+1400"),
        ("startDate", 1782889200000),
        ("endDate", "2020-05-26T07:00:00.000+0000"),
    ],
)
def test_invalid_values(
    api: httpx.Client, sandbox: SandboxServer, body: Json, field: str, value: Any
) -> None:
    response = api.post(CAMPAIGNS, json={**body, field: value})
    assert attributes(response) == [field]
    (problem,) = response.json()["validationErrors"]
    assert problem["value"] == str(value)
    assert sandbox.history() == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"a": NaN}', b"\xff"])
def test_bodies_that_are_not_json_objects(api: httpx.Client, content: bytes) -> None:
    assert attributes(api.post(CAMPAIGNS, content=content)) == ["body"]


def test_dates_are_returned_in_utc(api: httpx.Client, body: Json) -> None:
    sent = {**body, "startDate": "2020-05-26T00:00:00.000-0700", "endDate": "2020-05-27T00:00:00.000-0000"}
    campaign = api.post(CAMPAIGNS, json=sent).json()
    assert campaign["startDate"] == "2020-05-26T07:00:00.000+0000"
    assert campaign["endDate"] == "2020-05-27T00:00:00.000+0000"


def test_put_replaces_the_whole_campaign(api: httpx.Client, body: Json) -> None:
    created = api.post(CAMPAIGNS, json={**body, "somethingNew": {"a": [1]}, "monSched": "10001200"}).json()
    path = f"{CAMPAIGNS}/{created['campaignId']}"
    assert created["somethingNew"] == {"a": [1]}

    replaced = api.put(path, json={**created, "isActive": 1, "somethingElse": None})
    assert replaced.status_code == 200
    assert replaced.json() == {**created, "isActive": 1, "somethingElse": None}

    sparse = api.put(path, json={name: body[name] for name in body if name != "campaignDesc"}).json()
    assert "somethingNew" not in sparse
    assert (sparse["monSched"], sparse["campaignDesc"]) == ("08002100", "")
    assert (sparse["isActive"], sparse["campaignId"]) == (1, created["campaignId"])
    assert api.get(path).json() == sparse
    assert attributes(api.put(path, json={"campaignDesc": "x"})) == ["campaignName"]
    assert api.get(path).json() == sparse

    name_alone = api.put(path, json={"campaignName": "x"}).json()
    assert [name_alone[name] for name in ("startDate", "endDate", "callerId")] == [None] * 3
    assert "no dates" in httpx.get(str(api.base_url.copy_with(path="/"))).text


def test_calling_configuration_cannot_be_changed(api: httpx.Client, body: Json) -> None:
    created = api.post(CAMPAIGNS, json={**body, "callingConfiguration": "STRATEGIC"}).json()
    path = f"{CAMPAIGNS}/{created['campaignId']}"
    changed = api.put(path, json={**body, "callingConfiguration": "SIMPLE"})
    assert attributes(changed) == ["callingConfiguration"]
    assert api.put(path, json=body).json()["callingConfiguration"] == "STRATEGIC"
    plain = api.post(CAMPAIGNS, json=body).json()
    path = f"{CAMPAIGNS}/{plain['campaignId']}"
    assert "callingConfiguration" not in plain
    assert attributes(api.put(path, json={**body, "callingConfiguration": "STRATEGIC"}))


def test_delete(api: httpx.Client) -> None:
    response = api.delete(HOLIDAY)
    assert (response.status_code, response.json()) == (200, True)
    assert api.get(HOLIDAY).status_code == 404
    assert api.delete(HOLIDAY).status_code == 404


def test_clone_copies_everything_but_id_name_and_country(api: httpx.Client) -> None:
    source = api.get(HOLIDAY).json()
    source = api.put(HOLIDAY, json={**source, "somethingNew": 1}).json()
    response = api.post(f"{HOLIDAY}/clone?newCampaignName=Holiday+Renewals+2026")
    assert response.status_code == 201
    clone = response.json()
    assert clone == {**source, "campaignId": 136785, "campaignName": "Holiday Renewals 2026"}
    assert (clone["isActive"], clone["startDate"]) == (1, "2025-11-01T07:00:00.000+0000")
    other = api.post(f"{HOLIDAY}/clone?newCampaignName=x&newCountryCode=CAN").json()
    assert other["countryId"] == "CAN"
    invalid = api.post(f"{HOLIDAY}/clone?newCampaignName=x&newCountryCode=ZZZ")
    assert attributes(invalid) == ["newCountryCode"]
    assert attributes(api.post(f"{HOLIDAY}/clone")) == ["newCampaignName"]


def test_clear_cache_and_lists(api: httpx.Client) -> None:
    response = api.post(f"{HOLIDAY}/clearCache")
    assert (response.status_code, response.text) == (201, "true")
    assert response.headers["content-type"].startswith("text/plain")
    assert api.get(f"{HOLIDAY}/lists").json() == []


def test_countries(api: httpx.Client) -> None:
    countries = api.get("/countries/available").json()
    assert countries[0]["countryId"] == "USA"
    assert set(countries[0]) == {
        "countryCode",
        "countryId",
        "countryName",
        "maxAniLength",
        "maxUtcOffset",
        "minAniLength",
        "minUtcOffset",
    }


def names(response: httpx.Response) -> list[str]:
    assert response.status_code == 200
    return [one["campaignName"] for one in response.json()]


def test_paging(api: httpx.Client, body: Json) -> None:
    for index in range(5):
        api.post(CAMPAIGNS, json={**body, "campaignName": f"c{index}"})
    assert names(api.get(CAMPAIGNS)) == ["c0", "c1", "c2", "c3", "c4"]
    assert names(api.get(f"{CAMPAIGNS}?page=1&maxRows=2")) == ["c0", "c1"]
    assert names(api.get(f"{CAMPAIGNS}?page=0&maxRows=2")) == ["c0", "c1"]
    assert names(api.get(f"{CAMPAIGNS}?page=3&maxRows=2")) == ["c4"]
    assert names(api.get(f"{CAMPAIGNS}?page=4&maxRows=2")) == []
    assert len(api.get("/dialGroups?page=2&maxRows=2").json()) == 1
    assert len(api.get("/dialGroups/withChildren?page=1&maxRows=1").json()) == 1
    assert attributes(api.get(f"{CAMPAIGNS}?page=x")) == ["page"]


def test_page_sizes_are_settings(start: Any, body: Json) -> None:
    server = start(default_max_rows=2, max_rows_cap=3, dialect=Dialect(first_page="0"))
    with api_client(server) as api:
        for index in range(4):
            api.post(CAMPAIGNS, json={**body, "campaignName": f"c{index}"})
        assert names(api.get(CAMPAIGNS)) == ["c0", "c1"]
        assert names(api.get(f"{CAMPAIGNS}?page=1")) == ["c2", "c3"]
        assert names(api.get(f"{CAMPAIGNS}?maxRows=100")) == ["c0", "c1", "c2"]


def test_dial_groups(api: httpx.Client) -> None:
    created = api.post("/dialGroups", json={"dialGroupName": "Surveys", "dialMode": "POWER", "extra": 1})
    assert created.status_code == 200
    group = created.json()
    assert (group["dialGroupId"], group["isActive"], group["extra"]) == (115804, True, 1)
    path = f"/dialGroups/{group['dialGroupId']}"
    assert api.get(path).json() == group
    replaced = api.put(path, json={"dialGroupName": "Polls", "dialMode": "POWER", "isActive": False}).json()
    assert (replaced["dialGroupName"], replaced["isActive"], "extra" in replaced) == (
        "Polls",
        False,
        False,
    )
    invalid = api.post("/dialGroups", json={"dialMode": "LOUD"})
    assert attributes(invalid) == ["dialGroupName", "dialMode"]
    assert attributes(api.put(path, json={**replaced, "isActive": 2})) == ["isActive"]
    assert api.delete(path).json() is True
    assert api.get(path).status_code == 404
    assert api.delete(f"/dialGroups/{seed.OUTBOUND_RENEWALS_ID}").status_code == 409


def test_renamed_dial_group_in_its_campaigns(api: httpx.Client) -> None:
    path = f"/dialGroups/{seed.OUTBOUND_RENEWALS_ID}"
    api.put(path, json={"dialGroupName": "Renewals", "dialMode": "PREDICTIVE"})
    assert api.get(HOLIDAY).json()["dialGroup"] == {
        "id": seed.OUTBOUND_RENEWALS_ID,
        "description": "Renewals",
    }


def test_with_children(api: httpx.Client) -> None:
    groups = api.get("/dialGroups/withChildren").json()
    assert [len(group["campaigns"]) for group in groups] == [0, 1, 0]
    assert groups[1]["campaigns"][0] == api.get(HOLIDAY).json()


def test_accounts_are_separate(start: Any) -> None:
    server = start(accounts=(DEFAULT_ACCOUNT, SandboxAccount("99990001", "Second", "Europe/Berlin")))
    with httpx.Client(base_url=server.url, headers=TOKEN) as web:
        base = "/voice/api/v1/admin/accounts"
        assert [one["accountId"] for one in web.get(base).json()] == ["99990000", "99990001"]
        assert web.get(f"{base}/99990001/dialGroups").json() == []
        assert web.get(f"{base}/99990001{HOLIDAY}").status_code == 404


def test_history_has_every_write(api: httpx.Client, sandbox: SandboxServer, body: Json) -> None:
    created = api.post(CAMPAIGNS, json=body).json()
    path = f"{CAMPAIGNS}/{created['campaignId']}"
    api.put(path, json={**created, "isActive": 1, "endDate": "2026-05-26T07:00:00.000+0000"})
    clone = api.post(f"{path}/clone?newCampaignName=Copy").json()
    api.delete(path)
    assert [
        (entry.op, entry.campaign_id, entry.name, entry.is_active, entry.end_date[:4], entry.deleted)
        for entry in sandbox.history()
    ] == [
        ("create", created["campaignId"], body["campaignName"], 0, "2025", False),
        ("update", created["campaignId"], body["campaignName"], 1, "2026", False),
        ("clone", clone["campaignId"], "Copy", 1, "2026", False),
        ("delete", created["campaignId"], body["campaignName"], 1, "2026", True),
    ]
    logged = {record.request_id for record in sandbox.requests() if record.method != "GET"}
    assert {entry.request_id for entry in sandbox.history()} == logged
    response = httpx.get(f"{sandbox.url}/sandbox/history", params={"campaignId": clone["campaignId"]})
    assert [entry["op"] for entry in response.json()] == ["clone"]


def test_seed_campaign(sandbox: SandboxServer, api: httpx.Client) -> None:
    holiday = api.get(HOLIDAY).json()
    assert holiday["campaignName"] == "Holiday Renewals 2025"
    assert (holiday["isActive"], holiday["maxRingTime"]) == (1, 25)
    assert datetime.strptime(holiday["endDate"], "%Y-%m-%dT%H:%M:%S.%f%z") < datetime.now(UTC)


def test_reset(sandbox: SandboxServer, web: httpx.Client, api: httpx.Client, body: Json) -> None:
    assert api.delete(HOLIDAY).status_code == 200
    assert api.post(CAMPAIGNS, json=body).json()["campaignId"] == 136785
    assert web.post("/sandbox/reset").json() is True
    assert sandbox.requests() == sandbox.history() == []
    assert sandbox.counters()["routes"] == {}
    assert api.get(HOLIDAY).status_code == 200
    assert api.post(CAMPAIGNS, json=body).json()["campaignId"] == 136785
