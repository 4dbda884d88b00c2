"""Real processes that start at the same time."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

#: Processes are forked from a server with these modules loaded: they start within milliseconds.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["airflow_provider_engagevoice.client.client", "redis", "cryptography.fernet"]
)


class Member:
    """A process that is ready to run ``function``."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_work, args=(theirs, function, arguments), daemon=True)
        self._process.start()
        theirs.close()
        assert self._receive(60) == "ready"

    def go(self) -> None:
        """Start the function."""
        self._pipe.send("go")

    def result(self, seconds: float = 60) -> Any:
        """Return the function's result, within ``seconds``."""
        right, value = self._receive(seconds)
        assert right, value
        return value

    def kill(self) -> None:
        """Kill the process by SIGKILL, without any cleanup."""
        if self._process.pid is not None and self._process.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()

    def _receive(self, seconds: float) -> Any:
        assert self._pipe.poll(seconds), f"no message from a process for {seconds} s"
        return self._pipe.recv()


@contextmanager
def crew(count: int, function: Callable[..., Any], *arguments: Any) -> Iterator[list[Member]]:
    """Run ``count`` processes; those left at the end are killed."""
    with ExitStack() as stack:
        members = []
        for _ in range(count):
            members.append(Member(function, *arguments))
            stack.callback(members[-1].kill)
        yield members


def together(jobs: list[tuple[Any, ...]], seconds: float = 60) -> list[Any]:
    """Run jobs, each a function and its arguments, in processes that start together; return the results."""
    with ExitStack() as stack:
        members = []
        for job in jobs:
            members.append(Member(*job))
            stack.callback(members[-1].kill)
        for member in members:
            member.go()
        return [member.result(seconds) for member in members]


def _work(pipe: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    pipe.send("ready")
    pipe.recv()
    try:
        result = True, function(*arguments)
    except BaseException as error:
        result = False, f"{type(error).__name__}: {error}"
    pipe.send(result)
