"""The outcome of sending a chunk: the server's counts, and the leads that it rejected."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_engagevoice.exceptions import LoadRefusedError
from airflow_provider_engagevoice.models.lead import EXTERN_ID, LoadResult, ProcessingStatus

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """The server's counts for chunks that are done.

    :ivar reconciled: chunks whose outcome was unknown until they were looked up on the server
    """

    accepted: int = 0
    inserted: int = 0
    rejected: int = 0
    duplicates: int = 0
    do_not_call: int = 0
    reconciled: int = 0

    def add(self, other: Counts) -> None:
        """Add other counts to these."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def to_json(self) -> dict[str, int]:
        """Return them as plain JSON, by the keys of saved checkpoints."""
        return {_KEYS.get(name, name): getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: Mapping[str, int]) -> Self:
        """Read what :meth:`to_json` returned.

        :raises TypeError: if it is something else
        """
        names = {key: name for name, key in _KEYS.items()}
        return cls(**{names.get(key, key): value for key, value in data.items()})


_KEYS = {"reconciled": "settled"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to a chunk.

    :param rejected: the server's reason by the lead's position in the chunk
    """

    counts: Counts
    rejected: dict[int, str]


def read_outcome(result: LoadResult, list_name: str, leads: bytes) -> Outcome:
    """Return the outcome that a response states.

    :param leads: what was sent, a JSON array, encoded
    :raises LoadRefusedError: if the load failed; that all leads were rejected is not a failure
    """
    if result.failed and result.processingStatus != ProcessingStatus.NO_LEADS_PASSED_VALIDATION:
        reason = ", ".join(filter(None, (result.processingStatus, result.processingResult, result.message)))
        raise LoadRefusedError(f"list {list_name!r} was not loaded: {reason}")
    counts = Counts(
        accepted=result.leadsAccepted,
        inserted=result.leadsInserted,
        rejected=len(result.rejectedRows),
        duplicates=result.deletedCount,
        do_not_call=result.dncReturnedCount,
    )
    return Outcome(counts, _rejected(result, leads) if result.rejectedRows else {})


def _rejected(result: LoadResult, leads: bytes) -> dict[int, str]:
    """Match rejected rows to leads by any cell: the vendor does not document what ``rowData`` holds."""
    by_id: dict[Any, int] = {body[EXTERN_ID]: at for at, body in enumerate(json.loads(leads))}
    found = {}
    for row in result.rejectedRows:
        cells = row.rowData if isinstance(row.rowData, list) else [row.rowData]
        at = next((by_id[cell] for cell in map(str, cells) if cell in by_id), None)
        if at is None:
            log.warning("the server rejected a lead that was not sent: %r: %s", row.rowData, row.message)
        else:
            found[at] = row.message
    return found
