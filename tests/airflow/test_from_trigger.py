"""Sensors that start on the triggerer, and the reasons why others cannot; real/ has them in an Airflow."""

from __future__ import annotations

import warnings
from typing import Any

import pendulum
import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG, Asset, AssetAlias
from packaging import version

from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor

CAN_START = version.parse(airflow_version) >= version.parse("3.3")


def sensor(dag_options: dict[str, Any] | None = None, **arguments: Any) -> EngageVoiceCampaignWindowSensor:
    """Parse a DAG with a sensor that should start from the trigger."""
    with DAG("parsed", schedule=None, start_date=pendulum.datetime(2026, 1, 1), **(dag_options or {})):
        return EngageVoiceCampaignWindowSensor(
            task_id="wait", start_from_trigger=True, **({"campaign": "Renewals"} | arguments)
        )


@pytest.mark.skipif(not CAN_START, reason="Airflow 3.3 renders on the triggerer")
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"campaign": 7, "dial_group": 8},
        {"campaign": "Renewals {{ ds }}"},
        {"campaign": "{{ params.campaign | default(dag_run.conf['campaign'], true) }}"},
        {"campaign": {"campaign_id": "{{ params.id }}", "dial_group_id": 3}},
        {"campaign": "{{ data_interval_end | ds_nodash }}-{{ macros.ds_add(ds, 3) }}"},
        {"use_daily_hours": True, "timezone": pendulum.timezone("Europe/Paris")},
        {"outlets": [Asset("opened")]},
    ],
)
def test_starts_from_the_trigger(arguments) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        task = sensor(**arguments)
    assert task.start_from_trigger
    assert task.deferrable
    given = task.start_trigger_args.trigger_kwargs
    assert given["end_from_trigger"] is ("outlets" not in arguments)
    assert given["timezone"] in (None, "Europe/Paris")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"campaign": "{{ ti.xcom_pull(task_ids='create') }}"}, "campaign: the triggerer does not have ti"),
        ({"campaign": "{{ var.value.campaign }}"}, "does not have var"),
        ({"campaign": "{{ season() }}"}, "does not have season"),
        ({"campaign": "{{ run_id | shout }}"}, "No filter named 'shout'"),
        ({"campaign": "{{ run_id"}, "cannot render it"),
        ({"campaign": {"campaign_id": "{{ ti.map_index }}"}}, "does not have ti"),
        ({"dial_group": "{{ prev_start_date_success }}"}, "dial_group: the triggerer does not have prev"),
        ({"campaign": ["{{ ds }}"]}, "a list cannot be passed"),
        ({"inlets": [AssetAlias("leads")]}, "asset alias among the inlets"),
        ({"campaign": "{{ ds }}", "dag_options": {"render_template_as_native_obj": True}}, "native objects"),
    ],
)
def test_parsing_warns_why_a_sensor_cannot(arguments, reason) -> None:
    with pytest.warns(UserWarning, match=reason if CAN_START else "needs Airflow 3.3") as warned:
        task = sensor(**arguments)
    [warning] = [one for one in warned if issubclass(one.category, UserWarning)]
    assert "task 'wait' cannot start from the trigger and will defer from a worker" in str(warning.message)
    assert warning.filename == __file__
    assert not task.start_from_trigger
    assert task.deferrable
