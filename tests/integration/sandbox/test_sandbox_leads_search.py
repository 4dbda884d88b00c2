"""Lead search."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import DEFAULT_ACCOUNT, SandboxAccount
from airflow_provider_engagevoice.sandbox.validation import format_date
from tests.integration.sandbox.conftest import LOAD_OPTIONS, TOKEN, Found, Load, attributes

OTHER = seed.HOLIDAY_RENEWALS_2025_ID
HOUR_AGO = format_date(datetime.now(UTC) - timedelta(hours=1))
IN_AN_HOUR = format_date(datetime.now(UTC) + timedelta(hours=1))


@pytest.fixture
def leads(load: Load) -> None:
    """Three leads in two lists of the campaign, and one in another campaign."""
    load(
        {
            "externId": "a",
            "leadPhone": "4155550100|4155550101",
            "firstName": "Ada",
            "city": "London",
            "state": "CA",
        },
        {
            "externId": "b",
            "leadPhoneE164": "+14155550102",
            "lastName": "O'Hara",
            "state": "NY",
            "zip": "10001",
        },
    )
    load({"externId": "c", "leadPhone": "4155550103", "leadTimezone": "CST", "email": "c@example.com"})
    load({"externId": "d", "leadPhone": "4155550100", "suppressed": True}, into=OTHER)


@pytest.mark.usefixtures("leads")
@pytest.mark.parametrize(
    ("criteria", "extern_ids"),
    [
        ({}, "abcd"),
        ({"campaignIds": [OTHER]}, "d"),
        ({"campaignId": OTHER, "campaignIds": []}, "d"),
        ({"campaignIds": [1]}, ""),
        ({"externIds": ["c", "a", "x"]}, "ac"),
        ({"externIds": []}, "abcd"),
        ({"leadIds": [2, 3]}, "bc"),
        ({"leadPhoneNum": "4155550101"}, "a"),
        ({"leadPhoneNum": "4155550100"}, "ad"),
        ({"leadPhoneNumbers": ["4155550102", "+14155550103"]}, "bc"),
        ({"leadPhoneNumbers": ["+14155550102"]}, "b"),
        ({"firstName": "ADA"}, "a"),
        ({"lastName": "o'hara", "zip": "10001"}, "b"),
        ({"lastName": "o'hara", "zip": "10002"}, ""),
        ({"emailAddress": "c@example.com"}, "c"),
        ({"physicalStates": ["CA", "NY"]}, "ab"),
        ({"leadTimezones": [{"name": "CST"}]}, "c"),
        ({"listIds": [2]}, "c"),
        ({"suppressed": "ONLY_SUPPRESSED"}, "d"),
        ({"suppressed": "ONLY_UNSUPPRESSED"}, "abc"),
        ({"suppressed": "ALL"}, "abcd"),
        ({"leadStates": ["READY", "PENDING"]}, "abcd"),
        ({"leadStates": ["DO-NOT-CALL"]}, ""),
        ({"systemDispositions": ["BUSY"]}, ""),
        ({"leadPassesCriteria": {"operator": "LESS_THAN", "value": 1}}, "abcd"),
        ({"leadPassesCriteria": {"operator": "GREATER_THAN", "value": 0}}, ""),
        ({"loadedDtsStart": HOUR_AGO, "loadedDtsEnd": IN_AN_HOUR}, "abcd"),
        ({"loadedDtsStart": IN_AN_HOUR}, ""),
        ({"lastPassTimeCriteria": {"operator": "LESS_THAN", "value": IN_AN_HOUR}}, ""),
        ({"orphanedLeadsOnly": True}, ""),
        ({"orphanedLeadsOnly": False}, "abcd"),
        ({"agentDispositions": ["Sale"]}, ""),
    ],
)
def test_criteria(api: httpx.Client, found: Found, criteria: dict[str, Any], extern_ids: str) -> None:
    assert found(**criteria) == list(extern_ids)
    counted = api.post("/campaignLeads/leadSearch", params={"count": "true"}, json=criteria)
    assert counted.text == str(len(extern_ids))


@pytest.mark.parametrize(
    "criteria",
    [
        {"externId": ["a"]},
        {"externIds": "a"},
        {"externIds": [1]},
        {"leadIds": ["1"]},
        {"campaignIds": ["1"]},
        {"leadPhoneNumbers": [4155550100]},
        {"firstName": 1},
        {"leadStates": ["DO_NOT_CALL"]},
        {"systemDispositions": "BUSY"},
        {"suppressed": "NO"},
        {"leadTimezones": ["CST"]},
        {"loadedDtsStart": "2026-07-01"},
        {"leadPassesCriteria": {"operator": "LESS", "value": 1}},
        {"leadPassesCriteria": {"operator": "EQUALS", "value": "1"}},
        {"orphanedLeadsOnly": "yes"},
    ],
)
def test_rejected_criteria(api: httpx.Client, criteria: dict[str, Any]) -> None:
    response = api.post("/campaignLeads/leadSearch", json=criteria)
    assert attributes(response) == list(criteria)


@pytest.mark.usefixtures("leads")
def test_result_fields(api: httpx.Client, campaign: int) -> None:
    (row,) = api.post("/campaignLeads/leadSearch", json={"externIds": ["a"]}).json()
    expected = {
        "leadId": 1,
        "externId": "a",
        "leadPhone": "4155550100|4155550101",
        "leadState": "READY",
        "leadPasses": 0,
        "lastPassDispo": None,
        "suppressed": False,
        "campaignId": campaign,
        "campaignName": "My Predictive Campaign",
        "dialGroupId": seed.MY_NEW_DIAL_GROUP_ID,
        "listId": 1,
        "listDesc": "Renewals",
        "firstName": "Ada",
        "lastName": None,
        "city": "London",
        "state": "CA",
        "nextDialTime": None,
    }
    assert {name: row[name] for name in expected} == expected
    assert row["loadedDts"] == row["stateDts"] == row["uploadDate"]
    assert HOUR_AGO < row["loadedDts"] < IN_AN_HOUR


def test_pages(api: httpx.Client, load: Load) -> None:
    load(*({"externId": str(number), "leadPhone": "4155550100"} for number in range(7)))
    for criteria in ({}, {"leadPhoneNum": "4155550100"}):
        pages = [
            api.post("/campaignLeads/leadSearch", params={"maxRows": 3, "page": page}, json=criteria).json()
            for page in (1, 2, 3, 4)
        ]
        assert [[row["externId"] for row in page] for page in pages] == [
            ["0", "1", "2"],
            ["3", "4", "5"],
            ["6"],
            [],
        ]


def test_phone_list(api: httpx.Client, load: Load) -> None:
    load(*({"externId": str(number), "leadPhone": f"415555010{number}"} for number in range(4)))
    file = b"phone,name\r\n4155550101,Ada\r\n\r\n+14155550103\r\n"
    path = "/campaignLeads/leadSearchByPhoneList"
    response = api.post(path, files={"file": ("phones.csv", file)})
    assert [row["externId"] for row in response.json()] == ["1", "3"]
    paged = api.post(path, files={"file": ("phones.csv", file)}, params={"maxRows": 1, "page": 2})
    assert [row["externId"] for row in paged.json()] == ["3"]
    for bad in ({"files": {"file": ("f", b"phone\n")}}, {"json": {}}, {"files": {"other": ("f", b"1")}}):
        assert api.post(path, **bad).status_code == 400  # type: ignore[arg-type]


def test_other_accounts_are_not_searched(start: Any) -> None:
    server: SandboxServer = start(limits=False, accounts=(DEFAULT_ACCOUNT, SandboxAccount("1", "Other")))
    url = f"{server.url}/voice/api/v1/admin/accounts"
    with httpx.Client(headers=TOKEN) as client:
        leads = [{"externId": "a", "leadPhone": "4155550100"}]
        request = {**LOAD_OPTIONS, "timeZoneOption": "NPA_NXX", "uploadLeads": leads}
        load = f"campaigns/{OTHER}/leadLoader/direct"
        assert client.post(f"{url}/1/{load}", json=request).status_code == 404
        assert client.post(f"{url}/~/{load}", json=request).status_code == 200
        for criteria in ({}, {"externIds": ["a"]}, {"campaignIds": [OTHER]}, {"leadPhoneNum": "4155550100"}):
            assert client.post(f"{url}/1/campaignLeads/leadSearch", json=criteria).json() == []
            assert len(client.post(f"{url}/~/campaignLeads/leadSearch", json=criteria).json()) == 1


def test_value_lists(api: httpx.Client) -> None:
    assert "CALLBACK-CANCELLED" in api.get("/campaignLeads/leadStates").json()
    assert "APP_DNC" in api.get("/campaignLeads/systemDispositions").json()
