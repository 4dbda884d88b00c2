"""Agents, users, labels of additional phones, dispositions, and the audit log."""

from __future__ import annotations

from typing import Any

import httpx

from airflow_provider_engagevoice.sandbox import credentials, seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import DEFAULT_ACCOUNT, MAIN_ACCOUNT
from tests.integration.sandbox.conftest import API, CAMPAIGNS, TOKEN, Json, attributes
from tests.support.clocks import ShiftedClock

GROUP = seed.MY_NEW_DIAL_GROUP_ID


def test_agents_of_a_dial_group(api: httpx.Client) -> None:
    path = f"/dialGroups/{GROUP}"
    assert api.get(f"{path}/assignedAgents").json() == []
    members = [{"agentId": 1810002, "hciClicker": True}]
    assigned = api.put(f"{path}/assignAgents", json=members)
    assert [agent["agentId"] for agent in assigned.json()] == [1810002]
    api.put(path, json={"dialGroupName": "Renamed"})
    assert api.get(f"{path}/assignedAgents").json() == assigned.json()
    assert attributes(api.put(f"{path}/assignAgents", json=[{"agentId": 1}])) == ["agentId"]
    assert attributes(api.put(f"{path}/assignAgents", json={})) == ["body"]
    assert api.get("/dialGroups/7/assignedAgents").status_code == 404


def test_labels_of_additional_phones(api: httpx.Client, campaign: int) -> None:
    path = "/persona-phone-config"
    assert api.get(path).json() == []
    label = {"phoneId": 2, "phoneLabel": "Mobile"}
    assert api.post(path, json=label).json() == [{"accountId": DEFAULT_ACCOUNT.account_id, **label}]
    assert attributes(api.post(path, json=label)) == ["phoneId"]
    assert api.put(path, json={**label, "phoneLabel": "Work"}).json()[0]["phoneLabel"] == "Work"
    for wrong in (
        {"phoneId": 1},
        {"phoneId": 8},
        {"phoneId": "3"},
        {"phoneLabel": "x" * 31},
        {"phoneLabel": ""},
    ):
        assert len(attributes(api.post(path, json={"phoneId": 3, "phoneLabel": "Home", **wrong}))) == 1
    preview = api.post(
        f"/campaigns/{campaign}/leadLoader/preview?fileType=COMMA", files={"file": ("a.csv", b"1,2\n")}
    )
    assert preview.json()["personaPhoneConfig"] == [{"phoneId": 2, "phoneLabel": "Work"}]
    assert api.delete(f"{path}/2").status_code == 204
    assert api.delete(f"{path}/2").status_code == 404
    assert api.get(path).json() == []


def test_dispositions_of_a_campaign(api: httpx.Client, sandbox: SandboxServer, campaign: int) -> None:
    assert api.get(f"{CAMPAIGNS}/{campaign}/campaignDispositions").json() == []
    sandbox.set_dialect(clone_copies="nested rows")
    copy = api.post(f"{CAMPAIGNS}/{campaign}/clone?newCampaignName=Copy").json()["campaignId"]
    assert api.get(f"{CAMPAIGNS}/{copy}/campaignDispositions").json() == [
        {"dispositionId": 7, "campaignId": campaign}
    ]


def test_users(web: httpx.Client) -> None:
    with httpx.Client(base_url=str(web.base_url), headers=TOKEN) as main:
        (user,) = main.get("/voice/api/v1/admin/users").json()
        base = "/voice/api/integration/v1/admin"
        (same,) = main.get(f"{base}/users/{MAIN_ACCOUNT.account_id}").json()
        assert user["userName"] == same["userName"] == credentials.DIRECT_USERNAME
        (account,) = main.get(f"{base}/accounts/{MAIN_ACCOUNT.account_id}/subaccounts").json()
        assert account["subAccountId"] == DEFAULT_ACCOUNT.account_id
        assert main.get(f"{base}/users/1").status_code == 403
    assert web.get("/voice/api/v1/admin/users").status_code == 401


AUDIT = "/voice/api/v1/admin/auditLogs"
CRITERIA = {
    "accountId": DEFAULT_ACCOUNT.account_id,
    "startDateTime": "2020-01-01T00:00:00.000-0700",
    "endDateTime": "2099-01-01T00:00:00.000-0700",
    "searchEntities": ["Campaign"],
}


def audited(web: httpx.Client, **criteria: Any) -> list[Json]:
    response = web.put(f"{AUDIT}/search", json={**CRITERIA, **criteria}, headers=TOKEN)
    assert response.status_code == 200, response.text
    rows: list[Json] = response.json()
    return rows


def test_audit_log(api: httpx.Client, web: httpx.Client, body: Json, ahead: ShiftedClock) -> None:
    created = api.post(CAMPAIGNS, json=body).json()
    path, number = f"{CAMPAIGNS}/{created['campaignId']}", str(created["campaignId"])
    api.put(path, json={**created, "isActive": 1, "maxRingTime": 45})
    api.delete(path)
    assert audited(web) == []
    ahead.wall += 299
    assert audited(web) == []
    ahead.wall += 2
    rows = audited(web)
    assert [(row["actionType"], row["auditedEntityId"]) for row in rows] == [
        ("CREATE", number),
        ("UPDATE", number),
        ("DELETE", number),
    ]
    assert {row["authUser"]["userName"] for row in rows} == {credentials.DIRECT_USERNAME}
    changes = [
        (one["attributeName"], one["originalValue"], one["newValue"]) for one in rows[1]["auditLogResultList"]
    ]
    assert changes == [("isActive", 0, 1), ("maxRingTime", 30, 45)]
    assert [row["actionType"] for row in audited(web, auditActions=["UPDATE", "CREATE"])] == [
        "CREATE",
        "UPDATE",
    ]
    assert audited(web, ascOrDesc="DESCENDING")[0]["actionType"] == "DELETE"
    assert audited(web, auditedEntityId="1") == audited(web, searchEntities=["DialGroup"]) == []
    assert audited(web, endDateTime="2020-02-01T00:00:00+00:00") == []
    assert len(audited(web, startDateTime=None, startDateTimeAsUnix=0)) == 3


def test_audit_log_refuses(web: httpx.Client, sandbox: SandboxServer) -> None:
    def refused(**criteria: Any) -> httpx.Response:
        return web.put(f"{AUDIT}/search", json={**CRITERIA, **criteria}, headers=TOKEN)

    assert attributes(refused(startDateTime="2020-01-01T00:00:00.000Z")) == ["startDateTime"]
    assert attributes(refused(auditActions=["LOOK"])) == ["auditActions"]
    assert attributes(refused(wrong=1, endDateTime=None)) == ["wrong", "endDateTime"]
    assert refused(accountId="1").status_code == 403
    assert web.put(f"{AUDIT}/search", json=CRITERIA).status_code == 401
    assert [one["name"] for one in web.get(f"{AUDIT}/auditable", headers=TOKEN).json()] == ["Campaign"]
    sandbox.set_dialect(audit_log="403")
    assert refused().json()["errorCode"] == "access.denied.exception"


def test_legacy_prefix(web: httpx.Client) -> None:
    assert web.get(f"{API.removeprefix('/voice')}/persona-phone-config", headers=TOKEN).json() == []
