"""How long an event loop was blocked by what ran on it, as opposed to a machine that was busy otherwise.

A heartbeat runs on the loop, and a thread checks it. A late beat is a block, minus the time in which the
thread itself was kept waiting while the process got no CPU time: nothing in it ran then, so nothing in it
blocked the loop. A call that keeps the interpreter's lock keeps the thread waiting too, but uses CPU time: it
counts.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Self

#: Seconds between two beats, and between two checks by the thread.
_BEAT = 0.005
_CHECK = 0.005
#: A thread always wakes a little late, and most garbage collections are short.
_RELEVANT = 0.001
#: From this number of seconds on, the stack of a block is recorded.
_STACK_FROM = 0.02


@dataclass(frozen=True, slots=True)
class _Pause:
    """Seconds within a period, in which something else ran."""

    began: float
    ended: float
    seconds: float


class LoopWatch:
    """Watch a running event loop, from any thread, as a context manager.

    .. code-block:: python

        with LoopWatch(asyncio.get_running_loop()) as watch:
            await something()
        assert watch.longest < 0.1, watch.stack

    :ivar longest: seconds of the longest block
    :ivar stack: what ran in the longest block, innermost call last; empty if it was too short to be recorded
    :ivar working: seconds of the longest block without garbage collection: how long a full collection
        takes depends on everything that the process has loaded, and not on what allocates next
    :ivar working_stack: what ran in that one
    :ivar excused: total seconds in which the process did not get to run
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.longest = 0.0
        self.stack: list[str] = []
        self.working = 0.0
        self.working_stack: list[str] = []
        self.excused = 0.0
        self._loop = loop
        self._loop_thread = 0
        self._due = 0.0
        self._next: asyncio.TimerHandle | None = None
        self._late: deque[tuple[float, float]] = deque()
        self._pauses: deque[_Pause] = deque()
        self._collections: deque[_Pause] = deque()
        self._collecting_since = 0.0
        self._last_stack: tuple[float, list[str]] = (0.0, [])
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._observe, name="loop-watch", daemon=True)

    def __enter__(self) -> Self:
        self._due = time.monotonic()
        gc.callbacks.append(self._record_collection)
        self._loop.call_soon_threadsafe(self._beat)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        gc.callbacks.remove(self._record_collection)
        # There is no beat after a block that lasts to this very end.
        self._late.append((self._due, time.monotonic()))
        self._judge()
        self._loop.call_soon_threadsafe(self._stop_beating)

    def _beat(self) -> None:
        now = time.monotonic()
        self._loop_thread = threading.get_ident()
        self._late.append((self._due, now))
        self._due = now + _BEAT
        self._next = self._loop.call_at(self._due, self._beat)

    def _stop_beating(self) -> None:
        if self._next is not None:
            self._next.cancel()

    def _record_collection(self, phase: str, info: object) -> None:
        now = time.monotonic()
        if phase == "start":
            self._collecting_since = now
        elif (seconds := now - self._collecting_since) > _RELEVANT:
            self._collections.append(_Pause(self._collecting_since, now, seconds))

    def _observe(self) -> None:
        checked, used = time.monotonic(), time.process_time()
        while not self._over.wait(_CHECK):
            now, used_now = time.monotonic(), time.process_time()
            paused = (now - checked - _CHECK) - (used_now - used)
            if paused > _RELEVANT:
                self.excused += paused
                self._pauses.append(_Pause(checked, now, paused))
            self._judge()
            if now - self._due > max(self.working, _STACK_FROM):
                self._last_stack = (self._due, _stack(sys._current_frames().get(self._loop_thread)))
            checked, used = now, used_now

    def _judge(self) -> None:
        while self._late:
            due, came = self._late.popleft()
            blocked = came - due - _within(self._pauses, due, came)
            working = blocked - _within(self._collections, due, came)
            seen_due, stack = self._last_stack
            if blocked > self.longest:
                self.longest, self.stack = blocked, stack if seen_due == due else []
            if working > self.working:
                self.working, self.working_stack = working, stack if seen_due == due else []


def _within(pauses: deque[_Pause], began: float, ended: float) -> float:
    """Return seconds of the pauses within a period; drop those before it."""
    while pauses and pauses[0].ended <= began:
        pauses.popleft()
    return sum(
        min(pause.seconds, min(ended, pause.ended) - max(began, pause.began))
        for pause in pauses.copy()
        if pause.began < ended
    )


def _stack(frame: FrameType | None) -> list[str]:
    lines = []
    while frame is not None:
        code = frame.f_code
        lines.append(f"{code.co_filename}:{frame.f_lineno} {code.co_qualname}")
        frame = frame.f_back
    return lines[::-1]
