"""Faults of days without calls, each one function that puts it in.

``python -m tests.simulation.days.faults`` prints after how many histories each is found.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from airflow_provider_engagevoice.campaigns import closed_days, exclude
from airflow_provider_engagevoice.campaigns.closed_days import DayLimit, Decision, Exclusion, decide
from airflow_provider_engagevoice.seasons import close_days
from airflow_provider_engagevoice.seasons.apply import Apply
from tests.simulation.days.draw import draw_weeks
from tests.simulation.days.history import run_weeks
from tests.simulation.history import Kind
from tests.simulation.old_faults import Fault, Patches, present, print_table

FAULTS: list[Fault] = []


def _fault(title: str, promise: str) -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    def add(put_back: Callable[[Patches], None]) -> Callable[[Patches], None]:
        FAULTS.append(Fault(title, put_back, promise))
        return put_back

    return add


def histories_until_found(number: int, *, seed: int = 1, most: int = 300) -> tuple[int, Kind | None]:
    """Return after how many histories a fault is found, and what it broke; None if it is not found."""
    for count in range(1, most + 1):
        if kind := finds(number, seed * 1_000_000_000 + count - 1):
            return count, kind
    return most, None


def finds(number: int, seed: int) -> Kind | None:
    """Return what a fault breaks in one history that breaks nothing without it; None for nothing."""
    fault = FAULTS[number]
    with present(fault):
        found = [one for one in run_weeks(draw_weeks(seed, "mixed")).failures if one[0] == fault.promise]
    if not found or run_weeks(draw_weeks(seed, "mixed")).failures:
        return None
    return found[0]


@_fault("Hours are taken to be read by the clock of the region alone", "n")
def one_clock(patches: Patches) -> None:
    patches.put(closed_days, "WESTERNMOST", timedelta())
    patches.put(closed_days, "EASTERNMOST", timedelta())


@_fault("A day is opened as soon as the date is over in its zone", "n")
def opened_early(patches: Patches) -> None:
    parts = closed_days._parts

    def early(day: Any, zone: Any) -> Any:
        end = closed_days.first_instant(day + timedelta(days=1), zone)
        return [replace(one, until=min(one.until, end)) for one in parts(day, zone)]

    patches.put(closed_days, "_parts", early)


@_fault("A plan that would open a day by now is applied", "c")
def old_plan(patches: Patches) -> None:
    patches.put(Apply, "_check_exclusions", lambda self: None)


@_fault("Hours that a person has set are overwritten", "p")
def theirs(patches: Patches) -> None:
    patches.put(closed_days, "_is_ours", lambda stored, usual, last, limit: True)


@_fault("A day that a person has closed is opened after the date", "p")
def opened_again(patches: Patches) -> None:
    def forgetful(exclusion: Exclusion, stored: Any, now: Any) -> Decision:
        found = decide(exclusion, stored, now)
        limits = exclusion.limits_at(now)
        closed = {name: one for name, one in limits.items() if stored.get(name) == one.hours}
        return replace(found, limits={**found.limits, **closed})

    for module in (exclude, close_days):
        patches.put(module, "decide", forgetful)


@_fault("The next run does not know what the last one has closed", "r")
def forgotten(patches: Patches) -> None:
    def forget(exclusion: Exclusion, stored: Any, now: Any) -> Decision:
        none: dict[str, DayLimit] = {}
        return replace(decide(exclusion, stored, now), limits=none)

    for module in (exclude, close_days):
        patches.put(module, "decide", forget)


@_fault("A day that is left open is not told", "t")
def not_told(patches: Patches) -> None:
    patches.put(exclude.ExcludedDates, "check", lambda self: None)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.days.faults", description=__doc__)
    parser.add_argument("--most", type=int, default=300, help="histories after which it is not found")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    return print_table(FAULTS, partial(histories_until_found, seed=options.seed, most=options.most))


if __name__ == "__main__":
    sys.exit(main())
