"""How long an event loop was held by what it ran, told apart from a machine that was busy with other things.

On the loop a heart beats; a thread looks on. A beat that comes late is a hold, less the time in which the
thread itself was kept waiting while the process got no CPU time: nothing in it ran then, so nothing in it
held the loop. A call that keeps the interpreter's lock keeps the thread waiting too, but uses CPU time: it
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

#: Seconds between two beats, and between two looks of the thread.
_BEAT = 0.005
_LOOK = 0.005
#: A thread always wakes a little late, and most collections of garbage are short.
_WORTH_NOTING = 0.001
#: A hold of so many seconds is worth a look at what runs in it.
_WORTH_A_STACK = 0.02


@dataclass(frozen=True, slots=True)
class _Pause:
    """Seconds within a stretch of time, in which something else went on."""

    began: float
    ended: float
    seconds: float


class LoopWatch:
    """Watch a running event loop, from any thread, as a context manager.

    .. code-block:: python

        with LoopWatch(asyncio.get_running_loop()) as watch:
            await something()
        assert watch.longest < 0.1, watch.stack

    :ivar longest: seconds of the longest hold
    :ivar stack: what ran in the longest hold, innermost call last; empty when it was too short to be seen
    :ivar working: seconds of the longest hold with garbage collection left out: how long a full collection
        takes is a matter of all that the process has loaded, and not of what allocates next
    :ivar working_stack: what ran in that one
    :ivar excused: seconds in which the process did not get to run, all together
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
        self._seen: tuple[float, list[str]] = (0.0, [])
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="loop-watch", daemon=True)

    def __enter__(self) -> Self:
        self._due = time.monotonic()
        gc.callbacks.append(self._note_collection)
        self._loop.call_soon_threadsafe(self._beat)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        gc.callbacks.remove(self._note_collection)
        # A hold that lasts to this very end has had no beat after it.
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

    def _note_collection(self, phase: str, info: object) -> None:
        now = time.monotonic()
        if phase == "start":
            self._collecting_since = now
        elif (seconds := now - self._collecting_since) > _WORTH_NOTING:
            self._collections.append(_Pause(self._collecting_since, now, seconds))

    def _look_on(self) -> None:
        looked, used = time.monotonic(), time.process_time()
        while not self._over.wait(_LOOK):
            now, used_now = time.monotonic(), time.process_time()
            paused = (now - looked - _LOOK) - (used_now - used)
            if paused > _WORTH_NOTING:
                self.excused += paused
                self._pauses.append(_Pause(looked, now, paused))
            self._judge()
            if now - self._due > max(self.working, _WORTH_A_STACK):
                self._seen = (self._due, _stack(sys._current_frames().get(self._loop_thread)))
            looked, used = now, used_now

    def _judge(self) -> None:
        while self._late:
            due, came = self._late.popleft()
            hold = came - due - _within(self._pauses, due, came)
            working = hold - _within(self._collections, due, came)
            seen_due, stack = self._seen
            if hold > self.longest:
                self.longest, self.stack = hold, stack if seen_due == due else []
            if working > self.working:
                self.working, self.working_stack = working, stack if seen_due == due else []


def _within(pauses: deque[_Pause], began: float, ended: float) -> float:
    """Return seconds of the pauses within a stretch of time; forget those before it."""
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
