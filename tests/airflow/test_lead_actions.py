"""Carry out lead actions from a DAG."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.lead_actions import LeadAction
from airflow_provider_engagevoice.sandbox import seed
from tests.support.connections import ACCOUNT_ID
from tests.support.lead_actions import CAMPAIGN, PARAMETERS, act, acted, leads
from tests.support.lead_lists import MANUAL, load, request_times, set_state, states

GROUP = seed.OUTBOUND_RENEWALS_ID


DUE = "2026-12-24T18:00:00.000+0000"


AGENT = {"ACTION_TYPE": "AGENT", "RESERVATION_AGENT_ID": "{{ 9001 }}"}


SOME = [f"L{number}" for number in range(4)]


LOSING = [f"{name}_LEADS" for name in ("RESET", "CANCEL", "DELETE", "PAUSE", "READY", "MANUAL", "CALLBACK")]


FREE = ["DIALER_REFRESH", "EMAIL_LEADS", "AGENT_RESERVATION", "SUPPRESS_LEADS", "UNSUPPRESS_LEADS"]


@pytest.fixture
def client(sandbox, client_settings):
    """A client of a sandbox with ten leads in the campaign."""
    with EngageVoiceClient(client_settings) as client:
        load(client, CAMPAIGN, 10)
        yield client


def counted(sandbox) -> int:
    return len(request_times(sandbox, "leadSearch"))


@pytest.mark.parametrize("action", LOSING)
@pytest.mark.few(2)
def test_more_leads_than_max_leads_stop_the_action(client, sandbox, run_dag, action) -> None:
    run = run_dag(act(action, action, max_leads=9))
    assert run.states == {"it": "failed"}
    assert isinstance(run.errors["it"], AirflowFailException)
    assert "10 leads, and max_leads is 9; nothing was sent" in str(run.errors["it"])
    assert ("SUPPRESS_LEADS" in str(run.errors["it"])) is (action in ("CANCEL_LEADS", "PAUSE_LEADS"))
    assert not acted(sandbox)
    assert states(sandbox, CAMPAIGN) == {"READY": 10}


@pytest.mark.parametrize("action", [*LOSING, "MOVE_TO_CAMPAIGN"])
def test_an_action_that_loses_something_requires_max_leads(sandbox, action) -> None:
    move = {"CAMPAIGN_ID": 1, "LIST_ID": 1, "CREATE_COPY_SETTING": "true", "DUPLICATE_ACTION_SETTING": "MOVE"}
    arguments = {"parameters": PARAMETERS.get(action, move if "MOVE" in action else None)}
    with pytest.raises(InvalidInputError, match=r"max_leads=None.*cannot be undone"):
        act(action, action, **arguments)
    task = act(action, action, max_leads=1, **arguments).get_task("it")
    task.max_leads = None
    with pytest.raises(AirflowFailException, match=r"max_leads=None.*cannot be undone"):
        task.execute({})
    assert not sandbox.requests()


@pytest.mark.parametrize("action", FREE)
@pytest.mark.few(1)
def test_an_action_that_loses_nothing_requires_no_limit_and_counts_nothing(
    client, sandbox, run_dag, action
) -> None:
    run = run_dag(act(action, action))
    assert run.states == {"it": "success"}
    assert run.xcoms["it"]["counted"] is None
    assert run.xcoms["it"]["dialer_refreshed"] is (action == "DIALER_REFRESH")
    assert (acted(sandbox), counted(sandbox)) == (1, 0)


def test_max_leads_applies_to_every_action(client, sandbox, run_dag) -> None:
    assert run_dag(act("bound", "SUPPRESS_LEADS", max_leads=9)).states == {"it": "failed"}
    assert not acted(sandbox)


#: Action, state of the leads before, parameters, and the fields that change, by the API's names.
EFFECTS: list[tuple[str, str, dict[str, Any] | None, dict[str, Any]]] = [
    ("RESET_LEADS", "COMPLETE", None, {"leadState": "READY"}),
    ("CANCEL_LEADS", "READY", None, {"leadState": "CANCELLED"}),
    ("PAUSE_LEADS", "READY", {}, {"leadState": "PAUSED"}),
    ("READY_LEADS", "COMPLETE", None, {"leadState": "READY"}),
    ("DIALER_REFRESH", "READY", None, {}),
    ("DIALER_REFRESH", "READY", {"force_dialer_cache_refresh": "{{ true }}"}, {}),
    ("SUPPRESS_LEADS", "READY", None, {"suppressed": True}),
    ("UNSUPPRESS_LEADS", "READY", None, {}),
    ("EMAIL_LEADS", "READY", {"EMAIL_TO": "ops@example.com, sales@example.com"}, {}),
    (
        "MANUAL_LEADS",
        "PAUSED",
        MANUAL | {"REQUEUE": "{{ true }}", "PASS_DELAY": 60},
        {"leadState": "READY", "leadPasses": 1, "agentDispostion": "Interested"},
    ),
    ("MANUAL_LEADS", "READY", MANUAL | {"DO_NOT_CALL": True}, {"leadState": "DO-NOT-CALL", "leadPasses": 1}),
    ("MANUAL_LEADS", "READY", MANUAL, {"leadState": "COMPLETE", "lastPassDispo": "MANUAL_PASS"}),
    (
        "CALLBACK_LEADS",
        "READY",
        AGENT | {"CALLBACK_DATE": "2026-12-24T10:00:00-08:00"},
        {"leadState": "AGENT-CALLBACK", "nextDialTime": DUE, "pendingAgentName": "Agent 9001"},
    ),
    ("CALLBACK_LEADS", "READY", AGENT, {"leadState": "AGENT-CALLBACK", "pendingAgentName": "Agent 9001"}),
    ("CALLBACK_LEADS", "AGENT-CALLBACK", {"ACTION_TYPE": "CANCEL"}, {"leadState": "CALLBACK-CANCELLED"}),
    ("CALLBACK_LEADS", "AGENT-CALLBACK", {"ACTION_TYPE": "RESET"}, {"leadState": "READY"}),
    ("AGENT_RESERVATION", "READY", {"RESERVATION_AGENT_ID": 9002}, {"pendingAgentName": "Agent 9002"}),
    (
        "AGENT_RESERVATION",
        "READY",
        {"RESERVATION_AGENT_ID": "9002", "CALLBACK_DTS": DUE},
        {"pendingAgentName": "Agent 9002", "nextDialTime": DUE},
    ),
]


#: Timestamps of changes.
TIMESTAMPS = {"stateDts", "lastPassDts", "lastPassDate"}


@pytest.mark.parametrize(
    ("action", "before", "parameters", "changed"),
    EFFECTS,
    ids=[f"{number}-{one[0]}" for number, one in enumerate(EFFECTS)],
)
@pytest.mark.few(4)
def test_each_action_changes_its_leads_only(
    client, sandbox, run_dag, action, before, parameters, changed
) -> None:
    set_state(sandbox, CAMPAIGN, before)
    rows = leads(client)
    most = 4 if action in LOSING else None
    run = run_dag(act(action, action, criteria={"externIds": SOME}, parameters=parameters, max_leads=most))
    assert run.states == {"it": "success"}
    changes = 0 if action in ("EMAIL_LEADS", "DIALER_REFRESH") else 4
    assert run.xcoms["it"] == {
        "action": action,
        "counted": most,
        "updated": changes,
        "deleted": 0,
        "redials_deleted": 0,
        "dialer_refreshed": action == "DIALER_REFRESH",
        "not_found": 0,
    }
    for name, row in leads(client).items():
        differing = {key for key in row if row[key] != rows[name][key]} - TIMESTAMPS
        if name not in SOME:
            assert not differing
            continue
        assert {key: row[key] for key in changed} == changed
        assert set(changed) <= differing
        if not changed:
            assert not differing


def test_every_action_is_covered() -> None:
    assert {one[0] for one in EFFECTS} == set(LeadAction) - {"DELETE_LEADS", "MOVE_TO_CAMPAIGN"}


def test_leads_are_deleted(client, sandbox, run_dag) -> None:
    run = run_dag(act("delete", "DELETE_LEADS", criteria={"externIds": SOME}, max_leads=4))
    assert (run.xcoms["it"]["updated"], run.xcoms["it"]["deleted"]) == (0, 4)
    assert not leads(client).keys() & set(SOME)
    assert states(sandbox, CAMPAIGN) == {"READY": 6}


@pytest.mark.parametrize("undo", ["UNSUPPRESS_LEADS", "AGENT_RESERVATION"])
def test_undoing_an_action_restores_the_leads(client, sandbox, run_dag, undo) -> None:
    set_state(sandbox, CAMPAIGN, "PAUSED")
    before = leads(client)
    first, back = (
        ("SUPPRESS_LEADS", None) if undo == "UNSUPPRESS_LEADS" else (undo, {"RESERVATION_AGENT_ID": 0})
    )
    parameters = {"RESERVATION_AGENT_ID": 9001} if undo == first else None
    assert run_dag(act("do", first, parameters=parameters)).xcoms["it"]["updated"] == 10
    assert leads(client) != before
    assert run_dag(act("undo", undo, parameters=back)).xcoms["it"]["updated"] == 10
    assert leads(client) == before


def test_a_manual_pass_with_do_not_call_lists_the_numbers(client, sandbox, run_dag) -> None:
    parameters = MANUAL | {"DO_NOT_CALL": True}
    run_dag(act("dnc", "MANUAL_LEADS", criteria={"externIds": SOME}, parameters=parameters, max_leads=4))
    listed = sandbox.backend.dnc.numbers(ACCOUNT_ID, {})
    assert [(one["phone"], one["externId"]) for one in listed] == [
        (row["leadPhone"], name) for name, row in sorted(leads(client).items()) if name in SOME
    ]


@pytest.mark.parametrize(
    ("copies", "left"),
    [
        ("false", {"READY": 6}),
        ("{{ true }}", {"READY": 10}),
        ("TRANSITION", {"READY": 6, "TRANSITIONED": 4}),
    ],
    ids=["move", "copy", "transition"],
)
def test_leads_are_moved_to_another_campaign(client, sandbox, run_dag, copies, left) -> None:
    body = client.get_campaign(GROUP, CAMPAIGN).with_changes({"campaignName": "Next season"})
    target = client.create_campaign(GROUP, body).campaignId
    load(client, target, 1, first=3)
    dag = act(
        "move",
        "MOVE_TO_CAMPAIGN",
        campaign={"campaign_id": CAMPAIGN, "dial_group_id": GROUP},
        criteria={"externIds": SOME},
        parameters={
            "CAMPAIGN_ID": "{{ dag_run.conf['target'] }}",
            "LIST_ID": 0,
            "LIST_NAME": "From last season",
            "CREATE_COPY_SETTING": copies,
            "DUPLICATE_ACTION_SETTING": "MOVE",
        },
        max_leads=4,
    )
    run = run_dag(dag, conf={"target": target})
    assert run.xcoms["it"]["updated"] == 4
    assert (states(sandbox, CAMPAIGN), states(sandbox, target)) == (left, {"READY": 5})
    there = client.search_leads({"campaignIds": [target]})
    assert sorted(row["externId"] for row in there if row["listDesc"] == "From last season") == SOME


def test_leads_are_moved_to_a_list_except_its_duplicates(client, sandbox, run_dag) -> None:
    body = client.get_campaign(GROUP, CAMPAIGN).with_changes({"campaignName": "Next season"})
    target = client.create_campaign(GROUP, body).campaignId
    load(client, target, 1, first=3)
    (there,) = client.search_leads({"campaignIds": [target]})
    parameters = {
        "CAMPAIGN_ID": target,
        "LIST_ID": there["listId"],
        "CREATE_COPY_SETTING": False,
        "DUPLICATE_ACTION_SETTING": "IGNORE",
    }
    dag = act("list", "MOVE_TO_CAMPAIGN", criteria={"externIds": SOME}, parameters=parameters, max_leads=4)
    assert run_dag(dag).xcoms["it"]["updated"] == 3
    assert (states(sandbox, CAMPAIGN), states(sandbox, target)) == ({"READY": 7}, {"READY": 4})
    assert {row["listId"] for row in client.search_leads({"campaignIds": [target]})} == {there["listId"]}


def test_nothing_is_sent_if_no_lead_matches(client, sandbox, run_dag) -> None:
    run = run_dag(act("none", "DELETE_LEADS", criteria={"leadStates": ["COMPLETE"]}, max_leads=0))
    assert run.states == {"it": "success"}
    assert (run.xcoms["it"]["counted"], run.xcoms["it"]["deleted"]) == (0, 0)
    assert not acted(sandbox)


def test_criteria_may_name_lists_or_leads_in_place_of_a_campaign(client, sandbox, run_dag) -> None:
    rows = client.search_leads({"campaignIds": [CAMPAIGN]})
    some = [row["leadId"] for row in rows[:3]]
    run = run_dag(act("ids", "CANCEL_LEADS", campaign=None, criteria={"leadIds": some}, max_leads=3))
    assert run.xcoms["it"]["updated"] == 3
    listed = {"listIds": rows[0]["listId"], "leadStates": "READY"}
    run = run_dag(act("list", "CANCEL_LEADS", campaign=None, criteria=listed, max_leads=7))
    assert run.xcoms["it"]["updated"] == 7


LITERAL_MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("CANCEL", {}, "action='CANCEL'"),
    ("SUPPRESS_LEADS", {"campaign": None}, "a search of all leads is not allowed"),
    (
        "SUPPRESS_LEADS",
        {"campaign": None, "criteria": {"leadStates": ["READY"]}},
        "a search of all leads is not allowed",
    ),
    ("SUPPRESS_LEADS", {"campaign": None, "dial_group": GROUP}, "dial_group="),
    ("SUPPRESS_LEADS", {"criteria": {"campaignIds": [1]}}, "campaign= is given already"),
    ("SUPPRESS_LEADS", {"criteria": {"leadState": "READY"}}, "nearest: 'leadStates'"),
    ("SUPPRESS_LEADS", {"criteria": {"leadPhoneNumbers": ["4.1E+09"]}}, "scientific notation"),
    (
        "SUPPRESS_LEADS",
        {"criteria": {"leadPhoneNum": "2026-07-24"}},
        "a date, not a phone number; give the phone",
    ),
    ("SUPPRESS_LEADS", {"min_leads": 0}, "min_leads=0"),
    ("SUPPRESS_LEADS", {"parameters": {"A": 1}}, "it has no parameters"),
    ("SUPPRESS_LEADS", {"campaign": [1]}, "campaign=[1]"),
    ("CANCEL_LEADS", {"max_leads": "many"}, "max_leads='many'"),
    ("CANCEL_LEADS", {"max_leads": -1}, "max_leads=-1"),
    ("CANCEL_LEADS", {"max_leads": True}, "max_leads=True"),
    ("EMAIL_LEADS", {"parameters": {}}, "EMAIL_LEADS requires it"),
    ("EMAIL_LEADS", {"parameters": {"EMAIL_TO": "ops@example.com, sales"}}, "EMAIL_TO="),
    ("DIALER_REFRESH", {"parameters": {"force_dialer_cache_refresh": 2}}, "must be True or False"),
    ("CALLBACK_LEADS", {"parameters": {}}, "parameters.ACTION_TYPE=None"),
    ("CALLBACK_LEADS", {"parameters": {"CALLBACK_DTS": DUE}}, "nearest: 'CALLBACK_DATE'"),
    ("CALLBACK_LEADS", {"parameters": {"ACTION_TYPE": "AGENT"}}, "RESERVATION_AGENT_ID=None"),
    ("AGENT_RESERVATION", {"parameters": None}, "parameters.RESERVATION_AGENT_ID=None"),
    ("AGENT_RESERVATION", {"parameters": {"AGENT_ID": 9001}}, "nearest: 'RESERVATION_AGENT_ID'"),
    ("MOVE_TO_CAMPAIGN", {"parameters": {"CAMPAIGN_ID": "Next season"}}, "CAMPAIGN_ID='Next season'"),
    ("MANUAL_LEADS", {"parameters": MANUAL | {"PASS_DELAY": "soon"}}, "PASS_DELAY='soon'"),
]


@pytest.mark.parametrize(("action", "arguments", "message"), LITERAL_MISTAKES)
def test_literal_mistakes_are_import_errors(action, arguments, message) -> None:
    with pytest.raises(InvalidInputError) as caught:
        act("bad", action, **({"max_leads": 10} | arguments))
    assert message in str(caught.value)


@pytest.mark.parametrize(("action", "arguments", "message"), LITERAL_MISTAKES)
def test_rendered_mistakes_fail_without_a_retry(assert_not_retried, action, arguments, message) -> None:
    rendered = {"action": action, "max_leads": 10, "parameters": PARAMETERS.get(action)} | arguments
    assert_not_retried(act("bad", "SUPPRESS_LEADS").get_task("it"), rendered, message)


def test_the_old_name_of_max_leads_is_reported_with_the_new_one() -> None:
    with pytest.raises(TypeError, match="'expect_at_most' is now called 'max_leads'"):
        act("old", "CANCEL_LEADS", expect_at_most=3)


@pytest.mark.parametrize(
    ("action", "arguments", "message"),
    [
        ("{{ 'CANCEL' }}", {"parameters": None}, "action='CANCEL'"),
        ("SUPPRESS_LEADS", {"campaign": "{{ none }}"}, "did a template render to None"),
        ("SUPPRESS_LEADS", {"campaign": "Holiday"}, "there is no campaign named 'Holiday'"),
        (
            "MANUAL_LEADS",
            {"parameters": MANUAL | {"REQUEUE": "{{ none }}"}, "max_leads": 1},
            "REQUEUE='None'",
        ),
        (
            "CALLBACK_LEADS",
            {"parameters": AGENT | {"CALLBACK_DATE": "tomorrow"}, "max_leads": 1},
            "CALLBACK_DATE='tomorrow'",
        ),
    ],
)
@pytest.mark.few(1)
def test_bad_input_is_reported_and_nothing_is_done(
    client, sandbox, run_dag, action, arguments, message
) -> None:
    run = run_dag(act("bad", action, **arguments))
    assert run.states == {"it": "failed"}
    assert message in str(run.errors["it"])
    assert not acted(sandbox) + counted(sandbox)


@pytest.mark.parametrize("fault", ["drop_answer", "truncate", "empty"])
def test_an_action_that_is_not_idempotent_is_sent_once(client, sandbox, run_dag, fault) -> None:
    sandbox.add_fault(fault, path="campaignLeads/actions")
    run = run_dag(act("once", "RESET_LEADS", max_leads=10))
    assert run.states == {"it": "failed"}
    assert isinstance(run.errors["it"], AirflowFailException)
    assert "check the leads before you run it again" in str(run.errors["it"])
    assert acted(sandbox) == 1


@pytest.mark.parametrize("fault", ["drop_answer", "truncate", "empty"])
def test_an_idempotent_action_is_retried(client, sandbox, run_dag, fault) -> None:
    sandbox.add_fault(fault, path="campaignLeads/actions")
    run = run_dag(act("again", "CANCEL_LEADS", max_leads=10))
    assert run.states == {"it": "success"}
    assert states(sandbox, CAMPAIGN) == {"CANCELLED": 10}
    assert acted(sandbox) == 2


def test_fewer_leads_than_min_leads_stop_the_action(client, sandbox, run_dag) -> None:
    run = run_dag(act("few", "SUPPRESS_LEADS", criteria={"externIds": ["L1", "L99"]}, min_leads=2))
    assert "would change 1 leads, and min_leads is 2; nothing was sent" in str(run.errors["it"])
    assert not acted(sandbox)
    run = run_dag(act("enough", "SUPPRESS_LEADS", criteria={"externIds": ["L1", "L2"]}, min_leads=2))
    assert run.states == {"it": "success"}


def test_an_agent_without_access_fails_the_task(client, sandbox, run_dag) -> None:
    before = leads(client)
    run = run_dag(act("refused", "AGENT_RESERVATION", parameters={"RESERVATION_AGENT_ID": 3}))
    assert run.states == {"it": "failed"}
    assert "AGENT_RESERVATION was refused: Agent 3 has no access" in str(run.errors["it"])
    assert leads(client) == before


def test_a_response_that_reports_failure_without_a_reason_fails_the_task(client, sandbox, run_dag) -> None:
    sandbox.add_fault(
        "status",
        path="campaignLeads/actions",
        status=200,
        content_type="application/json",
        body='{"success": false, "errorMessage": null}',
    )
    run = run_dag(act("refused", "SUPPRESS_LEADS"))
    assert run.states == {"it": "failed"}
    assert "SUPPRESS_LEADS was refused: no reason was given" in str(run.errors["it"])
