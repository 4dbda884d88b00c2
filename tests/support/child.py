"""Programs that run beside this one: started, watched, and ended with all they have started."""

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
_LOOK_SECONDS = 0.05


class Child:
    """A program that runs beside this one, in a process group of its own.

    :param log: file that takes all it prints; later starts add to it
    :param user: user to run as; None for this process's own
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
        """The process of the last start."""
        if self._process is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._process

    def start(self) -> None:
        """Start the program, and do not wait for it to be ready."""
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

    def check(self, doing: str) -> None:
        """Raise RuntimeError with the log's last lines if the program has ended."""
        if (code := self.process.poll()) is not None:
            raise RuntimeError(f"{self.name} ended with {code} while {doing}:\n{self.tail()}")

    def tail(self, lines: int = 40) -> str:
        """Return the last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_ready(self, ready: Callable[[], bool], seconds: float = _READY_SECONDS) -> None:
        """Return as soon as ``ready`` says so; RuntimeError or TimeoutError with the log's last lines."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check("starting")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} was not ready within {seconds:.0f} s:\n{self.tail()}")
            time.sleep(_LOOK_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 10.0) -> None:
        """Ask the program to end, and end it and all it has started if it has not after ``seconds``."""
        stop_all([self], number, seconds)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        stop_all([self], signal.SIGKILL)


def stop_all(
    children: Sequence[Child], number: signal.Signals = signal.SIGTERM, seconds: float = 10.0
) -> None:
    """Ask all of them to end together; whatever runs ``seconds`` later is killed, children included."""
    started = [child.process for child in children if child._process is not None]
    # Some programs put children into groups of their own: they are found before their parents are gone.
    family = [one for process in started for one in _family(process)]
    for process in started:
        _signal_group(process, number)
    _, alive = psutil.wait_procs(family, timeout=seconds)
    for process in started:
        _signal_group(process, signal.SIGKILL)
    for survivor in alive:
        with suppress(psutil.NoSuchProcess):
            survivor.kill()
    psutil.wait_procs(alive, timeout=seconds)
    for process in started:
        process.wait(seconds)


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody listens on."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def as_user(user: str | None) -> dict[str, Any]:
    """Return the options of :mod:`subprocess` that run a program as somebody else."""
    return {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
