"""Outcomes of simulated calls: always the same mix in the same order, so runs are reproducible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_MIX: Final = (
    ("ANSWER", 40),
    ("NOANSWER", 24),
    ("MACHINE", 22),
    ("BUSY", 8),
    ("INTERCEPT", 2),
    ("DISCONNECT", 2),
    ("CONGESTION", 2),
)
"""Dispositions of 100 calls, before some of the answered ones are abandoned."""

_IN_ORDER: Final = tuple(disposition for disposition, count in _MIX for _ in range(count))
_STRIDE: Final = 37
_ANSWERED: Final = ("ANSWER", "MACHINE")

FINAL_STATES: Final[Mapping[str, str]] = {
    "ANSWER": "COMPLETE",
    "INTERCEPT": "INTERCEPT",
    "DISCONNECT": "DISCONNECTED",
}
"""Final lead states by disposition. After any other disposition the lead waits for its next pass."""


@dataclass(slots=True)
class Outcomes:
    """The sequence of call outcomes of one campaign.

    :param calls: number of calls so far
    :param connects: number of calls answered so far, by a person or a machine
    :param abandon_share: share of answered calls for which no agent is available
    """

    calls: int
    connects: int
    abandon_share: float

    def next(self) -> str:
        """Return the system disposition of the next call."""
        disposition = _IN_ORDER[self.calls * _STRIDE % len(_IN_ORDER)]
        self.calls += 1
        if disposition not in _ANSWERED:
            return disposition
        self.connects += 1
        return (
            "ABANDON" if self._abandoned(self.connects) > self._abandoned(self.connects - 1) else disposition
        )

    def _abandoned(self, connects: int) -> int:
        # The epsilon keeps floating point from turning 100 calls at 0.07 into 6.
        return int(connects * self.abandon_share + 1e-9)
