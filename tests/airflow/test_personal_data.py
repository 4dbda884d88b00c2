"""Phones and names of people are neither logged nor stored by Airflow."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pendulum
import pytest
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.providers.common.compat.sdk import DAG
from airflow.utils.session import create_session

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.operators.do_not_call import EngageVoiceDncOperator
from airflow_provider_engagevoice.operators.lead_actions import EngageVoiceLeadActionOperator
from airflow_provider_engagevoice.operators.lead_search import EngageVoiceLeadSearchToStorageOperator
from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator
from airflow_provider_engagevoice.sandbox import seed
from tests.support.lead_lists import load

CAMPAIGN = seed.HOLIDAY_RENEWALS_2025_ID
PHONES = ["(415) 555-0123", "4155550124", "+1 415 555 0125"]
BAD = ["415555012", "+44 20 7183 8750"]
NAMES = ["Lovelace", "Hopper"]
#: Fractions of seconds and ids of Airflow, which may have the digits of a phone by chance.
CHANCE = re.compile(r"(?<=:\d\d)\.\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RECORDS = [
    {"externId": f"P{number}", "leadPhone": phone, "lastName": name}
    for number, (phone, name) in enumerate(zip([*PHONES, *BAD], [*NAMES, *NAMES, "Curie"], strict=True))
]


#: What a server may say of a lead, in words of its own.
REFUSED = {
    "leadsSupplied": 3,
    "leadsAccepted": 2,
    "leadsInserted": 2,
    "processingStatus": "DEFAULT_NOT_A_FAILURE",
    "rejectedRows": [
        {"message": "4155550123 is not in service", "rowData": ["P0", "4155550123", "Lovelace"]}
    ],
}
FAILED = {"processingStatus": "GENERAL_FAILURE", "message": "4155550123 and +1 (415) 555-0124: no disk"}


def task(kind: str, folder: Path) -> tuple[Any, dict[str, Any]]:
    (folder / "numbers.csv").write_text("\n".join(["phone", *PHONES]))
    (folder / "bad numbers.csv").write_text("\n".join(["phone", *PHONES, *BAD]))
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
        # By a template: a literal would be an error of the DAG file.
        "bad add": (
            EngageVoiceDncOperator,
            {"action": "add", "numbers": [*PHONES, *(f"{{{{ {one!r} }}}}" for one in BAD)]},
        ),
        "load": (
            EngageVoiceLoadLeadsOperator,
            {"campaign": CAMPAIGN, "records": RECORDS, "max_bad_rows": 2},
        ),
        "refused load": (EngageVoiceLoadLeadsOperator, {"campaign": CAMPAIGN, "records": RECORDS}),
        "load as files": (
            EngageVoiceLoadLeadsOperator,
            {"campaign": CAMPAIGN, "records": RECORDS, "max_bad_rows": 2, "method": "file"},
        ),
        "load, one refused": (
            EngageVoiceLoadLeadsOperator,
            {"campaign": CAMPAIGN, "records": RECORDS, "max_bad_rows": 3},
        ),
        "bad load": (
            EngageVoiceLoadLeadsOperator,
            {"campaign": CAMPAIGN, "records": RECORDS, "max_bad_rows": 2},
        ),
        "results": (
            EngageVoiceLeadSearchToStorageOperator,
            {"campaign": CAMPAIGN, "criteria": criteria, "output_path": f"file://{folder}/results.jsonl"},
        ),
        "upload": (EngageVoiceDncOperator, {"action": "upload", "source": f"file://{folder}/numbers.csv"}),
        "bad upload": (
            EngageVoiceDncOperator,
            {"action": "upload", "source": f"file://{folder}/bad numbers.csv"},
        ),
        "check": (
            EngageVoiceLoadLeadsOperator,
            {"campaign": CAMPAIGN, "records": RECORDS, "validate_only": True},
        ),
    }[kind]


KINDS = [
    *("action", "bad action", "add", "remove", "search", "bad add", "load", "refused load", "check"),
    *("load as files", "load, one refused", "bad load", "results", "upload", "bad upload"),
]
#: The server's answers to loads, if they are not its own.
ANSWERS = {"load, one refused": REFUSED, "bad load": FAILED}


def rendered(dag_id: str) -> list[dict[str, Any]]:
    with create_session() as session:
        query = session.query(RenderedTaskInstanceFields).filter_by(dag_id=dag_id)
        return [one.rendered_fields for one in query]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.few(15)
def test_no_person_is_logged_or_stored(
    sandbox, client_settings, run_dag, caplog, capfd, tmp_path, kind: str, mapped: bool
) -> None:
    with EngageVoiceClient(client_settings) as client:
        load(client, CAMPAIGN, 3)
    if kind in ANSWERS:
        body = json.dumps(ANSWERS[kind])
        path, as_json = "leadLoader/direct", "application/json"
        sandbox.add_fault(
            "status",
            path=path,
            status=200,
            body=body,
            content_type=as_json,
            times=9 if kind == "bad load" else 1,
        )
    operator, arguments = task(kind, tmp_path)
    dag_id = f"{kind.replace(' ', '_').replace(',', '')}_{mapped}"
    with (
        caplog.at_level(logging.INFO),
        DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag,
    ):
        if mapped:
            names = ("numbers", "records", "criteria", "source")
            name = next(name for name in names if name in arguments)
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
    for where, given in shown.items():
        text = CHANCE.sub("", given)
        found = [
            *(name for name in NAMES if name in text),
            *re.findall(r"5550?12[345]|555-012\d|555 012\d|7183 ?8750|41555501", text),
        ]
        assert not found, (where, text)
