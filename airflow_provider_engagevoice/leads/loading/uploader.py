"""How a chunk of leads is sent to the server, and looked up there."""

from __future__ import annotations

import json
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.leads import SEARCH_ROWS, Row, load_leads, search_leads
from airflow_provider_engagevoice.client.rate_limits import RATE_LIMITS, RateLimit
from airflow_provider_engagevoice.leads.loading.checkpoint import Counts, Outcome, read_outcome
from airflow_provider_engagevoice.leads.loading.options import LoadOptions
from airflow_provider_engagevoice.leads.loading.spool import Chunk
from airflow_provider_engagevoice.models.lead import EXTERN_ID

log = logging.getLogger(__name__)


class Uploader(ABC):
    """One of the vendor's ways to load leads into a campaign. Thread-safe."""

    #: How long a request whose response was lost may still take effect, in seconds.
    reconcile_after: ClassVar[float]
    #: The rate limit that bounds how fast chunks can be sent.
    budget: ClassVar[RateLimit]
    #: Leads per chunk.
    default_chunk_size: ClassVar[int]
    max_chunk_size: ClassVar[int]

    def __init__(
        self, client: EngageVoiceClient, dial_group_id: int, campaign_id: int, options: LoadOptions
    ) -> None:
        self._client = client
        self._dial_group_id = dial_group_id
        self._campaign_id = campaign_id
        self._options = options
        self._stopped = threading.Event()

    @abstractmethod
    def send(self, chunk: Chunk, leads: bytes) -> Outcome:
        """Load leads.

        :param leads: those of the chunk, or some of them: a JSON array, encoded
        :raises OutcomeUnknownError: if the server may have loaded them, or may still do so
        :raises LoadRefusedError: if the server reports that the load failed
        """

    def reconcile(self, chunk: Chunk, leads: bytes) -> Outcome:
        """Look up which leads of a chunk are loaded, and send the others; raises as :meth:`send` does."""
        bodies = json.loads(leads)
        loaded = self.find_loaded([body[EXTERN_ID] for body in bodies])
        missing = [at for at, body in enumerate(bodies) if body[EXTERN_ID] not in loaded]
        count = len(bodies) - len(missing)
        log.info("chunk %d: %d of %d leads are already loaded", chunk.index + 1, count, len(bodies))
        outcome = Outcome(Counts(accepted=count, inserted=count, reconciled=1), {})
        if missing:
            rest = self.send(chunk, json.dumps([bodies[at] for at in missing]).encode())
            outcome.counts.add(rest.counts)
            outcome.rejected.update({missing[at]: reason for at, reason in rest.rejected.items()})
        return outcome

    def stop(self) -> None:
        """Stop waiting for what the server does after its response."""
        self._stopped.set()

    def find_loaded(self, extern_ids: Sequence[str]) -> set[str]:
        """Return which leads an attempt of this load has loaded."""
        found: set[str] = set()
        for at in range(0, len(extern_ids), SEARCH_ROWS):
            found |= self._search(extern_ids[at : at + SEARCH_ROWS])
        return found

    def _search(self, extern_ids: Sequence[str]) -> set[str]:
        wanted = set(extern_ids)

        def loaded(rows: Iterable[Row]) -> set[str]:
            return {
                str(row.get(EXTERN_ID))
                for row in rows
                # Without a list name the lead counts as loaded: one call too few beats one too many.
                if row.get("listDesc") is None or self._options.matches(str(row["listDesc"]))
            }

        criteria: dict[str, Any] = {"campaignIds": [self._campaign_id], "externIds": list(extern_ids)}
        return loaded(self._client.run(search_leads(criteria, lambda rows: wanted <= loaded(rows))))


class DirectUploader(Uploader):
    """Sends leads as JSON. The response comes once they are loaded, with counts and the rejected leads."""

    reconcile_after = 5.0
    budget = RATE_LIMITS["lead_loader_direct"]
    default_chunk_size, max_chunk_size = 500, 5_000

    def send(self, chunk: Chunk, leads: bytes) -> Outcome:
        """Load leads, see the base class."""
        name = self._options.list_name(chunk.index)
        fields = json.dumps(self._options.request(name)).encode()
        content = fields[:-1] + b', "uploadLeads": ' + leads + b"}"
        return read_outcome(self._client.run(load_leads(self._campaign_id, content)), name, leads)
