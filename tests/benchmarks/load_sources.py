"""The same list as Parquet, as CSV and as a table of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.faults.lead_world import HEADER, row

#: Rows of a row group, and of a copy into a table.
_PART = 50_000


def write_sources(folder: Path, rows: int, dsn: str | None) -> dict[str, str]:
    """Write them; return the location of each.

    :param dsn: of a PostgreSQL; None omits the table
    """
    import pyarrow
    import pyarrow.parquet

    columns = HEADER.split(",")
    csv, parquet = folder / f"leads-{rows}.csv", folder / f"leads-{rows}.parquet"
    schema = pyarrow.schema([(column, pyarrow.string()) for column in columns])
    with csv.open("w") as file, pyarrow.parquet.ParquetWriter(parquet, schema) as writer:
        file.write(f"{HEADER}\n")
        for part in _parts(rows):
            file.write("\n".join(part) + "\n")
            cells = zip(*(line.split(",") for line in part), strict=True)
            writer.write_table(pyarrow.table([list(column) for column in cells], schema=schema))
    found = {"Parquet": str(parquet), "CSV": str(csv)}
    if dsn is not None:
        _copy(csv, dsn, f"leads_{rows}", columns)
        found["PostgreSQL"] = f"{dsn} leads_{rows}"
    return found


def _parts(rows: int) -> Iterator[list[str]]:
    for first in range(0, rows, _PART):
        yield [row(number) for number in range(first, min(first + _PART, rows))]


def _copy(csv: Path, dsn: str, table: str, columns: list[str]) -> None:
    import psycopg2

    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor, csv.open() as file:
        typed = ", ".join(f'"{column}" text' for column in columns)
        cursor.execute(f"CREATE TABLE {table} ({typed})")
        cursor.copy_expert(f"COPY {table} FROM STDIN WITH (FORMAT csv, HEADER)", file)
    connection.close()
