"""One attempt at a load, as a task makes it, in its own process.

``python -m tests.integration.leads.attempt FILE``

FILE is the JSON of an :class:`Attempt`. What is noted lies in files, so that another attempt goes on.
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.credentials import Credentials
from airflow_provider_engagevoice.client.settings import ClientSettings
from airflow_provider_engagevoice.client.shared_state import open_shared_state
from airflow_provider_engagevoice.leads.loading.loader import METHODS, Loader
from airflow_provider_engagevoice.leads.loading.options import LoadOptions
from airflow_provider_engagevoice.leads.loading.spool import Spool
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.sources import open_source
from airflow_provider_engagevoice.leads.validate import LeadValidator
from airflow_provider_engagevoice.models.lead import DuplicateHandling
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.credentials import API_TOKEN
from airflow_provider_engagevoice.utils.state_store import load_checkpoint
from tests.support.connections import ACCOUNT_ID


@dataclass(frozen=True)
class Attempt:
    """What is to be loaded.

    :ivar url: of the sandbox
    :ivar source: a file
    :ivar store: folder of tokens, permits and the checkpoint
    :ivar key: hexadecimal, of the load
    :ivar budgets: as in a connection
    :ivar method: as the operator has it
    """

    url: str
    source: str
    campaign_id: int
    store: str
    key: str
    chunk_size: int = 500
    in_flight: int = 1
    budgets: str = "off"
    duplicates: str = DuplicateHandling.RETAIN_ALL
    method: str = "direct"

    def write(self, path: Path) -> None:
        """Write it for a process to read."""
        path.write_text(json.dumps(asdict(self)))


class _Kept:
    """What the server refuses, counted and forgotten."""

    def keep(self, index: int, refused: Any) -> None:
        print(f"refused {len(refused)} of chunk {index}")


def carry_out(attempt: Attempt) -> dict[str, int]:
    """Check the source and load it; return the counts of all attempts together."""
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
        LeadValidator(read_mapping(), country="USA") as check,
        Path(attempt.source).open("rb") as file,
    ):
        for rows in check.read(open_source(file, attempt.source)):
            assert not rows.rejects, rows.rejects[0]
            spool.add(rows.numbers, rows.leads)
        spool.finish()
        load = Loader(
            METHODS[attempt.method](client, seed.WINBACK_ID, attempt.campaign_id, options),
            spool,
            ledger=load_checkpoint({}, shared_state.store, attempt.key),  # type: ignore[arg-type]
            refusals=_Kept(),
            in_flight=attempt.in_flight,
            progress=lambda done, total: None,
            reconcile_after=0.2,
        )
        return load.run(was_begun=False).to_json()


if __name__ == "__main__":
    logging.basicConfig(level="INFO", format="%(message)s")
    print(json.dumps(carry_out(Attempt(**json.loads(Path(sys.argv[1]).read_text())))))
