"""What the attempts of a task on a campaign share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class CampaignCheckpoint(Protocol):
    """State that survives the attempts of a task. It is an aid only: the server is checked in any case."""

    @property
    def has_earlier_attempts(self) -> bool:
        """Whether this is not the task's first attempt."""

    def load(self) -> Mapping[str, Any] | None:
        """Return what was saved last, empty if nothing was; None if that is not known."""

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace what was saved before."""


@dataclass(frozen=True, slots=True)
class NoCheckpoint:
    """The checkpoint of a task whose attempts share no state."""

    has_earlier_attempts: bool = False

    def load(self) -> None:
        return None

    def save(self, state: Mapping[str, Any]) -> None:
        pass


class Record:
    """What a task has done to one campaign, saved before each step that cannot be told from the server.

    :param target: what identifies the campaign: state that was saved for another one is ignored
    :ivar campaign_id: id of the campaign, if an attempt knew it
    :ivar is_blind: whether there were earlier attempts, and nothing is known of them
    :ivar has_succeeded: whether an earlier run of the task has succeeded, and was cleared since
    """

    def __init__(self, checkpoint: CampaignCheckpoint | None, target: Mapping[str, Any]) -> None:
        self._checkpoint = checkpoint or NoCheckpoint()
        saved = self._checkpoint.load()
        known = saved if saved and all(saved.get(key) == value for key, value in target.items()) else {}
        self._state = {**target, **known}
        campaign_id = known.get("campaign_id")
        self.campaign_id = campaign_id if isinstance(campaign_id, int) else None
        self.is_blind = saved is None and self._checkpoint.has_earlier_attempts
        self.has_succeeded = bool(known.get("has_succeeded"))

    def get(self, name: str) -> Any:
        """Return a detail that was saved."""
        return self._state.get(name)

    def save(self, **details: Any) -> None:
        """Save details, before the request that they announce is sent."""
        state = {**self._state, **details}
        self.campaign_id = state.get("campaign_id")
        if state != self._state:
            self._state = state
            self._checkpoint.save(state)


def success(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of a task that has succeeded: what it has changed is told."""
    return {**state, "has_succeeded": True, "updates": None}
