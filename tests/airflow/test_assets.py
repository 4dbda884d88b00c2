"""Asset events of campaigns, as Airflow stores them, and the DAGs that they trigger."""

from __future__ import annotations

import json
from typing import Any

import pendulum
import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG, Asset, AssetAlias, task
from packaging.version import Version
from sqlalchemy import text

from airflow_provider_engagevoice.assets import (
    CAMPAIGNS,
    add_campaign_event,
    campaign_asset,
    campaign_window_asset,
    sanitize_uri,
)
from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.dates import format_vendor_date
from airflow_provider_engagevoice.lineage import convert_asset_to_openlineage
from airflow_provider_engagevoice.operators.campaigns import (
    EngageVoiceCloneCampaignOperator,
    EngageVoiceCreateCampaignOperator,
    EngageVoiceDeleteCampaignOperator,
    EngageVoiceUpdateCampaignOperator,
)
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor
from tests.airflow.conftest import make_known
from tests.support.connections import ACCOUNT_ID

IS_AIRFLOW_3 = airflow_version.startswith("3.")
BY_DEFAULT = Version(airflow_version) >= Version("3.3.1")
GROUP = seed.OUTBOUND_RENEWALS_ID
SEEDED = seed.HOLIDAY_RENEWALS_2025_ID
FIELDS = {
    "dial_group": "Outbound Renewals",
    "campaign_start": "2099-11-01",
    "campaign_end": "2099-12-24",
    "timezone": "America/Los_Angeles",
    "caller_id": "4155550123",
}
#: Alias of only this test, whatever others have left in the database.
RENEWALS = AssetAlias("renewals")


def make_dag(dag_id: str, **options: object) -> DAG:
    return DAG(dag_id, **({"schedule": None, "start_date": pendulum.datetime(2026, 1, 1)} | options))


def rows(query: str, **values: object) -> list[tuple[Any, ...]]:
    """Read the metadata database, with Airflow 3's names."""
    from airflow.utils.session import create_session

    if not IS_AIRFLOW_3:
        query = query.replace("asset", "dataset")
    with create_session() as session:
        return [tuple(row) for row in session.execute(text(query), values)]


def events(dag_id: str) -> list[tuple[Any, ...]]:
    """Return URI, alias, extra and map index of each event that a DAG's tasks made."""
    found = rows(
        "select asset.uri, asset_alias.name, asset_event.extra, asset_event.source_map_index from asset_event"
        " join asset on asset.id = asset_event.asset_id"
        " left join asset_alias_asset_event as link on link.event_id = asset_event.id"
        " left join asset_alias on asset_alias.id = link.alias_id"
        " where asset_event.source_dag_id = :dag order by asset_event.id, asset_alias.name",
        dag=dag_id,
    )
    return [(uri, alias, json.loads(extra), index) for uri, alias, extra, index in found]


def resolved(alias: AssetAlias) -> set[str]:
    """Return the URIs of all assets that an alias has been resolved to."""
    found = rows(
        "select asset.uri from asset join asset_alias_asset as link on link.asset_id = asset.id"
        " join asset_alias on asset_alias.id = link.alias_id where asset_alias.name = :name",
        name=alias.name,
    )
    return {uri for (uri,) in found}


def queued() -> set[str]:
    """Return the DAGs that the scheduler is about to run because of an asset."""
    return {dag_id for (dag_id,) in rows("select target_dag_id from asset_dag_run_queue")}


def uri_of(xcom: dict[str, Any]) -> str:
    return f"engagevoice://{ACCOUNT_ID}/{xcom['dial_group_id']}/{xcom['campaign_id']}"


def event_of(xcom: dict[str, Any], alias: AssetAlias, index: int = -1) -> tuple[Any, ...]:
    """Return the event that ``events`` returns for an operator's result."""
    extra = {name: value for name, value in xcom.items() if name not in ("copied_by", "not_copied")}
    return uri_of(xcom), alias.name, extra | {"account_id": ACCOUNT_ID}, index


def test_each_operator_makes_an_event_for_its_campaign(sandbox, run_dag) -> None:
    with make_dag("changes") as dag:
        create = EngageVoiceCreateCampaignOperator(
            task_id="create", campaign_name="Of assets", outlets=[CAMPAIGNS], **FIELDS
        )
        clone = EngageVoiceCloneCampaignOperator(
            task_id="clone",
            source_campaign=create.output,
            campaign_name="Cloned of assets",
            campaign_start="2099-11-02",
            campaign_end="2099-12-25",
            timezone="America/Los_Angeles",
            outlets=[CAMPAIGNS],
        )
        update = EngageVoiceUpdateCampaignOperator(
            task_id="update", campaign=clone.output, is_active=1, outlets=[CAMPAIGNS]
        )
        EngageVoiceDeleteCampaignOperator(task_id="delete", campaign=update.output, outlets=[CAMPAIGNS])
    run = run_dag(dag)
    xcoms = [run.xcoms[name] for name in ("create", "clone", "update", "delete")]
    assert [one["outcome"] for one in xcoms] == ["created", "created", "updated", "deleted"]
    assert events("changes") == [event_of(one, CAMPAIGNS) for one in xcoms]
    assert {uri_of(one) for one in xcoms} <= resolved(CAMPAIGNS)


@pytest.mark.parametrize("given", [{}, {"outlets": RENEWALS}, {"default_args": {"outlets": [RENEWALS]}}])
@pytest.mark.few(1)
def test_the_alias_of_all_campaigns_is_an_outlet_by_default(sandbox, run_dag, given) -> None:
    dag_id = f"by_default_{len(str(given))}"
    with make_dag(dag_id) as dag:
        EngageVoiceUpdateCampaignOperator(task_id="update", campaign=SEEDED, is_active=2, **given)
    xcom = run_dag(dag).xcoms["update"]
    aliases = [CAMPAIGNS] * BY_DEFAULT + [RENEWALS] * bool(given)
    assert events(dag_id) == [event_of(xcom, alias) for alias in aliases]


@pytest.mark.parametrize("given", [{}, {"outlets": RENEWALS}, {"default_args": {"outlets": [RENEWALS]}}])
@pytest.mark.few(1)
def test_each_mapped_task_makes_an_event(sandbox, run_dag, given) -> None:
    dag_id = f"mapped_events_{len(str(given))}"
    with make_dag(dag_id) as dag:
        EngageVoiceCreateCampaignOperator.partial(task_id="create", **FIELDS, **given).expand(
            campaign_name=["North", "South"]
        )
    declared = [RENEWALS] * bool(given) + [CAMPAIGNS] * BY_DEFAULT
    assert dag.get_task("create").outlets == declared
    run = run_dag(dag)
    made = [run.xcoms[f"create[{index}]"] for index in range(2)]
    expected = [event_of(xcom, alias, index) for index, xcom in enumerate(made) for alias in declared]
    assert sorted(events(dag_id), key=str) == sorted(expected, key=str)


def test_no_event_without_a_change(sandbox, run_dag) -> None:
    with make_dag("no_change") as dag:
        EngageVoiceUpdateCampaignOperator(
            task_id="update", campaign=SEEDED, settings={"maxRingTime": 25}, outlets=[RENEWALS]
        )
        EngageVoiceDeleteCampaignOperator(task_id="delete", campaign=1, outlets=[RENEWALS])
        EngageVoiceCreateCampaignOperator(
            task_id="create",
            campaign_name="Holiday Renewals 2025",
            if_exists="skip",
            outlets=[RENEWALS],
            **FIELDS,
        )
    run = run_dag(dag)
    outcomes = {name: xcom["outcome"] for name, xcom in run.xcoms.items()}
    assert outcomes == {"update": "unchanged", "delete": "absent", "create": "unchanged"}
    assert events("no_change") == []


def test_a_failed_task_makes_no_event(sandbox, run_dag) -> None:
    with make_dag("fails") as dag:
        EngageVoiceUpdateCampaignOperator(task_id="it", campaign=1, is_active=1, outlets=[RENEWALS])
    assert run_dag(dag).states == {"it": "failed"}
    assert events("fails") == []


def test_another_asset_among_the_outlets_is_left_to_the_user(sandbox, run_dag) -> None:
    own = Asset("leads")
    with make_dag("own_outlet") as dag:
        EngageVoiceUpdateCampaignOperator(task_id="it", campaign=SEEDED, is_active=2, outlets=[own, RENEWALS])
    xcom = run_dag(dag).xcoms["it"]
    made = events("own_outlet")
    assert [(uri, extra) for uri, alias, extra, _ in made if alias is None] == [("leads", {})]
    assert event_of(xcom, RENEWALS) in made


def test_dags_scheduled_on_the_alias_or_on_the_campaign_are_queued(sandbox, run_dag) -> None:
    asset = campaign_asset(ACCOUNT_ID, GROUP, SEEDED)
    for name, schedule in {"on_alias": [RENEWALS], "on_campaign": [asset], "on_other": [Asset("o")]}.items():
        with make_dag(name, schedule=schedule, is_paused_upon_creation=False) as dag:

            @task
            def nothing() -> None:
                """Do nothing."""

            nothing()
        run_dag(dag)
    with make_dag("sets_off") as dag:
        EngageVoiceUpdateCampaignOperator(task_id="it", campaign=SEEDED, is_active=2, outlets=[RENEWALS])
    run_dag(dag)
    assert {"on_alias", "on_campaign"} <= queued()
    assert "on_other" not in queued()


def test_an_event_that_cannot_be_made_is_only_logged(sandbox, run_dag, monkeypatch, capfd, caplog) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(EngageVoiceClient, "account_id", lambda self: "not an account")
    with make_dag("no_event") as dag:
        EngageVoiceUpdateCampaignOperator(task_id="it", campaign=SEEDED, is_active=2, outlets=[RENEWALS])
    run = run_dag(dag)
    assert (run.states["it"], run.xcoms["it"]["outcome"]) == ("success", "updated")
    assert events("no_event") == []
    assert f"no asset event for campaign {SEEDED}" in capfd.readouterr().out + caplog.text


@pytest.mark.skipif(IS_AIRFLOW_3, reason="Airflow 3 stores an alias as it is used")
def test_an_alias_that_airflow_has_not_read_yet_is_only_logged(sandbox, capfd, caplog) -> None:
    caplog.set_level("INFO")
    with make_dag("not_read") as dag:
        EngageVoiceUpdateCampaignOperator(
            task_id="it", campaign=SEEDED, is_active=2, outlets=[AssetAlias("not read")]
        )
    (instance,) = dag.test().get_task_instances()
    assert instance.state == "success"
    assert events("not_read") == []
    assert "does not know the alias 'not read' yet" in capfd.readouterr().out + caplog.text


def test_any_task_can_make_an_event_of_a_campaign(sandbox, run_dag) -> None:
    campaign = {"campaign_id": SEEDED, "dial_group_id": GROUP, "outcome": "opened"}
    with make_dag("any_task") as dag:

        @task(outlets=[RENEWALS, Asset("unrelated")])
        def opened(**context: Any) -> None:
            add_campaign_event(context, context["outlets"], ACCOUNT_ID, campaign)

        opened()
    assert run_dag(dag).states == {"opened": "success"}
    assert event_of(campaign, RENEWALS) in events("any_task")


def test_the_scheme_is_known_to_airflow() -> None:
    kind = "asset" if IS_AIRFLOW_3 else "dataset"
    try:
        from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime as Manager
    except ImportError:
        from airflow.providers_manager import ProvidersManager as Manager

    known = Manager()
    assert getattr(known, f"{kind}_uri_handlers")["engagevoice"] is sanitize_uri
    assert getattr(known, f"{kind}_factories")["engagevoice"] is campaign_asset
    assert getattr(known, f"{kind}_to_openlineage_converters")["engagevoice"] is convert_asset_to_openlineage


@pytest.mark.skipif(not IS_AIRFLOW_3, reason="Airflow 2.11 only warns")
def test_airflow_rejects_an_asset_of_another_shape() -> None:
    with pytest.raises(ValueError, match="not the URI of a campaign"):
        Asset("engagevoice://99990000/100")


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.few(1)
def test_a_wait_makes_an_event_through_an_alias_of_the_user(sandbox, run_dag, deferrable) -> None:
    (template, *_) = sandbox.store.campaigns(ACCOUNT_ID, GROUP)
    now = pendulum.now("UTC")
    dates = {"startDate": now.add(seconds=2), "endDate": now.add(days=1)}
    row = {**template, "isActive": 1, **{name: format_vendor_date(at) for name, at in dates.items()}}
    campaign = sandbox.store.seed_campaign(ACCOUNT_ID, GROUP, row)["campaignId"]
    with make_dag(f"asset_wait_{deferrable}") as dag:
        EngageVoiceCampaignWindowSensor(
            task_id="wait", campaign=campaign, dial_group=GROUP, deferrable=deferrable, outlets=[RENEWALS]
        )
    assert run_dag(dag).states == {"wait": "success"}
    ((uri, alias, extra, _),) = events(dag.dag_id)
    assert (uri, alias) == (campaign_asset(ACCOUNT_ID, GROUP, campaign).uri, RENEWALS.name)
    assert (extra["campaign_id"], extra["outcome"], extra["account_id"]) == (campaign, "opened", ACCOUNT_ID)


@pytest.mark.skipif(not IS_AIRFLOW_3, reason="Airflow 3 watches assets")
def test_dag_files_that_watch_one_thing_keep_each_others_watcher() -> None:
    given = {"event": "edited", "dial_group": "North/South", "campaign": "Sale *"}
    other = {"event": "edited", "dial_group": "North", "campaign": "South/Sale *"}
    watched = [campaign_window_asset(**one) for one in (given, given, other)]
    dags = [
        make_dag(f"watches_{number}", schedule=[asset], is_paused_upon_creation=False)
        for number, asset in enumerate(watched)
    ]
    triggers = []
    for dag in [*dags, *dags]:
        make_known(dag)
        watchers = rows("select asset.name, trigger_id from asset_watcher join asset on asset.id = asset_id")
        triggers.append({trigger for name, trigger in watchers if "Sale *" in name})
    assert [len(one) for one in triggers] == [1, 1, 2, 2, 2, 2]
    assert triggers[0] <= triggers[-1]
