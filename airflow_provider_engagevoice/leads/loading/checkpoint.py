"""What is known of a load: which chunks the server has. It survives the process that loads.

A chunk is noted as *sent* before it is sent, and as *in* once the server has said so. A chunk that is noted
as sent and no more may be on the server or not: somebody has to look.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import LoadRefusedError
from airflow_provider_engagevoice.leads.loading.spool import Chunk
from airflow_provider_engagevoice.models.lead import EXTERN_ID, LoadAnswer, ProcessingStatus

_VERSION = 1


class Checkpoint(Protocol):
    """Where a record is kept. Both methods raise when that fails: nothing is sent that is not noted."""

    def recall(self) -> Mapping[str, Any] | None:
        """Return the record that was noted last, None when there is none."""

    def note(self, record: Mapping[str, Any]) -> None:
        """Keep a record, plain JSON, in place of the last one."""


@dataclass(slots=True)
class Counts:
    """What the server said of the chunks that are in.

    :ivar settled: chunks whose fate was unknown and that were looked for on the server
    """

    accepted: int = 0
    inserted: int = 0
    rejected: int = 0
    duplicates: int = 0
    do_not_call: int = 0
    settled: int = 0

    def add(self, other: Counts) -> None:
        """Add another one's."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def to_json(self) -> dict[str, int]:
        """Return it as plain JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Record:
    """The state of a load.

    Chunks that are in are told as the number of those at the beginning that all are, with one digest for
    them together; the few beyond, some sent and some in, are told one by one. So it stays small.

    :ivar done: how many chunks at the beginning are in
    :ivar chain: digest of those
    :ivar beyond: further chunks by index: digest, whether it is in, and when it was sent (seconds since 1970)
    :ivar doubtful: whether chunks of which nothing is noted may be in all the same
    """

    done: int = 0
    chain: str = ""
    beyond: dict[int, tuple[str, bool, float]] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    doubtful: bool = False

    def sending(self, chunk: Chunk) -> None:
        """Note that a chunk is about to be sent."""
        self.beyond[chunk.index] = (chunk.digest, False, clock.time())

    def is_in(self, chunk: Chunk, counts: Counts) -> None:
        """Note that the server has a chunk."""
        self.counts.add(counts)
        self.beyond[chunk.index] = (chunk.digest, True, 0.0)
        while self.done in self.beyond and self.beyond[self.done][1]:
            digest, _, _ = self.beyond.pop(self.done)
            self.chain = _linked(self.chain, digest)
            self.done += 1

    def speaks_of(self, chunks: Sequence[Chunk]) -> bool:
        """Tell whether it was noted of these chunks."""
        if self.done > len(chunks) or any(index >= len(chunks) for index in self.beyond):
            return False
        if any(chunks[index].digest != digest for index, (digest, _, _) in self.beyond.items()):
            return False
        chain = ""
        for chunk in chunks[: self.done]:
            chain = _linked(chain, chunk.digest)
        return chain == self.chain

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "version": _VERSION,
            "done": self.done,
            "chain": self.chain,
            "beyond": {str(index): list(known) for index, known in self.beyond.items()},
            "counts": self.counts.to_json(),
            "doubtful": self.doubtful,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote.

        :raises ValueError: when that is something else; likewise ``KeyError`` and ``TypeError``
        """
        if data["version"] != _VERSION:
            raise ValueError(data["version"])
        return cls(
            done=int(data["done"]),
            chain=str(data["chain"]),
            beyond={
                int(index): (str(digest), bool(is_in), float(sent))
                for index, (digest, is_in, sent) in data["beyond"].items()
            },
            counts=Counts(**data["counts"]),
            doubtful=bool(data["doubtful"]),
        )


def _linked(chain: str, digest: str) -> str:
    return hashlib.blake2b(f"{chain}{digest}".encode(), digest_size=16).hexdigest()


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
