"""The checkpoint of a load stays readable across releases."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_engagevoice.exceptions import StateStoreError
from airflow_provider_engagevoice.leads.loading.load_state import LoadState
from airflow_provider_engagevoice.leads.loading.outcomes import Counts
from airflow_provider_engagevoice.leads.loading.spool import Chunk
from airflow_provider_engagevoice.utils.state_store import (
    campaign_checkpoint,
    lead_checkpoint,
    save_campaign_success,
)

#: As release 0.3.0 saved it.
SAVED: dict[str, Any] = {
    "version": 1,
    "done": 1,
    "chain": "4b8e14b61a0d0b7b6e6e6a8e0d4b2b4c",
    "beyond": {"2": ["c2", True, 0.0], "3": ["c3", False, 1800000000.5]},
    "counts": {
        "accepted": 40,
        "inserted": 38,
        "rejected": 1,
        "duplicates": 2,
        "do_not_call": 3,
        "settled": 1,
    },
    "doubtful": True,
}


def test_a_checkpoint_of_0_3_0_is_read() -> None:
    state = LoadState.from_json(SAVED)
    assert state.counts == Counts(40, 38, 1, 2, 3, reconciled=1)
    assert (state.done, state.unconfirmed) == (1, True)
    done = [state.is_done(Chunk(index, f"c{index}", 10)) for index in range(4)]
    assert done == [True, False, True, False]
    assert LoadState.from_json(state.to_json()) == state


@pytest.mark.parametrize(
    "changes", [{"version": 2}, {"done": "x"}, {"counts": {"more": 1}}, {"beyond": {"1": ["c1"]}}]
)
def test_other_data_is_not_read(changes: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        LoadState.from_json(SAVED | changes)


def test_leads_and_campaigns_are_kept_under_the_keys_of_0_3_0() -> None:
    class TaskStateStore(dict[str, Any]):
        set = dict.__setitem__

    store: Any = TaskStateStore(engagevoice_leads_0a=SAVED, engagevoice_campaign={"a": 1})
    context: Any = {"task_state_store": store, "ti": SimpleNamespace(try_number=1, max_tries=0)}
    leads = lead_checkpoint(context, None, "0a")  # type: ignore[arg-type]
    assert leads.load() == SAVED
    leads.save(SAVED | {"done": 2})
    assert store == {"engagevoice_leads_0a": SAVED | {"done": 2}, "engagevoice_campaign": {"a": 1}}
    assert campaign_checkpoint(context).load() == {"a": 1}


def test_what_is_not_saved_stops_a_task_on_campaigns_but_not_its_success(caplog) -> None:
    class Broken:
        def get(self, key: str) -> dict[str, int]:
            return {"a": 1}

        def set(self, key: str, value: object) -> None:
            raise ConnectionError("no API server")

    context: Any = {"task_state_store": Broken(), "ti": SimpleNamespace(try_number=1, max_tries=0)}
    with pytest.raises(StateStoreError, match="no API server") as caught:
        campaign_checkpoint(context).save({"a": 2})
    assert caught.value.retryable
    save_campaign_success(context)
    assert "adds its asset event again" in caplog.text
