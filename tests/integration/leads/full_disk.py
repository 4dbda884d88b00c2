"""Validate leads with a limited file size.

``python -m tests.integration.leads.full_disk CASE BYTES FILE``
"""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Iterator

from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.leads.dnc_numbers import NumberSpool
from airflow_provider_engagevoice.leads.loading.spool import Spool
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.report import ValidatedRows
from airflow_provider_engagevoice.leads.sources.base import Source, read_table
from airflow_provider_engagevoice.leads.validate import LeadValidator
from airflow_provider_engagevoice.utils.reject_file import RejectFile

COLUMNS = ("externId", "leadPhone", "auxData1")
CHUNK = 500


def table(first: int, count: int) -> Source:
    """Make rows with consecutive phones."""
    return read_table(COLUMNS, ((f"C-{n}", str(first + n), "x" * 100) for n in range(count)))


def checked(source: Source) -> Iterator[ValidatedRows]:
    with LeadValidator(read_mapping()) as check:
        yield from check.read(source)


def spool(source: Source) -> None:
    with Spool(CHUNK) as spool:
        for rows in checked(source):
            spool.add(rows.numbers, rows.leads)
        spool.finish()


def write_rejects(source: Source, path: str) -> None:
    with RejectFile(path, None, read_mapping()) as rejects:
        rejects.start(source)
        for rows in checked(source):
            for reject in rows.rejects:
                rejects.write(reject)
        rejects.finish()


def main(case: str, most: int, path: str) -> None:
    # Otherwise the first byte over the limit kills the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    if case == "spool":
        spool(table(4152000000, 2_000))
    elif case == "last chunk":
        spool(table(4152000000, 10))
    elif case == "index":
        for _ in checked(table(4152000000, 200_000)):
            pass
    elif case == "numbers":
        with NumberSpool(["leadPhone"], "USA") as numbers:
            assert not list(numbers.read(table(4152000000, 2_000)))
            numbers.verify()
    elif case == "rejects":
        write_rejects(table(0, 2_000), path)
    elif case == "last rejects":
        write_rejects(table(0, 10), path)


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    except EngageVoiceError as error:
        print(f"{type(error).__name__}: {error}")
