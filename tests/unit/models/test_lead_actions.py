"""Lead actions: their parameters, checked before anything is sent, and the response."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.lead import LeadActionResult
from airflow_provider_engagevoice.models.lead_actions import (
    IRREVERSIBLE,
    LeadAction,
    read_action,
    read_parameters,
)

MANUAL = {
    "PASS_DISPOSITION": "Interested",
    "REQUEUE": "true",
    "DO_NOT_CALL": False,
    "PASS_DELAY": "60",
    "MERGE_ORIGINAL": "false",
}
MOVE = {
    "CAMPAIGN_ID": "67890",
    "LIST_ID": 0,
    "LIST_NAME": "Moved",
    "CREATE_COPY_SETTING": False,
    "DUPLICATE_ACTION_SETTING": "MOVE",
}
AGENT = {"ACTION_TYPE": "AGENT", "RESERVATION_AGENT_ID": 9001}


@pytest.mark.parametrize(
    ("action", "given", "sent"),
    [
        *((one, None, {}) for one in ("RESET_LEADS", "CANCEL_LEADS", "DELETE_LEADS", "PAUSE_LEADS")),
        *((one, {}, {}) for one in ("READY_LEADS", "SUPPRESS_LEADS", "UNSUPPRESS_LEADS", "DIALER_REFRESH")),
        ("DIALER_REFRESH", {"force_dialer_cache_refresh": True}, {"force_dialer_cache_refresh": True}),
        (
            "MANUAL_LEADS",
            MANUAL,
            {
                "PASS_DISPOSITION": "Interested",
                "REQUEUE": True,
                "DO_NOT_CALL": False,
                "PASS_DELAY": 60,
                "MERGE_ORIGINAL": False,
            },
        ),
        ("EMAIL_LEADS", {"EMAIL_TO": "ops@example.com"}, {"EMAIL_TO": "ops@example.com"}),
        (
            "EMAIL_LEADS",
            {"EMAIL_TO": "ops@example.com, sales@example.com"},
            {"EMAIL_TO": "ops@example.com,sales@example.com"},
        ),
        ("CALLBACK_LEADS", {"ACTION_TYPE": "CANCEL"}, {"ACTION_TYPE": "CANCEL"}),
        ("CALLBACK_LEADS", AGENT, AGENT),
        (
            "CALLBACK_LEADS",
            AGENT | {"CALLBACK_DATE": datetime(2026, 7, 24, 16, tzinfo=UTC)},
            AGENT | {"CALLBACK_DATE": "2026-07-24T16:00:00.000+0000"},
        ),
        ("MOVE_TO_CAMPAIGN", MOVE, MOVE | {"CAMPAIGN_ID": 67890, "CREATE_COPY_SETTING": "false"}),
        (
            "MOVE_TO_CAMPAIGN",
            MOVE | {"CREATE_COPY_SETTING": "True", "DUPLICATE_ACTION_SETTING": "ignore"},
            MOVE
            | {"CAMPAIGN_ID": 67890, "CREATE_COPY_SETTING": "true", "DUPLICATE_ACTION_SETTING": "IGNORE"},
        ),
        ("AGENT_RESERVATION", {"RESERVATION_AGENT_ID": 0}, {"RESERVATION_AGENT_ID": 0}),
        (
            "AGENT_RESERVATION",
            {"RESERVATION_AGENT_ID": "9001", "CALLBACK_DTS": "2026-07-24T18:00:00+02:00"},
            {"RESERVATION_AGENT_ID": 9001, "CALLBACK_DTS": "2026-07-24T16:00:00.000+0000"},
        ),
    ],
)
def test_what_is_sent(action: str, given: Any, sent: dict[str, Any]) -> None:
    assert read_parameters(read_action(action), given) == sent


@pytest.mark.parametrize(
    ("action", "given", "message"),
    [
        ("CANCEL_LEADS", "now", "parameters='now'"),
        ("CANCEL_LEADS", {"REASON": "x"}, "parameters.REASON=.*it has no parameters"),
        ("EMAIL_LEADS", {}, "parameters.EMAIL_TO.*EMAIL_LEADS requires it"),
        ("EMAIL_LEADS", {"EMAIL_TO": "ops"}, "ops@example.com"),
        ("EMAIL_LEADS", {"EMAIL_TO": "ops@example.com, , a@example.com"}, "separated by commas"),
        ("EMAIL_LEADS", {"EMAIL_TO": "None"}, "render to None"),
        ("EMAIL_LEADS", {"email_to": "ops@example.com"}, "nearest: 'EMAIL_TO'"),
        ("DIALER_REFRESH", {"force_dialer_cache_refresh": "maybe"}, "True or False"),
        ("MANUAL_LEADS", MANUAL | {"PASS_DELAY": -1}, "parameters.PASS_DELAY=-1.*0 for no delay"),
        ("MANUAL_LEADS", {key: MANUAL[key] for key in MANUAL if key != "REQUEUE"}, "parameters.REQUEUE"),
        ("CALLBACK_LEADS", {}, "parameters.ACTION_TYPE"),
        ("CALLBACK_LEADS", {"ACTION_TYPE": "SET"}, "must be 'AGENT', 'CANCEL' or 'RESET'"),
        ("CALLBACK_LEADS", {"ACTION_TYPE": "AGENT"}, "parameters.RESERVATION_AGENT_ID.*AGENT requires it"),
        ("CALLBACK_LEADS", AGENT | {"ACTION_TYPE": "RESET"}, "only for ACTION_TYPE AGENT"),
        ("CALLBACK_LEADS", AGENT | {"CALLBACK_DATE": "tomorrow"}, "parameters.CALLBACK_DATE"),
        ("CALLBACK_LEADS", AGENT | {"CALLBACK_DATE": datetime(2026, 7, 24)}, "must have a UTC offset"),
        ("MOVE_TO_CAMPAIGN", MOVE | {"CAMPAIGN_ID": 0}, "parameters.CAMPAIGN_ID=0"),
        ("MOVE_TO_CAMPAIGN", MOVE | {"LIST_ID": 3}, "only for a new list"),
        ("MOVE_TO_CAMPAIGN", {key: MOVE[key] for key in MOVE if key != "LIST_NAME"}, "name of the new list"),
        (
            "MOVE_TO_CAMPAIGN",
            MOVE | {"CREATE_COPY_SETTING": "copy"},
            "must be 'false', 'true' or 'TRANSITION'",
        ),
        ("AGENT_RESERVATION", {"RESERVATION_AGENT_ID": "me"}, "0 to clear it"),
        (
            "AGENT_RESERVATION",
            {"RESERVATION_AGENT_ID": 0, "CALLBACK_DTS": "2026-07-24T16:00:00Z"},
            "parameters.CALLBACK_DTS=.*only with an agent",
        ),
    ],
)
def test_invalid_parameters(action: str, given: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read_parameters(read_action(action), given)


@pytest.mark.parametrize("value", ["DELETE", "delete_leads", None, 3])
def test_an_unknown_action_is_named(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"action=.*must be 'RESET_LEADS', 'CANCEL_LEADS'"):
        read_action(value)


def test_irreversible_actions() -> None:
    assert set(LeadAction) - IRREVERSIBLE == {
        "DIALER_REFRESH",
        "EMAIL_LEADS",
        "AGENT_RESERVATION",
        "SUPPRESS_LEADS",
        "UNSUPPRESS_LEADS",
    }


def test_a_result_needs_success() -> None:
    assert LeadActionResult.from_server({"success": True, "leadUpdateCount": None}).leadUpdateCount == 0
    for data in ({}, {"success": None}, {"success": True, "leadUpdateCount": "many"}):
        with pytest.raises(ValidationError):
            LeadActionResult.from_server(data)
