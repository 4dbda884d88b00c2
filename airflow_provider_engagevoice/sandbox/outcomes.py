"""What comes of the calls of the dialer: always the same mix in the same order, so that runs are alike."""

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
"""How many of 100 calls come to what, before some of the answered ones are abandoned."""

_IN_ORDER: Final = tuple(disposition for disposition, count in _MIX for _ in range(count))
_STRIDE: Final = 37
_ANSWERED: Final = ("ANSWER", "MACHINE")

FINAL_STATES: Final[Mapping[str, str]] = {
    "ANSWER": "COMPLETE",
    "INTERCEPT": "INTERCEPT",
    "DISCONNECT": "DISCONNECTED",
}
"""Lead states after which nobody is called again. After any other call a lead waits for its next pass."""


@dataclass(slots=True)
class Outcomes:
    """The calls of one campaign, one after another.

    :param calls: how many there have been
    :param connects: how many of them were answered, by whomever
    :param abandon_share: share of the answered ones for which there is no agent
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
        # The small part makes 100 calls at 0.07 be 7, whatever floating point says.
        return int(connects * self.abandon_share + 1e-9)
