"""The documented way to have plans approved on Airflow 3.1 and 3.2, in a real Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from airflow import __version__ as airflow_version
from packaging.version import Version

from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.support.approvals import form_path
from tests.support.connections import jwt_connection
from tests.support.documentation import block
from tests.support.real_airflow import RealAirflow

AIRFLOW = Version(airflow_version)

pytestmark = [
    pytest.mark.skipif(
        not Version("3.1") <= AIRFLOW < Version("3.3"), reason="only Airflow 3.1 and 3.2 need the operator"
    ),
    pytest.mark.slow,
]

DAG_ID = "approved_season"
SEASON = """season: spring-2027
defaults: {caller_id: "4155550123"}
regions:
  west: {timezone: America/Los_Angeles, dial_group: Outbound Renewals}
  east: {timezone: America/New_York, dial_group: Winback}
campaigns: [{name: "Approved {region}", window: ["{{ params.winback_start }}", 2027-04-15]}]
"""
NEEDS_3_3 = """from airflow.sdk import DAG

from airflow_provider_engagevoice.operators.seasons import EngageVoiceApplySeasonOperator

with DAG("needs_3_3", schedule=None):
    EngageVoiceApplySeasonOperator(task_id="apply", plan="plan.json", approve="if_destructive")
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RealAirflow, SandboxServer]]:
    """Start Airflow with the example of the documentation, and with a DAG file that needs Airflow 3.3."""
    from tests.support.real_airflow import real_airflow

    folder = tmp_path_factory.mktemp("storage")
    example = block("docs/seasons.md", "ApprovalOperator").replace("s3://campaigns", f"file://{folder}")
    next_year = str(date.today().year + 1)
    files = {"approved.py": example, "spring-2027.season.yaml": SEASON, "needs_3_3.py": NEEDS_3_3}
    paths: list[Path] = []
    for name, text in files.items():
        paths.append(folder / name.replace("2027", next_year))
        paths[-1].write_text(text.replace("2027", next_year))
    with (
        SandboxServer(SandboxSettings(limits=False)) as server,
        real_airflow(jwt_connection(server.url, budgets="off"), paths) as airflow,
    ):
        yield airflow, server


def campaigns(server: SandboxServer) -> list[str]:
    names = [row["campaignName"] for row in server.store.all_campaigns()]
    return sorted(name for name in names if name.startswith("Approved "))


def answered(airflow: RealAirflow, choice: str) -> tuple[str, dict[str, str | None]]:
    """Run the DAG and answer its form; return the form's text, and the state of each task at the end."""
    run_id = airflow.trigger(DAG_ID, {})

    def waits() -> bool | None:
        return True if airflow.states(DAG_ID, run_id).get("approval") == "deferred" else None

    airflow.wait_until("question", waits, 300)
    path = form_path(DAG_ID, run_id, "approval")
    form = airflow.get(path) or {}
    body = {"chosen_options": [choice], "params_input": {}}
    airflow.patch(path, body, user="ann").raise_for_status()
    states = airflow.end_of(DAG_ID, run_id, 300)
    for task_id in [task_id for task_id, state in states.items() if state == "failed"]:
        print(f"log of {task_id}:\n{airflow.last_log(DAG_ID, run_id, task_id)}")
    return str(form["body"]), states


def test_a_rejected_plan_is_not_applied_and_an_approved_one_is(airflow) -> None:
    real, server = airflow
    text, states = answered(real, "Reject")
    assert "# Season spring-" in text
    assert "Approved west" in text
    assert "<br>" not in text
    assert states == {"plan": "success", "text": "success", "approval": "success", "apply": "skipped"}
    assert campaigns(server) == []
    _, states = answered(real, "Approve")
    assert set(states.values()) == {"success"}
    assert campaigns(server) == ["Approved east", "Approved west"]


def test_a_dag_file_whose_task_is_to_wait_is_an_import_error(airflow) -> None:
    real, _ = airflow

    def errors() -> str | None:
        found = (real.get("importErrors") or {}).get("import_errors") or []
        return "\n".join(one["stack_trace"] for one in found if "needs_3_3" in one["filename"]) or None

    found = real.wait_until("import error", errors, 120)
    assert "approve='if_destructive' is not usable: it needs Airflow 3.3 or newer; write 'never'" in found
