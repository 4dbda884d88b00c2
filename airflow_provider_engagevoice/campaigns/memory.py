"""What a task remembers of its earlier attempts, beside what they left on the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Memory(Protocol):
    """Survives the attempts of a task. It helps and is never needed: the server is looked at all the same."""

    def recall(self) -> Mapping[str, Any]:
        """Return what was noted last; nothing when nothing was, or it is lost."""

    def note(self, intent: Mapping[str, Any]) -> None:
        """Keep this in place of what was noted before."""


class NoMemory:
    """A task whose attempts know nothing of each other."""

    def recall(self) -> Mapping[str, Any]:
        return {}

    def note(self, intent: Mapping[str, Any]) -> None:
        pass


class Intent:
    """To make one campaign: noted before it is sent for, and again when its id is known.

    :param working: the name it bears while it is made
    """

    def __init__(self, memory: Memory, dial_group_id: int, working: str) -> None:
        self._memory = memory
        self._intent = {"dial_group_id": dial_group_id, "working_name": working}
        noted = memory.recall()
        same = all(noted.get(key) == value for key, value in self._intent.items())
        campaign_id = noted.get("campaign_id") if same else None
        #: The campaign that an earlier attempt made, if it came to know its id.
        self.campaign_id = campaign_id if isinstance(campaign_id, int) else None

    def begin(self) -> None:
        """Note that a campaign is about to be created."""
        self._memory.note(self._intent)

    def made(self, campaign_id: int) -> None:
        """Note which one it is."""
        self.campaign_id = campaign_id
        self._memory.note({**self._intent, "campaign_id": campaign_id})
