"""Task attempts as processes, forked in milliseconds from one that has imported everything.

The fork server is a separate program with a single thread, so that no attempt inherits the lock of
another thread: the sandbox of the test runs in a thread of the calling process.
"""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

_ROOT = Path(__file__).parents[2]
_LONGEST_MESSAGE = 1 << 16
#: Variable of an attempt's environment: the file of the clock that all attempts and the sandbox share.
CLOCK = "ENGAGEVOICE_TEST_CLOCK"


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended.

    :param killed: whether a signal killed it
    :param result: what the operator returned
    :param error: type of the exception, or of its cause if the operator wrapped one
    """

    killed: bool = False
    result: Mapping[str, Any] | None = None
    error: str | None = None
    text: str = ""


class Process:
    """A forked attempt that is not reaped yet, so that its pid is not reused."""

    def __init__(self, pid: int, answer: Path) -> None:
        self.pid = pid
        self.answer = answer
        self._fd = os.pidfd_open(pid)

    def fileno(self) -> int:
        """Return a file descriptor that becomes readable when the attempt has ended."""
        return self._fd

    def has_ended(self, seconds: float = 0.0) -> bool:
        """Return whether it has ended, after waiting up to ``seconds``."""
        return bool(select.select([self], [], [], seconds)[0])

    def send(self, what: signal.Signals) -> None:
        """Send a signal; does nothing if the process has ended."""
        os.kill(self.pid, what)

    def close(self) -> None:
        """Close its file descriptor."""
        os.close(self._fd)


class ForkServer:
    """Fork attempts; a context manager."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="engagevoice-attempts-")
        self._count = 0

    def __enter__(self) -> Self:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        home = str(self.folder("airflow"))
        with theirs:
            self._program = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.forking", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=_ROOT,
                env={
                    **os.environ,
                    "AIRFLOW_HOME": home,
                    "AIRFLOW__CORE__DAGS_FOLDER": home,
                    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                    "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
                    # The sandbox of these runs has no limits: no rate limit applies.
                    "AIRFLOW__ENGAGEVOICE__BUDGETS": "off",
                    "XDG_CACHE_HOME": home,
                    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
                },
            )
        self._socket = ours
        assert self._receive() == "ready"
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()
        self._program.wait()
        self._folder.cleanup()

    def folder(self, name: str) -> Path:
        """Return a folder with this name that exists as long as this server."""
        path = Path(self._folder.name) / name
        path.mkdir(exist_ok=True)
        return path

    def start(self, operator: str, arguments: Mapping[str, Any], environment: Mapping[str, str]) -> Process:
        """Fork an attempt that runs ``execute`` of an operator."""
        self._count += 1
        answer = self.folder("answers") / str(self._count)
        self._send(
            {
                "operator": operator,
                "arguments": dict(arguments),
                "environment": dict(environment),
                "answer": str(answer),
            }
        )
        return Process(int(self._receive()), answer)

    def end(self, process: Process) -> Ended:
        """Wait for an attempt and reap it."""
        process.has_ended(None)
        self._send({"reap": process.pid})
        status = int(self._receive())
        process.close()
        if os.WIFSIGNALED(status):
            return Ended(killed=True)
        if not process.answer.exists():
            return Ended(error="Nothing", text="it ended without a result")
        return Ended(**json.loads(process.answer.read_text()))

    def _send(self, message: Any) -> None:
        self._socket.send(json.dumps(message).encode())

    def _receive(self) -> Any:
        return json.loads(self._socket.recv(_LONGEST_MESSAGE))


def _attempt(operator: str, arguments: Mapping[str, Any], environment: Mapping[str, str]) -> Ended:
    """Run a task as a worker does, with a context, and return how it ended."""
    from airflow.providers.common.compat.sdk import AirflowFailException

    from airflow_provider_engagevoice import clock
    from airflow_provider_engagevoice.operators import campaigns
    from tests.support.clocks import SharedClock

    os.environ.update(environment)
    task = getattr(campaigns, operator)(**arguments)
    ti = SimpleNamespace(
        dag_id="kills",
        task_id="it",
        run_id="run",
        map_index=-1,
        try_number=2,
        max_tries=2,
        xcom_push=lambda key, value: None,
    )
    context: Any = {"ti": ti}
    try:
        with clock.use(SharedClock(Path(os.environ[CLOCK]))):
            return Ended(result=task.execute(context))
    except Exception as error:
        real = (error.__context__ if isinstance(error, AirflowFailException) else None) or error
        return Ended(error=type(real).__name__, text=str(real))


def _silence_logs() -> None:
    """Disable logging: hundreds of attempts would flood the output."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _import_everything() -> None:
    """Import and load everything, so that attempts do not have to."""
    from airflow_provider_engagevoice.campaigns import spec  # noqa: F401
    from airflow_provider_engagevoice.dates import read_zone
    from airflow_provider_engagevoice.hooks.engagevoice import EngageVoiceHook
    from tests.support.connections import jwt_connection

    read_zone("America/Los_Angeles")
    os.environ["AIRFLOW_CONN_ENGAGEVOICE_DEFAULT"] = jwt_connection("http://127.0.0.1:9")
    hook = EngageVoiceHook()
    hook.get_conn()
    hook.close()
    assert threading.active_count() == 1, "a fork would inherit the locks of other threads"


def _serve(requests: socket.socket) -> None:
    """Fork attempts on request until the connection is closed."""
    living: set[int] = set()
    while message := requests.recv(_LONGEST_MESSAGE):
        order = json.loads(message)
        if "reap" in order:
            living.discard(order["reap"])
            requests.send(json.dumps(os.waitpid(order["reap"], 0)[1]).encode())
            continue
        answer = Path(order.pop("answer"))
        pid = os.fork()
        if pid == 0:
            try:
                requests.close()
                _silence_logs()
                answer.write_text(json.dumps(asdict(_attempt(**order))))
            finally:
                os._exit(0)
        living.add(pid)
        requests.send(json.dumps(pid).encode())
    for pid in living:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    _import_everything()
    with socket.socket(fileno=int(sys.argv[1])) as _requests:
        _requests.send(json.dumps("ready").encode())
        _serve(_requests)
