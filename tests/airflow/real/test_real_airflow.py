"""All in separate processes: a real scheduler, triggerer, workers and API server, shared by every example."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from datetime import timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

import httpx
import pendulum
import pytest
from airflow import __version__ as airflow_version
from packaging import version

from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.sandbox.seed import OUTBOUND_RENEWALS_ID
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.support.connections import ACCOUNT_ID, jwt_connection

pytestmark = pytest.mark.skipif(not airflow_version.startswith("3."), reason="an Airflow 3 is started")

EXAMPLES = Path(__file__).parents[3] / "example_dags"
DAGS = Path(__file__).parents[1] / "dags"
#: How long after their start the campaigns of the two demos open; the first must be waited for by then.
OPEN_AFTER = {"demo": timedelta(seconds=35), "demo_leads": timedelta(seconds=20)}
T = TypeVar("T")
Runs = dict[str, Future[Any]]
Output = dict[str, StringIO]


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(limits=False)) as server:
        yield server


@pytest.fixture(scope="module")
def output() -> Output:
    """The output of each demo."""
    return defaultdict(StringIO)


@pytest.fixture(scope="module")
def runs(server: SandboxServer, output: Output, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Start Airflow once, and all runs concurrently: the others while the first one waits."""
    from tests import demo, demo_leads
    from tests.support.real_airflow import real_airflow

    folder = tmp_path_factory.mktemp("examples")
    for example in EXAMPLES.glob("*.*"):
        text = example.read_text()
        # Run manually: the scheduled run of the last week would interfere.
        text = text.replace('schedule="@weekly"', "schedule=None").replace(
            'schedule="0 4 * * *"', "schedule=None"
        )
        (folder / example.name).write_text(text.replace("poke_interval=30", "poke_interval=2"))
    dags = [*folder.glob("*.*"), DAGS / "asset_triggered.py", DAGS / "attempts.py"]
    with (
        real_airflow(jwt_connection(server.url, budgets="off"), dags, schedules=True) as airflow,
        ThreadPoolExecutor(10) as pool,
    ):
        # SQLite allows only one writer at a time.
        airflow.trigger, airflow.unpause = _with_retries(airflow.trigger), _with_retries(airflow.unpause)
        airflow.unpause("on_campaign_opened")
        airflow.unpause("campaign_for_leads")
        _open_one_by_one(server)
        with pytest.MonkeyPatch.context() as patch:
            # The scheduler has ten other runs to care for.
            patch.setattr(demo, "MAX_DELAY", timedelta(seconds=60))
            for module in (demo, demo_leads):
                patch.setattr(module, "SandboxServer", lambda: nullcontext(server))
                patch.setattr(module, "real_airflow", lambda *_: nullcontext(airflow))
                patch.setattr(module, "OPENS_AFTER", OPEN_AFTER[module.__name__.rpartition(".")[2]])
                patch.setattr(module, "print", partial(print, file=output[module.__name__]), raising=False)
            seasonal_rollout = pool.submit(demo.main)
            airflow.wait_until("deferred waits", partial(_waits, airflow, seasonal_rollout), 120)
            leads = pool.submit(demo_leads.main)
            storage = {"storage": f"file://{folder}"}
            season = pool.submit(_run, airflow, "spring_season", "verify", storage)
            yield {
                "seasonal_rollout": seasonal_rollout,
                "lead_etl_rollout": leads,
                "lead_lists": leads,
                "clone_last_season": pool.submit(
                    _run, airflow, "clone_last_season", "clone", {"season": "2026"}
                ),
                "spring_season": season,
                "days_without_calls": pool.submit(
                    lambda: season.result() and _run(airflow, "days_without_calls", "verify", storage)
                ),
                "campaign_lifecycle": pool.submit(_run, airflow, "campaign_lifecycle", "delete"),
                "attempts": pool.submit(_run, airflow, "attempts", "killed_after_its_last_write"),
                "update_leads": pool.submit(_run, airflow, "update_leads", "update"),
                "campaign_for_leads": pool.submit(_first_run, airflow, "campaign_for_leads", "create"),
                "on_campaign_opened": pool.submit(
                    _first_run, airflow, "on_campaign_opened", "opened_campaigns"
                ),
            }


def _open_one_by_one(server: SandboxServer) -> None:
    """Add campaigns that open within minutes: what is open at a watcher's first poll is no event."""
    pattern, *_ = server.store.campaigns(ACCOUNT_ID, OUTBOUND_RENEWALS_ID)
    for minutes in (1, 2, 3, 4):
        start = pendulum.now("UTC").add(minutes=minutes).start_of("second")
        fields = {
            "campaignName": f"Opens {minutes}",
            "isActive": 1,
            "startDate": format_vendor_date(start),
            "endDate": format_vendor_date(start.add(days=1)),
        }
        server.store.seed_campaign(ACCOUNT_ID, OUTBOUND_RENEWALS_ID, {**pattern, **fields})


def _waits(airflow: Any, run: Future[Any]) -> bool | None:
    """Return True once the demo's sensors are deferred, or it has ended."""
    deferred = airflow.get("dags/seasonal_rollout/dagRuns/~/taskInstances?state=deferred") or {}
    return True if deferred.get("total_entries") == 2 or run.done() else None


def _with_retries(call: Callable[..., T], one_at_a_time: Any = RLock()) -> Callable[..., T]:  # noqa: B008
    def retried(*args: Any) -> T:
        for _ in range(20):
            with suppress(httpx.HTTPStatusError), one_at_a_time:
                return call(*args)
            time.sleep(0.5)
        return call(*args)

    return retried


def _run(airflow: Any, dag_id: str, task_id: str, conf: dict[str, Any] | None = None) -> dict[str, Any]:
    return _ended(airflow, dag_id, airflow.trigger(dag_id, conf or {}), task_id)


def _first_run(airflow: Any, dag_id: str, task_id: str) -> dict[str, Any]:
    """Return the first triggered run."""

    def triggered() -> str | None:
        found = (airflow.get(f"dags/{dag_id}/dagRuns") or {}).get("dag_runs", [])
        return found[0]["dag_run_id"] if found else None

    return _ended(airflow, dag_id, airflow.wait_until(f"run of {dag_id}", triggered, 300, every=2), task_id)


def _ended(airflow: Any, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
    """Wait for a run; return it with its tasks by name, and the result of one of them."""

    def ended() -> dict[str, Any] | None:
        run = airflow.get(f"dags/{dag_id}/dagRuns/{run_id}") or {}
        return run if run.get("state") in ("success", "failed") else None

    # Many wait at once: their requests take the processor from the tasks that they wait for.
    run = airflow.wait_until(f"end of {dag_id}", ended, 180, every=2)
    tasks = (airflow.get(f"dags/{dag_id}/dagRuns/{run_id}/taskInstances") or {})["task_instances"]
    mapped = any(one["task_id"] == task_id and one["map_index"] >= 0 for one in tasks)
    return {
        **run,
        "tasks": {one["task_id"]: one for one in tasks},
        "returned": None if mapped else airflow.xcom(dag_id, run_id, task_id),
    }


def test_the_demo_runs_to_the_end(runs: Runs, output: Output) -> None:
    status = runs["seasonal_rollout"].result()
    text = output["tests.demo"].getvalue()
    assert status == 0, text
    assert "all checks passed" in text
    assert "create_opened: deferred" in text
    assert "cloned from 'Holiday Renewals 2025'" in text


def test_the_demo_with_leads_runs_to_the_end(runs: Runs) -> None:
    assert runs["lead_etl_rollout"].result() == 0


def test_clone_last_season(runs: Runs, server: SandboxServer) -> None:
    assert runs["clone_last_season"].result()["state"] == "success"
    names = [row["campaignName"] for row in server.store.all_campaigns()]
    assert names.count("Holiday Renewals 2025 (2026)") == 1


def test_campaign_lifecycle(runs: Runs) -> None:
    run = runs["campaign_lifecycle"].result()
    assert (run["state"], run["returned"]["outcome"]) == ("success", "deleted")


def test_on_campaign_opened(runs: Runs) -> None:
    run = runs["on_campaign_opened"].result()
    assert (run["run_type"], run["state"]) == ("asset_triggered", "success")
    assert {one["is_active"] for one in run["returned"]} == {1}


def test_spring_season(runs: Runs) -> None:
    run = runs["spring_season"].result()
    assert (run["state"], run["returned"]["campaigns"]) == ("success", 3)


def test_days_without_calls(runs: Runs) -> None:
    run = runs["days_without_calls"].result()
    assert (run["state"], run["returned"]["campaigns"]) == ("success", 3)


@pytest.mark.parametrize("name", [path.stem for path in EXAMPLES.glob("*.py")])
def test_every_example_is_run(name: str, runs: Runs) -> None:
    assert name in runs


def test_a_run_triggered_by_an_asset_creates_its_campaign(runs: Runs) -> None:
    run = runs["campaign_for_leads"].result()
    assert (run["run_type"], run["state"]) == ("asset_triggered", "success")
    assert run["logical_date"] is None
    assert run["returned"]["is_active"] == 1
    assert run["returned"]["campaign_name"].startswith("For the leads of 20")


@pytest.mark.skipif(version.parse(airflow_version) < version.parse("3.3"), reason="Airflow 3.3 remembers")
def test_killed_attempts_and_errors_that_are_not_retryable(runs: Runs, server: SandboxServer) -> None:
    """A task killed after its last write finds its campaign again; a not retryable error is not retried."""
    run = runs["attempts"].result()
    killed, refused = (
        run["tasks"][name] for name in ("killed_after_its_last_write", "reads_a_missing_campaign")
    )
    assert (killed["state"], killed["try_number"], run["returned"]["outcome"]) == ("success", 2, "created")
    assert (refused["state"], refused["try_number"]) == ("failed", 1)
    names = [row["campaignName"] for row in server.store.all_campaigns()]
    assert names.count("Cut off") == 1
    assert not [name for name in names if "[unfinished" in name]
