"""Real DAG runs: a migrated metadata database, and a function that runs a DAG in it."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, BaseOperator
from sqlalchemy import text

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.polling import awaited, dial_group_poller
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.faults.lead_world import HEADER, row
from tests.support.clocks import SkippingClock


@dataclass(frozen=True)
class Run:
    """A DAG run that has ended.

    :param states: state of each task instance, by task id or ``task_id[map_index]``
    :param xcoms: return values, by the same keys
    :param links: target of a task's extra link, by task id
    :param errors: exceptions that failed a task, by task id
    :param ended: when each task instance ended, in seconds since the epoch, by the same keys as ``states``
    """

    states: dict[str, str]
    xcoms: dict[str, Any]
    links: dict[str, Any]
    errors: dict[str, BaseException]
    ended: dict[str, float]


@pytest.fixture(scope="session", autouse=True)
def _database(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Make the database, which takes seconds; the other workers of pytest-xdist copy that of the first."""
    from airflow.utils.db import initdb

    if "PYTEST_XDIST_WORKER" not in os.environ:
        initdb()
        return
    database = Path(os.environ["AIRFLOW_HOME"], "airflow.db")
    made = tmp_path_factory.getbasetemp().parent / database.name
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made.exists():
            _copy(made, database)
        else:
            initdb()
            _copy(database, made)


def _copy(source: Path, target: Path) -> None:
    """Copy an SQLite database, with what is in its log of writes only."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@pytest.fixture
def run_dag() -> Callable[..., Run]:
    """Run a DAG as ``airflow dags test`` does: every task for real, triggers in-process."""
    return _run


@pytest.fixture
def leads_csv(tmp_path: Path) -> Path:
    """A list of 120 leads."""
    path = tmp_path / "leads.csv"
    path.write_text("\n".join([HEADER, *map(row, range(120))]) + "\n")
    return path


@pytest.fixture
def confirmed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let waits poll again after a second for a campaign that they have missed; see tests/unit/sensors."""
    for module in (awaited, dial_group_poller):
        monkeypatch.setattr(module, "CONFIRM_AFTER", timedelta(seconds=1))


@pytest.fixture
def assert_not_retried(sandbox: SandboxServer) -> Callable[..., None]:
    """Assert that rendered arguments fail a task without a retry and without a request."""

    def assert_not_retried(task: Any, rendered: Mapping[str, object], message: str) -> None:
        for name, value in rendered.items():
            setattr(task, name, value)
        with pytest.raises(AirflowFailException) as caught:
            task.execute({})
        assert message in str(caught.value)
        assert not sandbox.requests()

    return assert_not_retried


def _run(dag: Any, *, conf: dict[str, Any] | None = None, **options: Any) -> Run:
    """Run a DAG once.

    :param options: of ``DAG.test``; ``logical_date=None`` is a manual run on Airflow 3
    """
    errors: dict[str, BaseException] = {}

    def note(context: Any) -> None:
        errors[context["ti"].task_id] = context["exception"]

    for task in dag.tasks:
        if isinstance(task, BaseOperator):
            task.on_failure_callback = [note]
        else:
            callbacks = task.partial_kwargs.get("on_failure_callback") or []
            callbacks = callbacks if isinstance(callbacks, list) else [callbacks]
            task.partial_kwargs["on_failure_callback"] = [*callbacks, note]
    make_known(dag)
    # The package's own pauses are skipped: a minute in which a server may show something late takes no time.
    with pytest.MonkeyPatch.context() as patch, clock.use(SkippingClock()):
        patch.setattr(time, "sleep", _sleep)
        dag_run = dag.test(run_conf=conf, **options)
    states: dict[str, str] = {}
    ended: dict[str, float] = {}
    for instance in dag_run.get_task_instances():
        index = instance.map_index
        name = instance.task_id if index < 0 else f"{instance.task_id}[{index}]"
        states[name] = str(getattr(instance.state, "value", instance.state))
        if instance.end_date is not None:
            ended[name] = instance.end_date.timestamp()
    links = {task.task_id: _link(task, dag_run) for task in dag.tasks if isinstance(task, BaseOperator)}
    return Run(states, _xcoms(dag_run, "return_value"), links, errors, ended)


def _sleep(seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Sleep, but only shortly in ``DAG.test``: it sleeps a second whenever no task can run."""
    caller = sys._getframe(1).f_globals["__name__"]
    sleep(min(seconds, 0.1) if caller == DAG.__module__ else seconds)


def _link(task: BaseOperator, dag_run: Any) -> str | None:
    """Return the target of the task's extra link: on Airflow 3 a worker computes it as the task ends."""
    if "EngageVoiceCampaignLink" not in [type(link).__name__ for link in task.operator_extra_links]:
        return None
    if hasattr(task, "get_extra_links"):
        return task.get_extra_links(dag_run.get_task_instance(task.task_id), "Engage Voice campaign")
    return _xcoms(dag_run, "_link_EngageVoiceCampaignLink").get(task.task_id)


def _xcoms(dag_run: Any, key: str) -> dict[str, Any]:
    from airflow.utils.session import create_session

    query = text(
        "select task_id, map_index, value from xcom where dag_id = :dag and run_id = :run and key = :key"
    )
    where = {"dag": dag_run.dag_id, "run": dag_run.run_id, "key": key}
    with create_session() as session:
        rows = session.execute(query, where).all()
    return {
        task_id if index < 0 else f"{task_id}[{index}]": _decoded(value) for task_id, index, value in rows
    }


def _decoded(value: Any) -> Any:
    while isinstance(value, str | bytes):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    return value


def make_known(dag: Any) -> None:
    """Put the DAG into the metadata database, as a DAG processor does."""
    try:
        from airflow.models.dagbundle import DagBundleModel
    except ImportError:
        dag.sync_to_db()
        return
    from airflow.utils.session import create_session

    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag

    with create_session() as session:
        session.merge(DagBundleModel(name="testing"))
    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    bag.bag_dag(dag)
    try:
        from airflow.dag_processing.dagbag import sync_bag_to_db
    except ImportError:
        try:
            from airflow.models.dagbag import sync_bag_to_db
        except ImportError:
            bag.sync_to_db("testing", None)
            return
    sync_bag_to_db(bag, "testing", None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the errors of bad files if ``ENGAGEVOICE_FULL`` is set."""
    if "ENGAGEVOICE_FULL" in os.environ:
        passed = [one for one in terminalreporter.stats.get("passed", []) if one.when == "call"]
        for text in filter(None, (dict(one.user_properties).get("error") for one in passed)):
            terminalreporter.line(str(text))
