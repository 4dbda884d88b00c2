"""Answer the form of a task in a real Airflow, as a person does under "Required Actions"."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.real_airflow import RealAirflow


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

    def send() -> httpx.Response | None:
        response = airflow.patch(form_path(dag_id, run_id), body, user=user)
        # SQLite allows only one writer at a time.
        return None if response.is_server_error else response

    return airflow.wait_until("answer that was taken", send, 30)
