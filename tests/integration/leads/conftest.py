"""Loads into a real server, with a ledger that can be looked into."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.client.settings import ClientSettings
from airflow_provider_engagevoice.leads.loading.checkpoint import Counts
from airflow_provider_engagevoice.leads.loading.loader import METHODS, Loader, RefusedLead
from airflow_provider_engagevoice.leads.loading.options import LoadOptions
from airflow_provider_engagevoice.leads.loading.spool import Spool
from airflow_provider_engagevoice.models.lead import DuplicateHandling
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.connections import ACCOUNT_ID

CAMPAIGN = 136784


def lead(number: int) -> dict[str, Any]:
    """Return a lead whose phone follows from its number."""
    return {"externId": f"L{number}", "leadPhone": f"415{2000000 + number}", "firstName": f"Ada {number}"}


class MemoryLedger:
    """Keeps what was noted, as text, and every record there was."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def recall(self) -> Mapping[str, Any] | None:
        return json.loads(self.notes[-1]) if self.notes else None

    def note(self, record: Mapping[str, Any]) -> None:
        self.notes.append(json.dumps(record))


class Refused(dict[int, list[RefusedLead]]):
    def keep(self, index: int, refused: Sequence[RefusedLead]) -> None:
        self[index] = list(refused)


class Desk:
    """Loads leads, again and again as attempts of one task do, and looks at what the server has."""

    def __init__(self, sandbox: SandboxServer, client: EngageVoiceClient) -> None:
        self.sandbox = sandbox
        self.client = client
        self.ledger = MemoryLedger()
        self.refused = Refused()
        self.told: list[tuple[int, int]] = []

    def load(
        self,
        leads: Sequence[Mapping[str, Any]],
        *,
        was_begun: bool = False,
        chunk_size: int = 10,
        in_flight: int = 2,
        duplicates: DuplicateHandling = DuplicateHandling.RETAIN_ALL,
        by_file: bool = False,
    ) -> Counts:
        """Load as one attempt does. Duplicates are retained, so that nothing but the load keeps them away."""
        options = LoadOptions("Autumn list", "0123abcd", duplicate_handling=duplicates)
        with Spool(chunk_size) as spool:
            spool.add(range(2, len(leads) + 2), map(json.dumps, leads))
            spool.finish()
            method = METHODS["file" if by_file else "direct"]
            return Loader(
                method(self.client, seed.OUTBOUND_RENEWALS_ID, CAMPAIGN, options),
                spool,
                ledger=self.ledger,
                refusals=self.refused,
                in_flight=in_flight,
                progress=lambda done, total: self.told.append((done, total)),
                reconcile_after=0.05,
            ).run(was_begun=was_begun)

    def stored(self) -> list[str]:
        """Return the externId of every lead in the campaign, sorted."""
        rows = self.sandbox.backend.database.rows(
            "SELECT externId FROM leads WHERE campaignId = ? ORDER BY length(externId), externId", (CAMPAIGN,)
        )
        return [row["externId"] for row in rows]

    def sent(self, path: str = "leadLoader/direct") -> int:
        """Return how many requests to load leads came."""
        return sum(path in one.path for one in self.sandbox.requests())

    def searched(self) -> int:
        """Return how many searches came."""
        return sum("leadSearch" in one.path for one in self.sandbox.requests())


@contextmanager
def desk_at(sandbox: SandboxServer, settings: ClientSettings) -> Iterator[Desk]:
    """Load into a sandbox, and try each request twice at most."""
    settings = replace(settings, account_id=ACCOUNT_ID)
    with EngageVoiceClient(settings, limits=RetryLimits(tries=2, first_wait=0.01)) as client:
        yield Desk(sandbox, client)


@pytest.fixture
def desk(sandbox: SandboxServer, client_settings: ClientSettings) -> Iterator[Desk]:
    with desk_at(sandbox, client_settings) as desk:
        yield desk
