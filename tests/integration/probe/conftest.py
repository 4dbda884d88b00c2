"""A sandbox whose dialect tests choose, and a probe of it without its pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.shared_state import SharedState, reset_shared_state
from airflow_provider_engagevoice.probe.answers import ProbeClient, Prober
from airflow_provider_engagevoice.probe.reading import Reading
from airflow_provider_engagevoice.probe.results import Findings
from airflow_provider_engagevoice.probe.writing import Writing
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.dialects import Dialect
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from airflow_provider_engagevoice.sandbox.validation import campaign_fields
from tests.support.clocks import SkippingClock, pauses_skipped
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import settings_of

GROUP = seed.MY_NEW_DIAL_GROUP_ID
Fill = Callable[[Dialect, int], None]


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(limits=False)) as server:
        yield server


@pytest.fixture
def fill(server: SandboxServer) -> Fill:
    """Reset the sandbox, with a dialect and a number of campaigns."""

    def fill(dialect: Dialect, count: int) -> None:
        server.reset()
        server.backend.dialect = dialect
        dates = {"startDate": "2026-03-01T08:00:00.000+0000", "endDate": "2026-04-01T08:00:00.000+0000"}
        for number in range(count):
            fields = campaign_fields(
                {"campaignName": f"{-number % 7} {number}", "callerId": "2125550142", **dates}
            )
            server.store.seed_campaign(ACCOUNT_ID, GROUP, fields)

    return fill


def probe(
    server: SandboxServer, *, write: bool, flow: str = "api_token", kind: type[Prober] = Prober
) -> Findings:
    """Probe a sandbox; ``kind`` may send and receive something else."""
    findings = Findings()
    settings = settings_of(flow, server.url)
    client = ProbeClient(settings, limits=RetryLimits(tries=1), shared_state=SharedState("memory"))
    with pauses_skipped(SkippingClock()), client:
        Reading(kind(client), findings, GROUP if write else None).run()
        if write:
            Writing(kind(client), findings, GROUP).run()
    return findings


@pytest.fixture(autouse=True)
def _without_permits() -> None:
    """Forget permits in memory: they are times of the clock of an earlier test."""
    reset_shared_state()
