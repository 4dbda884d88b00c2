"""What the attempts of a task on a campaign share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from airflow_provider_engagevoice.models.campaign import DATE_FIELDS

_SUCCEEDED = "succeeded_with_max_tries"


class CampaignCheckpoint(Protocol):
    """State that survives the attempts of a task. It is an aid only: the server is checked in any case."""

    @property
    def has_earlier_attempts(self) -> bool:
        """Whether this is not the task's first attempt."""

    @property
    def max_tries(self) -> int:
        """Number of the last attempt the task may make; it grows when the task is cleared."""

    def load(self) -> Mapping[str, Any] | None:
        """Return what was saved last, empty if nothing was; None if that is not known."""

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace what was saved before."""


@dataclass(frozen=True, slots=True)
class NoCheckpoint:
    """The checkpoint of a task whose attempts share no state."""

    has_earlier_attempts: bool = False
    max_tries: int = 0

    def load(self) -> None:
        return None

    def save(self, state: Mapping[str, Any]) -> None:
        pass


class TaskRecord:
    """What a task has done to one campaign, saved before each step that cannot be told from the server.

    :param target: what identifies the campaign: state that was saved for another one is ignored
    :ivar campaign_id: id of the campaign that is updated or deleted, if an attempt knew it
    :ivar is_blind: whether there were earlier attempts, and nothing is known of them
    :ivar has_succeeded: whether an earlier run of the task has succeeded, and was cleared since
    """

    def __init__(self, checkpoint: CampaignCheckpoint | None, target: Mapping[str, Any]) -> None:
        self._checkpoint = checkpoint or NoCheckpoint()
        self._target = target
        self._state: Mapping[str, Any] = target
        #: Campaigns that this attempt activates.
        self._activated: set[int] = set()
        self.reload()
        succeeded = self._state.get(_SUCCEEDED)
        self.has_succeeded = succeeded is not None and succeeded < self._checkpoint.max_tries

    def reload(self) -> None:
        """Read what is saved again: an earlier attempt may still run, and have saved something since."""
        saved = self._checkpoint.load()
        is_same = saved and all(saved.get(key) == value for key, value in self._target.items())
        if saved is not None:
            self._state = saved if is_same else self._target
        campaign_id = self._state.get("campaign_id")
        self.campaign_id = campaign_id if isinstance(campaign_id, int) else None
        self.is_blind = saved is None and self._checkpoint.has_earlier_attempts

    @property
    def campaign_ids(self) -> list[int]:
        """Ids of all campaigns that attempts of this task have seen under the task's working name."""
        ids = self._state.get("campaign_ids")
        return [one for one in ids if isinstance(one, int)] if isinstance(ids, list) else []

    @property
    def is_begun(self) -> bool:
        """Whether an attempt has begun with ``campaign_id``, and no clear after a success came since."""
        is_of_run = self._state.get("run") == self._checkpoint.max_tries
        return self.campaign_id is not None and (is_of_run or not self.has_succeeded)

    def begin(self, campaign_id: int, **details: Any) -> None:
        """Save the campaign that an attempt is about to change or delete."""
        self.save(campaign_id=campaign_id, run=self._checkpoint.max_tries, **details)

    def is_reported(self, campaign_id: int) -> bool:
        """Return whether any attempt of the task has succeeded with this campaign."""
        return str(campaign_id) in self._state.get("told", {})

    def is_told(self, campaign_id: int) -> bool:
        """Return whether an earlier run of the task has succeeded with this campaign."""
        told = self._state.get("told", {}).get(str(campaign_id))
        return told is not None and told < self._checkpoint.max_tries

    def was_activated(self, campaign_id: int) -> bool:
        """Return whether an earlier attempt of this run has, or may have, activated a campaign."""
        is_saved = self._state.get("activated") == self._activation(campaign_id)
        return is_saved and campaign_id not in self._activated

    def _activation(self, campaign_id: int) -> list[int]:
        return [campaign_id, self._checkpoint.max_tries]

    def activates(self, campaign_id: int) -> bool:
        """Save that a campaign is about to be activated; return whether that is new."""
        before, activated = self._state.get("activated"), self._activation(campaign_id)
        self._activated.add(campaign_id)
        self.save(activated=activated)
        return bool(before != activated)

    def completes(self, campaign_id: int, *, activates: bool) -> None:
        """Save that a campaign is about to get its name, and whether its activation comes with it.

        It is the result, too, unless the attempt ends with another one: they are saved at once.
        """
        details: dict[str, Any] = {"completed": sorted({campaign_id, *(self.get("completed") or ())})}
        if activates:
            self._activated.add(campaign_id)
            details["activated"] = self._activation(campaign_id)
        self.save(**details, result=campaign_id)

    def was_completed(self, campaign_id: int) -> bool:
        """Return whether an attempt has completed a campaign, or may have."""
        return campaign_id in (self.get("completed") or ())

    def refuse(self, campaign_id: int) -> None:
        """Save that a campaign has the name because the server cut it; after a clear it may be taken."""
        refused = [campaign_id, self._checkpoint.max_tries]
        self.save(requests=len(self.campaign_ids), newest_before=None, refused=refused)

    def is_refused(self, campaign_id: int) -> bool:
        """Return whether an attempt of this run has refused a campaign."""
        return bool(self._state.get("refused") == [campaign_id, self._checkpoint.max_tries])

    def know(self, campaign_ids: Iterable[int]) -> None:
        """Save ids of campaigns under the task's working name."""
        if not set(campaign_ids) <= set(self.campaign_ids):
            self.reload()
            self.save(campaign_ids=sorted({*campaign_ids, *self.campaign_ids}))

    def forget(self, campaign_ids: Iterable[int]) -> None:
        """Save that campaigns do not exist any more."""
        self.reload()
        left = [one for one in self.campaign_ids if one not in set(campaign_ids)]
        requests = (self.get("requests") or 0) - len(self.campaign_ids) + len(left)
        self.save(campaign_ids=left, requests=max(0, requests))

    def get(self, name: str) -> Any:
        """Return a detail that was saved."""
        return self._state.get(name)

    def save(self, **details: Any) -> None:
        """Save details, before the request that they announce is sent."""
        if all(self._state.get(name) == value for name, value in details.items()):
            return
        self.reload()
        self._state = {**self._state, **details}
        self.campaign_id = self._state.get("campaign_id")
        self._checkpoint.save(self._state)


def save_success(checkpoint: CampaignCheckpoint) -> None:
    """Save that the task has succeeded: if it is cleared, it has changed nothing yet.

    An attempt that Airflow has given up may save this, too, so it counts only once the task was cleared.
    """
    state = checkpoint.load()
    if state:
        max_tries = checkpoint.max_tries
        told = {str(state["result"]): max_tries} if "result" in state else {}
        told |= state.get("told", {})
        first = min(max_tries, state.get(_SUCCEEDED, max_tries))
        checkpoint.save({**state, "told": told, "updates": None, _SUCCEEDED: first})


def fields_to_json(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of a campaign as they are saved."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields.items()
    }


def fields_from_json(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of a campaign that were saved."""
    return {
        name: datetime.fromisoformat(value) if name in DATE_FIELDS and value else value
        for name, value in fields.items()
    }
