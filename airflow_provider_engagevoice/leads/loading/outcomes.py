"""What became of a chunk: the counts of the server's answer, and whether they account for each lead."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from airflow_provider_engagevoice.exceptions import LoadRefusedError
from airflow_provider_engagevoice.models.lead import (
    EXTERN_ID,
    PHONE,
    PHONE_E164,
    LoadResult,
    ProcessingStatus,
)
from airflow_provider_engagevoice.models.phone import hide_phones

log = logging.getLogger(__name__)

#: Reason of a lead that the server neither has nor has rejected.
NO_REASON = "the server did not load it and gave no reason"


@dataclass(slots=True)
class Counts:
    """Counts of leads in chunks that are done.

    :ivar accepted: all but the rejected ones
    :ivar inserted: leads that the server has
    :ivar duplicates: leads that were dropped because the campaign has them, or their phone
    :ivar reconciled: chunks whose outcome was unknown until they were looked up on the server
    """

    accepted: int = 0
    inserted: int = 0
    rejected: int = 0
    duplicates: int = 0
    do_not_call: int = 0
    reconciled: int = 0

    @property
    def leads(self) -> int:
        """The leads that are accounted for."""
        return self.inserted + self.rejected + self.duplicates + self.do_not_call

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
    """What became of a chunk.

    :param rejected: the server's reason by the lead's position in the chunk
    :param is_final: whether each lead is accounted for; if not, the chunk is looked up lead by lead
    """

    counts: Counts
    rejected: dict[int, str] = field(default_factory=dict)
    is_final: bool = True


def read_outcome(result: LoadResult, list_name: str, leads: bytes, count: int) -> Outcome:
    """Return the outcome that a response states.

    :param leads: what was sent, a JSON array, encoded
    :param count: the number of leads in it
    :raises LoadRefusedError: if the load failed, or the server says that it was sent no lead; that all leads
        were rejected is not a failure
    """
    texts = filter(None, (result.processingStatus, result.processingResult, result.message))
    reasons = hide_phones(", ".join(texts))
    none_passed = result.processingStatus == ProcessingStatus.NO_LEADS_PASSED_VALIDATION
    if result.failed and not none_passed:
        raise LoadRefusedError(f"list {list_name!r} was not loaded: {reasons}")
    numbers = (result.leadsSupplied, result.leadsAccepted, result.leadsInserted)
    if not (any(numbers) or result.rejectedRows or none_passed):
        raise LoadRefusedError(
            f"list {list_name!r} may not be loaded: the server counts none of {count:,} leads"
            + (f" ({reasons})" if reasons else "")
        )
    rejected = _rejected(result, json.loads(leads)) if result.rejectedRows else {}
    counts = Counts(
        accepted=result.leadsAccepted,
        inserted=result.leadsInserted,
        rejected=len(rejected),
        duplicates=result.deletedCount,
        do_not_call=result.dncReturnedCount,
    )
    outcome = Outcome(counts, rejected, is_complete(counts, result.leadsSupplied, count))
    if not outcome.is_final:
        log.warning(
            "list %r: the server counts %d leads supplied, %d accepted, %d inserted, %d duplicates, %d not "
            "to call and %d rejected, of %d that were sent; each is looked up",
            list_name,
            *numbers,
            result.deletedCount,
            result.dncReturnedCount,
            len(result.rejectedRows),
            count,
        )
    return outcome


def is_complete(counts: Counts, supplied: int, leads: int) -> bool:
    """Return whether a server's counts account for each lead.

    The vendor does not document whether ``leadsAccepted`` includes duplicates.

    :param supplied: the leads that the server has read
    :param leads: those that were sent
    """
    numbers = (counts.inserted, counts.rejected, counts.duplicates, counts.do_not_call)
    return (
        supplied == leads == counts.leads
        and min(numbers) >= 0
        and counts.accepted in (counts.inserted, leads - counts.rejected)
    )


def settle(answer: Outcome, loaded: Collection[str], bodies: Sequence[Mapping[str, Any]]) -> Outcome:
    """Return the final outcome of a chunk whose leads were looked up after the server's answer.

    A lead that was not found is rejected, unless the server says that it has dropped that many as duplicates
    or as numbers not to call. Which ones it does not say, so then the rejected ones are listed with them.

    :param loaded: externIds that the server has
    """
    missing = [at for at, body in enumerate(bodies) if body[EXTERN_ID] not in loaded]
    rejected = {at: answer.rejected[at] for at in missing if at in answer.rejected}
    unexplained = [at for at in missing if at not in rejected]
    duplicates = min(max(0, answer.counts.duplicates), len(unexplained))
    do_not_call = min(max(0, answer.counts.do_not_call), len(unexplained) - duplicates)
    lost = len(unexplained) - duplicates - do_not_call
    counts = Counts(
        accepted=len(bodies) - len(rejected) - lost,
        inserted=len(bodies) - len(missing),
        rejected=len(rejected) + lost,
        duplicates=duplicates,
        do_not_call=do_not_call,
    )
    if lost:
        dropped = duplicates + do_not_call
        remark = f"; {dropped} of the {len(unexplained)} such leads are duplicates or not to call"
        rejected |= dict.fromkeys(unexplained, NO_REASON + (remark if dropped else ""))
    return replace(answer, counts=counts, rejected=rejected, is_final=True)


def _rejected(result: LoadResult, bodies: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Match rejected rows to leads by any cell: the vendor does not document what ``rowData`` holds.

    A cell may be the phone of one lead and the ``externId`` of another. So if the row has several ids, or a
    phone, it must name one lead alone with its phone.
    """
    by_id = {str(body[EXTERN_ID]): at for at, body in enumerate(bodies)}
    phones = {body.get(name) for body in bodies for name in (PHONE, PHONE_E164)}
    found: dict[int, str] = {}
    unknown: dict[str, None] = {}
    for row in result.rejectedRows:
        cells = set(map(str, _cells(row.rowData)))
        named = [by_id[cell] for cell in cells if cell in by_id]
        if len(named) > 1 or cells & phones:
            named = [at for at in named if cells & {bodies[at].get(PHONE), bodies[at].get(PHONE_E164)}]
        if len(named) == 1:
            found[named[0]] = row.message
        else:
            unknown[row.message] = None
    if unknown:
        messages = "; ".join(map(hide_phones, list(unknown)[:3]))
        log.warning("the server rejected leads without saying which: %s", messages)
    return found


def _cells(row_data: object) -> Sequence[object]:
    if isinstance(row_data, Mapping):
        return list(row_data.values())
    if isinstance(row_data, str):
        return [row_data, *(cell.strip(' "') for cell in row_data.split(","))]
    return row_data if isinstance(row_data, list) else [row_data]
