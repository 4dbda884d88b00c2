"""A progress bar in a terminal."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.control import Control
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.segment import ControlType


class ProgressBar:
    """A line on standard error that is redrawn ten times a second. Use it as a context manager."""

    def __init__(self) -> None:
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
        self._console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))
