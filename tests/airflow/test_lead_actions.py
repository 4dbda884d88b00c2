"""Actions on leads from a DAG."""

from __future__ import annotations

from typing import Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_engagevoice.client.engine import EngageVoiceClient
from airflow_provider_engagevoice.operators.lead_actions import EngageVoiceLeadActionOperator
from airflow_provider_engagevoice.sandbox import seed
from tests.lead_lists import asked, load, set_state, states

CAMPAIGN = seed.HOLIDAY_RENEWALS_2025_ID
GROUP = seed.OUTBOUND_RENEWALS_ID
MANUAL = {
    "PASS_DISPOSITION": "Interested",
    "REQUEUE": False,
    "DO_NOT_CALL": False,
    "PASS_DELAY": 0,
    "MERGE_ORIGINAL": False,
}
PARAMETERS: dict[str, dict[str, Any]] = {
    "MANUAL_LEADS": MANUAL,
    "EMAIL_LEADS": {"EMAIL_TO": "ops@example.com"},
    "CALLBACK_LEADS": {"ACTION_TYPE": "CANCEL"},
    "AGENT_RESERVATION": {"RESERVATION_AGENT_ID": 0},
}
LOSING = [
    "RESET_LEADS",
    "CANCEL_LEADS",
    "DELETE_LEADS",
    "PAUSE_LEADS",
    "READY_LEADS",
    "MANUAL_LEADS",
    "CALLBACK_LEADS",
]
FREE = ["DIALER_REFRESH", "EMAIL_LEADS", "AGENT_RESERVATION", "SUPPRESS_LEADS", "UNSUPPRESS_LEADS"]


@pytest.fixture
def client(sandbox, client_settings):
    """A client of a sandbox whose campaign has ten leads."""
    with EngageVoiceClient(client_settings) as client:
        load(client, CAMPAIGN, 10)
        yield client


def act(dag_id: str, action: str, **arguments: object) -> DAG:
    with DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceLeadActionOperator(
            task_id="it",
            action=action,
            **({"campaign": CAMPAIGN, "parameters": PARAMETERS.get(action)} | arguments),
        )
    return dag


def acted(sandbox) -> int:
    return len(asked(sandbox, "campaignLeads/actions"))


def counted(sandbox) -> int:
    return len(asked(sandbox, "leadSearch"))


@pytest.mark.parametrize(
    ("action", "after"),
    [
        ("CANCEL_LEADS", {"CANCELLED": 10}),
        ("PAUSE_LEADS", {"PAUSED": 10}),
        ("READY_LEADS", {"READY": 10}),
        ("RESET_LEADS", {"READY": 10}),
        ("DELETE_LEADS", {}),
    ],
)
def test_what_loses_something_is_done_within_its_bound(client, sandbox, run_dag, action, after) -> None:
    set_state(sandbox, CAMPAIGN, "COMPLETE")
    run = run_dag(act(action, action, expect_at_most="{{ 10 }}"))
    assert run.states == {"it": "success"}
    done = run.xcoms["it"]
    assert (done["action"], done["counted"], done["updated"] + done["deleted"]) == (action, 10, 10)
    assert states(sandbox, CAMPAIGN) == after


@pytest.mark.parametrize("action", LOSING)
def test_one_more_than_expected_stops_it(client, sandbox, run_dag, action) -> None:
    run = run_dag(act(action, action, expect_at_most=9))
    assert run.states == {"it": "failed"}
    assert isinstance(run.errors["it"], AirflowFailException)
    assert "10 leads, and expect_at_most is 9; nothing was sent" in str(run.errors["it"])
    assert ("SUPPRESS_LEADS" in str(run.errors["it"])) is (action in ("CANCEL_LEADS", "PAUSE_LEADS"))
    assert not acted(sandbox)
    assert states(sandbox, CAMPAIGN) == {"READY": 10}


@pytest.mark.parametrize("action", [*LOSING, "MOVE_TO_CAMPAIGN"])
def test_what_loses_something_needs_a_bound(client, sandbox, run_dag, action) -> None:
    move = {
        "CAMPAIGN_ID": 1,
        "LIST_ID": 1,
        "CREATE_COPY_SETTING": "true",
        "DUPLICATE_ACTION_SETTING": "MOVE",
    }
    run = run_dag(act(action, action, parameters=PARAMETERS.get(action, move if "MOVE" in action else None)))
    assert run.states == {"it": "failed"}
    assert "expect_at_most" in str(run.errors["it"])
    assert not acted(sandbox) + counted(sandbox)


@pytest.mark.parametrize("action", FREE)
def test_what_loses_nothing_needs_none_and_counts_nothing(client, sandbox, run_dag, action) -> None:
    run = run_dag(act(action, action))
    assert run.states == {"it": "success"}
    assert run.xcoms["it"]["counted"] is None
    assert run.xcoms["it"]["dialer_refreshed"] is (action == "DIALER_REFRESH")
    assert (acted(sandbox), counted(sandbox)) == (1, 0)


def test_a_bound_that_was_given_holds_for_every_action(client, sandbox, run_dag) -> None:
    assert run_dag(act("bound", "SUPPRESS_LEADS", expect_at_most=9)).states == {"it": "failed"}
    assert not acted(sandbox)


@pytest.mark.parametrize("action", ["MANUAL_LEADS", "CALLBACK_LEADS"])
def test_actions_with_parameters(client, sandbox, run_dag, action) -> None:
    run = run_dag(act(action, action, expect_at_most=10))
    assert run.states == {"it": "success"}
    assert acted(sandbox) == 1


def test_leads_are_moved_to_a_campaign_by_xcom(client, sandbox, run_dag) -> None:
    body = client.get_campaign(GROUP, CAMPAIGN).with_changes({"campaignName": "Next season"})
    target = client.create_campaign(GROUP, body).campaignId
    dag = act(
        "move",
        "MOVE_TO_CAMPAIGN",
        campaign={"campaign_id": CAMPAIGN, "dial_group_id": GROUP},
        criteria={"externIds": [f"L{number}" for number in range(4)]},
        parameters={
            "CAMPAIGN_ID": "{{ dag_run.conf['target'] }}",
            "LIST_ID": 0,
            "LIST_NAME": "From last season",
            "CREATE_COPY_SETTING": "false",
            "DUPLICATE_ACTION_SETTING": "MOVE",
        },
        expect_at_most=4,
    )
    run = run_dag(dag, conf={"target": target})
    assert run.xcoms["it"]["updated"] == 4
    assert (states(sandbox, CAMPAIGN), states(sandbox, target)) == ({"READY": 6}, {"READY": 4})


def test_where_no_lead_fits_nothing_is_sent(client, sandbox, run_dag) -> None:
    dag = act("none", "DELETE_LEADS", criteria={"leadStates": ["COMPLETE"]}, expect_at_most=0)
    run = run_dag(dag)
    assert run.states == {"it": "success"}
    assert (run.xcoms["it"]["counted"], run.xcoms["it"]["deleted"]) == (0, 0)
    assert not acted(sandbox)


def test_leads_are_named_by_list_or_id_instead_of_campaign(client, sandbox, run_dag) -> None:
    rows = client.search_leads({"campaignIds": [CAMPAIGN]})
    some = [row["leadId"] for row in rows[:3]]
    run = run_dag(act("ids", "CANCEL_LEADS", campaign=None, criteria={"leadIds": some}, expect_at_most=3))
    assert run.xcoms["it"]["updated"] == 3
    listed = {"listIds": rows[0]["listId"], "leadStates": "READY"}
    run = run_dag(act("list", "CANCEL_LEADS", campaign=None, criteria=listed, expect_at_most=7))
    assert run.xcoms["it"]["updated"] == 7


@pytest.mark.parametrize(
    ("action", "arguments", "message"),
    [
        ("CANCEL", {}, "action='CANCEL'"),
        ("SUPPRESS_LEADS", {"campaign": None}, "never all there are"),
        ("SUPPRESS_LEADS", {"campaign": None, "criteria": {"leadStates": ["READY"]}}, "never all there are"),
        ("SUPPRESS_LEADS", {"campaign": None, "dial_group": GROUP}, "dial_group="),
        ("SUPPRESS_LEADS", {"campaign": "{{ none }}"}, "did a template render to None"),
        ("SUPPRESS_LEADS", {"campaign": "Holiday"}, "there is no campaign named 'Holiday'"),
        ("SUPPRESS_LEADS", {"criteria": {"campaignIds": [1]}}, "campaign= says that"),
        ("SUPPRESS_LEADS", {"criteria": {"leadState": "READY"}}, "nearest: 'leadStates'"),
        ("SUPPRESS_LEADS", {"parameters": {"A": 1}}, "it takes none"),
        ("CANCEL_LEADS", {"expect_at_most": "many"}, "expect_at_most='many'"),
        ("CANCEL_LEADS", {"expect_at_most": -1}, "expect_at_most=-1"),
        ("CANCEL_LEADS", {"expect_at_most": True}, "expect_at_most=True"),
        ("EMAIL_LEADS", {"parameters": {}}, "EMAIL_LEADS needs it"),
    ],
)
def test_bad_input_is_named_and_nothing_is_done(client, sandbox, run_dag, action, arguments, message) -> None:
    run = run_dag(act("bad", action, **arguments))
    assert run.states == {"it": "failed"}
    assert message in str(run.errors["it"])
    assert not acted(sandbox) + counted(sandbox)


@pytest.mark.parametrize("fault", ["drop_answer", "truncate", "empty"])
def test_what_may_call_somebody_twice_is_sent_once(client, sandbox, run_dag, fault) -> None:
    sandbox.add_fault(fault, path="campaignLeads/actions")
    run = run_dag(act("once", "RESET_LEADS", expect_at_most=10))
    assert run.states == {"it": "failed"}
    assert isinstance(run.errors["it"], AirflowFailException)
    assert "look at the leads before it is done again" in str(run.errors["it"])
    assert acted(sandbox) == 1


@pytest.mark.parametrize("fault", ["drop_answer", "truncate", "empty"])
def test_what_can_be_done_twice_is_sent_again(client, sandbox, run_dag, fault) -> None:
    sandbox.add_fault(fault, path="campaignLeads/actions")
    run = run_dag(act("again", "CANCEL_LEADS", expect_at_most=10))
    assert run.states == {"it": "success"}
    assert states(sandbox, CAMPAIGN) == {"CANCELLED": 10}
    assert acted(sandbox) == 2


def test_an_answer_that_says_it_failed_fails_the_task(client, sandbox, run_dag) -> None:
    sandbox.add_fault(
        "status",
        path="campaignLeads/actions",
        status=200,
        content_type="application/json",
        body='{"success": false, "errorMessage": "Agent 3 has no access."}',
    )
    run = run_dag(act("refused", "AGENT_RESERVATION"))
    assert run.states == {"it": "failed"}
    assert "AGENT_RESERVATION was refused: Agent 3 has no access." in str(run.errors["it"])
