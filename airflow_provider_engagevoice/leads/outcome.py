"""What became of a chunk of leads, from the server's answer."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass

from airflow_provider_engagevoice.exceptions import LoadRefusedError
from airflow_provider_engagevoice.leads.ledger import Counts
from airflow_provider_engagevoice.models.lead import EXTERN_ID, LoadAnswer, ProcessingStatus

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a chunk.

    :param refused: the server's reason by the lead's place in the chunk
    """

    counts: Counts
    refused: dict[int, str]


def read_outcome(answer: LoadAnswer, list_name: str, leads: bytes) -> Outcome:
    """Return what an answer says.

    :param leads: that were sent, a JSON array, encoded
    :raises LoadRefusedError: when it says that the load failed; that all leads are bad is no failure
    """
    if answer.failed and answer.processingStatus != ProcessingStatus.NO_LEADS_PASSED_VALIDATION:
        words = ", ".join(filter(None, (answer.processingStatus, answer.processingResult, answer.message)))
        raise LoadRefusedError(f"list {list_name!r} was not loaded: {words}")
    counts = Counts(
        accepted=answer.leadsAccepted,
        inserted=answer.leadsInserted,
        rejected=len(answer.rejectedRows),
        duplicates=answer.deletedCount,
        do_not_call=answer.dncReturnedCount,
    )
    return Outcome(counts, _places(answer, leads) if answer.rejectedRows else {})


def _places(answer: LoadAnswer, leads: bytes) -> dict[int, str]:
    """Find the leads that rejected rows speak of; which cell holds what is not documented."""
    by_id = {body[EXTERN_ID]: at for at, body in enumerate(json.loads(leads))}
    found = {}
    for row in answer.rejectedRows:
        cells = row.rowData if isinstance(row.rowData, list) else [row.rowData]
        at = next((by_id[cell] for cell in map(str, cells) if cell in by_id), None)
        if at is None:
            log.warning("the server rejects a lead that was not sent: %r: %s", row.rowData, row.message)
        else:
            found[at] = row.message
    return found
