"""How far a load is: a line in the log every few seconds, and a bar in a terminal."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_engagevoice.sharing.place import Rate

log = logging.getLogger(__name__)

_EVERY_SECONDS = 5.0


class LoadProgress:
    """Tells of leads that are done. Use it as a context manager.

    :param rates: the budget that the load draws on; none when there is no limit
    """

    def __init__(self, rates: Sequence[Rate]) -> None:
        self._per_second = min((rate.permits / rate.seconds for rate in rates), default=0.0)
        self._stack = ExitStack()
        self._bar: Any = None
        self._began = self._told = time.monotonic()
        self._first: int | None = None
        self._chunks = 0

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            bar = self._stack.enter_context(Progress(console=Console(stderr=True)))
            self._bar = (bar, bar.add_task("leads", total=None))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def tell(self, done: int, total: int) -> None:
        """Take note of a chunk.

        :param done: leads that are in or refused, of all attempts
        :param total: leads there are
        """
        if self._first is None:
            self._first = done
        self._chunks += 1
        if self._bar is not None:
            bar, task = self._bar
            bar.update(task, completed=done, total=total)
        now = time.monotonic()
        if now - self._told < _EVERY_SECONDS and done < total:
            return
        self._told = now
        seconds = max(now - self._began, 1e-9)
        rate = max(done - self._first, 1) / seconds
        share = f", {self._chunks / seconds / self._per_second:.0%} of the budget" if self._per_second else ""
        left = f", {(total - done) / rate:.0f} s left" if done < total else ""
        log.info("%d of %d leads done, %.0f a second%s%s", done, total, rate, share, left)
