"""Run one attempt of a load in its own process, as a task does.

``python -m tests.integration.leads.attempt FILE``

FILE is the JSON of an :class:`Attempt`. The checkpoint is in files, so that another attempt can resume.
"""

from __future__ import annotations

import json
import logging
import sys
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.settings import ClientSettings, Credentials
from airflow_provider_engagevoice.client.shared_state import open_shared_state
from airflow_provider_engagevoice.leads.loading import LoadOptions
from airflow_provider_engagevoice.leads.loading.loader import UPLOADERS, Loader
from airflow_provider_engagevoice.leads.loading.spool import Spool
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.sources import open_source
from airflow_provider_engagevoice.leads.validate import LeadValidator
from airflow_provider_engagevoice.models.enums import DuplicateHandling
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.credentials import API_TOKEN
from airflow_provider_engagevoice.utils.state_store import lead_checkpoint
from tests.support.clocks import SharedClock
from tests.support.connections import ACCOUNT_ID


@dataclass(frozen=True)
class Attempt:
    """The arguments of an attempt.

    :ivar url: of the sandbox
    :ivar source: a file
    :ivar store: folder of tokens, rate limits and the checkpoint
    :ivar key: of the load, hexadecimal
    :ivar budgets: as in a connection
    :ivar method: as for the operator
    :ivar clock: file of a clock that the server shares, on which pauses are skipped; empty for the real one
    """

    url: str
    source: str
    campaign_id: int
    store: str
    key: str
    chunk_size: int = 500
    max_concurrent_requests: int = 1
    budgets: str = "off"
    duplicates: str = DuplicateHandling.RETAIN_ALL
    method: str = "direct"
    reconcile_after: float = 0.2
    clock: str = ""

    def write(self, path: Path) -> None:
        """Write it to a file for a process to read."""
        path.write_text(json.dumps(asdict(self)))


class _RejectCounter:
    """Prints the number of rejects."""

    def save(self, index: int, leads: Any) -> None:
        print(f"rejected {len(leads)} of chunk {index}")


def carry_out(attempt: Attempt) -> dict[str, int]:
    """Validate and load the source; return the counts of all attempts together."""
    settings = ClientSettings.build(
        host=attempt.url,
        account_id=ACCOUNT_ID,
        credentials=Credentials(api_token=API_TOKEN),
        budgets=attempt.budgets,
    )
    shared_state = open_shared_state(f"file://{attempt.store}")
    options = LoadOptions("Load", attempt.key[:8], duplicate_handling=DuplicateHandling(attempt.duplicates))
    with (
        EngageVoiceClient(settings, shared_state=shared_state) as client,
        Spool(attempt.chunk_size) as spool,
        LeadValidator(read_mapping(), country="USA") as validator,
        Path(attempt.source).open("rb") as file,
    ):
        for rows in validator.read(open_source(file, attempt.source)):
            assert not rows.rejects, rows.rejects[0]
            spool.add(rows.numbers, rows.leads)
        spool.finish()
        load = Loader(
            client,
            partial(UPLOADERS[attempt.method], seed.WINBACK_ID, attempt.campaign_id, options),
            spool,
            checkpoint=lead_checkpoint({}, shared_state.store, attempt.key),  # type: ignore[arg-type]
            rejects=_RejectCounter(),
            max_concurrent_requests=attempt.max_concurrent_requests,
            progress=lambda done, total: None,
            reconcile_after=attempt.reconcile_after,
        )
        return load.run(may_be_sent=False).to_json()


if __name__ == "__main__":
    logging.basicConfig(level="INFO", format="%(message)s")
    given = Attempt(**json.loads(Path(sys.argv[1]).read_text()))
    with clock.use(SharedClock(Path(given.clock))) if given.clock else nullcontext():
        print(json.dumps(carry_out(given)))
