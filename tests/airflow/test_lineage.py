"""Campaigns in OpenLineage, as its provider extracts them from tasks that have run."""

from __future__ import annotations

from inspect import signature
from typing import Any
from uuid import uuid4

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_engagevoice.assets import campaign_asset, season_asset
from airflow_provider_engagevoice.client.lookup import FoundCampaign
from airflow_provider_engagevoice.lineage import convert_asset_to_openlineage, empty_lineage, load_lineage
from airflow_provider_engagevoice.models.campaign import Campaign
from airflow_provider_engagevoice.operators.campaigns import (
    EngageVoiceCloneCampaignOperator,
    EngageVoiceCreateCampaignOperator,
    EngageVoiceDeleteCampaignOperator,
    EngageVoiceUpdateCampaignOperator,
)
from airflow_provider_engagevoice.operators.lead_actions import EngageVoiceLeadActionOperator
from airflow_provider_engagevoice.operators.leads import EngageVoiceLoadLeadsOperator
from airflow_provider_engagevoice.operators.seasons import (
    EngageVoiceApplySeasonOperator,
    EngageVoicePlanSeasonOperator,
    EngageVoiceVerifySeasonOperator,
)
from airflow_provider_engagevoice.sandbox import seed
from tests.support.connections import ACCOUNT_ID

pytest.importorskip("airflow.providers.openlineage")

GROUP = seed.OUTBOUND_RENEWALS_ID
SEEDED = seed.HOLIDAY_RENEWALS_2025_ID
NAMESPACE = f"engagevoice://{ACCOUNT_ID}"
DATES = {"campaign_start": "2099-11-01", "campaign_end": "2099-12-24", "timezone": "America/Los_Angeles"}


PEOPLE = [
    {"externId": "1", "leadPhone": "4155550123", "lastName": "Lovelace"},
    {"externId": "2", "leadPhone": "415555012", "lastName": "Lovelace"},
]
SUPPRESS = {"action": "SUPPRESS_LEADS", "criteria": {"leadPhoneNumbers": ["415555012"]}}


@pytest.fixture
def lineage(run_dag):
    """Run one task, and return the XCom and what OpenLineage's provider extracts as it ends."""

    def run(
        operator: type, *, fails: bool = False, errors: list[BaseException] | None = None, **arguments: object
    ) -> tuple[dict[str, Any], Any]:
        from airflow.providers.openlineage.extractors.manager import ExtractorManager
        from airflow.utils.state import TaskInstanceState

        extracted = []

        def extract(context: Any) -> None:
            ti = context["ti"]
            extracted.append(
                ExtractorManager().extract_metadata(
                    context["dag_run"],
                    ti.task,
                    task_instance_state=TaskInstanceState.FAILED if fails else TaskInstanceState.SUCCESS,
                    task_instance=ti,
                )
            )

        with DAG("lineage", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
            task = operator(task_id="it", on_success_callback=extract, **arguments)
        if fails:
            execute = task.execute

            def execute_and_extract(context: Any) -> Any:
                try:
                    return execute(context)
                except Exception as error:
                    (errors if errors is not None else []).append(error)
                    extract(context)
                    raise

            task.execute = execute_and_extract
        xcom = run_dag(dag).xcoms.get("it", {})
        (found,) = extracted
        return xcom, found

    return run


def described(dataset: Any) -> tuple[str, str]:
    facets = dataset.facets
    change = facets["lifecycleStateChange"].lifecycleStateChange
    return change.value, facets["documentation"].description


def test_a_created_campaign_is_an_output(sandbox, lineage) -> None:
    xcom, found = lineage(
        EngageVoiceCreateCampaignOperator,
        dial_group=GROUP,
        campaign_name="Traced",
        caller_id="4155550123",
        **DATES,
    )
    (output,) = found.outputs
    assert (output.namespace, output.name) == (NAMESPACE, f"{GROUP}/{xcom['campaign_id']}")
    assert described(output) == ("CREATE", "Traced")
    assert found.inputs == []


def test_the_source_of_a_clone_is_an_input(sandbox, lineage) -> None:
    xcom, found = lineage(
        EngageVoiceCloneCampaignOperator, source_campaign=SEEDED, campaign_name="Traced clone", **DATES
    )
    assert [(one.namespace, one.name) for one in found.inputs] == [(NAMESPACE, f"{GROUP}/{SEEDED}")]
    assert [one.name for one in found.outputs] == [f"{GROUP}/{xcom['campaign_id']}"]
    assert "source_id" not in xcom


@pytest.mark.parametrize(
    ("operator", "arguments", "change"),
    [
        (EngageVoiceUpdateCampaignOperator, {"is_active": 2}, "ALTER"),
        (EngageVoiceDeleteCampaignOperator, {}, "DROP"),
    ],
)
def test_the_change_of_a_campaign_is_reported(sandbox, lineage, operator, arguments, change) -> None:
    _, found = lineage(operator, campaign=SEEDED, **arguments)
    (output,) = found.outputs
    assert output.name == f"{GROUP}/{SEEDED}"
    assert described(output) == (change, "Holiday Renewals 2025")


def test_no_lineage_without_a_change(sandbox, lineage) -> None:
    _, found = lineage(EngageVoiceUpdateCampaignOperator, campaign=SEEDED, settings={"maxRingTime": 25})
    assert (found.inputs, found.outputs) == ([], [])


def test_no_lineage_and_no_warning_without_a_change_or_after_a_failure(sandbox, lineage, caplog) -> None:
    task = EngageVoiceUpdateCampaignOperator(task_id="it", campaign=SEEDED, is_active=1)
    assert task.get_openlineage_facets_on_complete(None) == empty_lineage()
    _, found = lineage(EngageVoiceUpdateCampaignOperator, fails=True, campaign=1, is_active=1)
    assert (found.inputs, found.outputs) == ([], [])
    assert "OperatorLineage" not in caplog.text


def test_a_load_has_the_file_as_input_and_the_campaign_as_output(sandbox, lineage, tmp_path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("externId,leadPhone\n1,4155550123\n")
    _, found = lineage(EngageVoiceLoadLeadsOperator, campaign=SEEDED, source=str(path))
    assert [(one.namespace, one.name) for one in found.inputs] == [("file", str(path))]
    (output,) = found.outputs
    assert (output.namespace, output.name) == (NAMESPACE, f"{GROUP}/{SEEDED}")
    assert output.facets["documentation"].description == "Holiday Renewals 2025"


def test_each_campaign_of_a_list_is_an_output(sandbox, lineage, tmp_path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("campaign,externId,leadPhone\nHoliday Renewals 2025,1,4155550123\nTraced,2,4155550124\n")
    fields = {"dial_group": GROUP, "campaign_name": "Traced", "caller_id": "4155550123", **DATES}
    created, _ = lineage(EngageVoiceCreateCampaignOperator, **fields)
    _, found = lineage(EngageVoiceLoadLeadsOperator, campaign_column="campaign", source=str(path))
    ids = (SEEDED, created["campaign_id"])
    assert {one.name for one in found.outputs} == {f"{GROUP}/{campaign_id}" for campaign_id in ids}
    assert len(found.outputs) == 2


@pytest.mark.parametrize(
    ("source", "dataset"),
    [
        ("s3://aws_default@bucket/in/*.csv", ("s3://bucket", "in/*.csv")),
        ("file:///data/a.csv", ("file", "/data/a.csv")),
        (["gs://one/a", "gs://one/b"], ("gs://one", "a")),
    ],
)
def test_files_of_object_storage_are_inputs(found_campaign, source, dataset) -> None:
    read = load_lineage(ACCOUNT_ID, [found_campaign], source, None, "None")
    assert (read.inputs[0].namespace, read.inputs[0].name) == dataset


def test_a_query_is_an_input(found_campaign) -> None:
    sql = "SELECT phone FROM customers"
    read = load_lineage(ACCOUNT_ID, [found_campaign], None, sql, "crm")
    (query,) = read.inputs
    assert query.namespace == "airflow://connections/crm"
    assert read.job_facets["sql"].query == sql


@pytest.fixture
def found_campaign() -> FoundCampaign:
    return FoundCampaign(GROUP, Campaign.from_server({"campaignId": 7, "campaignName": "Seven"}))


@pytest.mark.parametrize(
    ("asset", "name"),
    [
        (campaign_asset(ACCOUNT_ID, GROUP, SEEDED), f"{GROUP}/{SEEDED}"),
        (season_asset(ACCOUNT_ID, "spring-2027"), "seasons/spring-2027"),
    ],
)
def test_an_asset_is_the_same_dataset(asset, name) -> None:
    from airflow.providers.openlineage.utils.utils import translate_airflow_asset

    dataset = translate_airflow_asset(asset, None)
    assert (dataset.namespace, dataset.name) == (NAMESPACE, name)
    assert dataset == convert_asset_to_openlineage(asset, None)


def test_the_changed_campaigns_of_a_season_are_outputs(sandbox, lineage, tmp_path, caplog) -> None:
    season = {
        "season": "traced",
        "defaults": {"caller_id": "4155550123"},
        "regions": {"west": {"timezone": "America/Los_Angeles", "dial_group": GROUP}},
        "campaigns": [
            {"name": "Traced", "window": ["2099-11-01", "2099-12-24"]},
            {"name": "Traced clone", "from": SEEDED, "window": ["2099-11-01", "2099-12-24"]},
        ],
    }
    plan = {"output_path": f"{tmp_path}/plan.json", "record_path": f"{tmp_path}/seasons"}
    _, found = lineage(EngageVoicePlanSeasonOperator, season=season, **plan)
    assert not [one for one in found.outputs if one.namespace == NAMESPACE]
    _, found = lineage(EngageVoiceApplySeasonOperator, plan=plan["output_path"])
    assert [(one.namespace, one.name) for one in found.inputs] == [(NAMESPACE, f"{GROUP}/{SEEDED}")]
    assert [described(one) for one in found.outputs] == [("CREATE", "Traced"), ("CREATE", "Traced clone")]
    lineage(EngageVoiceVerifySeasonOperator, record=f"{tmp_path}/seasons/traced")
    task = EngageVoiceApplySeasonOperator(task_id="it", plan="plan.json")
    assert task.get_openlineage_facets_on_complete(None) == empty_lineage()
    assert "OperatorLineage" not in caplog.text


@pytest.mark.parametrize(
    ("operator", "arguments", "reason"),
    [
        (EngageVoiceLoadLeadsOperator, {"records": PEOPLE}, "records, row 2, column 'leadPhone'"),
        (
            EngageVoiceLoadLeadsOperator,
            {"source": "FOLDER/leads.csv"},
            "leads.csv, row 3, column 'leadPhone'",
        ),
        (EngageVoiceLeadActionOperator, SUPPRESS, "leadPhoneNumbers"),
    ],
)
def test_the_event_of_a_failure_names_nobody(
    sandbox, lineage, tmp_path, operator, arguments, reason, monkeypatch
) -> None:
    """The event is what OpenLineage's provider makes of the exception, with its traceback."""
    from airflow.providers.openlineage.plugins.adapter import OpenLineageAdapter

    lines = [list(PEOPLE[0]), *(list(row.values()) for row in PEOPLE)]
    (tmp_path / "leads.csv").write_text("\n".join(map(",".join, lines)))
    if "source" in arguments:
        arguments = {"source": str(tmp_path / "leads.csv")}
    errors: list[BaseException] = []
    lineage(operator, fails=True, errors=errors, campaign=SEEDED, **arguments)
    adapter = OpenLineageAdapter()
    events: list[Any] = []
    monkeypatch.setattr(adapter, "emit", events.append)
    fields = dict.fromkeys(signature(OpenLineageAdapter.fail_task).parameters, None)
    fields |= {"run_id": str(uuid4()), "job_name": "it", "end_time": "2099-11-01T00:00:00Z"}
    del fields["self"]
    adapter.fail_task(**fields | {"task": empty_lineage(), "error": errors[0]})
    (event,) = events
    shown = repr(event)
    assert reason in shown
    assert [one for one in ("Lovelace", "415555", "5550123") if one in shown] == []
