"""The watch of event loops reports what ran on the loop, and not what slowed the machine."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

from tests.support.loop_watch import LoopWatch

#: Stops its parent for the given seconds, as on a machine that is busy otherwise.
_STOP_PARENT = f"""
import os, sys, time
time.sleep(0.2)
os.kill(os.getppid(), {int(signal.SIGSTOP)})
time.sleep(float(sys.argv[1]))
os.kill(os.getppid(), {int(signal.SIGCONT)})
"""


def watched(work: Callable[[], Awaitable[None]]) -> LoopWatch:
    """Watch a loop while it does some work, and for a moment before and after."""

    async def main() -> LoopWatch:
        with LoopWatch(asyncio.get_running_loop()) as watch:
            await asyncio.sleep(0.05)
            await work()
            await asyncio.sleep(0.05)
        return watch

    return asyncio.run(main())


def test_a_loop_that_only_waits_is_not_blocked() -> None:
    async def waits() -> None:
        await asyncio.sleep(0.3)

    assert watched(waits).longest < 0.05


def test_a_blocking_call_is_recorded_by_name() -> None:
    async def blocks() -> None:
        time.sleep(0.2)

    watch = watched(blocks)
    assert 0.15 < watch.longest < 0.3
    assert watch.stack[-1].endswith("blocks")


def test_a_call_that_keeps_the_interpreter_lock_counts_although_it_delays_the_watch() -> None:
    text, used = json.dumps(list(range(3_000_000))), 0.0

    async def decodes() -> None:
        nonlocal used
        began = time.process_time()
        json.loads(text)
        used = time.process_time() - began

    assert watched(decodes).longest > 0.8 * used > 0.04


def test_many_short_callbacks_in_one_iteration_are_one_block() -> None:
    async def calls() -> None:
        for _ in range(100):
            asyncio.get_running_loop().call_soon(time.sleep, 0.002)

    assert watched(calls).longest > 0.15


def test_a_block_that_lasts_to_the_end_counts() -> None:
    async def main() -> LoopWatch:
        with LoopWatch(asyncio.get_running_loop()) as watch:
            await asyncio.sleep(0.05)
            time.sleep(0.1)
        return watch

    assert asyncio.run(main()).longest > 0.08


def test_garbage_collection_is_measured_separately() -> None:
    def collects_slowly(phase: str, info: object) -> None:
        if phase == "start":
            time.sleep(0.1)

    async def collects() -> None:
        gc.callbacks.append(collects_slowly)
        gc.collect()
        gc.callbacks.remove(collects_slowly)

    watch = watched(collects)
    assert watch.longest > 0.08
    assert watch.working < 0.05


def test_a_suspended_machine_does_not_count_as_a_block() -> None:
    """Runs in a separate process, because stopping this one would stop concurrent tests."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.test_loop_watch"], capture_output=True, text=True, check=True
    )
    longest, excused = json.loads(done.stdout)
    assert longest < 0.1
    assert excused > 0.4


async def _stopped_for_a_while() -> LoopWatch:
    stopper = subprocess.Popen([sys.executable, "-c", _STOP_PARENT, "0.5"])
    with LoopWatch(asyncio.get_running_loop()) as watch:
        await asyncio.to_thread(stopper.wait)
        await asyncio.sleep(0.05)
    return watch


if __name__ == "__main__":
    seen = asyncio.run(_stopped_for_a_while())
    print(json.dumps([seen.longest, seen.excused]))
