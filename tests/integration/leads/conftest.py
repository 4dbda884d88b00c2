"""Loads into a sandbox server, with a checkpoint that tests can inspect."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.settings import ClientSettings
from airflow_provider_engagevoice.leads.loading import LoadOptions
from airflow_provider_engagevoice.leads.loading.loader import UPLOADERS, Loader, RejectedLead
from airflow_provider_engagevoice.leads.loading.outcomes import Counts
from airflow_provider_engagevoice.leads.loading.spool import Spool
from airflow_provider_engagevoice.leads.mapping import Target
from airflow_provider_engagevoice.models.enums import DuplicateHandling
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.connections import ACCOUNT_ID

CAMPAIGN = 136784


def lead(number: int) -> dict[str, Any]:
    """Return a lead with a phone derived from its number."""
    return {"externId": f"L{number}", "leadPhone": f"415{2000000 + number}", "firstName": f"Ada {number}"}


class MemoryCheckpoint:
    """Keeps every saved state, as text."""

    def __init__(self) -> None:
        self.saved: list[str] = []

    def load(self) -> Mapping[str, Any] | None:
        return json.loads(self.saved[-1]) if self.saved else None

    def save(self, state: Mapping[str, Any]) -> None:
        self.saved.append(json.dumps(state))


class Rejected(dict[int, list[RejectedLead]]):
    def save(self, index: int, leads: Sequence[RejectedLead]) -> None:
        self[index] = list(leads)


class LoadRunner:
    """Loads leads in several attempts, as one task does, and reads what the server has."""

    def __init__(self, sandbox: SandboxServer, client: EngageVoiceClient) -> None:
        self.sandbox = sandbox
        self.client = client
        self.checkpoint = MemoryCheckpoint()
        self.rejected = Rejected()
        self.progress: list[tuple[int, int]] = []

    def load(
        self,
        leads: Sequence[Mapping[str, Any]],
        *,
        lists_exist: bool = False,
        chunk_size: int = 10,
        max_concurrent_requests: int = 2,
        duplicates: DuplicateHandling = DuplicateHandling.RETAIN_ALL,
        by_file: bool = False,
        in_e164: bool = False,
        targets: Iterable[Target] = (),
    ) -> Counts:
        """Run one attempt. Duplicates are retained by the server, so that only the load prevents them."""
        options = LoadOptions("Autumn list", "0123abcd", duplicate_handling=duplicates, in_e164=in_e164)
        with Spool(chunk_size) as spool:
            spool.add(range(2, len(leads) + 2), map(json.dumps, leads))
            spool.finish()
            uploader = UPLOADERS["file" if by_file else "direct"]
            return Loader(
                self.client,
                partial(uploader, seed.OUTBOUND_RENEWALS_ID, CAMPAIGN, options, targets=targets),
                spool,
                checkpoint=self.checkpoint,
                rejects=self.rejected,
                max_concurrent_requests=max_concurrent_requests,
                progress=lambda done, total: self.progress.append((done, total)),
                reconcile_after=0.05,
            ).run(may_be_sent=lists_exist)

    def stored(self) -> list[str]:
        """Return the externId of every lead in the campaign, sorted."""
        rows = self.sandbox.backend.database.rows(
            "SELECT externId FROM leads WHERE campaignId = ? ORDER BY length(externId), externId", (CAMPAIGN,)
        )
        return [row["externId"] for row in rows]

    def sent(self, path: str = "leadLoader/direct") -> int:
        """Return the number of requests to load leads."""
        return sum(path in one.path for one in self.sandbox.requests())

    def searched(self) -> int:
        """Return the number of searches."""
        return sum("leadSearch" in one.path for one in self.sandbox.requests())


@contextmanager
def runner_at(sandbox: SandboxServer, settings: ClientSettings) -> Iterator[LoadRunner]:
    """Load into a sandbox, with at most two tries per request."""
    settings = replace(settings, account_id=ACCOUNT_ID)
    with EngageVoiceClient(settings, limits=RetryLimits(tries=2, first_wait=0.01)) as client:
        yield LoadRunner(sandbox, client)


@pytest.fixture
def runner(sandbox: SandboxServer, client_settings: ClientSettings) -> Iterator[LoadRunner]:
    with runner_at(sandbox, client_settings) as runner:
        yield runner
