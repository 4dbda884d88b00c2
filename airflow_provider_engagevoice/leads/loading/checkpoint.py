"""The checkpoint of a load: which chunks the server has. It survives the process.

A chunk is saved as *sent* before it is sent, and as *done* once the server has confirmed it. The outcome of
a chunk that is only *sent* is unknown: it is reconciled with the server.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, Self

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import LoadRefusedError
from airflow_provider_engagevoice.leads.loading.spool import Chunk
from airflow_provider_engagevoice.models.lead import EXTERN_ID, LoadResult, ProcessingStatus
from airflow_provider_engagevoice.models.phone import hide_phones

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
            log.warning("the server rejected a lead that was not sent: %s", hide_phones(row.message))
        else:
            found[at] = row.message
    return found


_VERSION = 1


class Checkpoint(Protocol):
    """Where the state of a load is kept. Both methods raise on failure: nothing is sent that is not saved."""

    def load(self) -> Mapping[str, Any] | None:
        """Return the state that was saved last; None if there is none."""

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the saved state.

        :param state: plain JSON
        """


class ChunkState(NamedTuple):
    """The state of one chunk.

    :param sent: seconds since 1970; 0 once it is done
    """

    digest: str
    done: bool
    sent: float


@dataclass(slots=True)
class LoadState:
    """The state of a load.

    It stays small: chunks done without a gap are a count and one digest; only the few after them, some sent
    and some done, are listed.

    :ivar done: number of leading chunks that are all done
    :ivar chain: digest of these
    :ivar later: the other chunks that were sent, by index
    :ivar unconfirmed: whether the server may also have chunks that are not in the checkpoint
    """

    done: int = 0
    chain: str = ""
    later: dict[int, ChunkState] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    unconfirmed: bool = False

    def mark_sent(self, chunk: Chunk) -> None:
        """Record that a chunk is about to be sent."""
        self.later[chunk.index] = ChunkState(chunk.digest, False, clock.time())

    def mark_done(self, chunk: Chunk, counts: Counts) -> None:
        """Record that the server has a chunk."""
        self.counts.add(counts)
        self.later[chunk.index] = ChunkState(chunk.digest, True, 0.0)
        while self.done in self.later and self.later[self.done].done:
            self.chain = _chained(self.chain, self.later.pop(self.done).digest)
            self.done += 1

    def is_done(self, chunk: Chunk) -> bool:
        """Return whether the server has a chunk."""
        state = self.later.get(chunk.index)
        return chunk.index < self.done or (state is not None and state.done)

    def matches(self, chunks: Sequence[Chunk]) -> bool:
        """Return whether the state was saved for these chunks."""
        if self.done > len(chunks) or any(index >= len(chunks) for index in self.later):
            return False
        if any(chunks[index].digest != state.digest for index, state in self.later.items()):
            return False
        chain = ""
        for chunk in chunks[: self.done]:
            chain = _chained(chain, chunk.digest)
        return chain == self.chain

    # The keys are those of releases whose checkpoints must stay readable.

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "version": _VERSION,
            "done": self.done,
            "chain": self.chain,
            "beyond": {str(index): list(state) for index, state in self.later.items()},
            "counts": self.counts.to_json(),
            "doubtful": self.unconfirmed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` returned.

        :raises ValueError: if it is something else; also ``KeyError`` or ``TypeError``
        """
        if data["version"] != _VERSION:
            raise ValueError(data["version"])
        return cls(
            done=int(data["done"]),
            chain=str(data["chain"]),
            later={
                int(index): ChunkState(str(digest), bool(done), float(sent))
                for index, (digest, done, sent) in data["beyond"].items()
            },
            counts=Counts.from_json(data["counts"]),
            unconfirmed=bool(data["doubtful"]),
        )


def _chained(chain: str, digest: str) -> str:
    return hashlib.blake2b(f"{chain}{digest}".encode(), digest_size=16).hexdigest()
