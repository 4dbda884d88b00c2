"""How a chunk of leads is brought to the server, and looked for there."""

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
    """One of the vendor's ways of loading leads into a campaign. It may be used by several threads."""

    #: How long a request whose answer was lost may still be on its way, in seconds.
    reconcile_after: ClassVar[float]
    #: The budget that bounds how fast chunks can be sent.
    budget: ClassVar[RateLimit]
    #: Leads in a chunk where the user names no number, and at most.
    usual_chunk: ClassVar[int]
    largest_chunk: ClassVar[int]

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
        :raises OutcomeUnknownError: when nobody knows whether they are in, or will be
        :raises LoadRefusedError: when the server says that it failed
        """

    def reconcile(self, chunk: Chunk, leads: bytes) -> Outcome:
        """Look which leads of a chunk are in, and send the others; raises as :meth:`send` does."""
        bodies = json.loads(leads)
        there = self.there([body[EXTERN_ID] for body in bodies])
        missing = [at for at, body in enumerate(bodies) if body[EXTERN_ID] not in there]
        found = len(bodies) - len(missing)
        log.info("%d of the %d leads of chunk %d are in", found, len(bodies), chunk.index + 1)
        outcome = Outcome(Counts(accepted=found, inserted=found, settled=1), {})
        if missing:
            rest = self.send(chunk, json.dumps([bodies[at] for at in missing]).encode())
            outcome.counts.add(rest.counts)
            outcome.refused.update({missing[at]: reason for at, reason in rest.refused.items()})
        return outcome

    def stop(self) -> None:
        """Wait no longer for what the server is still to do."""
        self._stopped.set()

    def there(self, extern_ids: Sequence[str]) -> set[str]:
        """Return which leads an attempt of this load has brought to the server."""
        found: set[str] = set()
        for at in range(0, len(extern_ids), SEARCH_ROWS):
            found |= self._there(extern_ids[at : at + SEARCH_ROWS])
        return found

    def _there(self, extern_ids: Sequence[str]) -> set[str]:
        wanted = set(extern_ids)

        def ours(rows: Iterable[Row]) -> set[str]:
            return {
                str(row.get(EXTERN_ID))
                for row in rows
                # Where the server does not tell the list, the lead counts as loaded: better once too few.
                if row.get("listDesc") is None or self._options.is_named(str(row["listDesc"]))
            }

        criteria: dict[str, Any] = {"campaignIds": [self._campaign_id], "externIds": list(extern_ids)}
        return ours(self._client.run(search_leads(criteria, lambda rows: wanted <= ours(rows))))


class DirectUploader(Uploader):
    """Sends leads as JSON. They are in when the answer comes, which counts them and names those refused."""

    reconcile_after = 5.0
    budget = RATE_LIMITS["lead_loader_direct"]
    usual_chunk, largest_chunk = 500, 5_000

    def send(self, chunk: Chunk, leads: bytes) -> Outcome:
        """Load leads, see the base class."""
        name = self._options.list_name(chunk.index)
        fields = json.dumps(self._options.request(name)).encode()
        content = fields[:-1] + b', "uploadLeads": ' + leads + b"}"
        answer = self._client.run(load_leads(self._campaign_id, content))
        return read_outcome(answer, name, leads)
