"""How far a load is: a line in the log every few seconds, and a bar in a terminal."""

from __future__ import annotations

import logging
import sys
from collections import deque
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.control import Control
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.segment import ControlType

from airflow_provider_engagevoice import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_engagevoice.stores.base import Rate


log = logging.getLogger(__name__)


class Bar:
    """A line on standard error that is drawn anew ten times a second. Use it as a context manager."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.completed:,} of {task.total:,} leads"),
            BarColumn(bar_width=None),
            TextColumn("{task.description}"),
            console=console,
            # What goes elsewhere is not in the way, and has to get there.
            redirect_stdout=sys.stdout.isatty(),
            expand=True,
        )
        self._task: TaskID | None = None
        self._way_maker = _WayMaker(console)

    def __enter__(self) -> Self:
        self._progress.start()
        # Handlers are asked in their order, so that this one has made way before another writes.
        logging.getLogger().handlers.insert(0, self._way_maker)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger().removeHandler(self._way_maker)
        self._progress.stop()

    def show(self, done: int, total: int, words: str) -> None:
        """Show how many leads are done.

        :param words: what else there is to say
        """
        if self._task is None:
            self._task = self._progress.add_task(words, completed=done, total=total)
        else:
            self._progress.update(self._task, completed=done, description=words)


class _WayMaker(logging.Handler):
    """Clears the line of the bar for what is logged; the bar is drawn again below."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Clear the line on which the cursor is."""
        self._console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))


_EVERY_SECONDS = 5.0


class LoadProgress:
    """Tells of leads that are done. Use it as a context manager.

    :param rates: the budget that the load draws on; none when there is no limit
    """

    def __init__(self, rates: Sequence[Rate]) -> None:
        self._rates = tuple(rates)
        self._stack = ExitStack()
        self._bar: Bar | None = None
        self._began = self._told = clock.monotonic()
        #: When the last chunks came to an end, as many as any rate permits.
        self._ends: deque[float] = deque(maxlen=max((rate.permits for rate in rates), default=0))
        #: Leads that were done when the first chunk was.
        self._first: int | None = None
        #: Leads in a chunk.
        self._chunk = 0

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from airflow_provider_engagevoice.leads.loading.progress import Bar

            self._bar = self._stack.enter_context(Bar())
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
        now = clock.monotonic()
        self._ends.append(now)
        if self._first is None:
            self._first = done
        elif not self._chunk:
            # Chunks are of one size, so that the second tells how many leads were in the first.
            self._chunk = done - self._first
        words = self._words(done, total, now)
        if self._bar is not None:
            self._bar.show(done, total, words)
        if now - self._told >= _EVERY_SECONDS or done == total:
            self._told = now
            log.info(", ".join(filter(None, [f"{done:,} of {total:,} leads done", words])))

    def _words(self, done: int, total: int, now: float) -> str:
        """Return the rate, the share of the budget and the time left, as far as they can be known."""
        words = []
        used = [(rate, sum(now - end < rate.seconds for end in self._ends)) for rate in self._rates]
        share = max((min(count / rate.permits, 1.0) for rate, count in used), default=None)
        per_second = 0.0
        if self._first is not None and self._chunk:
            per_second = (done - self._first + self._chunk) / (now - self._began)
            words.append(f"{per_second:,.0f} a second")
        if share is not None:
            words.append(f"{share:.0%} of the budget")
        if per_second and done < total:
            chunks = (total - done) / self._chunk
            # A load begins faster than the budget lets it go on.
            waits = [(chunks + count - rate.permits) * rate.seconds / rate.permits for rate, count in used]
            words.append(f"{max((total - done) / per_second, *waits, 0.0):,.0f} s left")
        return ", ".join(words)
