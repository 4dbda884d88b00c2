"""Checked leads on disk, in chunks as they are sent: one request each."""

from __future__ import annotations

import hashlib
import json
import tempfile
from array import array
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from airflow_provider_engagevoice.leads.errors import temporary_files


@dataclass(frozen=True, slots=True)
class Chunk:
    """Leads that are sent together.

    :param index: from 0
    :param digest: of their JSON; the same leads in the same order have the same one
    :param leads: how many there are
    """

    index: int
    digest: str
    leads: int


class Spool:
    """A temporary file of chunks; memory does not grow with the number of leads in a chunk.

    :param chunk_size: leads in each chunk but the last
    :raises NoRoomError: when it cannot be written; once it is finished, everything is
    """

    @temporary_files()
    def __init__(self, chunk_size: int) -> None:
        self._chunk_size = chunk_size
        self._file = tempfile.TemporaryFile(prefix="engagevoice-leads-")  # noqa: SIM115
        self._leads: list[str] = []
        self._rows = array("Q")
        self._places: list[_Extent] = []
        self.chunks: list[Chunk] = []

    def add(self, rows: Iterable[int], leads: Iterable[str]) -> None:
        """Add leads.

        :param rows: the number of each in the source
        :param leads: as JSON, entries of ``uploadLeads``
        """
        self._rows.extend(rows)
        self._leads.extend(leads)
        while len(self._leads) >= self._chunk_size:
            self._write(self._chunk_size)

    @temporary_files()
    def finish(self) -> None:
        """Write the last chunk, if there are leads in it."""
        if self._leads:
            self._write(len(self._leads))
        self._file.flush()

    @temporary_files()
    def _write(self, count: int) -> None:
        content = f"[{','.join(self._leads[:count])}]".encode()
        rows = self._rows[:count].tobytes()
        del self._leads[:count], self._rows[:count]
        self._places.append(_Extent(self._file.tell(), len(content), len(rows)))
        self._file.write(content)
        self._file.write(rows)
        digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        self.chunks.append(Chunk(len(self.chunks), digest, count))

    def content(self, index: int) -> bytes:
        """Return the leads of a chunk as a JSON array, encoded."""
        place = self._places[index]
        return self._read(place.at, place.content)

    def leads(self, index: int) -> list[dict[str, Any]]:
        """Return the leads of a chunk."""
        leads: list[dict[str, Any]] = json.loads(self.content(index))
        return leads

    def rows(self, index: int) -> Sequence[int]:
        """Return the row number of each lead of a chunk."""
        place, rows = self._places[index], array("Q")
        rows.frombytes(self._read(place.at + place.content, place.rows))
        return rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What could not be written before cannot now; that has been told.
        with suppress(OSError):
            self._file.close()

    def _read(self, at: int, length: int) -> bytes:
        self._file.seek(at)
        return self._file.read(length)


@dataclass(frozen=True, slots=True)
class _Extent:
    """Where a chunk lies, in bytes."""

    at: int
    content: int
    rows: int
