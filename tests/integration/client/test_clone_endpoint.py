"""A server without the clone endpoint, whatever it answers there: the source is read and copied."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_engagevoice.campaigns import ensure_clone
from airflow_provider_engagevoice.campaigns.spec import CampaignSpec, wanted_fields
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.shared_state import SharedState
from airflow_provider_engagevoice.models.enums import CampaignState
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.dialects import Dialect
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from tests.support.clients import Run
from tests.support.clocks import SkippingClock, pauses_skipped
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import settings_of

GROUP, SOURCE = seed.OUTBOUND_RENEWALS_ID, seed.HOLIDAY_RENEWALS_2025_ID
NAME = "Winbacks 2099"
PAGE = "<!doctype html><html><body>Not here</body></html>"
MISSING = (403, 404, 405, 410, 501)


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(limits=False, dialect=Dialect())) as server:
        yield server


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        *((status, "{}", "application/json") for status in MISSING),
        *((status, PAGE, "text/html") for status in (*MISSING, 200, 201)),
        (404, "", "text/plain"),
        (501, "not implemented", "text/plain"),
        (200, PAGE, "application/json"),
        (200, f"\n  {PAGE}", "text/plain"),
        (200, f"\ufeff{PAGE}", "text/plain"),
    ],
)
@pytest.mark.few(2)
def test_the_source_is_read_and_copied(
    server: SandboxServer, run: Run, status: int, body: str, kind: str
) -> None:
    server.reset()
    source = server.store.find_campaign(GROUP, SOURCE)
    server.add_fault("status", path="/clone$", status=status, body=body, content_type=kind, times=9)
    start, end = "2099-11-02T08:00:00.000+0000", "2099-12-24T20:00:00.000+0000"
    fields = wanted_fields(start=start, end=end, caller_id="4155550123")
    copy = ensure_clone(
        SOURCE, CampaignSpec(GROUP, NAME, fields, CampaignState.ACTIVE), country="USA", owner="dag.clone"
    )
    settings = settings_of("api_token", server.url, account_id=ACCOUNT_ID)
    with pauses_skipped(SkippingClock()):
        result = run(settings, copy, shared_state=SharedState("memory"), limits=RetryLimits())
    assert (result.copied_by, result.outcome) == ("read", "created")
    made = [row for row in server.store.campaigns(ACCOUNT_ID, GROUP) if row["campaignId"] != SOURCE]
    assert [(row["campaignName"], row["isActive"], row["startDate"]) for row in made] == [(NAME, 1, start)]
    assert server.store.find_campaign(GROUP, SOURCE) == source
