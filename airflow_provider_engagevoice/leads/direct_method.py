"""Leads within the request: ``leadLoader/direct``."""

from __future__ import annotations

import json

from airflow_provider_engagevoice.client import lead_api
from airflow_provider_engagevoice.client.budgets import BUDGETS
from airflow_provider_engagevoice.leads.method import LoadMethod
from airflow_provider_engagevoice.leads.outcome import Outcome, read_outcome
from airflow_provider_engagevoice.leads.spool import Chunk


class DirectMethod(LoadMethod):
    """Sends leads as JSON. They are in when the answer comes, which counts them and names those refused."""

    settle_after = 5.0
    budget = BUDGETS["lead_loader_direct"]
    usual_chunk, largest_chunk = 500, 5_000

    def send(self, chunk: Chunk, leads: bytes) -> Outcome:
        """Load leads, see the base class."""
        name = self._options.list_name(chunk.index)
        fields = json.dumps(self._options.request(name)).encode()
        content = fields[:-1] + b', "uploadLeads": ' + leads + b"}"
        answer = self._client.run(lead_api.load_leads(self._campaign_id, content))
        return read_outcome(answer, name, leads)
