"""Checkpoints of tasks: on Airflow 3.3 and newer in the task's state store, which survives retries."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_engagevoice.campaigns.checkpoint import NoCheckpoint, save_success
from airflow_provider_engagevoice.exceptions import StateStoreError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_engagevoice.campaigns.checkpoint import CampaignCheckpoint
    from airflow_provider_engagevoice.leads.loading.load_state import Checkpoint
    from airflow_provider_engagevoice.stores import Store


log = logging.getLogger(__name__)

_CAMPAIGN_KEY = "engagevoice_campaign"


def run_of(context: Context) -> str:
    """Return what identifies a task in its run: the same for all of its attempts, and no other's."""
    ti = context["ti"]
    return json.dumps([ti.dag_id, ti.task_id, ti.run_id, ti.map_index])


def campaign_checkpoint(context: Context) -> CampaignCheckpoint:
    """Return the checkpoint of a task on campaigns; without a state store its attempts share nothing."""
    ti = context["ti"]
    store = context.get("task_state_store")
    if store is None:
        return NoCheckpoint(ti.try_number > 1, ti.max_tries)
    return _TaskCampaignCheckpoint(store, ti.try_number > 1, ti.max_tries)


def save_campaign_success(context: Context) -> None:
    """Save that a task on campaigns has succeeded.

    Airflow calls this (``on_success_callback``) after it has recorded the success and the asset events, so a
    task that is killed before that still adds them at its next attempt.
    """
    try:
        save_success(campaign_checkpoint(context))
    except StateStoreError as error:
        log.warning("%s; if this task is cleared, it adds its asset event again", error)


class _TaskCampaignCheckpoint:
    """In the task's state store."""

    def __init__(self, store: Any, has_earlier_attempts: bool, max_tries: int) -> None:
        self._store = store
        self.has_earlier_attempts = has_earlier_attempts
        self.max_tries = max_tries

    def load(self) -> Mapping[str, Any] | None:
        try:
            saved = self._store.get(_CAMPAIGN_KEY)
        except Exception as error:
            log.warning("the task's state store cannot be read (%s); checking the server only", error)
            return None
        return saved if isinstance(saved, Mapping) else {}

    def save(self, state: Mapping[str, Any]) -> None:
        try:
            self._store.set(_CAMPAIGN_KEY, dict(state))
        except Exception as error:
            # A retry could not tell what this attempt has done from what others have.
            raise StateStoreError(f"task state store: it cannot be written ({error})") from error


_LEADS_KEY = "engagevoice_leads"
#: Seconds. Shared files that have not been written for this long are removed anyway.
_EXPIRY = 7 * 86_400.0


def lead_checkpoint(context: Context, shared_store: Store, key: str) -> Checkpoint:
    """Return the checkpoint of a load, in the task's state store if Airflow has one (3.3 and newer).

    :param shared_store: where processes share tokens; used by older releases of Airflow
    :param key: digest of the task instance and the campaign
    """
    store = context.get("task_state_store")
    if store is None:
        return _SharedLeadCheckpoint(shared_store, key)
    return _TaskLeadCheckpoint(store, f"{_LEADS_KEY}_{key}")


#: Key of ``max_tries`` at the first success; clearing a task raises it.
_ANNOUNCED = "announced"


def announce_load(context: Context, checkpoint: Checkpoint, task: Any, *, was_finished: bool) -> bool:
    """Return whether a finished load makes an asset event, and save that once Airflow has recorded it.

    It makes none if the task has succeeded with this load and was cleared since. Without a task's state store
    that is not known.

    :param was_finished: whether an earlier attempt has finished the load
    """
    if context.get("task_state_store") is None:
        return True
    task.on_success_callback = [*task.on_success_callback, partial(_save_load_success, checkpoint)]
    announced = (checkpoint.load() or {}).get(_ANNOUNCED) if was_finished else None
    return announced is None or bool(context["ti"].max_tries <= announced)


def _save_load_success(checkpoint: Checkpoint, context: Context) -> None:
    """Save that a load has succeeded; see :func:`save_campaign_success`."""
    state = checkpoint.load()
    if state:
        checkpoint.save({_ANNOUNCED: context["ti"].max_tries, **state})


class _TaskLeadCheckpoint:
    """In the task's state store."""

    def __init__(self, store: Any, key: str) -> None:
        self._store = store
        self._key = key

    def load(self) -> Mapping[str, Any] | None:
        saved = self._store.get(self._key)
        return None if saved is None else _mapping(saved)

    def save(self, state: Mapping[str, Any]) -> None:
        self._store.set(self._key, dict(state))


class _SharedLeadCheckpoint:
    """In files or Redis."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key

    def load(self) -> Mapping[str, Any] | None:
        found = self._store.read(self._key)
        if found is None:
            return None
        try:
            return _mapping(json.loads(found[0]))
        except ValueError:
            return {}

    def save(self, state: Mapping[str, Any]) -> None:
        self._store.write(self._key, json.dumps(state).encode(), _EXPIRY)


def _mapping(saved: object) -> Mapping[str, Any]:
    """Return what was saved; an empty mapping if it is unreadable, as opposed to missing."""
    return saved if isinstance(saved, Mapping) else {}
