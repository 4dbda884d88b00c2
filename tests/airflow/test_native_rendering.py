"""Arguments in a DAG with ``render_template_as_native_obj=True`` mean what they mean in any other."""

from __future__ import annotations

from typing import Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_engagevoice.operators.campaigns import (
    EngageVoiceCreateCampaignOperator,
    EngageVoiceUpdateCampaignOperator,
)
from airflow_provider_engagevoice.operators.do_not_call import EngageVoiceDncOperator
from airflow_provider_engagevoice.operators.lead_search import EngageVoiceLeadSearchToStorageOperator
from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator
from airflow_provider_engagevoice.operators.seasons import EngageVoicePlanSeasonOperator
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor
from airflow_provider_engagevoice.sensors.season_drift import EngageVoiceSeasonDriftSensor

CONTEXT: dict[str, Any] = {
    "task_instance_key_str": "dag__it__20270101",
    "ds": "2027-01-01",
    "ds_nodash": "20270101",
    "nothing": None,
    "phone": "+14155550123",
    "london": "+442079460018",
    "zeros": "0042",
    "exponent": "1e5",
    "day": "10001800",
    "yes": True,
    "at": pendulum.datetime(2027, 1, 1, 8, tz="Europe/Paris"),
    "found": {"campaign_id": 7, "dial_group_id": 8},
    "rows": [{"phone": "0042"}],
    "settings": {"maxRingTime": 30, "dncTags": ["web"]},
}


def rendered(
    operator: Any, *, native: bool = True, dag: dict[str, Any] | None = None, **arguments: Any
) -> Any:
    with DAG(
        "native",
        schedule=None,
        start_date=pendulum.datetime(2026, 1, 1),
        render_template_as_native_obj=native,
        **(dag or {}),
    ):
        task = operator(task_id="it", **arguments)
    task.render_template_fields(dict(CONTEXT))
    return task


def update(**arguments: Any) -> Any:
    return rendered(EngageVoiceUpdateCampaignOperator, **{"campaign": 7, "is_active": 1, **arguments})


def load(**arguments: Any) -> Any:
    return rendered(EngageVoiceLoadLeadsOperator, campaign=7, mapping="vendor", **arguments)


@pytest.mark.parametrize(
    ("name", "template", "value"),
    [
        ("list_name", "{{ ds_nodash }}", "20270101"),
        ("list_name", "{{ zeros }}", "0042"),
        ("list_name", "{{ exponent }}", "1e5"),
        ("list_name", "{{ rows }}", str(CONTEXT["rows"])),
        ("encoding", "{{ 'utf-8' }}", "utf-8"),
        ("source", "{{ ds_nodash }}", "20270101"),
    ],
)
def test_text_of_a_load_stays_text(name, template, value) -> None:
    given = {"source": "leads.csv", name: template}
    assert getattr(load(**given), name) == value


@pytest.mark.parametrize("name", ["reason", "column", "tag", "country"])
@pytest.mark.parametrize("given", ["ds_nodash", "zeros", "exponent", "phone"])
@pytest.mark.few(6)
def test_text_of_the_do_not_call_list_stays_text(name, given) -> None:
    arguments = {"action": "{{ 'add' }}", "numbers": ["4155550123"], name: f"{{{{ {given} }}}}"}
    assert getattr(rendered(EngageVoiceDncOperator, **arguments), name) == CONTEXT[given]


@pytest.mark.parametrize("given", ["phone", "london", "zeros"])
def test_numbers_lose_no_sign_and_no_zero(given) -> None:
    template = f"{{{{ {given} }}}}"
    for numbers, value in ((template, CONTEXT[given]), ([template], [CONTEXT[given]])):
        task = rendered(EngageVoiceDncOperator, action="{{ 'add' }}", numbers=numbers)
        assert task.revealed("numbers") == value
    assert update(caller_id=template).caller_id == CONTEXT[given]


def test_nested_texts_stay_text() -> None:
    search = rendered(
        EngageVoiceLeadSearchToStorageOperator,
        output_path="{{ ds_nodash }}",
        campaign=7,
        criteria={"externIds": ["{{ zeros }}"], "leadPhoneNum": "{{ phone }}"},
    )
    assert (search.output_path, search.revealed("criteria")) == (
        "20270101",
        {"externIds": ["0042"], "leadPhoneNum": "+14155550123"},
    )
    task = update(schedule={"monSched": "{{ day }}"}, settings={"dncTags": ["{{ ds_nodash }}"]})
    assert (task.schedule, task.settings) == ({"monSched": "10001800"}, {"dncTags": ["20270101"]})


def test_mappings_lists_and_none_stay_what_they_are() -> None:
    task = update(campaign="{{ found }}", settings="{{ settings }}", caller_id="{{ nothing }}")
    assert (task.campaign, task.settings, task.caller_id) == (CONTEXT["found"], CONTEXT["settings"], None)
    assert load(records="{{ rows }}").revealed("records") == CONTEXT["rows"]
    sensor = rendered(EngageVoiceCampaignWindowSensor, campaign="{{ found }}", dial_group="{{ nothing }}")
    assert (sensor.campaign, sensor.dial_group) == (CONTEXT["found"], None)


def test_seasons_stay_what_they_are() -> None:
    season = {"season": "{{ ds_nodash }}", "defaults": {"caller_id": "{{ phone }}", "is_active": "{{ yes }}"}}
    paths = {"record_path": "{{ ds_nodash }}", "output_path": "{{ ds }}.json"}
    task = rendered(EngageVoicePlanSeasonOperator, season=season, **paths)
    assert task.season == {
        "season": "20270101",
        "defaults": {"caller_id": "+14155550123", "is_active": "True"},
    }
    assert (task.record_path, task.output_path) == ("20270101", "2027-01-01.json")
    assert rendered(EngageVoiceSeasonDriftSensor, record="{{ found }}").record == CONTEXT["found"]
    assert rendered(EngageVoiceSeasonDriftSensor, record="{{ ds_nodash }}").record == "20270101"


@pytest.mark.parametrize("native", [False, True])
def test_flags_states_dates_and_settings_in_either_kind_of_dag(sandbox, run_dag, native) -> None:
    with DAG(
        f"either_{native}",
        schedule=None,
        start_date=pendulum.datetime(2026, 1, 1),
        render_template_as_native_obj=native,
        params={"settings": {"maxRingTime": 33}},
        user_defined_macros={"yes": lambda: True},
        user_defined_filters={"basic": lambda text: text.replace("-", "")},
    ) as dag:
        EngageVoiceCreateCampaignOperator(
            task_id="create",
            dial_group="Outbound Renewals",
            campaign_name="{{ '2098-01-01' | basic }}",
            campaign_start="{{ '2098-01-01' | basic }}",
            campaign_end="{{ '20980201' }}",
            caller_id="{{ 4155550123 }}",
            timezone="America/Los_Angeles",
            is_active="{{ yes() }}",
            enforce_active="{{ yes() }}",
            settings="{{ params.settings | tojson }}",
            schedule="{{ {'mon-fri': '08:00-21:00'} | tojson }}",
        )
    run = run_dag(dag)
    assert run.states == {"create": "success"}, run.errors
    made = run.xcoms["create"]
    assert (made["campaign_name"], made["is_active"]) == ("20980101", 1)
    assert (made["start"][:19], made["end"][:19]) == ("2098-01-01T08:00:00", "2098-02-02T07:59:59")
