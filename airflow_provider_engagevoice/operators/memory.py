"""The memory of a task on Airflow 3.3 and newer: its state store, which survives retries."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.campaigns.memory import Memory

log = logging.getLogger(__name__)

_KEY = "engagevoice_campaign"


def memory_of(context: Context) -> Memory | None:
    """Return what the task remembers by; None where Airflow has nothing for it."""
    store = context.get("task_state_store")
    return None if store is None else _StateStore(store)


class _StateStore:
    """A state store that may fail: what is on the server suffices."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def recall(self) -> Mapping[str, Any]:
        try:
            noted = self._store.get(_KEY)
        except Exception as error:
            log.warning("the task's state store cannot be read (%s); looking at the server alone", error)
            return {}
        return noted if isinstance(noted, Mapping) else {}

    def note(self, intent: Mapping[str, Any]) -> None:
        try:
            self._store.set(_KEY, dict(intent))
        except Exception as error:
            log.warning("the task's state store cannot be written (%s)", error)
