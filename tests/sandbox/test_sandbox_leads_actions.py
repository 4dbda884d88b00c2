"""Acting on leads, and changing one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.sandbox.conftest import Found, Load

Json = dict[str, Any]
Act = Callable[..., Json]
OTHER = seed.HOLIDAY_RENEWALS_2025_ID


@pytest.fixture
def act(api: httpx.Client) -> Act:
    """Do something to leads; return the whole result."""

    def act(action: str, criteria: Json, **parameters: Any) -> Json:
        request = {"campaignLeadSearchCriteria": criteria, "leadActionParams": {"paramMap": parameters}}
        answer = api.put("/campaignLeads/actions", params={"leadAction": action}, json=request)
        assert answer.status_code == 200, answer.text
        told: Json = answer.json()
        assert told["leadActionType"] == action
        return told

    return act


@pytest.fixture(autouse=True)
def _leads(load: Load) -> None:
    load(*({"externId": name, "leadPhone": f"415555010{number}"} for number, name in enumerate("abc")))


@pytest.mark.parametrize(
    ("action", "state"),
    [("CANCEL_LEADS", "CANCELLED"), ("PAUSE_LEADS", "PAUSED"), ("READY_LEADS", "READY")],
)
def test_states(act: Act, found: Found, action: str, state: str) -> None:
    act("PAUSE_LEADS", {"externIds": ["b", "c"]})
    told = act(action, {"externIds": ["a", "b"]})
    assert told == {
        "leadActionType": action,
        "success": True,
        "errorMessage": None,
        "leadUpdateCount": 2,
        "leadDeleteCount": 0,
        "redialDeleteCount": 0,
        "dialerRefreshed": False,
    }
    assert found("leadState") == [state, state, "PAUSED"]


def test_suppression_keeps_the_state(act: Act, found: Found) -> None:
    act("PAUSE_LEADS", {"externIds": ["a"]})
    assert act("SUPPRESS_LEADS", {"externIds": ["a", "b"]})["leadUpdateCount"] == 2
    assert found(suppressed="ONLY_SUPPRESSED") == ["a", "b"]
    assert (
        act("UNSUPPRESS_LEADS", {"suppressed": "ONLY_SUPPRESSED", "externIds": ["a"]})["leadUpdateCount"] == 1
    )
    assert found("suppressed") == [False, True, False]
    assert found("leadState") == ["PAUSED", "READY", "READY"]


def test_manual_pass_and_reset(act: Act, found: Found, web: httpx.Client) -> None:
    act("MANUAL_LEADS", {"externIds": ["a"]})
    act("MANUAL_LEADS", {"externIds": ["a"]})
    act("PAUSE_LEADS", {"externIds": ["a"]})
    assert found("leadPasses") == [2, 0, 0]
    assert found("lastPassDispo", systemDispositions=["MANUAL_PASS"]) == ["MANUAL_PASS"]
    passes = web.get("/sandbox/passes").json()
    assert [(one["externId"], one["passNumber"]) for one in passes] == [("a", 1), ("a", 2)]
    assert act("RESET_LEADS", {"externIds": ["a"]})["leadUpdateCount"] == 1
    assert (found("leadPasses"), found("leadState")) == ([0, 0, 0], ["READY"] * 3)


def test_deletion(act: Act, found: Found, sandbox: SandboxServer, load: Load) -> None:
    load({"externId": "d", "leadPhone": "4155550108|4155550109"})
    told = act("DELETE_LEADS", {"externIds": ["a", "d", "x"]})
    assert (told["leadDeleteCount"], told["leadUpdateCount"]) == (2, 0)
    assert found() == ["b", "c"]
    assert sandbox.backend.database.rows("SELECT * FROM lead_phones") == []


def test_callbacks(act: Act, found: Found) -> None:
    due = "2026-12-24T18:00:00.000+0000"
    assert act("CALLBACK_LEADS", {"externIds": ["a"]}, CALLBACK_DTS=due)["leadUpdateCount"] == 1
    assert (found("leadState")[0], found("nextDialTime")[0]) == ("CALLBACK", due)
    assert act("CALLBACK_LEADS", {"externIds": ["a", "b"]})["leadUpdateCount"] == 1
    assert found("leadState") == ["CALLBACK-CANCELLED", "READY", "READY"]


def test_actions_that_change_no_lead(act: Act, found: Found) -> None:
    assert act("DIALER_REFRESH", {})["dialerRefreshed"] is True
    mailed = act("EMAIL_LEADS", {"externIds": ["a"]}, EMAIL_TO="a@example.com")
    assert (mailed["success"], mailed["leadUpdateCount"]) == (True, 0)
    reserved = act("AGENT_RESERVATION", {"externIds": ["a"]}, AGENT_ID=7)
    assert (reserved["success"], reserved["errorMessage"]) == (False, "Agent 7 has no access to the account.")
    assert act("AGENT_RESERVATION", {"externIds": ["a"]})["success"] is True
    assert found("leadState") == ["READY"] * 3


def test_move_to_a_new_list(act: Act, found: Found, api: httpx.Client, campaign: int) -> None:
    criteria = {"campaignIds": [campaign], "externIds": ["a", "b"], "listIds": []}
    told = act("MOVE_TO_CAMPAIGN", criteria, CAMPAIGN_ID=str(OTHER), LIST_ID="0", LIST_NAME="Moved")
    assert told["leadUpdateCount"] == 2
    assert found("listDesc", campaignIds=[OTHER]) == ["Moved", "Moved"]
    assert (found(campaignIds=[campaign]), found("leadId")) == (["c"], [1, 2, 3])
    (made,) = api.get(f"/dialGroups/{seed.OUTBOUND_RENEWALS_ID}/campaigns/{OTHER}/lists").json()
    assert (made["leadsInserted"], made["leadCount"]) == (2, 2)
    back = act("MOVE_TO_CAMPAIGN", {"externIds": ["a"]}, CAMPAIGN_ID=campaign, LIST_ID=1)
    assert back["leadUpdateCount"] == 1
    assert found("listId", campaignIds=[campaign]) == [1, 1]


@pytest.mark.parametrize(("setting", "state"), [("true", "PAUSED"), ("TRANSITION", "TRANSITIONED")])
def test_copies(act: Act, found: Found, campaign: int, load: Load, setting: str, state: str) -> None:
    load({"externId": "d", "leadPhone": "4155550108|4155550109"})
    act("PAUSE_LEADS", {"externIds": ["d"]})
    told = act("MOVE_TO_CAMPAIGN", {"externIds": ["d"]}, CAMPAIGN_ID=OTHER, CREATE_COPY_SETTING=setting)
    assert told["leadUpdateCount"] == 1
    assert found("leadState", externIds=["d"]) == [state, "PAUSED"]
    assert found("campaignId", leadPhoneNum="4155550109") == [campaign, OTHER]


def test_moving_past_doubles(act: Act, found: Found, load: Load) -> None:
    load({"externId": "z", "leadPhone": "4155550101"}, into=OTHER)
    parameters = {"CAMPAIGN_ID": OTHER, "DUPLICATE_ACTION_SETTING": "IGNORE"}
    assert act("MOVE_TO_CAMPAIGN", {"externIds": ["a", "b"]}, **parameters)["leadUpdateCount"] == 1
    assert found(campaignIds=[OTHER]) == ["a", "z"]


@pytest.mark.parametrize(
    ("action", "criteria", "parameters", "attribute"),
    [
        ("DELETE_LEADS", {}, {}, "campaignLeadSearchCriteria"),
        ("DELETE_LEADS", {"externIds": [], "suppressed": "ALL"}, {}, "campaignLeadSearchCriteria"),
        ("DELETE_LEADS", {"extern": "a"}, {}, "extern"),
        ("REMOVE_LEADS", {"externIds": ["a"]}, {}, "leadAction"),
        ("CALLBACK_LEADS", {"externIds": ["a"]}, {"CALLBACK_DTS": "soon"}, "CALLBACK_DTS"),
        ("EMAIL_LEADS", {"externIds": ["a"]}, {}, "EMAIL_TO"),
        ("MOVE_TO_CAMPAIGN", {"externIds": ["a"]}, {}, "CAMPAIGN_ID"),
        ("MOVE_TO_CAMPAIGN", {"externIds": ["a"]}, {"CAMPAIGN_ID": 1}, "CAMPAIGN_ID"),
        ("MOVE_TO_CAMPAIGN", {"externIds": ["a"]}, {"CAMPAIGN_ID": "x"}, "CAMPAIGN_ID"),
        ("MOVE_TO_CAMPAIGN", {"externIds": ["a"]}, {"CAMPAIGN_ID": OTHER, "LIST_ID": 1}, "LIST_ID"),
        (
            "MOVE_TO_CAMPAIGN",
            {"externIds": ["a"]},
            {"CAMPAIGN_ID": OTHER, "CREATE_COPY_SETTING": "yes"},
            "CREATE_COPY_SETTING",
        ),
    ],
)
def test_refused_actions(
    api: httpx.Client, found: Found, action: str, criteria: Json, parameters: Json, attribute: str
) -> None:
    request = {"campaignLeadSearchCriteria": criteria, "leadActionParams": {"paramMap": parameters}}
    answer = api.put("/campaignLeads/actions", params={"leadAction": action}, json=request)
    assert answer.status_code == 400
    assert [error["attributeName"] for error in answer.json()["validationErrors"]] == [attribute]
    assert found("leadState") == ["READY"] * 3


def test_malformed_actions(api: httpx.Client) -> None:
    for request in ({"criteria": {}}, {"campaignLeadSearchCriteria": []}, {"leadActionParams": 1}):
        answer = api.put("/campaignLeads/actions", params={"leadAction": "READY_LEADS"}, json=request)
        assert answer.status_code == 400


def test_patch_keeps_what_is_not_sent(api: httpx.Client, found: Found, campaign: int, load: Load) -> None:
    load(
        {
            "externId": "d",
            "leadPhone": "4155550108",
            "city": "SF",
            "extendedLeadData": {"a": "1"},
            "maxPasses": 2,
        }
    )
    changed = {"firstName": "Ada", "leadPhone": "4155550107|4155550109", "leadState": "PAUSED", "city": None}
    answer = api.patch("/campaignLeads/4", params={"campaignId": campaign, "listId": 2}, json=changed)
    assert answer.status_code == 200
    lead = answer.json()
    assert {name: lead[name] for name in ("leadId", "externId", "city", "maxPasses", "firstName")} == {
        "leadId": 4,
        "externId": "d",
        "city": "SF",
        "maxPasses": 2,
        "firstName": "Ada",
    }
    assert (lead["extendedLeadData"], lead["leadState"]) == ({"a": "1"}, "PAUSED")
    assert lead["stateDts"] >= lead["loadedDts"]
    assert (found(leadPhoneNum="4155550109"), found(leadPhoneNum="4155550108")) == (["d"], [])


def test_put_drops_what_is_not_sent(api: httpx.Client, campaign: int, load: Load) -> None:
    load({"externId": "d", "leadPhone": "4155550108", "city": "SF", "suppressed": True})
    whole = {"externId": "e", "leadPhoneE164": "+14155550108"}
    answer = api.put("/campaignLeads/4", params={"campaignId": campaign}, json=whole)
    lead = answer.json()
    assert (lead["externId"], lead["city"], lead["suppressed"], lead["leadState"]) == (
        "e",
        None,
        False,
        "READY",
    )
    patched = api.patch("/campaignLeads/4", params={"campaignId": campaign}, json={"city": "LA"}).json()
    assert (patched["leadPhone"], patched["city"]) == ("+14155550108", "LA")


def test_refused_updates(api: httpx.Client, found: Found, campaign: int) -> None:
    def patch(lead_id: int, body: Json, **query: Any) -> int:
        return api.patch(
            f"/campaignLeads/{lead_id}", params={"campaignId": campaign, **query}, json=body
        ).status_code

    good = {"city": "SF"}
    assert patch(1, {"leadPhone": "1"}) == 400
    assert patch(1, {"city": ""}) == 400
    assert patch(1, {"leadState": "OPEN"}) == 400
    assert patch(1, {"shoe": "44"}) == 400
    assert patch(1, good, timezoneOption="COUNTRYSIDE") == 400
    assert patch(1, good, duplicateHandling="NONE") == 400
    assert patch(1, good, timezoneOption="ZIPCODE") == 400
    assert patch(9, good) == 404
    assert patch(1, good, listId=9) == 404
    assert patch(1, good, campaignId=OTHER) == 404
    assert api.put("/campaignLeads/1", params={"campaignId": campaign}, json=good).status_code == 400
    assert api.patch("/campaignLeads/1", json=good).status_code == 400
    assert found("city") == [None] * 3
