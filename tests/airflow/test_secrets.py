"""No secret and no token leaks from a task: neither in its logs, nor in what Airflow stores."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG
from sqlalchemy import inspect, text

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.shared_state import reset_shared_state
from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook
from airflow_provider_engagevoice.operators.campaigns import (
    EngageVoiceCloneCampaignOperator,
    EngageVoiceCreateCampaignOperator,
)
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from airflow_provider_engagevoice.sensors.campaign_window import EngageVoiceCampaignWindowSensor
from airflow_provider_engagevoice.triggers.campaign_window import CampaignWindowTrigger
from tests.support.flows import FLOWS, connection, given, settings_of
from tests.support.watch import MARKED, SECRETS_OF, Watch, watching


@pytest.fixture
def marked() -> Iterator[SandboxServer]:
    """A sandbox whose credentials are easy to recognize."""
    reset_shared_state()
    with SandboxServer(SandboxSettings(limits=False, credentials=MARKED)) as server:
        yield server


@pytest.fixture
def watch(marked: SandboxServer) -> Iterator[Watch]:
    with watching(marked) as watch:
        yield watch


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_airflow_masks_every_credential_and_token(marked, watch, monkeypatch, kind, flow) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ENGAGEVOICE_DEFAULT", connection(flow, marked.url, MARKED))
    masked: list[Any] = []

    async def amask(secret: str) -> None:
        masked.append(secret)

    module = "airflow_provider_engagevoice.hooks.engagevoice"
    monkeypatch.setattr(f"{module}.mask_secret", masked.append)
    monkeypatch.setattr(f"{module}.amask_secret", amask)
    hook = EngageVoiceHook()

    async def main() -> None:
        async with await hook.get_async_conn() as client:
            await client.list_accounts()

    if kind == "async":
        asyncio.run(main())
    else:
        hook.list_accounts()
        hook.close()
    assert watch.leaks(repr(hook), str(hook), repr(vars(hook))) == []
    secret_fields = {value for name, value in given(flow, MARKED).items() if name in SECRETS_OF[flow]}
    assert secret_fields <= set(masked)
    client = hook.client
    token = client.shared_state.tokens.known(client.settings.token_key)
    assert token is not None
    assert {token.value, token.refresh} - {""} <= set(masked)
    if flow.startswith("ringcentral"):
        assert watch.issued[0] in masked


def test_a_dag_run(marked, watch, run_dag, monkeypatch, capfd) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_ENGAGEVOICE_DEFAULT",
        connection("ringcentral_jwt", marked.url, MARKED, timezone="America/Los_Angeles"),
    )
    triggers: list[CampaignWindowTrigger] = []
    deferred = threading.Event()
    make = CampaignWindowTrigger.__init__

    def make_and_note(self: CampaignWindowTrigger, **arguments: Any) -> None:
        make(self, **arguments)
        triggers.append(self)
        deferred.set()

    def activate() -> None:
        assert deferred.wait(60)
        with EngageVoiceClient(settings_of("ringcentral_jwt", marked.url, MARKED)) as client:
            found = client.find_campaign("Copy")
            active = found.campaign.with_changes({"isActive": 1})
            client.update_campaign(found.dial_group_id, found.campaign_id, active)

    monkeypatch.setattr(CampaignWindowTrigger, "__init__", make_and_note)
    start = datetime.now(UTC)
    dates = {"campaign_start": start.isoformat(), "campaign_end": (start + timedelta(days=1)).isoformat()}
    with DAG("secrets", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
        created = EngageVoiceCreateCampaignOperator(
            task_id="create",
            dial_group="Outbound Renewals",
            campaign_name="New",
            caller_id="4155550123",
            is_active=1,
            **dates,
        )
        cloned = EngageVoiceCloneCampaignOperator(
            task_id="clone",
            source_campaign=seed.HOLIDAY_RENEWALS_2025_ID,
            campaign_name="Copy",
            **dates,
        )
        wait = EngageVoiceCampaignWindowSensor(
            task_id="wait", campaign=cloned.output, deferrable=True, poke_interval=1
        )
        created >> cloned >> wait
    person = threading.Thread(target=activate)
    person.start()
    run = run_dag(dag)
    person.join()
    assert run.states == {"create": "success", "clone": "success", "wait": "success"}
    serialized = [repr(trigger.serialize()) for trigger in triggers]
    assert serialized
    tables = _database()
    assert "xcom" in tables
    assert "Copy" in tables["xcom"]
    assert "New" in tables["rendered_task_instance_fields"]
    logged = watch.logged()
    assert any(line.startswith("httpcore") for line in logged)
    assert watch.issued
    assert watch.leaks(*logged, *capfd.readouterr(), *tables.values(), *serialized, repr(run)) == []


def _database() -> dict[str, str]:
    """Return everything that Airflow has stored, as text by table."""
    from airflow.utils.session import create_session

    with create_session() as session:
        names = inspect(session.get_bind()).get_table_names()
        return {name: repr(session.execute(text(f'select * from "{name}"')).all()) for name in names}
