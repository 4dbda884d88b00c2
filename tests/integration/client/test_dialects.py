"""Create, clone, update and delete a campaign against servers of every bundle, and of every value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_engagevoice.campaigns import (
    change_campaign,
    ensure_campaign,
    ensure_clone,
    remove_campaign,
)
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, wanted_fields
from airflow_provider_engagevoice.client.request import Procedure
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.shared_state import SharedState
from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.dialects import (
    BUNDLES,
    CAMPAIGN_VALUES,
    REFUSABLE,
    VALUES,
    Dialect,
)
from airflow_provider_engagevoice.sandbox.history import HistoryEntry
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from airflow_provider_engagevoice.sandbox.validation import parse_date
from tests.support.clients import CLIENTS, Run
from tests.support.clocks import SkippingClock, pauses_skipped
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import settings_of

GROUP, SOURCE = seed.OUTBOUND_RENEWALS_ID, seed.HOLIDAY_RENEWALS_2025_ID
START, END = "2099-11-02T08:00:00.000+0000", "2099-12-24T20:00:00.000+0000"
TRIES = 3


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(limits=False)) as server:
        yield server


def attempt(run: Callable[[Procedure[Any]], Any], procedure: Callable[[], Procedure[Any]]) -> str:
    """Run a task, with its retries; return the last error's name, empty for success."""
    failed = ""
    for _ in range(TRIES):
        try:
            run(procedure())
        except EngageVoiceError as error:
            failed = type(error).__name__
        else:
            return ""
    return failed


def could_dial(entry: HistoryEntry) -> bool:
    """Return whether a write left a campaign active within its dates."""
    if not entry.is_active or entry.deleted:
        return False
    start, end = (parse_date(text).timestamp() for text in (entry.start_date, entry.end_date))
    return start <= entry.time < end


def run_all(server: SandboxServer, dialect: Dialect, run: Run) -> dict[str, str]:
    """Run the four tasks; return the name of each one's last error, after checking what is stored."""
    server.reset()
    server.backend.dialect = dialect
    settings = settings_of("ringcentral_jwt", server.url, account_id=ACCOUNT_ID)
    state = SharedState("memory")

    def perform(procedure: Procedure[Any]) -> Any:
        return run(settings, procedure, shared_state=state, limits=RetryLimits())

    fields = wanted_fields(start=START, end=END, caller_id="4155550123", schedule={"mon-fri": "08:00-21:00"})

    def spec(name: str) -> CampaignSpec:
        return CampaignSpec(GROUP, name, fields, CampaignState.ACTIVE)

    def stored(name: str) -> list[dict[str, Any]]:
        server.backend.later.run_due()
        rows = server.store.campaigns(ACCOUNT_ID, GROUP)
        return [row for row in rows if row["campaignName"].casefold() == name.casefold()]

    before = server.store.find_campaign(GROUP, SOURCE)
    failed = {
        "create": attempt(perform, lambda: ensure_campaign(spec("Renewals 2099"), owner="dag.create")),
        "clone": attempt(
            perform, lambda: ensure_clone(SOURCE, spec("Winbacks 2099"), country="USA", owner="dag.clone")
        ),
    }
    if not failed["create"]:
        (made,) = stored("Renewals 2099")
        assert (made["startDate"], made["endDate"], made["isActive"]) == (START, END, 1)
        if not failed["clone"]:
            (copy,) = stored("Winbacks 2099")
            assert (copy["startDate"], copy["endDate"], copy["isActive"]) == (START, END, 1)
            assert copy["recordCall"] == 1
        change = {"maxRingTime": 42}
        failed["update"] = attempt(
            perform, lambda: change_campaign(made["campaignId"], GROUP, fields=change, name=None, state=None)
        )
        if not failed["update"]:
            (changed,) = stored("Renewals 2099")
            assert changed == {**made, "maxRingTime": 42}
        failed["delete"] = attempt(perform, lambda: remove_campaign(made["campaignId"], GROUP))
        assert failed["delete"] or not stored("Renewals 2099")
    assert server.store.find_campaign(GROUP, SOURCE) == before
    assert not [entry for entry in server.history() if could_dial(entry)]
    return failed


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("bundle", BUNDLES)
@pytest.mark.few(2)
def test_bundles(server: SandboxServer, bundle: str, client: str) -> None:
    with pauses_skipped(SkippingClock()):
        failed = run_all(server, BUNDLES[bundle], CLIENTS[client])
    assert failed == dict.fromkeys(("create", "clone", "update", "delete"), "")


@pytest.mark.parametrize(
    ("point", "value"), [(point, value) for point in CAMPAIGN_VALUES for value in VALUES[point][1:]]
)
@pytest.mark.slow
def test_each_value(server: SandboxServer, point: str, value: str) -> None:
    with pauses_skipped(SkippingClock()):
        failed = run_all(server, Dialect(**{point: value}), CLIENTS["sync"])
    if (point, value) not in REFUSABLE:
        assert not any(failed.values()), failed
