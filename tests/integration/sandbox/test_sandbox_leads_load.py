"""Loading leads as JSON."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.integration.sandbox.conftest import CAMPAIGNS, Found, Json, Load
from tests.integration.sandbox.conftest import attributes as attributes_of

LISTS = f"{CAMPAIGNS}/{{}}/lists"


def lead(extern_id: str, phone: str = "4155550100", **fields: Any) -> Json:
    return {"externId": extern_id, "leadPhone": phone, **fields}


def counts(response: httpx.Response) -> Json:
    assert response.status_code == 200, response.text
    result: Json = response.json()
    names = {
        "supplied": "leadsSupplied",
        "accepted": "leadsAccepted",
        "inserted": "leadsInserted",
        "deleted": "deletedCount",
        "dnc": "dncReturnedCount",
    }
    assert result["leadsSupplied"] == result["leadsAccepted"] + len(result["rejectedRows"])
    assert (
        result["leadsAccepted"]
        == result["leadsInserted"] + result["deletedCount"] + result["dncReturnedCount"]
    )
    return {short: result[name] for short, name in names.items() if result[name]}


def test_result_and_list(load: Load, api: httpx.Client, campaign: int) -> None:
    result = load(lead("a"), lead("b", "4155550101|4155550102", firstName="Ada")).json()
    assert result == {
        "leadsSupplied": 2,
        "leadsAccepted": 2,
        "leadsInserted": 2,
        "leadsConverted": 2,
        "deletedCount": 0,
        "hasDeletedLeads": False,
        "dncReturnedCount": 0,
        "internalDncCount": 0,
        "dncUploadCount": 0,
        "failedAgentAssignment": 0,
        "quotaCount": 0,
        "whitelistCount": 0,
        "listState": "ACTIVE",
        "timeZoneOption": "NOT_APPLICABLE",
        "uploadFileName": None,
        "message": "Your uploaded lead list has successfully completed processing",
        "processingResult": "OK",
        "processingStatus": "DEFAULT_NOT_A_FAILURE",
        "rejectedRows": [],
    }
    load(lead("c"), lead("d", "5"), description="More", dialPriority="IMMEDIATE")
    first, second = api.get(LISTS.format(campaign)).json()
    assert (first["listDesc"], first["leadsSupplied"], first["leadCount"]) == ("Renewals", 2, 2)
    assert (second["listDesc"], second["dialPriority"]) == ("More", "IMMEDIATE")
    assert (second["leadsSupplied"], second["leadsAccepted"], second["leadsInserted"]) == (2, 1, 1)
    assert api.get(LISTS.format(campaign), params={"maxRows": 1, "page": 2}).json() == [second]


@pytest.mark.parametrize(
    ("bad", "message", "row"),
    [
        ({"leadPhone": "4155550100"}, "externId: is required", ["", "4155550100"]),
        ({"externId": None, "leadPhone": "4155550100"}, "externId: is required", ["", "4155550100"]),
        ({"externId": "x"}, "leadPhone: is required, or leadPhoneE164", ["x", ""]),
        (lead("x", "415555010"), "leadPhone: must be ten digits, several separated by |", ["x", "415555010"]),
        (lead("x", "4155550100|"), "leadPhone: must be ten digits", ["x", "4155550100|"]),
        (lead("x", "415555010\u0665"), "leadPhone: must be ten digits", ["x", "415555010\u0665"]),
        (lead("x", 4155550100.5), "leadPhone: must be ten digits", ["x", "4155550100.5"]),
        (
            lead("x", leadPhoneE164="14155550100"),
            "leadPhoneE164: must be",
            ["x", "4155550100", "14155550100"],
        ),
        (lead("x", city=""), "city: must not be empty text", ["x", "4155550100", ""]),
        (lead("x", city=" \t"), "city: must not be empty text", ["x", "4155550100", " \t"]),
        (lead(""), "externId: must not be empty text", ["", "4155550100"]),
        (lead("x", cty="SF"), "cty: is not a field of a lead", ["x", "4155550100", "SF"]),
        (lead("x", city=["SF"]), "city: must be text", ["x", "4155550100", '["SF"]']),
        (lead("x", maxPasses="3"), "maxPasses: must be an integer", ["x", "4155550100", "3"]),
        (lead("x", suppressed=1), "suppressed: must be true or false", ["x", "4155550100", "1"]),
        (
            lead("x", extendedLeadData={"a": {}}),
            "extendedLeadData: must be an object",
            ["x", "4155550100", '{"a": {}}'],
        ),
        ("not an object", "a lead must be an object", ["", "", "not an object"]),
    ],
)
def test_rejected_leads(load: Load, found: Found, bad: Any, message: str, row: list[str]) -> None:
    response = load(lead("good"), bad)
    assert counts(response) == {"supplied": 2, "accepted": 1, "inserted": 1}
    (rejected,) = response.json()["rejectedRows"]
    assert rejected["message"].startswith(message)
    assert rejected["rowData"] == row
    assert found() == ["good"]


def test_rejected_row_puts_id_and_number_first(load: Load) -> None:
    response = load({"city": "SF", "leadPhone": "1", "zip": None, "externId": "x"})
    assert response.json()["rejectedRows"][0]["rowData"] == ["x", "1", "SF", ""]


def test_an_agent_is_reserved(load: Load, api: httpx.Client) -> None:
    response = load(lead("a", reserveAgent="9001"), lead("b", phone="4155550109", reserveAgent="9011"))
    assert response.json()["failedAgentAssignment"] == 1
    found = api.post("/campaignLeads/leadSearch", json={}).json()
    assert [(one["externId"], one["pendingAgentName"]) for one in found] == [
        ("a", "Agent 9001"),
        ("b", None),
    ]


def test_accepted_values(load: Load, api: httpx.Client) -> None:
    response = load(
        lead("a", city=None, auxData1=30, extendedLeadData={"interested": True}, reserveAgent="7"),
        {"externId": 5, "leadPhoneE164": "+14155550101", "reserveAgent": ""},
        lead("c", leadState="READY", leadPasses=9, dupeKeyOverride=1, maxPasses=2, suppressed=True),
    )
    assert counts(response) == {"supplied": 3, "accepted": 3, "inserted": 3}
    assert response.json()["failedAgentAssignment"] == 1
    first, second, third = api.post("/campaignLeads/leadSearch", json={}).json()
    assert (first["auxData1"], first["extraData"]) == ("30", '{"interested": true}')
    assert (second["externId"], second["leadPhone"]) == ("5", "+14155550101")
    assert (third["leadPasses"], third["maxPasses"], third["suppressed"]) == (0, 2, True)


def test_time_zone_options(load: Load) -> None:
    explicit = load(
        lead("a", leadTimezone="EST"),
        lead("b", leadTimezone="America/Chicago"),
        lead("c", leadTimezone="NSW1"),
        lead("d"),
        timeZoneOption="EXPLICIT",
    )
    assert counts(explicit) == {"supplied": 4, "accepted": 3, "inserted": 3}
    by_zip = load(lead("a", zip="94105-1234"), lead("b", zip="9410"), lead("c"), timeZoneOption="ZIPCODE")
    assert counts(by_zip) == {"supplied": 3, "accepted": 1, "inserted": 1}


def test_numbers_of_other_countries(load: Load) -> None:
    leads = [lead("a", "0612345678901"), lead("b", "061")]
    assert counts(load(*leads, numberOriginCountry="GBR")) == {"supplied": 2, "accepted": 1, "inserted": 1}


def test_no_lead_is_accepted(load: Load, api: httpx.Client, campaign: int) -> None:
    response = load(lead("a", "1"), lead("b", "2"))
    assert counts(response) == {"supplied": 2}
    result = response.json()
    assert result["processingStatus"] == "NO_LEADS_PASSED_VALIDATION"
    assert result["processingResult"] == "Failed"
    assert api.get(LISTS.format(campaign)).json() == []


@pytest.mark.parametrize(
    ("changed", "attributes"),
    [
        ({"dialPriority": "SOON"}, ["dialPriority"]),
        ({"duplicateHandling": "retain_all"}, ["duplicateHandling"]),
        ({"timeZoneOption": None}, ["timeZoneOption"]),
        ({"listState": "OPEN", "dncTags": "x"}, ["listState", "dncTags"]),
        ({"dncTags": ["unknown"]}, ["dncTags"]),
        ({"numberOriginCountry": "XXX"}, ["numberOriginCountry"]),
        ({"description": "x" * 256}, ["description"]),
        ({"priority": 1}, ["priority"]),
        ({"uploadLeads": []}, ["uploadLeads"]),
        ({"uploadLeads": {}}, ["uploadLeads"]),
        ({"uploadLeads": None}, ["uploadLeads"]),
        ({"uploadLeads": [lead("good"), lead("x", leadState="OPEN")]}, ["leadState"]),
        ({"uploadLeads": [lead("good"), lead("x", leadState=[])]}, ["leadState"]),
    ],
)
def test_rejected_requests_store_nothing(
    load: Load, found: Found, changed: Json, attributes: list[str]
) -> None:
    response = load(lead("good"), **changed)
    assert attributes_of(response) == attributes
    assert found() == []


def test_maximum_leads(load: Load) -> None:
    leads = [lead(str(number)) for number in range(5_001)]
    assert load(*leads).status_code == 400
    assert counts(load(*leads[1:])) == {"supplied": 5_000, "accepted": 5_000, "inserted": 5_000}


def test_unknown_campaigns(load: Load, api: httpx.Client) -> None:
    assert load(lead("a"), into=1).status_code == 404
    other = api.post("../44440000/campaigns/1/leadLoader/direct", json={})
    assert other.status_code == 403


def test_duplicates(load: Load, found: Found) -> None:
    leads = [lead("a"), lead("b"), lead("c", "4155550101"), lead("d", "4155550100|4155550101")]
    assert counts(load(*leads)) == {"supplied": 4, "accepted": 4, "inserted": 4}
    once = load(*leads, duplicateHandling="REMOVE_FROM_LIST")
    assert counts(once) == {"supplied": 4, "accepted": 4, "inserted": 3, "deleted": 1}
    assert once.json()["hasDeletedLeads"] is True
    # Only leads loaded with the same option count as existing.
    existing = load(*leads, duplicateHandling="REMOVE_ALL_EXISTING")
    assert counts(existing) == {"supplied": 4, "accepted": 4, "inserted": 3, "deleted": 1}
    again = load(*leads, lead("e", "4155550109"), duplicateHandling="REMOVE_ALL_EXISTING")
    assert counts(again) == {"supplied": 5, "accepted": 5, "inserted": 1, "deleted": 4}
    assert found() == ["a", "b", "c", "d", "a", "c", "d", "a", "c", "d", "e"]


def test_do_not_call(load: Load, api: httpx.Client, campaign: int, found: Found) -> None:
    tag = api.post("/dncTags", json={"dncTagLabel": "Holidays"}).json()["dncTagId"]
    for phone, tag_id in (("4155550101", 0), ("4155550102", tag), ("+14155550104", 0)):
        api.post("/dncLists", json={"phone": phone, "dncTagId": tag_id})
    leads = [
        lead("a"),
        lead("b", "4155550109|4155550101"),
        lead("c", "4155550102"),
        lead("d", "4155550103", leadPhoneE164="+14155550104"),
    ]
    assert counts(load(*leads)) == {"supplied": 4, "accepted": 4, "inserted": 4}
    path = f"{CAMPAIGNS}/{campaign}"
    api.put(path, json={**api.get(path).json(), "dncScrubOption": "INTERNAL_ONLY"})
    scrubbed = load(*leads)
    assert counts(scrubbed) == {"supplied": 4, "accepted": 4, "inserted": 1, "dnc": 3}
    assert counts(load(*leads, dncTags=["GLOBAL"]))["dnc"] == 2
    assert counts(load(*leads, dncTags=["Holidays"]))["dnc"] == 3
    assert found()[4:] == ["a", "a", "c", "a"]
    assert api.get(LISTS.format(campaign)).json()[1]["dncReturnedCount"] == 3


def test_response_lost_after_commit(load: Load, sandbox: SandboxServer, found: Found) -> None:
    sandbox.add_fault("drop_answer", path="leadLoader/direct$")
    with pytest.raises(httpx.RemoteProtocolError):
        load(lead("a"))
    assert found() == ["a"]


def test_failure_with_status_200(load: Load, sandbox: SandboxServer, found: Found) -> None:
    failure = '{"processingStatus": "GENERAL_FAILURE", "processingResult": "Failed"}'
    sandbox.add_fault(
        "status", path="leadLoader/direct$", status=200, body=failure, content_type="application/json"
    )
    response = load(lead("a"))
    assert (response.status_code, response.json()["processingStatus"]) == (200, "GENERAL_FAILURE")
    assert found() == []


def test_leads_are_deleted_with_their_campaign(
    load: Load, api: httpx.Client, sandbox: SandboxServer, campaign: int
) -> None:
    load(lead("a", "4155550100|4155550101"))
    load(lead("kept"), into=seed.HOLIDAY_RENEWALS_2025_ID)
    api.delete(f"{CAMPAIGNS}/{campaign}")
    rows = sandbox.backend.database.rows
    assert [row["externId"] for row in rows("SELECT externId FROM leads")] == ["kept"]
    assert [row["campaignId"] for row in rows("SELECT campaignId FROM lead_lists")] != [campaign]
    assert rows("SELECT * FROM lead_phones") == []
