"""Answer the form of a task in a real Airflow, as a person does under "Required Actions"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.real_airflow import RealAirflow

DAG_ID = "approved_season"


def form_path(dag_id: str, run_id: str, task_id: str = "apply") -> str:
    """Return the path of the form of a task instance in the API."""
    return f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"


def open_form(airflow: RealAirflow, dag_id: str, run_id: str, *, seconds: float = 90) -> dict[str, Any]:
    """Wait until the apply of a run waits for an answer; return its form.

    It has ``options``, ``subject``, ``body`` and ``assigned_users``.
    """

    def poll() -> dict[str, Any] | None:
        if airflow.states(dag_id, run_id).get("apply") != "awaiting_input":
            return None
        form = airflow.get(form_path(dag_id, run_id))
        return form if form is not None and not form["response_received"] else None

    return airflow.wait_until(f"question of {dag_id}", poll, seconds)


def answer(
    airflow: RealAirflow, dag_id: str, run_id: str, choice: str, *, user: str = "ann"
) -> httpx.Response:
    """Choose an option of the form as a user; return the API's answer."""
    body = {"chosen_options": [choice], "params_input": {}}
    return airflow.patch(form_path(dag_id, run_id), body, user=user)


class Runs:
    """Runs of the DAG ``approved_season``, each with its season."""

    def __init__(self, airflow: Any, server: SandboxServer, folder: Path) -> None:
        self.airflow = airflow
        self.server = server
        self.folder = folder
        self.ids: dict[str, str] = {}

    def start(self, season: str, *, dag_id: str = DAG_ID, **conf: str) -> str:
        storage = f"file://{self.folder}"
        run_id = self.airflow.trigger(dag_id, {"season": season, "storage": storage, **conf})
        self.ids[season] = run_id
        return str(run_id)

    def form(self, season: str) -> dict[str, Any]:
        return open_form(self.airflow, DAG_ID, self.ids[season])

    def answer(self, season: str, choice: str, user: str = "ann") -> None:
        answer(self.airflow, DAG_ID, self.ids[season], choice, user=user).raise_for_status()

    def ended(self, season: str, dag_id: str = DAG_ID, *, seconds: float = 120) -> dict[str, str | None]:
        states: dict[str, str | None] = self.airflow.end_of(dag_id, self.ids[season], seconds)
        return states

    def task(self, season: str, dag_id: str = DAG_ID) -> dict[str, Any]:
        task: dict[str, Any] = self.airflow.task(dag_id, self.ids[season], "apply")
        return task

    def last_log(self, season: str, dag_id: str = DAG_ID) -> str:
        return str(self.airflow.last_log(dag_id, self.ids[season], "apply"))

    def xcom(self, season: str) -> Any:
        return self.airflow.xcom(DAG_ID, self.ids[season], "apply")

    def campaigns(self, season: str) -> list[str]:
        names = [row["campaignName"] for row in self.server.store.all_campaigns()]
        return sorted(name for name in names if name.startswith(f"{season} "))
