"""The bar of a load in a terminal."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.control import Control
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.segment import ControlType


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
