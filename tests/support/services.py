"""Programs that are no Python: a real Redis and a real PostgreSQL, on loopback, their data thrown away; and
the browser that :mod:`tests.support.browser` drives.

``python -m tests.support.services`` tells what is missing on this machine; with ``--install`` it installs
that (Debian and its kin, as root).
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

#: Debian package → the program that shows it is there.
PROGRAMS = {"redis-server": "redis-server", "postgresql": "initdb", "chromium": "chromium"}
#: The Python package that tests talk to it by, where there is one.
_CLIENTS = {"redis-server": "redis", "postgresql": "psycopg2"}


class RedisServer(Child):
    """A Redis. It keeps nothing over a stop; ``start_again`` serves the same port.

    :ivar url: of database 0; :meth:`database` for others
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
        """Return the URL of one of its sixteen databases."""
        user = f":{quote(self._password, safe='')}@" if self._password else ""
        return f"redis://{user}127.0.0.1:{self.port}/{number}"

    @property
    def client(self) -> redis.Redis:
        """A new client, to look at what is stored."""
        import redis

        return redis.Redis.from_url(self.url)

    def start_again(self) -> None:
        """Start, and return when it answers."""
        self.start()
        self.wait_ready(self._answers)

    def _answers(self) -> bool:
        sign_in = f"AUTH {self._password}\r\n" if self._password else ""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(f"{sign_in}PING\r\n".encode())
            answer = b""
            while chunk := connection.recv(1024):
                answer += chunk
                if b"+PONG\r\n" in answer:
                    return True
                if b"-" in answer:
                    break
        return False


@contextmanager
def redis_server(
    folder: Path, *, port: int | None = None, password: str | None = None
) -> Iterator[RedisServer]:
    """Run a Redis.

    :param folder: an existing folder for its settings and its log
    :param port: None takes a free one
    :param password: None lets every program of this machine in
    """
    server = RedisServer(folder, port=port, password=password)
    try:
        server.start_again()
        yield server
    finally:
        server.stop()


class PostgresServer(Child):
    """A PostgreSQL with one user and one database, tuned to be thrown away.

    :ivar dsn: ``postgresql://…``, as drivers take it
    :ivar url: ``postgresql+psycopg2://…``, as SQLAlchemy takes it
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
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [program("postgres"), "-D", data, *given]
        super().__init__("postgres", command, folder / "postgres.log", user=_postgres_user())

    def start_again(self) -> None:
        """Start, and return when it takes connections."""
        self.start()
        self.wait_ready(self._answers)

    def stop(self, number: signal.Signals = signal.SIGINT, seconds: float = 10.0) -> None:
        """End it, as :meth:`Child.stop`; by SIGINT at once, by SIGTERM when its clients have gone."""
        super().stop(number, seconds)

    def _answers(self) -> bool:
        asked = [program("pg_isready"), "-q", "-t", "1", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0


@contextmanager
def postgres_server(folder: Path) -> Iterator[PostgresServer]:
    """Run a PostgreSQL; as user ``postgres`` where this process is root, which PostgreSQL refuses to be.

    :param folder: an existing folder for its data and its log. As root the data are in a folder of their
        own, because user ``postgres`` may not be able to reach ``folder``.
    """
    user = _postgres_user()
    password = secrets.token_hex(16)
    with ExitStack() as stack:
        prefix = "engagevoice-postgres-"
        place = None if user else folder
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix, dir=place)))
        secret = data / "password"
        secret.touch(0o600)
        secret.write_text(password)
        if user:
            for path in (data, secret):
                shutil.chown(path, user)
        options = ["--username=airflow", f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8"]
        made = subprocess.run(
            [program("initdb"), "-D", data / "cluster", *options, "--locale=C", "--no-sync"],
            capture_output=True,
            text=True,
            check=False,
            cwd=data,
            **as_user(user),
        )
        if made.returncode:
            raise RuntimeError(f"initdb ended with {made.returncode}:\n{made.stdout}{made.stderr}")
        server = PostgresServer(folder, data / "cluster", password)
        stack.callback(server.stop)
        server.start_again()
        yield server


def program(name: str) -> str:
    """Return a program's path, PostgreSQL's newest of several; FileNotFoundError if there is none."""
    newest_first = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: [int(part) for part in re.findall(r"\d+", folder.parent.name)],
        reverse=True,
    )
    found = shutil.which(name, path=os.pathsep.join([*map(str, newest_first), os.environ.get("PATH", "")]))
    if found is None:
        raise FileNotFoundError(
            f"there is no program {name}; python -m tests.support.services tells how to get it"
        )
    return found


def missing_programs(*wanted: str) -> list[str]:
    """Return the Debian packages that are missing here, or whose clients are; of those wanted or of all."""

    def is_missing(name: str) -> bool:
        with suppress(FileNotFoundError):
            return not program(name)
        return True

    return [
        package
        for package in wanted or PROGRAMS
        if is_missing(PROGRAMS[package]) or not find_spec(_CLIENTS.get(package, "os"))
    ]


def _postgres_user() -> str | None:
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return "nobody"


def install(packages: Sequence[str]) -> None:
    """Install Debian packages as root, without starting what they bring and without making a cluster."""
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}

    def apt_get(*arguments: str) -> None:
        subprocess.run(["apt-get", "-q", *arguments], env=env, check=True)

    add = ("install", "-y", "--no-install-recommends")
    with ExitStack() as stack:
        policy = Path("/usr/sbin/policy-rc.d")
        if not policy.exists():
            stack.enter_context(_text_for_now(policy, "#!/bin/sh\nexit 101\n"))
            policy.chmod(0o755)
        apt_get("update")
        if "postgresql" in packages:
            apt_get(*add, "postgresql-common")
            settings = Path("/etc/postgresql-common/createcluster.conf")
            text = settings.read_text() if settings.exists() else ""
            stack.enter_context(_text_for_now(settings, f"{text}\ncreate_main_cluster = false\n"))
        apt_get(*add, *packages)


@contextmanager
def _text_for_now(path: Path, text: str) -> Iterator[None]:
    """Have this text in a file, and what was there before, if anything, in it again at the end."""
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
    """Tell what is missing, or install it; return the exit code."""
    missing = missing_programs()
    if not missing:
        print(f"{', '.join(PROGRAMS)} are there")
        return 0
    by_hand = f"apt-get install {' '.join(missing)}"
    if "--install" not in arguments:
        print(
            f"missing: {', '.join(missing)}; as root: {by_hand}, "
            "or python -m tests.support.services --install"
        )
        return 1
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"missing: {', '.join(missing)}; installing needs root and apt-get: {by_hand}")
        return 1
    install(missing)
    if left := missing_programs():
        print(f"installed, and still missing: {', '.join(left)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
