"""Requests of the kinds that the vendor's samples, its SDKs and other clients send."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import credentials, seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import DEFAULT_ACCOUNT
from tests.integration.sandbox.conftest import CAMPAIGNS, LOAD_OPTIONS, Json, attributes

BASIC = (credentials.CLIENT_ID, credentials.CLIENT_SECRET)
GROUP = seed.MY_NEW_DIAL_GROUP_ID
DATES = {"startDate": "2031-03-01T08:00:00.000+0000", "endDate": "2031-04-30T20:00:00.000+0000"}
NEEDED = {**DATES, "callerId": "2125550142"}


def password_grant(web: httpx.Client, **form: str) -> httpx.Response:
    given = {"grant_type": "password", "password": credentials.PASSWORD, **form}
    return web.post("/restapi/oauth/token", auth=BASIC, data=given)


@pytest.mark.parametrize(
    "user",
    [
        {"username": f"{credentials.USERNAME}*{credentials.EXTENSION}"},
        {"username": quote(credentials.USERNAME), "extension": credentials.EXTENSION},
        {"username": quote(f"{credentials.USERNAME}*{credentials.EXTENSION}", safe="")},
        {"username": credentials.USERNAME, "extension": credentials.EXTENSION},
        {"username": credentials.USERNAME},
    ],
)
def test_user_names(web: httpx.Client, user: dict[str, str]) -> None:
    assert password_grant(web, **user).status_code == 200


@pytest.mark.parametrize("user", [f"{credentials.USERNAME}*102", f"{credentials.USERNAME}9", "*101"])
def test_wrong_user_names(web: httpx.Client, user: str) -> None:
    response = password_grant(web, username=user)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("kind", [{}, {"rcTokenType": "Bearer"}, {"rcTokenType": "bearer"}])
def test_exchange_names_the_account(web: httpx.Client, kind: dict[str, str]) -> None:
    token = password_grant(web, username=credentials.USERNAME).json()["access_token"]
    path = "/api/auth/login/rc/accesstoken?includeRefresh=true"
    response = web.post(path, data={"rcAccessToken": token, **kind})
    assert response.status_code == 200
    assert response.json()["agentDetails"][0]["accountId"] == DEFAULT_ACCOUNT.account_id
    other = {"rcAccessToken": token, "rcTokenType": "MAC"}
    assert attributes(web.post(path, data=other)) == ["rcTokenType"]
    assert attributes(web.post(path, data={})) == ["rcAccessToken"]


def test_ringcentral_refresh_token(web: httpx.Client) -> None:
    first = password_grant(web, username=credentials.USERNAME).json()

    def renew(token: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return web.post("/restapi/oauth/token", auth=BASIC, data=form)

    second = renew(first["refresh_token"])
    assert second.status_code == 200
    assert second.json()["access_token"] != first["access_token"]
    assert renew(first["refresh_token"]).json()["error"] == "invalid_grant"
    assert renew(second.json()["refresh_token"]).status_code == 200
    assert renew("").status_code == 400


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        ({"dialGroupName": "Surveys"}, {"dialMode": "PREDICTIVE", "isActive": True}),
        (
            {"dialGroupName": "Slow", "dialMode": "PREVIEW", "progressiveEnabled": 1, "isActive": 1},
            {"dialMode": "PREVIEW", "progressiveEnabled": True, "isActive": True},
        ),
        ({"dialGroupName": "Off", "isActive": 0}, {"isActive": False}),
    ],
)
def test_dial_groups(api: httpx.Client, body: Json, stored: Json) -> None:
    response = api.post("/dialGroups", json=body)
    assert response.status_code == 200
    created = response.json()
    assert {name: created[name] for name in stored} == stored
    assert type(created["isActive"]) is bool
    assert attributes(api.post("/dialGroups", json={**body, "isActive": 2})) == ["isActive"]


def test_strategic_campaign(api: httpx.Client) -> None:
    schedules = [
        {
            "day": "TUESDAY",
            "start": "09:00",
            "end": "11:59",
            "callPreferences": [{"phoneId": 3, "priority": 1}],
        },
        {
            "day": "TUESDAY",
            "start": "12:00",
            "end": "18:00",
            "callPreferences": [{"phoneId": 1, "priority": 1}],
        },
    ]
    strategic = {"callingConfiguration": "STRATEGIC", "personaCallSchedules": schedules}
    response = api.post(CAMPAIGNS, json={"campaignName": "Personas", **NEEDED, **strategic})
    assert response.status_code == 200
    assert response.json()["personaCallSchedules"] == schedules
    path = "/persona-phone-config/active-campaigns"
    assert api.get(f"{path}/3").json() == ["Personas"]
    assert api.get(f"{path}/2").json() == []


@pytest.mark.parametrize(
    ("options", "lead"),
    [
        (
            {"dialPriority": "NORMAL", "duplicateHandling": "REMOVE_FROM_LIST"},
            {
                "leadPhone": "2125550101",
                "leadPhoneE164": "+12125550101",
                "leadPriority": 7,
                "maxPasses": 2,
                "callerId": "2125550142",
                "auxData2": "winback",
            },
        ),
        (
            {"dialPriority": "IMMEDIATE", "dncTags": []},
            {"leadPhone": "2125550102", "midName": "", "auxData3": 4.5, "extendedLeadData": {"seen": False}},
        ),
        (
            {
                "fileType": "COMMA",
                "duplicateHandling": "REMOVE_ALL_EXISTING",
                "timeZoneOption": "EXPLICIT",
                "phoneNumbersI18nEnabled": True,
                "internationalNumberFormat": True,
                "numberOriginCountry": "e164",
            },
            {"leadPhone": "+61491570156", "leadTimezone": "WA01"},
        ),
        (
            {
                "timeZoneOption": "EXPLICIT",
                "phoneNumbersI18nEnabled": True,
                "internationalNumberFormat": False,
                "numberOriginCountry": "DEU",
            },
            {"leadPhone": "030123456", "leadTimezone": "BER"},
        ),
    ],
)
def test_loads(api: httpx.Client, campaign: int, options: Json, lead: Json) -> None:
    body = {"description": "Leads", "listState": "ACTIVE", **LOAD_OPTIONS, **options}
    body["uploadLeads"] = [{"externId": "crm-7", **lead}]
    response = api.post(f"/campaigns/{campaign}/leadLoader/direct", json=body)
    assert response.status_code == 200
    result = response.json()
    rejected = [row["message"] for row in result["rejectedRows"]]
    # The vendor rejects leads with empty texts.
    assert rejected == (["midName: must not be empty text"] if "midName" in lead else [])
    assert (result["leadsSupplied"], result["leadsInserted"]) == (1, 1 - len(rejected))


def test_lead_search(api: httpx.Client, campaign: int, load: Any) -> None:
    for number in range(3):
        load({"externId": f"x{number}", "leadPhone": f"212555010{number}"})
    search = {"campaignId": campaign, "campaignIds": [campaign]}

    def found(body: Json, query: str = "") -> list[str]:
        response = api.post(f"/campaignLeads/leadSearch{query}", json={**search, **body})
        assert response.status_code == 200, response.text
        return [row["externId"] for row in response.json()]

    assert found({"page": 2, "maxRows": 1}) == ["x1"]
    assert found({"page": 1, "maxRows": 1}, "?page=3") == ["x2"]
    assert found({}) == ["x0", "x1", "x2"]


@pytest.mark.parametrize(
    ("value", "statuses"), [("both", (200, 200)), ("JSON", (200, 415)), ("multipart", (415, 200))]
)
def test_search_by_phones(
    sandbox: SandboxServer, api: httpx.Client, campaign: int, load: Any, value: str, statuses: tuple[int, int]
) -> None:
    load({"externId": "a", "leadPhone": "2125550101"}, {"externId": "b", "leadPhone": "2125550102"})
    sandbox.set_dialect(phone_list=value)
    path = "/campaignLeads/leadSearchByPhoneList"
    as_json = api.post(path, json={"phoneList": ["2125550102", "2125550109"], "campaignIds": [campaign]})
    as_file = api.post(path, files={"file": ("phones.csv", b"2125550102\n2125550109\n")})
    assert (as_json.status_code, as_file.status_code) == statuses
    for response in (as_json, as_file):
        if response.status_code == 200:
            assert [row["externId"] for row in response.json()] == ["b"]


@pytest.mark.parametrize(
    "body", [{}, {"phoneList": []}, {"phoneList": "2125550101"}, {"phoneList": ["1"], "x": 1}]
)
def test_bad_searches_by_phones(api: httpx.Client, body: Json) -> None:
    assert attributes(api.post("/campaignLeads/leadSearchByPhoneList", json=body))


def test_actions(api: httpx.Client, campaign: int, load: Any, found: Any) -> None:
    other = api.post(CAMPAIGNS, json={"campaignName": "Other", **NEEDED}).json()["campaignId"]
    load({"externId": "a", "leadPhone": "2125550101"}, {"externId": "b", "leadPhone": "2125550102"})
    (lead_id, _) = found("leadId")

    def act(action: str, criteria: Json, parameters: Json) -> None:
        body = {
            "campaignLeadSearchCriteria": {"campaignId": campaign, "campaignIds": [campaign], **criteria},
            "leadActionParams": parameters,
        }
        response = api.put(f"/campaignLeads/actions?leadAction={action}", json=body)
        assert response.status_code == 200, response.text

    moves = {
        "CAMPAIGN_ID": str(other),
        "LIST_ID": "0",
        "LIST_NAME": "moved",
        "CREATE_COPY_SETTING": "false",
        "DUPLICATE_ACTION_SETTING": "MOVE",
    }
    act("MOVE_TO_CAMPAIGN", {"leadIds": [lead_id], "listIds": []}, {"paramMap": moves})
    assert found(campaignId=other) == ["a"]
    act("CANCEL_LEADS", {"externIds": ["b"]}, {})
    assert found("leadState", campaignId=campaign) == ["CANCELLED"]


class NodeSample:
    """What the vendor's Node SDK sends for the samples of its document on campaigns."""

    def __init__(self, web: httpx.Client) -> None:
        user = f"{credentials.USERNAME}*{credentials.EXTENSION}"
        token = password_grant(web, username=user).json()["access_token"]
        form = {"rcAccessToken": token, "rcTokenType": "Bearer"}
        answer = web.post("/api/auth/login/rc/accesstoken", data=form).json()
        self._web, self._headers = web, {"Authorization": f"Bearer {answer['accessToken']}"}

    def send(self, method: str, path: str, body: Json | None = None) -> Any:
        response = self._web.request(method, f"/voice{path}", json=body, headers=self._headers)
        assert response.status_code in (200, 201), response.text
        return response.json()


class PhpSample(NodeSample):
    """What its PHP wrapper sends."""

    def __init__(self, web: httpx.Client) -> None:
        user = {"username": quote(credentials.USERNAME, safe=""), "extension": credentials.EXTENSION}
        token = password_grant(web, **user).json()["access_token"]
        form = {"rcAccessToken": token}
        answer = web.post("/api/auth/login/rc/accesstoken?includeRefresh=true", data=form).json()
        self._web, self._headers = web, {"Authorization": f"Bearer {answer['accessToken']}"}
        self._account = answer["agentDetails"][0]["accountId"]

    def send(self, method: str, path: str, body: Json | None = None) -> Any:
        return super().send(method, path.replace("{accountId}", self._account), body)


@pytest.mark.parametrize("sample", [NodeSample, PhpSample])
def test_samples(web: httpx.Client, sandbox: SandboxServer, body: Json, sample: type[NodeSample]) -> None:
    client = sample(web)
    groups = "/api/v1/admin/accounts/{accountId}/dialGroups"
    (group,) = [one for one in client.send("GET", groups) if one["dialGroupName"] == "My New Dial Group"]
    campaigns = f"{groups}/{group['dialGroupId']}/campaigns"
    created = client.send("POST", campaigns, body)
    (found,) = [one for one in client.send("GET", campaigns) if one["campaignName"] == body["campaignName"]]
    assert found == created
    query = "newCampaignName=My New Predictive Campaign&newCountryCode=USA"
    copy = client.send("POST", f"{campaigns}/{found['campaignId']}/clone?{query}")
    assert copy["campaignName"] == "My New Predictive Campaign"
    assert [entry.op for entry in sandbox.history()] == ["create", "clone"]
