"""Arguments are checked when the DAG file is parsed: literal values, and wrong names."""

from __future__ import annotations

import copy
import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pendulum
import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, TaskGroup, task

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.operators.campaigns import (
    EngageVoiceCloneCampaignOperator,
    EngageVoiceCreateCampaignOperator,
    EngageVoiceDeleteCampaignOperator,
    EngageVoiceUpdateCampaignOperator,
)
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor
from airflow_provider_engagevoice.sensors.leads_drained import EngageVoiceLeadsDrainedSensor

DATES = {"campaign_start": "2099-11-01", "campaign_end": "2099-12-24"}
CREATE = {"dial_group": 1, "campaign_name": "Renewals", "caller_id": "4155550123", **DATES}
CLONE = {"source_campaign": 7, "campaign_name": "Renewals", **DATES}


def create(**changes: Any) -> EngageVoiceCreateCampaignOperator:
    return EngageVoiceCreateCampaignOperator(**{"task_id": "create", **CREATE, **changes})


def clone(**changes: Any) -> EngageVoiceCloneCampaignOperator:
    return EngageVoiceCloneCampaignOperator(**{"task_id": "clone", **CLONE, **changes})


def update(**changes: Any) -> EngageVoiceUpdateCampaignOperator:
    return EngageVoiceUpdateCampaignOperator(
        **{"task_id": "update", "campaign": 7, "is_active": 1, **changes}
    )


def delete(**changes: Any) -> EngageVoiceDeleteCampaignOperator:
    return EngageVoiceDeleteCampaignOperator(**{"task_id": "delete", "campaign": 7, **changes})


def wait(**changes: Any) -> EngageVoiceCampaignWindowSensor:
    return EngageVoiceCampaignWindowSensor(**{"task_id": "wait", "campaign": 7, **changes})


def drain(**changes: Any) -> EngageVoiceLeadsDrainedSensor:
    return EngageVoiceLeadsDrainedSensor(**{"task_id": "drain", "campaign": 7, **changes})


@pytest.fixture
def dag() -> Any:
    with DAG("parsed", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        yield dag


@pytest.mark.parametrize(
    ("make", "arguments", "named", "right"),
    [
        (clone, {"source_campaign": ""}, "source_campaign=''", "must be an id, a name"),
        (clone, {"source_campaign": {"id": 7}}, "source_campaign=", "'campaign_id' or 'campaign_name'"),
        (clone, {"country": "US"}, "country='US'", "three letters"),
        (clone, {"campaign_end": "2099-10-31"}, "campaign_end=", "must be after the start"),
        (clone, {"enforce_active": 1}, "enforce_active=1", "True or False"),
        (clone, {"country": None}, "country=None", "a value is required"),
        (update, {"campaign": True}, "campaign=True", "must be an id, a name"),
        (update, {"campaign_name": " "}, "campaign_name=' '", "not blank"),
        (update, {"is_active": 5}, "is_active=5", "0 (inactive), 1 (active) or 2 ("),
        (update, {"campaign_end": "soon"}, "campaign_end='soon'", "2026-12-01T08:00"),
        (update, {"schedule": {"sat": "10-16"}}, "schedule['sat']='10-16'", "08:00-21:00"),
        (delete, {"campaign": None}, "campaign=None", "a value is required"),
        (delete, {"dial_group": -1}, "dial_group=-1", "must be an id, a name"),
        (delete, {"engagevoice_conn_id": None}, "engagevoice_conn_id=None", "a value is required"),
        (wait, {"wait_for": "opened"}, "wait_for='opened'", "must be 'open' or 'closed'"),
        (wait, {"use_daily_hours": "yes"}, "use_daily_hours='yes'", "True or False"),
        (wait, {"timezone": "PST"}, "timezone='PST'", "IANA time zone"),
        (wait, {"deferrable": "{{ params.deferrable }}"}, "deferrable=", "it is not a template field"),
        (
            wait,
            {"start_from_trigger": "{{ params.early }}"},
            "start_from_trigger=",
            "it is not a template field",
        ),
        (update, {"is_active": None}, "campaign=", "give at least one field to change"),
        (update, {"settings": ["maxRingTime"]}, "settings=", "write a mapping"),
        (update, {"settings": {"isActive": 1}}, "settings.isActive=1", "give it as is_active="),
        (clone, {"source_campaign": "Renewals", "campaign_name": "Renewals "}, "campaign_name=", "own name"),
        (drain, {"count_by": "count"}, "count_by='count'", "must be 'search' or 'statistics'"),
    ],
)
def test_a_literal_mistake_is_an_error_of_the_dag_file(
    make: Callable[..., Any], arguments: dict[str, Any], named: str, right: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        make(**arguments)
    assert str(caught.value).startswith(named)
    assert right in str(caught.value)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2099-12-01", "2099-11-30"),
        ("2099-12-01T08:00", "2099-12-01T08:00"),
        ("2099-12-01T08:00-08:00", "2099-12-01T15:59Z"),
        (pendulum.datetime(2099, 12, 1), pendulum.datetime(2099, 11, 1)),
        # Earlier by more than the offset of any zone.
        ("2099-12-01T08:00Z", "2099-11-30T17:59"),
    ],
)
def test_an_end_before_the_start_in_any_zone(start: Any, end: Any) -> None:
    with pytest.raises(InvalidInputError, match="must be after the start"):
        update(campaign_start=start, campaign_end=end)


def test_dates_whose_order_depends_on_the_connection_are_checked_in_the_run() -> None:
    undecided = {"campaign_start": "2099-12-01T08:00Z", "campaign_end": "2099-12-01T01:00"}
    update(**undecided)
    update(**undecided, timezone="{{ params.zone }}")
    with pytest.raises(InvalidInputError, match="must be after the start"):
        update(**undecided, timezone="Asia/Tokyo")


def test_checks_that_need_the_time_or_the_api_fields_are_made_in_the_run() -> None:
    create(campaign_start="2020-01-01", campaign_end="2020-02-01")
    create(settings={"maxRingTme": 5})


@pytest.mark.parametrize(
    "arguments",
    [
        {"is_active": "{{ params.state }}"},
        {"is_active": "{% if params.on %}1{% else %}0{% endif %}"},
        {"schedule": {"mon": "{{ params.hours }}"}},
        {"is_active": 1, "dial_group": {"dial_group_id": "{{ params.group }}"}},
        {"campaign_end": "{{ ds }}", "timezone": "{{ params.zone }}"},
        {"is_active": lambda context, jinja_env: 1},
    ],
)
def test_templates_are_checked_in_the_run(dag: Any, arguments: dict[str, Any]) -> None:
    update(**arguments)


def test_results_of_other_tasks_are_checked_in_the_run(dag: Any) -> None:
    @task
    def plan() -> dict[str, Any]:
        return {}

    planned = plan()
    changed = update(campaign=planned, is_active=planned["state"], schedule={"mon": planned["hours"]})
    assert changed.upstream_task_ids == {"plan"}
    assert wait(campaign=changed.output, wait_for=dag.param("goal", "open")).upstream_task_ids == {"update"}


def test_an_argument_that_is_not_a_template_field_rejects_templates(dag: Any) -> None:
    class Labeled(EngageVoiceUpdateCampaignOperator):
        template_fields = ("campaign",)

    for task_id, value in {"template": "{{ params.state }}", "xcom": update().output}.items():
        with pytest.raises(InvalidInputError, match=r"^is_active=.*it is not a template field"):
            Labeled(task_id=task_id, campaign=7, is_active=value)


def test_flags_are_read_from_text() -> None:
    assert wait(deferrable="False").deferrable is False
    assert wait(deferrable="true").deferrable is True
    create(enforce_active="True")


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (create, {"if_exist": "skip"}, "no argument 'if_exist'; nearest: 'if_exists'"),
        (create, {"retrys": 3}, "no argument 'retrys'; nearest: 'retries'"),
        (clone, {"source": 7}, "'source' is now called 'source_campaign'"),
        (clone, {"country_code": "USA"}, "'country_code' is now called 'country'"),
        (wait, {"state": "open"}, "'state' is now called 'wait_for'"),
        (wait, {"hours": True}, "'hours' is now called 'use_daily_hours'"),
        (drain, {"by": "search"}, "'by' is now called 'count_by'"),
    ],
)
def test_a_wrong_name_is_reported_with_the_right_one(
    make: Callable[..., Any], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError) as caught:
        make(**arguments)
    assert message in str(caught.value)


def test_a_required_argument_under_its_old_name() -> None:
    arguments = {"source" if name == "source_campaign" else name: value for name, value in CLONE.items()}
    with pytest.raises(TypeError, match=r"source_campaign.*; 'source' is now called 'source_campaign'"):
        EngageVoiceCloneCampaignOperator(task_id="clone", **arguments)


def test_airflow_dates_are_not_campaign_dates() -> None:
    arguments = {name: value for name, value in CREATE.items() if name not in DATES}
    dates = {"start_date": pendulum.datetime(2099, 11, 1), "end_date": pendulum.datetime(2099, 12, 24)}
    with pytest.raises(TypeError) as caught:
        EngageVoiceCreateCampaignOperator(task_id="create", **arguments, **dates)
    assert "start_date is Airflow's own" in str(caught.value)
    assert "did you mean campaign_start?" in str(caught.value)
    assert "did you mean campaign_end?" in str(caught.value)


def test_wrong_names_of_a_mapped_task(dag: Any) -> None:
    operator = EngageVoiceCloneCampaignOperator
    with pytest.raises(TypeError, match="'source' is now called 'source_campaign'"):
        operator.partial(task_id="one", source=7)
    with pytest.raises(TypeError, match="no argument 'campain_name'; nearest: 'campaign_name'"):
        operator.partial(task_id="two", campain_name="Renewals")
    partial = operator.partial(task_id="three", **DATES)
    with pytest.raises(TypeError, match="'source' is now called 'source_campaign'"):
        partial.expand(source=[7], campaign_name=["Renewals"])
    assert partial.expand(source_campaign=[7], campaign_name=["Renewals"]).task_id == "three"


@pytest.mark.parametrize(
    ("mapped", "named"),
    [
        ({"campaign_end": ["2099-12-24", "soon"]}, "campaign_end='soon'"),
        ({"campaign_end": ["2099-12-24", "2020-01-01"]}, "campaign_end='2020-01-01'"),
        ({"campaign_name": ["North", " "]}, "campaign_name=' '"),
        ({"is_active": [1, 5]}, "is_active=5"),
        ({"source_campaign": ["South", "North"], "campaign_name": "{{ ds }}"}, ""),
    ],
)
def test_literal_mistakes_in_expand(dag: Any, mapped: dict[str, Any], named: str) -> None:
    given = {"source_campaign": 7, "campaign_name": "Renewals", **DATES}
    partial = EngageVoiceCloneCampaignOperator.partial(
        task_id="one", **{name: value for name, value in given.items() if name not in mapped}
    )
    if not named:
        partial.expand(**{name: value for name, value in mapped.items() if isinstance(value, list)})
        return
    with pytest.raises(InvalidInputError) as caught:
        partial.expand(**mapped)
    assert str(caught.value).startswith(named)


def test_literal_mistakes_in_partial(dag: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^timezone='PST'"):
        EngageVoiceUpdateCampaignOperator.partial(task_id="mapped", timezone="PST")


def test_a_wrong_name_in_a_mapped_run_is_not_retryable(run_dag: Any) -> None:
    errors: list[BaseException] = []

    def note(context: Any) -> None:
        errors.append(context["exception"])

    with DAG("mapped_names", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceCloneCampaignOperator.partial(
            task_id="clone", retries=3, on_failure_callback=[note], **DATES
        ).expand_kwargs([{"source": 7, "campaign_name": "Renewals"}])
    assert run_dag(dag).states == {"clone[0]": "failed"}
    if airflow_version.startswith("2."):
        # Callbacks are not run for a task that cannot be constructed.
        return
    (error,) = errors
    assert isinstance(error, AirflowFailException)
    assert "'source' is now called 'source_campaign'" in str(error)
    # Airflow logs it with all that it was raised from.
    assert error.__suppress_context__
    assert error.__cause__ is None


def test_default_args_are_arguments_too() -> None:
    defaults = {**CREATE, "retries": 3, "unknown_to_all": True, "start_date": pendulum.datetime(2026, 1, 1)}
    with DAG("defaults", schedule=None, default_args=defaults):
        created = EngageVoiceCreateCampaignOperator(task_id="create")
        waiting = wait()
        with TaskGroup("group", default_args={"dial_group": 2}):
            grouped = EngageVoiceCreateCampaignOperator(task_id="create")
        mapped = EngageVoiceCreateCampaignOperator.partial(task_id="mapped").expand(campaign_name=["a", "b"])
        own = EngageVoiceCreateCampaignOperator(task_id="own", default_args={"dial_group": 3})
    assert (created.campaign_name, created.retries) == ("Renewals", 3)
    assert (waiting.dial_group, grouped.dial_group, own.dial_group) == (1, 2, 3)
    assert mapped.task_id == "mapped"
    with (
        DAG("bad_defaults", schedule=None, default_args={**defaults, "is_active": 5}),
        pytest.raises(InvalidInputError, match=r"^is_active=5"),
    ):
        EngageVoiceCreateCampaignOperator(task_id="create")


class SeasonOperator(EngageVoiceCloneCampaignOperator):
    """A user's operator: additional arguments, defaults for ours."""

    def __init__(self, *, note: str, source_campaign: int = 7, **kwargs: Any) -> None:
        season = kwargs.pop("season", "2099")
        super().__init__(source_campaign=source_campaign, campaign_name=f"Season {season}", **DATES, **kwargs)
        self.note = note


def test_operators_of_users() -> None:
    season = SeasonOperator(task_id="season", note="{{ rendered by the user }}", season="2100")
    assert season.campaign_name == "Season 2100"
    with pytest.raises(InvalidInputError, match=r"^country='US'"):
        SeasonOperator(task_id="season", note="x", country="US")
    with pytest.raises(TypeError, match="'country_code' is now called 'country'"):
        SeasonOperator(task_id="season", note="x", country_code="USA")
    with pytest.raises(InvalidInputError, match=r"^source_campaign=None"):
        SeasonOperator(task_id="season", note="x", source_campaign=None)


def test_a_copy_of_a_task_has_its_arguments(dag: Any) -> None:
    made = create(is_active=1, schedule={"mon": "08:00-21:00"})
    copied = copy.deepcopy(made)
    assert type(copied) is EngageVoiceCreateCampaignOperator
    assert {name: getattr(copied, name) for name in made.template_fields} == {
        name: getattr(made, name) for name in made.template_fields
    }


def test_parsing_a_dag_file_imports_no_api_models() -> None:
    code = """
import sys
from tests.airflow.test_arguments import create, clone, drain, wait
loaded = set(sys.modules)
create(timezone="America/Los_Angeles", schedule={"mon": "08:00-21:00"}, is_active=1), clone(), wait(), drain()
ours = "airflow_provider_engagevoice."
heavy = "client", "campaigns", "leads", "polling", "hooks", "stores", "models.campaign", "models.lead"
print([name for name in sys.modules if f"{name}.".startswith(tuple(f"{ours}{one}." for one in heavy))])
print([name for name in ("phonenumbers", "pyrate_limiter") if name in sys.modules])
"""
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["[]", "[]"]


def test_tools_see_the_signature_of_an_operator() -> None:
    parameters = inspect.signature(EngageVoiceCreateCampaignOperator).parameters
    assert list(parameters)[:2] == ["dial_group", "campaign_name"]
    assert parameters["if_exists"].default == "update"
    assert "self" not in parameters
