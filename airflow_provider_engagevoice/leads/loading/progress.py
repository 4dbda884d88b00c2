"""Progress of a load: a log line every few seconds, and a bar in a terminal."""

from __future__ import annotations

import logging
import sys
from collections import deque
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from airflow_provider_engagevoice import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.progress import TaskID

    from airflow_provider_engagevoice.stores import Rate


log = logging.getLogger(__name__)


class ProgressBar:
    """A line on standard error that is redrawn ten times a second. Use it as a context manager."""

    def __init__(self) -> None:
        # Only a terminal needs these; a task's log has none.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.completed:,} of {task.total:,} leads"),
            BarColumn(bar_width=None),
            TextColumn("{task.description}"),
            console=console,
            # Output that is piped elsewhere does not disturb the bar, and must not be redirected.
            redirect_stdout=sys.stdout.isatty(),
            expand=True,
        )
        self._task: TaskID | None = None
        self._clearer = _LineClearer(console)

    def __enter__(self) -> Self:
        self._progress.start()
        # Handlers run in order: the line is cleared before any other handler writes.
        logging.getLogger().handlers.insert(0, self._clearer)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger().removeHandler(self._clearer)
        self._progress.stop()

    def update(self, done: int, total: int, description: str) -> None:
        """Show the number of leads done, with a description at the end."""
        if self._task is None:
            self._task = self._progress.add_task(description, completed=done, total=total)
        else:
            self._progress.update(self._task, completed=done, description=description)


class _LineClearer(logging.Handler):
    """Clears the bar's line for a log record; the bar is redrawn below it."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Clear the current line."""
        from rich.control import Control
        from rich.segment import ControlType

        self._console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))


_LOG_INTERVAL = 5.0


class LoadProgress:
    """Reports the leads that are done. Use it as a context manager.

    :param rates: the rate limit of the load; empty if there is none
    """

    def __init__(self, rates: Sequence[Rate]) -> None:
        self._rates = tuple(rates)
        self._stack = ExitStack()
        self._bar: ProgressBar | None = None
        self._started = self._logged = clock.monotonic()
        #: When the last chunks were done; as many as any rate permits.
        self._done_at: deque[float] = deque(maxlen=max((rate.permits for rate in rates), default=0))
        #: Leads done after the first chunk, those of earlier attempts included.
        self._first: int | None = None
        self._chunks_after_first = 0
        self._chunk_size = 0.0

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from airflow_provider_engagevoice.leads.loading.progress import ProgressBar

            self._bar = self._stack.enter_context(ProgressBar())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def update(self, done: int, total: int) -> None:
        """Report that a chunk is done.

        :param done: leads done in all attempts, rejected ones included
        """
        now = clock.monotonic()
        self._done_at.append(now)
        if self._first is None:
            self._first = done
        else:
            # The mean of all but the first, which does not show it if an earlier attempt was resumed.
            self._chunks_after_first += 1
            self._chunk_size = (done - self._first) / self._chunks_after_first
        description = self._describe(done, total, now)
        if self._bar is not None:
            self._bar.update(done, total, description)
        if now - self._logged >= _LOG_INTERVAL or done == total:
            self._logged = now
            log.info(", ".join(filter(None, [f"{done:,} of {total:,} leads done", description])))

    def _describe(self, done: int, total: int, now: float) -> str:
        """Return the throughput, the share of the rate limit in use and the time left, as far as known."""
        parts = []
        used = [(rate, sum(now - at < rate.seconds for at in self._done_at)) for rate in self._rates]
        share = max((min(count / rate.permits, 1.0) for rate, count in used), default=None)
        per_second = 0.0
        if self._first is not None and self._chunk_size and now > self._started:
            per_second = (done - self._first + self._chunk_size) / (now - self._started)
            parts.append(f"{per_second:,.0f} leads/s")
        if share is not None:
            parts.append(f"{share:.0%} of the rate limit")
        if per_second and done < total:
            chunks = (total - done) / self._chunk_size
            # A load may start faster than the rate limit allows it to continue.
            waits = [(chunks + count - rate.permits) * rate.seconds / rate.permits for rate, count in used]
            parts.append(f"{max((total - done) / per_second, *waits, 0.0):,.0f} s left")
        return ", ".join(parts)
