"""The checkpoint of a load: which chunks the server has. It survives the process.

A chunk is saved as *sent* before it is sent, and as *done* once the server has confirmed it. The outcome of
a chunk that is only *sent* is unknown: it is looked up on the server. The checkpoint belongs to one attempt,
the newest.
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, NamedTuple, Protocol, Self

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import SupersededError
from airflow_provider_engagevoice.leads.loading.outcomes import Counts
from airflow_provider_engagevoice.leads.loading.spool import Chunk

_VERSION = 1


class Checkpoint(Protocol):
    """Where the state of a load is kept. Both methods raise on failure: nothing is sent that is not saved."""

    def load(self) -> Mapping[str, Any] | None:
        """Return the state that was saved last; None if there is none."""

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the saved state.

        :param state: plain JSON
        """


#: Keys of the attempt that the checkpoint belongs to: its number, and a token that no other has.
_ATTEMPT, _OWNER = "attempt", "owner"
#: Seconds for which an attempt relies on what it has read last.
_TRUSTED_SECONDS = 2.0


class AttemptCheckpoint:
    """The checkpoint of the newest attempt. Thread-safe.

    Airflow may start an attempt while an older one, which was stopped or cut off, is still there. Once the
    newer one has begun, the older one can neither save nor send.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._owner = uuid.uuid4().hex[:12]
        self._number = 1
        self._lock = threading.Lock()
        self._checked_at = float("-inf")

    def load(self) -> Mapping[str, Any] | None:
        """Return what earlier attempts have saved; None if nothing."""
        saved = self._checkpoint.load()
        if saved:
            number = saved.get(_ATTEMPT)
            self._number = number + 1 if isinstance(number, int) else 2
        return saved

    def begin(self, state: LoadState) -> None:
        """Take over from all earlier attempts."""
        with self._lock:
            self._save(state)

    def save(self, state: LoadState) -> None:
        """Save the state.

        :raises SupersededError: if a newer attempt has begun
        """
        with self._lock:
            self._check()
            self._save(state)

    def check(self) -> None:
        """Check that no newer attempt has begun.

        :raises SupersededError: if one has
        """
        with self._lock:
            if clock.monotonic() > self._checked_at + _TRUSTED_SECONDS:
                self._check()

    def _save(self, state: LoadState) -> None:
        self._checkpoint.save(state.to_json() | {_ATTEMPT: self._number, _OWNER: self._owner})
        self._checked_at = clock.monotonic()

    def _check(self) -> None:
        now = clock.monotonic()
        saved = self._checkpoint.load()
        if saved and saved.get(_OWNER) != self._owner:
            raise SupersededError(
                f"attempt {saved.get(_ATTEMPT, '?')} of this load has started; attempt {self._number} stops, "
                "and sends nothing more"
            )
        self._checked_at = now


class ChunkState(NamedTuple):
    """The state of one chunk that was sent."""

    digest: str
    done: bool


@dataclass(slots=True)
class LoadState:
    """The state of a load.

    It stays small: chunks done without a gap are a count and one digest; only the few after them, some sent
    and some done, are listed.

    :ivar done: number of leading chunks that are all done
    :ivar chain: digest of these
    :ivar later: the other chunks that were sent, by index
    :ivar by_campaign: counts by campaign, of a list for several
    :ivar unconfirmed: whether the server may also have chunks that are not in the checkpoint
    """

    done: int = 0
    chain: str = ""
    later: dict[int, ChunkState] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    by_campaign: dict[int, Counts] = field(default_factory=dict)
    unconfirmed: bool = False

    def mark_sent(self, chunk: Chunk) -> None:
        """Record that a chunk is about to be sent."""
        self.later[chunk.index] = ChunkState(chunk.digest, False)

    def mark_done(self, chunk: Chunk, counts: Counts) -> None:
        """Record that the server has a chunk."""
        self.counts.add(counts)
        if chunk.campaign_id:
            self.by_campaign.setdefault(chunk.campaign_id, Counts()).add(counts)
        self.later[chunk.index] = ChunkState(chunk.digest, True)
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

    # The keys are those of 0.3, whose checkpoints are read; it also kept when a chunk was sent.

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "version": _VERSION,
            "done": self.done,
            "chain": self.chain,
            "beyond": {str(index): [*state, 0.0] for index, state in self.later.items()},
            "counts": self.counts.to_json(),
            # Short, since Airflow's state store takes 64 KiB.
            "campaigns": {str(key): list(astuple(counts)) for key, counts in self.by_campaign.items()},
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
                int(index): ChunkState(str(digest), bool(done))
                for index, (digest, done, _) in data["beyond"].items()
            },
            counts=Counts.from_json(data["counts"]),
            by_campaign={int(key): Counts(*counts) for key, counts in data.get("campaigns", {}).items()},
            unconfirmed=bool(data["doubtful"]),
        )


def _chained(chain: str, digest: str) -> str:
    return hashlib.blake2b(f"{chain}{digest}".encode(), digest_size=16).hexdigest()
