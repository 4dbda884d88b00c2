"""Where the rows of a lead list come from: object storage, databases, other tasks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseHook, ObjectStoragePath

from airflow_provider_engagevoice.exceptions import EngageVoiceError, InvalidInputError
from airflow_provider_engagevoice.leads.sources import open_source
from airflow_provider_engagevoice.leads.sources.base import read_records, read_table

if TYPE_CHECKING:
    from airflow_provider_engagevoice.leads.sources.base import Source

#: Rows that a database is asked for at a time.
_FETCHED = 2000
_WILDCARD = re.compile(r"[*?\[]")
#: Errors that come again: those of all drivers (PEP 249), and Python's where parameters or values do not fit.
_LASTING = {"ProgrammingError", "DataError", "NotSupportedError", "TypeError", "ValueError", "LookupError"}


class QueryError(EngageVoiceError):
    """A database cannot be reached, refuses a query or ends it.

    :param query: what the query is called
    :param error: the driver's
    """

    def __init__(self, query: str, error: Exception) -> None:
        super().__init__(f"{query}: {type(error).__name__}: {str(error).strip()}")
        self.retryable = _LASTING.isdisjoint(kind.__name__ for kind in type(error).__mro__)


def file_sources(
    source: str | Sequence[str], *, conn_id: str | None, format: str | None, encoding: str
) -> Iterator[Source]:
    """Open one file after the other; each is closed when the next one is asked for.

    :param source: paths of object storage; each may be a glob, whose files come in the order of their names
    :param conn_id: connection of the storage
    :raises InvalidInputError: when there is no such file
    """
    for text in [source] if isinstance(source, str) else source:
        for path in _paths(text, conn_id):
            with path.open("rb") as file:
                yield open_source(file, str(path), format=format, encoding=encoding)


def record_source(records: object) -> Source:
    """Read what another task returned, or a list in the DAG file.

    :raises InvalidInputError: when that is no iterable of mappings
    """
    if isinstance(records, str | bytes | Mapping) or not isinstance(records, Iterable):
        raise InvalidInputError("records", records, "give a list of mappings, column name to value")
    return read_records(_mappings(records))


def _mappings(records: Iterable[object]) -> Iterator[Mapping[str, object]]:
    for number, record in enumerate(records, 1):
        if not isinstance(record, Mapping):
            raise InvalidInputError(
                f"records[{number}]", record, "each record is a mapping of column to value"
            )
        yield record


def table_source(sql: str, conn_id: str, parameters: object = None) -> Iterator[Source]:
    """Run a query, and read its rows as they come: the database keeps the rest.

    :param conn_id: connection of any database that Airflow knows
    :raises InvalidInputError: when the connection is no database, or the query gives no rows
    :raises QueryError: when the database or its driver raises an error; so does reading the rows
    """
    connection_of: Any = BaseHook.get_connection(conn_id)
    hook = connection_of.get_hook()
    if not hasattr(hook, "get_cursor"):
        raise InvalidInputError("sql_conn_id", conn_id, "name a connection of a SQL database")
    name = f"query on {conn_id}"
    with _driver_errors(name):
        connection = hook.get_conn()
    with _ended(connection), _ended(_cursor(connection)) as cursor:
        with _driver_errors(name):
            cursor.execute(sql, *([] if parameters is None else [parameters]))
            # Cursors on the server know their columns only once something was fetched.
            first = cursor.fetchmany(_FETCHED)
        if cursor.description is None:
            raise InvalidInputError("sql", sql, "give a query that returns rows")
        columns = [str(column[0]) for column in cursor.description]
        yield read_table(columns, _fetched(cursor, first, name), name)


def _cursor(connection: Any) -> Any:
    """Return a cursor that leaves what was not fetched at the server, where the driver has such a one."""
    # Of a connection that a tracer has wrapped, __class__ is that of the driver.
    drivers = {kind.__module__.partition(".")[0] for kind in connection.__class__.__mro__}
    if drivers & {"psycopg2", "psycopg"}:
        return connection.cursor(name="engagevoice_leads")
    if "MySQLdb" in drivers:
        return connection.cursor(import_module("MySQLdb.cursors").SSCursor)
    return connection.cursor()


@contextmanager
def _ended(opened: Any) -> Iterator[Any]:
    try:
        yield opened
    finally:
        # Some drivers complain of rows that are left; that would hide why they were not read.
        with suppress(Exception):
            opened.close()


def _fetched(cursor: Any, rows: Sequence[Any], name: str) -> Iterator[Sequence[object]]:
    while rows:
        # They are mappings where the connection asks for such a cursor.
        yield from (tuple(row.values()) for row in rows) if isinstance(rows[0], Mapping) else rows
        with _driver_errors(name):
            rows = cursor.fetchmany(_FETCHED)


@contextmanager
def _driver_errors(query: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise QueryError(query, error) from error


def _paths(text: str, conn_id: str | None) -> list[Any]:
    # What comes before the first wildcard's own part of the path is a folder.
    wildcard = _WILDCARD.search(text)
    if wildcard is None:
        path = ObjectStoragePath(text, conn_id=conn_id)
        if not path.is_file():
            raise InvalidInputError("source", text, "there is no such file")
        return [path]
    cut = text.rfind("/", 0, wildcard.start()) + 1
    folder = ObjectStoragePath(text[:cut] or ".", conn_id=conn_id)
    found = sorted((path for path in folder.glob(text[cut:]) if path.is_file()), key=str)
    if not found:
        raise InvalidInputError("source", text, "no file fits this pattern")
    return found
