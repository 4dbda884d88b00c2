"""Child processes: start, health check, and termination with all their descendants."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

_READY_SECONDS = 30.0
_POLL_SECONDS = 0.05


class Child:
    """A child process in its own process group.

    :param log: file for its output; appended to on every start
    :param user: user to run as; None for the current user
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._command = [str(part) for part in command]
        self._env = env
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The most recently started process."""
        if self._process is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._process

    def start(self) -> None:
        """Start the process without waiting for it to be ready."""
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **as_user(self._user),
            )

    def check(self, activity: str) -> None:
        """Raise RuntimeError with the end of the log if the process has exited."""
        if (code := self.process.poll()) is not None:
            raise RuntimeError(f"{self.name} exited with code {code} while {activity}:\n{self.tail()}")

    def tail(self, lines: int = 40) -> str:
        """Return the last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_ready(self, ready: Callable[[], bool], seconds: float = _READY_SECONDS) -> None:
        """Wait until ``ready`` returns True.

        :raises RuntimeError: if the process exits
        :raises TimeoutError: if it is not ready in time
        """
        deadline = time.monotonic() + seconds
        while not ready():
            self.check("starting")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} was not ready within {seconds:.0f} s:\n{self.tail()}")
            time.sleep(_POLL_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 10.0) -> None:
        """Send a signal; kill the process and its descendants if they are still running after ``seconds``."""
        stop_all([self], number, seconds)

    def kill(self) -> None:
        """Kill it, to simulate a crash."""
        stop_all([self], signal.SIGKILL)


def stop_all(
    children: Sequence[Child], number: signal.Signals = signal.SIGTERM, seconds: float = 10.0
) -> None:
    """Signal all of them; kill processes and descendants that are still running after ``seconds``."""
    started = [child.process for child in children if child._process is not None]
    # Some programs put children into their own groups; collect them before their parents exit.
    family = [member for process in started for member in _family(process)]
    for process in started:
        _signal_group(process, number)
    if number == signal.SIGKILL:
        _kill(family)
    _, alive = psutil.wait_procs(family, timeout=seconds)
    for process in started:
        _signal_group(process, signal.SIGKILL)
    _kill(alive)
    psutil.wait_procs(alive, timeout=seconds)
    for process in started:
        process.wait(seconds)


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def free_ports(count: int) -> list[int]:
    """Return free ports on loopback."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def as_user(user: str | None) -> dict[str, Any]:
    """Return the :mod:`subprocess` options for running a program as another user."""
    return {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
