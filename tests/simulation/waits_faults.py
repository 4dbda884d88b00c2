"""Faults of waits that were corrected, each one function that puts it back.

``python -m tests.simulation.waits_faults`` prints after how many histories each is found.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import EngageVoiceError, NotFoundError, PageAnswerError
from airflow_provider_engagevoice.polling import awaited, window_poll
from airflow_provider_engagevoice.polling.dial_group_poller import DialGroupPoller
from airflow_provider_engagevoice.polling.windows import CampaignTimes
from airflow_provider_engagevoice.sensors.base import EngageVoiceSensor
from tests.simulation.history import Kind
from tests.simulation.old_faults import Fault, Patches, present, print_table
from tests.simulation.waits import run_wait_seed

FAULTS: list[Fault] = []
#: Histories after which a fault is not found.
_MOST = 5000


def _fault(title: str) -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    def add(put_back: Callable[[Patches], None]) -> Callable[[Patches], None]:
        FAULTS.append(Fault(title, put_back))
        return put_back

    return add


def histories_until_found(number: int, *, seed: int, bundle: str, most: int) -> tuple[int, Kind | None]:
    """Return after how many histories a fault is found, and what it broke; None if it is not found."""
    for count in range(1, most + 1):
        if kind := finds(number, seed * 1_000_000_000 + count - 1, bundle):
            return count, kind
    return most, None


def finds(number: int, seed: int, bundle: str) -> Kind | None:
    """Return what a fault breaks in one history; None for nothing."""
    with present(FAULTS[number]):
        return next(iter(run_wait_seed(seed, bundle).kinds), None)


@_fault("A deferred wait for a name follows the id that had it first")
def _follow_the_id(patches: Patches) -> None:
    find = awaited.Listing.find

    def find_first(self: awaited.Listing, wanted: int | str) -> Any:
        try:
            loop: Any = asyncio.get_running_loop()
        except RuntimeError:
            return find(self, wanted)
        first = loop.__dict__.setdefault("first", {})
        found = find(self, first.get(wanted, wanted))
        if found is not None:
            first[wanted] = found.campaign_id
        return found

    patches.put(awaited.Listing, "find", find_first)


@_fault("One poll that misses a campaign, or sees a twin, ends its wait")
def _confirm_nothing(patches: Patches) -> None:
    patches.put(awaited, "CONFIRM_AFTER", timedelta(0))


@_fault("Any two polls that find something odd end a wait, though not the same")
def _confirm_anything(patches: Patches) -> None:
    def is_confirmed(self: awaited.Missing, error: EngageVoiceError, polled_at: datetime) -> bool:
        self.since = self.since or clock.now()
        return polled_at >= self.since + awaited.CONFIRM_AFTER

    patches.put(awaited.Missing, "is_confirmed", is_confirmed)
    patches.put(awaited.Missing, "clear", lambda self: None)


@_fault("The time until the second poll begins when the first is sent")
def _count_from_the_request(patches: Patches) -> None:
    def is_confirmed(self: awaited.Missing, error: EngageVoiceError, polled_at: datetime) -> bool:
        self.since = self.since or polled_at
        return polled_at >= self.since + awaited.CONFIRM_AFTER

    patches.put(awaited.Missing, "is_confirmed", is_confirmed)


@_fault("A row without dates ends its wait")
def _read_all_rows(patches: Patches) -> None:
    patches.put(CampaignTimes, "unreadable", lambda self, zone: "")


@_fault("A 404 for a campaign that a list shows ends its wait")
def _believe_the_read(patches: Patches) -> None:
    def unstable(message: str) -> EngageVoiceError:
        return NotFoundError(f"there is no campaign: {message}")

    patches.put(awaited, "UnstableListError", unstable)


@_fault("A page of a maintenance is no failed poll, but an end")
def _end_by_pages(patches: Patches) -> None:
    patches.everywhere(
        awaited.may_poll_again, lambda error: error.retryable and not isinstance(error, PageAnswerError)
    )


@_fault("In mode reschedule the next run knows nothing of what the last one missed")
def _forget_between_runs(patches: Patches) -> None:
    patches.put(EngageVoiceSensor, "reschedule", property(lambda self: self.mode == "reschedule"))


@_fault("A failed poll ends a wait")
def _no_budget(patches: Patches) -> None:
    patches.put(window_poll, "FAILURE_BUDGET", 0)


@_fault("Dates that are over end a wait by the list alone")
def _believe_the_list(patches: Patches) -> None:
    def judge_listed(self: Any, wait: Any, listed: Any, at: Any, polled_at: Any) -> None:
        self._judge(wait, listed, at)

    patches.put(DialGroupPoller, "_judge_listed", judge_listed)


def main() -> int:
    return print_table(FAULTS, partial(histories_until_found, seed=1, bundle="hostile", most=_MOST))


if __name__ == "__main__":
    sys.exit(main())
