"""A Redis server of the tests' own, on loopback, that can be killed and started again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import pytest
import redis

PROGRAM = shutil.which("redis-server")


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class RedisProcess:
    """A context manager; the server keeps nothing on disk, so a restart loses all.

    :param folder: where it may write
    :param password: needed to connect, where one is given
    """

    def __init__(self, folder: Path, password: str = "") -> None:
        if PROGRAM is None:
            pytest.skip("redis-server is not installed")
        self._folder = folder
        self._password = password
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server's URL, with its password."""
        user = f":{quote(self._password, safe='')}@" if self._password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        """A new client, to look at what is stored."""
        return redis.Redis(port=self.port, password=self._password or None)

    def start(self) -> None:
        """Start, and return when it answers."""
        assert PROGRAM is not None
        options = {
            "--port": str(self.port),
            "--bind": "127.0.0.1",
            "--save": "",
            "--appendonly": "no",
            "--dir": str(self._folder),
        } | ({"--requirepass": self._password} if self._password else {})
        arguments = [word for pair in options.items() for word in pair]
        self._process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.DEVNULL)
        ends = time.monotonic() + 30
        while True:
            try:
                self.client.ping()
                return
            except redis.ConnectionError:
                assert self._process.poll() is None, "redis-server has ended"
                assert time.monotonic() < ends, "redis-server does not answer"
                time.sleep(0.02)

    def kill(self) -> None:
        """Kill it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> RedisProcess:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()
