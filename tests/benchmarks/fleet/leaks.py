"""Where secrets could be stored: files of Airflow's home, its database, Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.support.services import PostgresServer, RedisServer

#: Celery's queue, and the state shared by the provider's processes.
_DATABASES = (0, 1)


def texts(home: Path, database: PostgresServer, redis: RedisServer) -> Iterator[tuple[str, str]]:
    """Yield name and content of every log, token file, table (XComs, rendered fields, triggers) and key."""
    for path in home.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(home)), path.read_bytes().decode("latin-1")
    yield from _tables(database)
    yield from _keys(redis)


def _tables(database: PostgresServer) -> Iterator[tuple[str, str]]:
    import psycopg

    with psycopg.connect(database.dsn) as connection:
        names = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        for (name,) in names:
            rows = connection.execute(f'select "{name}"::text from "{name}"').fetchall()
            yield f"table {name}", "\n".join(row for (row,) in rows)


def _keys(redis: RedisServer) -> Iterator[tuple[str, str]]:
    from redis import Redis

    for number in _DATABASES:
        with Redis.from_url(redis.database(number)) as connection:
            for key in connection.scan_iter():
                content = connection.get(key) if connection.type(key) == b"string" else connection.dump(key)
                yield f"key {key!r}", (content or b"").decode("latin-1")
