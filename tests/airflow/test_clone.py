"""Cloning campaigns from a DAG."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_engagevoice.dates import format_vendor_date, parse_vendor_date
from airflow_provider_engagevoice.operators.campaigns import EngageVoiceCloneCampaignOperator
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.dialects import DEFAULT
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.support.connections import ACCOUNT_ID, jwt_connection

SOURCE = "Holiday Renewals 2025"
START, END = "2099-11-01T00:00", "2099-12-24T00:00"


def clone_dag(dag_id: str, **changes: object) -> DAG:
    arguments = {
        "task_id": "clone",
        "source_campaign": SOURCE,
        "dial_group": "Outbound Renewals",
        "campaign_name": "Holiday Renewals 2099 & more",
        "campaign_start": START,
        "campaign_end": END,
        "timezone": "America/Los_Angeles",
        "is_active": 1,
    }
    with DAG(dag_id, schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        EngageVoiceCloneCampaignOperator(**(arguments | changes))
    return dag


def stored(sandbox: SandboxServer, campaign_id: int) -> dict[str, object]:
    rows = sandbox.store.campaigns(ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID)
    (row,) = [row for row in rows if row["campaignId"] == campaign_id]
    return row


def cloned_by_vendor(sandbox: SandboxServer) -> bool:
    return any(one.path.split("?")[0].endswith("/clone") and one.status == 201 for one in sandbox.requests())


def could_dial_outside_its_dates(sandbox: SandboxServer, campaign_id: int) -> bool:
    """Return whether the clone was ever active while its dates were different and not over."""
    wanted = (pendulum.datetime(2099, 11, 1, tz="America/Los_Angeles"),)
    return any(
        entry.is_active != 0
        and not entry.deleted
        and parse_vendor_date(entry.start_date) != wanted[0]
        and parse_vendor_date(entry.end_date) > datetime.now(UTC)
        for entry in sandbox.history(campaign_id)
    )


def redate_source(sandbox: SandboxServer, client_settings, *, active: int, start: int, end: int) -> None:
    """Set the source's dates, in days from now."""
    from airflow_provider_engagevoice.client.client import EngageVoiceClient

    now = datetime.now(UTC)
    with EngageVoiceClient(client_settings) as client:
        found = client.find_campaign(SOURCE)
        body = found.campaign.with_changes(
            {
                "isActive": active,
                "startDate": format_vendor_date(now + timedelta(days=start)),
                "endDate": format_vendor_date(now + timedelta(days=end)),
            }
        )
        client.update_campaign(found.dial_group_id, found.campaign_id, body)


@pytest.mark.parametrize(
    ("active", "start", "end", "vendor_clones"),
    [
        pytest.param(1, -300, -200, True, id="over"),
        pytest.param(0, -10, 10, True, id="inactive"),
        pytest.param(1, -10, 10, False, id="dialing now"),
        pytest.param(2, -10, 10, False, id="callbacks now"),
        pytest.param(1, 10, 20, False, id="dialing later"),
        pytest.param(1, -10, 0, False, id="just over"),
    ],
)
@pytest.mark.few(2)
def test_a_clone_never_dials_outside_the_requested_dates(
    sandbox, run_dag, client_settings, active, start, end, vendor_clones
) -> None:
    redate_source(sandbox, client_settings, active=active, start=start, end=end)
    run = run_dag(clone_dag(f"clone_{active}_{start}_{end}".replace("-", "m")))
    assert run.states == {"clone": "success"}
    xcom = run.xcoms["clone"]
    clone = stored(sandbox, xcom["campaign_id"])
    assert cloned_by_vendor(sandbox) is vendor_clones
    assert not could_dial_outside_its_dates(sandbox, xcom["campaign_id"])
    assert clone["campaignName"] == "Holiday Renewals 2099 & more"
    assert clone["isActive"] == 1
    assert clone["maxRingTime"] == 25
    assert clone["monSched"] == "09001800"
    assert clone["countryId"] == "USA"
    assert xcom["outcome"] == "created"
    assert xcom["start"] == "2099-11-01T07:00:00+00:00"


def test_without_the_clone_endpoint_the_source_is_copied(run_dag, monkeypatch) -> None:
    with SandboxServer(
        SandboxSettings(limits=False, dialect=replace(DEFAULT, clone_answer="404"))
    ) as sandbox:
        monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", jwt_connection(sandbox.url))
        run = run_dag(clone_dag("no_endpoint"))
        assert run.states == {"clone": "success"}
        clone = stored(sandbox, run.xcoms["clone"]["campaign_id"])
        assert clone["maxRingTime"] == 25
        assert not cloned_by_vendor(sandbox)


@pytest.mark.parametrize("copy_nested", [None, True, "true"])
@pytest.mark.few(1)
def test_rows_of_the_source_are_copied_if_the_connection_says_so(
    run_dag, monkeypatch, client_settings, copy_nested
) -> None:
    from airflow_provider_engagevoice.client.client import EngageVoiceClient

    rows = [{"dispositionId": 7, "disposition": "Sold"}]
    with SandboxServer(
        SandboxSettings(limits=False, dialect=replace(DEFAULT, clone_answer="404"))
    ) as sandbox:
        monkeypatch.setenv(
            "AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", jwt_connection(sandbox.url, copy_nested=copy_nested)
        )
        settings = replace(client_settings, base_url=sandbox.url, rc_server=sandbox.url)
        with EngageVoiceClient(settings) as client:
            found = client.find_campaign(SOURCE)
            body = found.campaign.with_changes({"campaignDispositions": rows})
            client.update_campaign(found.dial_group_id, found.campaign_id, body)
        xcom = run_dag(clone_dag(f"nested_{copy_nested}")).xcoms["clone"]
        assert stored(sandbox, xcom["campaign_id"])["campaignDispositions"] == (rows if copy_nested else None)
        assert xcom["not_copied"] == ([] if copy_nested else ["campaignDispositions"])
        failed = run_dag(clone_dag("fail", on_incomplete_copy="fail", campaign_name="Another"))
        assert failed.states == {"clone": "success" if copy_nested else "failed"}


def test_running_it_again_changes_nothing(sandbox, run_dag) -> None:
    first = run_dag(clone_dag("again")).xcoms["clone"]
    second = run_dag(clone_dag("again")).xcoms["clone"]
    assert (first["copied_by"], first["not_copied"]) == ("clone", [])
    assert second == first | {"outcome": "unchanged", "copied_by": None}


@pytest.mark.parametrize("fault", ["drop_answer", "truncate", "reset"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.few(1)
def test_a_lost_response_ends_with_one_clone(sandbox, run_dag, fault, method) -> None:
    sandbox.add_fault(fault, method=method, path=r"/campaigns/")
    run = run_dag(clone_dag(f"lost_{fault}_{method}"))
    assert run.states == {"clone": "success"}
    assert len(sandbox.store.campaigns(ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID)) == 2


def test_the_default_state_is_inactive_regardless_of_the_source(sandbox, run_dag) -> None:
    assert run_dag(clone_dag("inactive", is_active=None)).xcoms["clone"]["is_active"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source_campaign": "Holiday Renewal 2025"}, "nearest: 'Holiday Renewals 2025'"),
        ({"campaign_name": "{{ '" + SOURCE + "' }}"}, "the source's own name"),
        ({"country": "{{ 'US' }}"}, "three letters"),
        ({"country": "XYZ"}, "XYZ"),
        ({"dial_group": "Winback"}, "there is no campaign named"),
    ],
)
@pytest.mark.few(1)
def test_errors_are_clear_and_nothing_is_created(sandbox, run_dag, changes, message) -> None:
    run = run_dag(clone_dag("errors", **changes))
    assert run.states == {"clone": "failed"}
    assert message in str(run.errors["clone"])
    assert len(sandbox.store.campaigns(ACCOUNT_ID, seed.OUTBOUND_RENEWALS_ID)) == 1
