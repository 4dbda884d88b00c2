"""Non-Python programs for tests: a Redis and a PostgreSQL on loopback with temporary data, and the browser of
:mod:`tests.support.browser`.

``python -m tests.support.services`` lists missing programs; ``--install`` installs them (Debian or a
derivative, as root).
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.support.child import Child, as_user, free_ports

if TYPE_CHECKING:
    import redis

#: Debian package → a program that it provides.
PROGRAMS = {"redis-server": "redis-server", "postgresql": "initdb", "chromium": "chromium"}
#: The Python package that tests talk to it by, where there is one.
_CLIENTS = {"redis-server": "redis", "postgresql": "psycopg2"}


class RedisServer(Child):
    """A Redis that loses its data when stopped; ``start_again`` reuses its port.

    :ivar url: URL of database 0; see :meth:`database` for others
    """

    def __init__(self, folder: Path, *, port: int | None = None, password: str | None = None) -> None:
        self.port = port or free_ports(1)[0]
        self._password = password
        self.url = self.database(0)
        settings = folder / "redis.conf"
        settings.touch(0o600)
        settings.write_text(
            f'bind 127.0.0.1\nport {self.port}\ndir "{folder}"\nsave ""\nappendonly no\n'
            + (f'requirepass "{password}"\n' if password else "")
        )
        super().__init__("redis-server", [program("redis-server"), settings], folder / "redis.log")

    def database(self, number: int) -> str:
        """Return the URL of one of its 16 databases."""
        user = f":{quote(self._password, safe='')}@" if self._password else ""
        return f"redis://{user}127.0.0.1:{self.port}/{number}"

    @property
    def client(self) -> redis.Redis:
        """A new client for inspecting the stored data."""
        import redis

        return redis.Redis.from_url(self.url)

    def start_again(self) -> None:
        """Start, and return once it responds."""
        self.start()
        self.wait_ready(self._is_ready)

    def _is_ready(self) -> bool:
        auth = f"AUTH {self._password}\r\n" if self._password else ""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(f"{auth}PING\r\n".encode())
            response = b""
            while chunk := connection.recv(1024):
                response += chunk
                if b"+PONG\r\n" in response:
                    return True
                if b"-" in response:
                    break
        return False


@contextmanager
def redis_server(
    folder: Path, *, port: int | None = None, password: str | None = None
) -> Iterator[RedisServer]:
    """Run a Redis.

    :param folder: existing folder for its configuration and log
    :param port: None selects a free port
    :param password: None disables authentication
    """
    server = RedisServer(folder, port=port, password=password)
    try:
        server.start_again()
        yield server
    finally:
        server.stop()


class PostgresServer(Child):
    """A PostgreSQL with one user and one database, without durability.

    :ivar dsn: ``postgresql://…``, for drivers
    :ivar url: ``postgresql+psycopg2://…``, for SQLAlchemy
    """

    def __init__(self, folder: Path, data: Path, password: str) -> None:
        self.port = free_ports(1)[0]
        self.dsn = f"postgresql://airflow:{password}@127.0.0.1:{self.port}/postgres"
        self.url = self.dsn.replace("postgresql:", "postgresql+psycopg2:", 1)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "300",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [program("postgres"), "-D", data, *arguments]
        super().__init__("postgres", command, folder / "postgres.log", user=_postgres_user())

    def start_again(self) -> None:
        """Start, and return once it accepts connections."""
        self.start()
        self.wait_ready(self._is_ready)

    def stop(self, number: signal.Signals = signal.SIGINT, seconds: float = 10.0) -> None:
        """Stop it, as :meth:`Child.stop`: SIGINT disconnects clients, SIGTERM waits for them."""
        super().stop(number, seconds)

    def _is_ready(self) -> bool:
        command = [program("pg_isready"), "-q", "-t", "1", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0


@contextmanager
def postgres_server(folder: Path) -> Iterator[PostgresServer]:
    """Run a PostgreSQL, as user ``postgres`` if this process runs as root, which PostgreSQL does not support.

    :param folder: existing folder for its data and log; as root, the data are in a separate temporary folder,
        because user ``postgres`` may not have access to ``folder``
    """
    user = _postgres_user()
    password = secrets.token_hex(16)
    with ExitStack() as stack:
        prefix = "engagevoice-postgres-"
        parent = None if user else folder
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix, dir=parent)))
        secret = data / "password"
        secret.touch(0o600)
        secret.write_text(password)
        if user:
            for path in (data, secret):
                shutil.chown(path, user)
        options = ["--username=airflow", f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8"]
        initdb = subprocess.run(
            [program("initdb"), "-D", data / "cluster", *options, "--locale=C", "--no-sync"],
            capture_output=True,
            text=True,
            check=False,
            cwd=data,
            **as_user(user),
        )
        if initdb.returncode:
            raise RuntimeError(
                f"initdb failed with exit code {initdb.returncode}:\n{initdb.stdout}{initdb.stderr}"
            )
        server = PostgresServer(folder, data / "cluster", password)
        stack.callback(server.stop)
        server.start_again()
        yield server


def program(name: str) -> str:
    """Return the path of a program; of several PostgreSQL versions, the newest.

    :raises FileNotFoundError: if it is not installed
    """
    newest_first = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: [int(part) for part in re.findall(r"\d+", folder.parent.name)],
        reverse=True,
    )
    found = shutil.which(name, path=os.pathsep.join([*map(str, newest_first), os.environ.get("PATH", "")]))
    if found is None:
        raise FileNotFoundError(f"{name} is not installed; see python -m tests.support.services")
    return found


def missing_programs(*packages: str) -> list[str]:
    """Return the Debian packages, of those given or of all, that are missing or whose Python client is."""

    def is_missing(name: str) -> bool:
        with suppress(FileNotFoundError):
            return not program(name)
        return True

    return [
        package
        for package in packages or PROGRAMS
        if is_missing(PROGRAMS[package]) or not find_spec(_CLIENTS.get(package, "os"))
    ]


def _postgres_user() -> str | None:
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return "nobody"


def install(packages: Sequence[str]) -> None:
    """Install Debian packages as root, without starting services or creating a database cluster."""
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}

    def apt_get(*arguments: str) -> None:
        subprocess.run(["apt-get", "-q", *arguments], env=env, check=True)

    add = ("install", "-y", "--no-install-recommends")
    with ExitStack() as stack:
        policy = Path("/usr/sbin/policy-rc.d")
        if not policy.exists():
            stack.enter_context(_temporary_text(policy, "#!/bin/sh\nexit 101\n"))
            policy.chmod(0o755)
        apt_get("update")
        if "postgresql" in packages:
            apt_get(*add, "postgresql-common")
            settings = Path("/etc/postgresql-common/createcluster.conf")
            text = settings.read_text() if settings.exists() else ""
            stack.enter_context(_temporary_text(settings, f"{text}\ncreate_main_cluster = false\n"))
        apt_get(*add, *packages)


@contextmanager
def _temporary_text(path: Path, text: str) -> Iterator[None]:
    """Write a text to a file; restore or remove the file at the end."""
    before = path.read_bytes() if path.exists() else None
    path.write_text(text)
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)


def main(arguments: Sequence[str]) -> int:
    """List missing programs, or install them; return the exit code."""
    missing = missing_programs()
    if not missing:
        print(f"installed: {', '.join(PROGRAMS)}")
        return 0
    command = f"apt-get install {' '.join(missing)}"
    if "--install" not in arguments:
        print(
            f"missing: {', '.join(missing)}; as root: {command}, "
            "or python -m tests.support.services --install"
        )
        return 1
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"missing: {', '.join(missing)}; --install requires root and apt-get: {command}")
        return 1
    install(missing)
    if still_missing := missing_programs():
        print(f"still missing after the installation: {', '.join(still_missing)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
