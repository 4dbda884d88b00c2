"""Sources of lead lists: object storage, databases, other tasks."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_engagevoice.exceptions import EngageVoiceError, InvalidInputError
from airflow_provider_engagevoice.leads.sources import PartitionedSource, open_source, partitions_of
from airflow_provider_engagevoice.leads.sources.base import ReadOptions, read_records, read_table
from airflow_provider_engagevoice.storage import open_path

if TYPE_CHECKING:
    from airflow_provider_engagevoice.leads.sources.base import Source

#: Rows per fetch from a database.
_FETCH_SIZE = 2000
_WILDCARD, _REPEATED = re.compile(r"[*?\[]"), re.compile(r"[*?]")
#: What a driver quotes, and long numbers.
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|=\([^()\n]*\)|\+?\d[\d .()-]{5,}\d")
#: Errors that are not retryable: those of drivers (PEP 249), and Python's for invalid parameters or values.
_PERMANENT = {"ProgrammingError", "DataError", "NotSupportedError", "TypeError", "ValueError", "LookupError"}


class QueryError(EngageVoiceError):
    """A database cannot be reached, or a query failed.

    :param query: its name in messages
    :param error: raised by the driver; what it quotes of a row is removed
    :param sql: text of the query, None while the database is being connected
    """

    def __init__(self, query: str, error: Exception, sql: str | None = None) -> None:
        text = str(error).strip()
        if sql is not None:
            # A value that cannot be cast may be a person's. Names of columns and tables are in the query.
            text = _QUOTED.sub(lambda quoted: quoted[0] if quoted[0].strip("'\"()") in sql else "***", text)
        super().__init__(f"{query}: {type(error).__name__}: {text}")
        self.retryable = _PERMANENT.isdisjoint(kind.__name__ for kind in type(error).__mro__)


def file_sources(
    source: str | Sequence[str], *, conn_id: str | None, format: str | None, options: ReadOptions
) -> Iterator[Source]:
    """Open files one at a time; each is closed before the next one is opened.

    Folders such as ``state=CA`` in the path of a file add a column. Of several files, some may be empty.

    :param source: paths of files or folders on object storage, or globs; files are sorted by name
    :param conn_id: connection of the storage
    :raises InvalidInputError: if a path or glob matches no file
    """
    paths = [
        path for text in ([source] if isinstance(source, str) else source) for path in _paths(text, conn_id)
    ]
    if len(paths) > 1:
        options = replace(options, may_be_empty=True)
    for path in paths:
        with path.open("rb") as file:
            opened = open_source(file, str(path), format=format, options=options)
            partitions = partitions_of(str(path))
            yield PartitionedSource(opened, partitions) if partitions else opened


def record_source(records: object) -> Source:
    """Read the records that another task returned, or that the DAG file has.

    :raises InvalidInputError: if they are not an iterable of mappings
    """
    if isinstance(records, str | bytes | Mapping) or not isinstance(records, Iterable):
        raise InvalidInputError(
            "records", type(records).__name__, "give a list of mappings of column name to value"
        )
    return read_records(_mappings(records))


def _mappings(records: Iterable[object]) -> Iterator[Mapping[str, object]]:
    for number, record in enumerate(records, 1):
        # Mapped tasks return a list of what each of them returned.
        several = record if isinstance(record, list | tuple) else [record]
        for one in several:
            if not isinstance(one, Mapping):
                raise InvalidInputError(
                    f"records[{number}]",
                    type(one).__name__,
                    "each record must be a mapping of column name to value",
                )
            yield one


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
        with _driver_errors(name, sql):
            cursor.execute(sql, *([] if parameters is None else [parameters]))
            # Server-side cursors know their columns only after a fetch.
            first = cursor.fetchmany(_FETCH_SIZE)
        if cursor.description is None:
            raise InvalidInputError("sql", sql, "give a query that returns rows")
        columns = [str(column[0]) for column in cursor.description]
        yield read_table(columns, _remaining(cursor, first, name, sql), name)


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


def _remaining(cursor: Any, rows: Sequence[Any], name: str, sql: str) -> Iterator[Sequence[object]]:
    while rows:
        # Rows are mappings if the connection is configured for such cursors.
        yield from (tuple(row.values()) for row in rows) if isinstance(rows[0], Mapping) else rows
        with _driver_errors(name, sql):
            rows = cursor.fetchmany(_FETCH_SIZE)


@contextmanager
def _driver_errors(query: str, sql: str | None = None) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise QueryError(query, error, sql) from None


def _paths(text: str, conn_id: str | None) -> list[Any]:
    path = open_path(text, conn_id)
    if path.is_file():
        return [path]
    if path.is_dir():
        return _files_in(path, text)
    if _WILDCARD.search(text) is None:
        raise InvalidInputError("source", text, "file not found")
    # If brackets are no choice of characters, they may be characters in the names of files.
    for pattern in dict.fromkeys((_pattern(text, conn_id), text.replace("[", "[[]"))):
        if files := _matching(pattern, conn_id):
            return [files[name] for name in sorted(files)]
    raise InvalidInputError("source", text, "no file matches this pattern")


def _matching(pattern: str, conn_id: str | None) -> dict[str, Any]:
    """Return the files that a glob matches, by name."""
    # The folder is everything before the part of the path with the first wildcard.
    wildcard = _WILDCARD.search(pattern)
    cut = 0 if wildcard is None else pattern.rfind("/", 0, wildcard.start()) + 1
    folder = open_path(pattern[:cut] or ".", conn_id)
    named = pattern[cut:].split("/")
    matching = [
        path
        for path in folder.glob(pattern[cut:])
        if any(map(_is_hidden, named)) or not any(map(_is_hidden, path.parts[len(folder.parts) :]))
    ]
    return {str(one): one for path in matching for one in ([path] if path.is_file() else _files_below(path))}


def _pattern(text: str, conn_id: str | None) -> str:
    """Return a glob in which the brackets in the name of an existing folder are only characters."""
    wildcard = _REPEATED.search(text)
    cut = 0 if wildcard is None else text.rfind("/", 0, wildcard.start()) + 1
    if "[" in text[:cut] and open_path(text[:cut], conn_id).is_dir():
        return text[:cut].replace("[", "[[]") + text[cut:]
    return text


def _is_hidden(name: str) -> bool:
    # The last is that of a workbook that is open in Excel.
    return name.startswith(("_", ".", "~$"))


def _files_in(folder: Any, text: str) -> list[Any]:
    found = sorted(_files_below(folder), key=str)
    if not found:
        raise InvalidInputError("source", text, "the folder has no files")
    return found


def _files_below(folder: Any) -> Iterator[Any]:
    """Yield the files in a folder and its folders, but for those that Spark and Hive hide."""
    for path in folder.iterdir():
        if not _is_hidden(path.name):
            if path.is_dir():
                yield from _files_below(path)
            else:
                yield path


def chosen_sources(
    values: Mapping[str, Any], sql_parameters: Any, records: Any, *, drop_unnamed: bool
) -> Generator[Source, None, None]:
    """Yield the sources that an operator's arguments name.

    :param values: the arguments as they were read
    :param drop_unnamed: see :class:`ReadOptions`
    """
    if values["source"] is not None:
        yield from file_sources(
            values["source"],
            conn_id=values["source_conn_id"],
            format=values["source_format"],
            options=ReadOptions(
                values["encoding"], values["delimiter"], values["sheet"], drop_unnamed=drop_unnamed
            ),
        )
    elif values["sql"] is not None:
        yield from table_source(values["sql"], values["sql_conn_id"], sql_parameters)
    else:
        yield record_source(records)
