"""Sources of lead lists: object storage, databases, other tasks."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseHook, ObjectStoragePath

from airflow_provider_engagevoice.exceptions import EngageVoiceError, InvalidInputError
from airflow_provider_engagevoice.leads.sources import open_source
from airflow_provider_engagevoice.leads.sources.base import read_records, read_table

if TYPE_CHECKING:
    from airflow_provider_engagevoice.leads.sources.base import Source

#: Rows per fetch from a database.
_FETCH_SIZE = 2000
_WILDCARD = re.compile(r"[*?\[]")
#: Errors that are not retryable: those of drivers (PEP 249), and Python's for invalid parameters or values.
_PERMANENT = {"ProgrammingError", "DataError", "NotSupportedError", "TypeError", "ValueError", "LookupError"}


class QueryError(EngageVoiceError):
    """A database cannot be reached, or a query failed.

    :param query: its name in messages
    :param error: raised by the driver
    """

    def __init__(self, query: str, error: Exception) -> None:
        super().__init__(f"{query}: {type(error).__name__}: {str(error).strip()}")
        self.retryable = _PERMANENT.isdisjoint(kind.__name__ for kind in type(error).__mro__)


def file_sources(
    source: str | Sequence[str], *, conn_id: str | None, format: str | None, encoding: str
) -> Iterator[Source]:
    """Open files one at a time; each is closed before the next one is opened.

    :param source: paths on object storage, or globs, whose files are sorted by name
    :param conn_id: connection of the storage
    :raises InvalidInputError: if a path or glob matches no file
    """
    for text in [source] if isinstance(source, str) else source:
        for path in _paths(text, conn_id):
            with path.open("rb") as file:
                yield open_source(file, str(path), format=format, encoding=encoding)


def record_source(records: object) -> Source:
    """Read the records that another task returned, or that the DAG file has.

    :raises InvalidInputError: if they are not an iterable of mappings
    """
    if isinstance(records, str | bytes | Mapping) or not isinstance(records, Iterable):
        raise InvalidInputError("records", records, "give a list of mappings of column name to value")
    return read_records(_mappings(records))


def _mappings(records: Iterable[object]) -> Iterator[Mapping[str, object]]:
    for number, record in enumerate(records, 1):
        if not isinstance(record, Mapping):
            raise InvalidInputError(
                f"records[{number}]", record, "each record must be a mapping of column name to value"
            )
        yield record


def table_source(sql: str, conn_id: str, parameters: object = None) -> Iterator[Source]:
    """Run a query, and stream its rows.

    :param conn_id: connection of any SQL database
    :raises InvalidInputError: if the connection is not a SQL database, or the query does not return rows
    :raises QueryError: if the database or its driver raises an error, also while the rows are read
    """
    connection_of: Any = BaseHook.get_connection(conn_id)
    hook = connection_of.get_hook()
    if not hasattr(hook, "get_cursor"):
        raise InvalidInputError("sql_conn_id", conn_id, "give a connection of a SQL database")
    name = f"query on {conn_id}"
    with _driver_errors(name):
        connection = hook.get_conn()
    with _closing(connection), _closing(_cursor(connection)) as cursor:
        with _driver_errors(name):
            cursor.execute(sql, *([] if parameters is None else [parameters]))
            # Server-side cursors know their columns only after a fetch.
            first = cursor.fetchmany(_FETCH_SIZE)
        if cursor.description is None:
            raise InvalidInputError("sql", sql, "give a query that returns rows")
        columns = [str(column[0]) for column in cursor.description]
        yield read_table(columns, _remaining(cursor, first, name), name)


def _cursor(connection: Any) -> Any:
    """Return a server-side cursor if the driver has one."""
    # __class__ is the driver's even if a tracer has wrapped the connection.
    drivers = {kind.__module__.partition(".")[0] for kind in connection.__class__.__mro__}
    if drivers & {"psycopg2", "psycopg"}:
        return connection.cursor(name="engagevoice_leads")
    if "MySQLdb" in drivers:
        return connection.cursor(import_module("MySQLdb.cursors").SSCursor)
    return connection.cursor()


@contextmanager
def _closing(opened: Any) -> Iterator[Any]:
    try:
        yield opened
    finally:
        # Some drivers raise an error for unread rows, which would hide why they were not read.
        with suppress(Exception):
            opened.close()


def _remaining(cursor: Any, rows: Sequence[Any], name: str) -> Iterator[Sequence[object]]:
    while rows:
        # Rows are mappings if the connection is configured for such cursors.
        yield from (tuple(row.values()) for row in rows) if isinstance(rows[0], Mapping) else rows
        with _driver_errors(name):
            rows = cursor.fetchmany(_FETCH_SIZE)


@contextmanager
def _driver_errors(query: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise QueryError(query, error) from error


def _paths(text: str, conn_id: str | None) -> list[Any]:
    # The folder is everything before the part of the path with the first wildcard.
    wildcard = _WILDCARD.search(text)
    if wildcard is None:
        path = ObjectStoragePath(text, conn_id=conn_id)
        if not path.is_file():
            raise InvalidInputError("source", text, "file not found")
        return [path]
    cut = text.rfind("/", 0, wildcard.start()) + 1
    folder = ObjectStoragePath(text[:cut] or ".", conn_id=conn_id)
    found = sorted((path for path in folder.glob(text[cut:]) if path.is_file()), key=str)
    if not found:
        raise InvalidInputError("source", text, "no file matches this pattern")
    return found


def chosen_sources(
    values: Mapping[str, Any], sql_parameters: Any, records: Any
) -> Generator[Source, None, None]:
    """Yield the sources that an operator's arguments name.

    :param values: the arguments as they were read
    """
    if values["source"] is not None:
        yield from file_sources(
            values["source"],
            conn_id=values["source_conn_id"],
            format=values["source_format"],
            encoding=values["encoding"],
        )
    elif values["sql"] is not None:
        yield from table_source(values["sql"], values["sql_conn_id"], sql_parameters)
    else:
        yield record_source(records)
