"""A file that is not a lead list fails the task with an error that names the position, and loads no leads."""

from __future__ import annotations

import os

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator
from tests.support.bad_files import BadFile, bad_files

LINE_MEBIBYTES = 1024 if os.environ.get("ENGAGEVOICE_FULL") else 16


@pytest.mark.parametrize("bad", bad_files(LINE_MEBIBYTES), ids=lambda bad: bad.what)
@pytest.mark.few(5)
def test_bad_file(sandbox, run_dag, tmp_path, record_property, bad: BadFile) -> None:
    path = tmp_path / bad.name
    bad.write(path)
    with DAG("bad_file", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceLoadLeadsOperator(
            task_id="load", campaign="Holiday Renewals 2025", source=str(path), list_name="Autumn"
        )
    run = run_dag(dag)
    with pytest.raises(AirflowFailException) as error:
        raise run.errors["load"]
    text = str(error.value)
    record_property("error", f"{bad.what}: {text.replace(f'{tmp_path}/', '')}")
    missing = [words for words in (bad.name, *bad.says) if words not in text]
    assert not missing, text
    assert not [one for one in sandbox.requests() if "leadLoader" in one.path]
