"""Lead actions, and updates of a single lead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.integration.sandbox.conftest import Found, Json, Load, attributes
from tests.support.lead_lists import MANUAL

Act = Callable[..., Json]
OTHER = seed.HOLIDAY_RENEWALS_2025_ID
DUE = "2026-12-24T18:00:00.000+0000"
MOVE = {
    "CAMPAIGN_ID": OTHER,
    "LIST_ID": 0,
    "LIST_NAME": "Moved",
    "CREATE_COPY_SETTING": "false",
    "DUPLICATE_ACTION_SETTING": "MOVE",
}
CALLBACK = {"ACTION_TYPE": "AGENT", "RESERVATION_AGENT_ID": 9001}
#: Actions with invalid parameters, and the attribute of the error.
INVALID: list[tuple[str, Json, str]] = [
    ("EMAIL_LEADS", {}, "EMAIL_TO"),
    ("EMAIL_LEADS", {"EMAIL_TO": ["a@example.com"]}, "EMAIL_TO"),
    ("DIALER_REFRESH", {"force_dialer_cache_refresh": 1}, "force_dialer_cache_refresh"),
    ("CALLBACK_LEADS", {}, "ACTION_TYPE"),
    ("CALLBACK_LEADS", {"CALLBACK_DTS": DUE}, "ACTION_TYPE"),
    ("CALLBACK_LEADS", {"ACTION_TYPE": "agent"}, "ACTION_TYPE"),
    ("CALLBACK_LEADS", {"ACTION_TYPE": "AGENT"}, "RESERVATION_AGENT_ID"),
    ("CALLBACK_LEADS", CALLBACK | {"RESERVATION_AGENT_ID": 0}, "RESERVATION_AGENT_ID"),
    ("CALLBACK_LEADS", CALLBACK | {"CALLBACK_DATE": "soon"}, "CALLBACK_DATE"),
    ("AGENT_RESERVATION", {}, "RESERVATION_AGENT_ID"),
    ("AGENT_RESERVATION", {"AGENT_ID": 9001}, "RESERVATION_AGENT_ID"),
    ("AGENT_RESERVATION", {"RESERVATION_AGENT_ID": True}, "RESERVATION_AGENT_ID"),
    ("AGENT_RESERVATION", {"RESERVATION_AGENT_ID": 9001, "CALLBACK_DTS": "soon"}, "CALLBACK_DTS"),
    *(("MANUAL_LEADS", {key: MANUAL[key] for key in MANUAL if key != name}, name) for name in MANUAL),
    ("MANUAL_LEADS", MANUAL | {"REQUEUE": "yes"}, "REQUEUE"),
    ("MANUAL_LEADS", MANUAL | {"PASS_DELAY": -1}, "PASS_DELAY"),
    *(
        ("MOVE_TO_CAMPAIGN", {key: MOVE[key] for key in MOVE if key != name}, name)
        for name in ("CAMPAIGN_ID", "LIST_ID", "CREATE_COPY_SETTING", "DUPLICATE_ACTION_SETTING")
    ),
    ("MOVE_TO_CAMPAIGN", MOVE | {"CAMPAIGN_ID": 1}, "CAMPAIGN_ID"),
    ("MOVE_TO_CAMPAIGN", MOVE | {"CAMPAIGN_ID": "x"}, "CAMPAIGN_ID"),
    ("MOVE_TO_CAMPAIGN", MOVE | {"LIST_ID": 1}, "LIST_ID"),
    ("MOVE_TO_CAMPAIGN", MOVE | {"CREATE_COPY_SETTING": "yes"}, "CREATE_COPY_SETTING"),
]


@pytest.fixture
def act(api: httpx.Client) -> Act:
    """Run an action on leads; return the whole result."""

    def act(action: str, criteria: Json, **parameters: Any) -> Json:
        request = {"campaignLeadSearchCriteria": criteria, "leadActionParams": {"paramMap": parameters}}
        response = api.put("/campaignLeads/actions", params={"leadAction": action}, json=request)
        assert response.status_code == 200, response.text
        result: Json = response.json()
        assert result["leadActionType"] == action
        return result

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
    result = act(action, {"externIds": ["a", "b"]})
    assert result == {
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


def test_a_manual_pass(act: Act, found: Found, web: httpx.Client) -> None:
    for _ in range(2):
        assert act("MANUAL_LEADS", {"externIds": ["a"]}, **MANUAL)["leadUpdateCount"] == 1
    assert (found("leadPasses"), found("leadState")) == ([2, 0, 0], ["COMPLETE", "READY", "READY"])
    assert found("lastPassDispo", systemDispositions=["MANUAL_PASS"]) == ["MANUAL_PASS"]
    assert found("agentDispostion", agentDispositions=["Interested", "Sold"]) == ["Interested"]
    passes = web.get("/sandbox/passes").json()
    assert [(one["externId"], one["passNumber"]) for one in passes] == [("a", 1), ("a", 2)]
    assert act("RESET_LEADS", {"externIds": ["a"]})["leadUpdateCount"] == 1
    assert (found("leadPasses"), found("leadState")) == ([0, 0, 0], ["READY"] * 3)


def test_a_manual_pass_that_requeues(act: Act, found: Found, sandbox: SandboxServer) -> None:
    act("PAUSE_LEADS", {"externIds": ["a"]})
    act("MANUAL_LEADS", {"externIds": ["a"]}, **MANUAL | {"REQUEUE": "true", "PASS_DELAY": "60"})
    assert found("leadState")[0] == "READY"
    due, recorded = (datetime.fromisoformat(found(name)[0]) for name in ("nextDialTime", "lastPassDts"))
    # In the dialer's minutes, which are shorter.
    assert due - recorded == timedelta(seconds=60 * sandbox.backend.dialer.settings.minute_seconds)


def test_a_manual_pass_with_do_not_call(act: Act, found: Found, api: httpx.Client, load: Load) -> None:
    load({"externId": "d", "leadPhone": "4155550108|4155550109"})
    act("MANUAL_LEADS", {"externIds": ["a", "d"]}, **MANUAL | {"REQUEUE": True, "DO_NOT_CALL": True})
    assert found("leadState") == ["DO-NOT-CALL", "READY", "READY", "DO-NOT-CALL"]
    listed = api.get("/dncLists", params={"maxRows": 100}).json()
    assert [(one["phone"], one["externId"], one["reason"]) for one in listed] == [
        ("4155550100", "a", "Interested"),
        ("4155550108", "d", "Interested"),
        ("4155550109", "d", "Interested"),
    ]


@pytest.mark.parametrize(("merge", "passes"), [(False, [0, 1]), (True, [1, 1])])
def test_a_manual_pass_of_a_copy(act: Act, found: Found, merge: bool, passes: list[int]) -> None:
    act("MOVE_TO_CAMPAIGN", {"externIds": ["a"]}, **MOVE | {"CREATE_COPY_SETTING": "TRANSITION"})
    criteria = {"campaignIds": [OTHER], "externIds": ["a"]}
    result = act("MANUAL_LEADS", criteria, **MANUAL | {"MERGE_ORIGINAL": merge})
    assert result["leadUpdateCount"] == 1
    assert found("leadPasses", externIds=["a"]) == passes
    assert found("leadState", externIds=["a"]) == ["TRANSITIONED", "COMPLETE"]


def test_deletion(act: Act, found: Found, sandbox: SandboxServer, load: Load) -> None:
    load({"externId": "d", "leadPhone": "4155550108|4155550109"})
    result = act("DELETE_LEADS", {"externIds": ["a", "d", "x"]})
    assert (result["leadDeleteCount"], result["leadUpdateCount"]) == (2, 0)
    assert found() == ["b", "c"]
    assert sandbox.backend.database.rows("SELECT * FROM lead_phones") == []


def test_callbacks(act: Act, found: Found) -> None:
    result = act("CALLBACK_LEADS", {"externIds": ["a"]}, **CALLBACK | {"CALLBACK_DATE": DUE})
    assert result["leadUpdateCount"] == 1
    assert act("CALLBACK_LEADS", {"externIds": ["b"]}, **CALLBACK)["leadUpdateCount"] == 1
    assert found("leadState") == ["AGENT-CALLBACK", "AGENT-CALLBACK", "READY"]
    assert (found("nextDialTime")[0], found(pendingAgentId=9001)) == (DUE, ["a", "b"])
    assert found("nextDialTime")[1] == found("stateDts")[1]
    assert act("CALLBACK_LEADS", {"externIds": ["a", "c"]}, ACTION_TYPE="CANCEL")["leadUpdateCount"] == 1
    assert act("CALLBACK_LEADS", {"externIds": ["b", "c"]}, ACTION_TYPE="RESET")["leadUpdateCount"] == 2
    assert found("leadState") == ["CALLBACK-CANCELLED", "READY", "READY"]
    assert found("pendingAgentName") == [None] * 3
    assert found("nextDialTime")[1] is None


def test_reservations(act: Act, found: Found) -> None:
    some = {"externIds": ["a", "b"]}
    assert act("AGENT_RESERVATION", some, RESERVATION_AGENT_ID="9001")["leadUpdateCount"] == 2
    assert found("pendingAgentName") == ["Agent 9001", "Agent 9001", None]
    act("AGENT_RESERVATION", {"externIds": ["b"]}, RESERVATION_AGENT_ID=9002, CALLBACK_DTS=DUE)
    assert (found(pendingAgentId=9001), found(pendingAgentId=9002)) == (["a"], ["b"])
    assert found("nextDialTime") == [None, DUE, None]
    assert act("AGENT_RESERVATION", some, RESERVATION_AGENT_ID=0)["leadUpdateCount"] == 2
    assert found("pendingAgentName") == [None] * 3
    assert found("leadState") == ["READY"] * 3


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("AGENT_RESERVATION", {"RESERVATION_AGENT_ID": 7}),
        ("CALLBACK_LEADS", {"ACTION_TYPE": "AGENT", "RESERVATION_AGENT_ID": 7}),
    ],
)
def test_an_agent_of_another_account(act: Act, found: Found, action: str, parameters: Json) -> None:
    result = act(action, {"externIds": ["a"]}, **parameters)
    assert (result["success"], result["errorMessage"]) == (False, "Agent 7 has no access to the account.")
    assert (found("leadState"), found("pendingAgentName")) == (["READY"] * 3, [None] * 3)


def test_actions_that_change_no_lead(act: Act, api: httpx.Client) -> None:
    def rows() -> Json:
        response: Json = api.post("/campaignLeads/leadSearch", json={}).json()
        return response

    before = rows()
    assert act("DIALER_REFRESH", {})["dialerRefreshed"] is True
    assert act("DIALER_REFRESH", {}, force_dialer_cache_refresh=True)["dialerRefreshed"] is True
    mailed = act("EMAIL_LEADS", {"externIds": ["a"]}, EMAIL_TO="a@example.com")
    assert (mailed["success"], mailed["leadUpdateCount"]) == (True, 0)
    assert rows() == before


def test_move_to_a_new_list(act: Act, found: Found, api: httpx.Client, campaign: int) -> None:
    criteria = {"campaignIds": [campaign], "externIds": ["a", "b"], "listIds": []}
    result = act("MOVE_TO_CAMPAIGN", criteria, **MOVE | {"CAMPAIGN_ID": str(OTHER), "LIST_ID": "0"})
    assert result["leadUpdateCount"] == 2
    assert found("listDesc", campaignIds=[OTHER]) == ["Moved", "Moved"]
    assert (found(campaignIds=[campaign]), found("leadId")) == (["c"], [1, 2, 3])
    (new_list,) = api.get(f"/dialGroups/{seed.OUTBOUND_RENEWALS_ID}/campaigns/{OTHER}/lists").json()
    assert (new_list["leadsInserted"], new_list["leadCount"]) == (2, 2)
    back = act("MOVE_TO_CAMPAIGN", {"externIds": ["a"]}, **MOVE | {"CAMPAIGN_ID": campaign, "LIST_ID": 1})
    assert back["leadUpdateCount"] == 1
    assert found("listId", campaignIds=[campaign]) == [1, 1]


@pytest.mark.parametrize(("setting", "state"), [("true", "PAUSED"), ("TRANSITION", "TRANSITIONED")])
def test_copies(act: Act, found: Found, campaign: int, load: Load, setting: str, state: str) -> None:
    load({"externId": "d", "leadPhone": "4155550108|4155550109"})
    act("PAUSE_LEADS", {"externIds": ["d"]})
    result = act("MOVE_TO_CAMPAIGN", {"externIds": ["d"]}, **MOVE | {"CREATE_COPY_SETTING": setting})
    assert result["leadUpdateCount"] == 1
    assert found("leadState", externIds=["d"]) == [state, "PAUSED"]
    assert found("campaignId", leadPhoneNum="4155550109") == [campaign, OTHER]


def test_move_without_duplicates(act: Act, found: Found, load: Load) -> None:
    load({"externId": "z", "leadPhone": "4155550101"}, into=OTHER)
    parameters = MOVE | {"DUPLICATE_ACTION_SETTING": "IGNORE"}
    assert act("MOVE_TO_CAMPAIGN", {"externIds": ["a", "b"]}, **parameters)["leadUpdateCount"] == 1
    assert found(campaignIds=[OTHER]) == ["a", "z"]


@pytest.mark.parametrize(
    ("action", "criteria", "parameters", "attribute"),
    [
        ("DELETE_LEADS", {}, {}, "campaignLeadSearchCriteria"),
        ("DELETE_LEADS", {"externIds": [], "suppressed": "ALL"}, {}, "campaignLeadSearchCriteria"),
        ("DELETE_LEADS", {"extern": "a"}, {}, "extern"),
        ("REMOVE_LEADS", {"externIds": ["a"]}, {}, "leadAction"),
        *((action, {"externIds": ["a"]}, *invalid) for action, *invalid in INVALID),
    ],
)
def test_rejected_actions(
    api: httpx.Client, found: Found, action: str, criteria: Json, parameters: Json, attribute: str
) -> None:
    request = {"campaignLeadSearchCriteria": criteria, "leadActionParams": {"paramMap": parameters}}
    response = api.put("/campaignLeads/actions", params={"leadAction": action}, json=request)
    assert attributes(response) == [attribute]
    assert found("leadState") == ["READY"] * 3


def test_malformed_actions(api: httpx.Client) -> None:
    for request in ({"criteria": {}}, {"campaignLeadSearchCriteria": []}, {"leadActionParams": 1}):
        response = api.put("/campaignLeads/actions", params={"leadAction": "READY_LEADS"}, json=request)
        assert response.status_code == 400


def test_patch_keeps_omitted_fields(api: httpx.Client, found: Found, campaign: int, load: Load) -> None:
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
    response = api.patch("/campaignLeads/4", params={"campaignId": campaign, "listId": 2}, json=changed)
    assert response.status_code == 200
    lead = response.json()
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


def test_put_clears_omitted_fields(api: httpx.Client, campaign: int, load: Load) -> None:
    load({"externId": "d", "leadPhone": "4155550108", "city": "SF", "suppressed": True})
    whole = {"externId": "e", "leadPhoneE164": "+14155550108"}
    response = api.put("/campaignLeads/4", params={"campaignId": campaign}, json=whole)
    lead = response.json()
    assert (lead["externId"], lead["city"], lead["suppressed"], lead["leadState"]) == (
        "e",
        None,
        False,
        "READY",
    )
    patched = api.patch("/campaignLeads/4", params={"campaignId": campaign}, json={"city": "LA"}).json()
    assert (patched["leadPhone"], patched["city"]) == ("+14155550108", "LA")


def test_rejected_updates(api: httpx.Client, found: Found, campaign: int) -> None:
    def patch(lead_id: int, body: Json, **query: Any) -> int:
        return api.patch(
            f"/campaignLeads/{lead_id}", params={"campaignId": campaign, **query}, json=body
        ).status_code

    valid = {"city": "SF"}
    assert patch(1, {"leadPhone": "1"}) == 400
    assert patch(1, {"city": ""}) == 400
    assert patch(1, {"leadState": "OPEN"}) == 400
    assert patch(1, {"shoe": "44"}) == 400
    assert patch(1, valid, timezoneOption="COUNTRYSIDE") == 400
    assert patch(1, valid, duplicateHandling="NONE") == 400
    assert patch(1, valid, timezoneOption="ZIPCODE") == 400
    assert patch(9, valid) == 404
    assert patch(1, valid, listId=9) == 404
    assert patch(1, valid, campaignId=OTHER) == 404
    assert api.put("/campaignLeads/1", params={"campaignId": campaign}, json=valid).status_code == 400
    assert api.patch("/campaignLeads/1", json=valid).status_code == 400
    assert found("city") == [None] * 3
