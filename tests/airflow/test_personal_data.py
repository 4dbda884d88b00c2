"""Phones and names of people are neither logged nor stored by Airflow."""

from __future__ import annotations

import logging
import re
from typing import Any

import pendulum
import pytest
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.providers.common.compat.sdk import DAG
from airflow.utils.session import create_session

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.operators.do_not_call import EngageVoiceDncOperator
from airflow_provider_engagevoice.operators.lead_actions import EngageVoiceLeadActionOperator
from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator
from airflow_provider_engagevoice.sandbox import seed
from tests.support.lead_lists import load

CAMPAIGN = seed.HOLIDAY_RENEWALS_2025_ID
PHONES = ["(415) 555-0123", "4155550124", "+1 415 555 0125"]
BAD = ["415555012", "+44 20 7183 8750"]
NAMES = ["Lovelace", "Hopper"]
RECORDS = [
    {"externId": f"P{number}", "leadPhone": phone, "lastName": name}
    for number, (phone, name) in enumerate(zip([*PHONES, *BAD], [*NAMES, *NAMES, "Curie"], strict=True))
]


def task(kind: str) -> tuple[Any, dict[str, Any]]:
    criteria = {"leadPhoneNumbers": PHONES, "lastName": NAMES[0]}
    return {
        "action": (
            EngageVoiceLeadActionOperator,
            {"action": "SUPPRESS_LEADS", "campaign": CAMPAIGN, "criteria": criteria},
        ),
        "bad action": (
            EngageVoiceLeadActionOperator,
            {"action": "SUPPRESS_LEADS", "campaign": CAMPAIGN, "criteria": {"leadPhoneNumbers": BAD}},
        ),
        "add": (EngageVoiceDncOperator, {"action": "add", "numbers": PHONES}),
        "remove": (EngageVoiceDncOperator, {"action": "remove", "numbers": PHONES}),
        "search": (EngageVoiceDncOperator, {"action": "search", "numbers": PHONES}),
        "bad add": (EngageVoiceDncOperator, {"action": "add", "numbers": [*PHONES, *BAD]}),
        "load": (
            EngageVoiceLoadLeadsOperator,
            {"campaign": CAMPAIGN, "records": RECORDS, "max_bad_rows": 2},
        ),
        "refused load": (EngageVoiceLoadLeadsOperator, {"campaign": CAMPAIGN, "records": RECORDS}),
        "check": (
            EngageVoiceLoadLeadsOperator,
            {"campaign": CAMPAIGN, "records": RECORDS, "validate_only": True},
        ),
    }[kind]


KINDS = ["action", "bad action", "add", "remove", "search", "bad add", "load", "refused load", "check"]


def rendered(dag_id: str) -> list[dict[str, Any]]:
    with create_session() as session:
        query = session.query(RenderedTaskInstanceFields).filter_by(dag_id=dag_id)
        return [one.rendered_fields for one in query]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mapped", [False, True])
def test_no_person_is_logged_or_stored(
    sandbox, client_settings, run_dag, caplog, capfd, kind: str, mapped: bool
) -> None:
    with EngageVoiceClient(client_settings) as client:
        load(client, CAMPAIGN, 3)
    operator, arguments = task(kind)
    dag_id = f"{kind.replace(' ', '_')}_{mapped}"
    with (
        caplog.at_level(logging.INFO),
        DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag,
    ):
        if mapped:
            name = next(name for name in ("numbers", "records", "criteria") if name in arguments)
            value = arguments.pop(name)
            operator.partial(task_id="it", **arguments).expand(**{name: [value]})
        else:
            operator(task_id="it", **arguments)
        run = run_dag(dag)
    assert set(run.states.values()) == {"failed" if kind.startswith(("bad", "refused")) else "success"}
    shown = {
        "log": caplog.text,
        "output": "".join(capfd.readouterr()),
        "xcom": str(run.xcoms),
        "error": str([str(error) for error in run.errors.values()]),
        "fields": str(rendered(dag_id)),
    }
    assert rendered(dag_id)
    # The lines of a task are there.
    assert {"action": "not_found", "load": "Rows read", "add": "numbers"}.get(kind, "") in shown[
        "output"
    ] + shown["log"]
    for where, text in shown.items():
        found = [
            *(name for name in NAMES if name in text),
            *re.findall(r"5550?12[345]|555-012\d|555 012\d|7183 ?8750|41555501", text),
        ]
        assert not found, (where, text)
