"""What attempts remember: the state that those of a task share, and the requests of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_engagevoice.exceptions import StateStoreError


class StateStore:
    """The state that a task's attempts share, as an attempt sees it.

    :param fails: returns whether a read or a write fails: then nothing is known, or the attempt fails
    """

    def __init__(
        self,
        saved: dict[str, Mapping[str, Any]],
        has_earlier_attempts: bool,
        max_tries: int,
        fails: Callable[[], bool] = lambda: False,
    ) -> None:
        self._saved = saved
        self._fails = fails
        self.has_earlier_attempts = has_earlier_attempts
        self.max_tries = max_tries

    def load(self) -> Mapping[str, Any] | None:
        return None if self._fails() else self._saved.get("state", {})

    def save(self, state: Mapping[str, Any]) -> None:
        if self._fails():
            raise StateStoreError("task state store: it cannot be written")
        self._saved["state"] = dict(state)


@dataclass(slots=True, eq=False)
class Sent:
    """A request that was executed, or lost.

    :ivar row: campaign in its path, None for none
    :ivar shown: number of the version that a GET showed; 0 for none
    :ivar waited: whether the attempt waited between the answer before and this request
    :ivar status: of the server's answer; None until it has arrived, 0 for none, or the page of a gateway
    """

    method: str
    row: int | None
    at: float
    waited: bool
    shown: int = 0
    status: int | None = None
    activates: bool = False
    lists_leads: bool = False
