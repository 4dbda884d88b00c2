"""Faults that change what was not asked for, or that undo what others have done; added to the list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.campaigns import checkpoint, creation, ensure, reconcile, update
from airflow_provider_engagevoice.models.campaign import Campaign
from tests.simulation.old_faults import FAULTS, Patches, fault, nothing

__all__ = ["FAULTS"]


def _completed_with(patches: Patches, state: int) -> None:
    complete = creation.complete

    def complete_so(group_id: int, campaign_id: int, spec: Any, *rest: Any) -> Any:
        return complete(group_id, campaign_id, replace(spec, state=state), *rest)

    patches.put(creation, "complete", complete_so)


@fault("A create or clone always makes its campaign active", "h")
def always_active(patches: Patches) -> None:
    _completed_with(patches, 1)


@fault("A create or clone never makes its campaign active", "f")
def never_active(patches: Patches) -> None:
    _completed_with(patches, 0)


@fault("An update does not make a campaign inactive", "f")
def never_inactive(patches: Patches) -> None:
    changes_of = update.changes_of

    def without_state(wanted: Any, campaign: Any) -> Any:
        changes = changes_of(wanted, campaign)
        return {name: value for name, value in changes.items() if name != "isActive" or value}

    patches.put(update, "changes_of", without_state)


@fault("Each write sets the hours of Mondays", "h")
def hours_unasked(patches: Patches) -> None:
    with_changes = Campaign.with_changes
    patches.put(
        Campaign, "with_changes", lambda self, changes: with_changes(self, changes) | {"monSched": "00002400"}
    )


@fault("A cleared create gives way to a campaign that has got its name, and deletes its own", "h")
def gives_way(patches: Patches) -> None:
    patches.put(checkpoint.TaskRecord, "is_reported", lambda self, campaign_id: False)
    patches.put(reconcile.RequestedCampaign, "is_newer", lambda self, campaign_id: True)


@fault("A rename does not look whether another campaign has got the name meanwhile", "a")
def unconfirmed(patches: Patches) -> None:
    patches.put(update, "confirm_new_name", nothing)


@fault("The retry of an update activates what a person has paused since the last attempt did", "d")
def activates_again(patches: Patches) -> None:
    patches.put(checkpoint.TaskRecord, "was_activated", lambda self, campaign_id: False)


@fault("The retry of a delete deletes another campaign, which has got the name since", "h")
def deletes_again(patches: Patches) -> None:
    reload = checkpoint.TaskRecord.reload

    def forgetful(self: Any) -> None:
        reload(self)
        if self._target["operation"] == "delete":
            self.campaign_id = None

    patches.put(checkpoint.TaskRecord, "reload", forgetful)


@fault("Whether the source of a clone is over is judged by the clock of the worker", "b")
def clock_of_worker(patches: Patches) -> None:
    def worker_time() -> Any:
        yield from ()
        return clock.now()

    patches.put(ensure, "ServerTime", worker_time)


@fault("Rows of its source that a copy shows are sent back with it", "c")
def rows_of_source(patches: Patches) -> None:
    patches.put(ensure, "own_part", lambda copy, ids: copy)
