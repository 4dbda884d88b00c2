"""Leads of a load in temporary files: validated ones in chunks of one request each."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from airflow_provider_engagevoice.exceptions import NoRoomError


@contextmanager
def writing_temporary_files() -> Iterator[None]:
    """Raise failures to write temporary files as :class:`NoRoomError`."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        # None if Python has found no writable folder.
        folder = tempfile.tempdir or "temporary files"
        raise NoRoomError(
            f"{folder}: cannot write the temporary files of a load ({error}); nothing has been sent. Free "
            "disk space, or set the environment variable TMPDIR to a folder with more: a million leads need "
            "half a GiB"
        ) from error


class TemporaryFile:
    """Base of what keeps data in a temporary file, until the end of its ``with`` block.

    :param prefix: of its name
    :raises NoRoomError: if it cannot be made
    """

    @writing_temporary_files()
    def __init__(self, prefix: str) -> None:
        self._file = tempfile.TemporaryFile(prefix=prefix)  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A write that failed before fails again here; that error has been raised already.
        with suppress(OSError):
            self._file.close()


#: Characters of leads in memory, and leads of a block, which is read as a whole.
_IN_MEMORY, _BLOCK = 1 << 23, 2000


@dataclass(frozen=True, slots=True)
class Chunk:
    """Leads that are sent in one request.

    :param index: from 0
    :param digest: of their JSON and the campaign; equal for the same leads in the same order
    :param leads: the number of leads
    :param campaign_id: of a list for several campaigns; otherwise 0
    """

    index: int
    digest: str
    leads: int
    campaign_id: int = 0


class Spool(TemporaryFile):
    """A temporary file of chunks; at most one chunk is in memory.

    :param chunk_size: leads per chunk; the last one may have fewer
    :raises NoRoomError: if the file cannot be written, at the latest by :meth:`finish`
    """

    def __init__(self, chunk_size: int) -> None:
        super().__init__("engagevoice-leads-")
        self._chunk_size = chunk_size
        self._campaign_id = 0
        self._leads: list[str] = []
        self._rows = array("Q")
        self._locations: list[_Location] = []
        self.chunks: list[Chunk] = []

    def add(self, rows: Iterable[int], leads: Iterable[str]) -> None:
        """Add leads.

        :param rows: the row number of each in its source
        :param leads: JSON of entries of ``uploadLeads``
        """
        self._rows.extend(rows)
        self._leads.extend(leads)
        while len(self._leads) >= self._chunk_size:
            self._write(self._chunk_size)

    def begin(self, campaign_id: int) -> None:
        """Start the leads of a campaign: a chunk has those of one alone."""
        self.finish()
        self._campaign_id = campaign_id

    @writing_temporary_files()
    def finish(self) -> None:
        """Write the last chunk, if any leads are left."""
        if self._leads:
            self._write(len(self._leads))
        self._file.flush()

    @writing_temporary_files()
    def _write(self, count: int) -> None:
        content = f"[{','.join(self._leads[:count])}]".encode()
        rows = self._rows[:count].tobytes()
        del self._leads[:count], self._rows[:count]
        self._locations.append(_Location(self._file.tell(), len(content), len(rows)))
        self._file.write(content)
        self._file.write(rows)
        salt = str(self._campaign_id).encode() if self._campaign_id else b""
        digest = hashlib.blake2b(content, digest_size=16, salt=salt).hexdigest()
        self.chunks.append(Chunk(len(self.chunks), digest, count, self._campaign_id))

    def content(self, index: int) -> bytes:
        """Return the leads of a chunk as a JSON array, encoded."""
        location = self._locations[index]
        return self._read(location.offset, location.content_size)

    def leads(self, index: int) -> list[dict[str, Any]]:
        """Return the leads of a chunk."""
        leads: list[dict[str, Any]] = json.loads(self.content(index))
        return leads

    def rows(self, index: int) -> Sequence[int]:
        """Return the row number of each lead of a chunk."""
        location, rows = self._locations[index], array("Q")
        rows.frombytes(self._read(location.offset + location.content_size, location.rows_size))
        return rows

    def _read(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)


@dataclass(frozen=True, slots=True)
class _Location:
    """Where a chunk is in the file, in bytes."""

    offset: int
    content_size: int
    rows_size: int


class CampaignSpool(TemporaryFile):
    """A temporary file of leads by campaign, while the rows are read.

    :raises NoRoomError: if the file cannot be written
    """

    def __init__(self) -> None:
        super().__init__("engagevoice-leads-")
        self._lines: dict[int, list[str]] = {}
        self._length = 0
        #: Offset and size of the blocks of each campaign, in bytes.
        self._blocks: dict[int, list[tuple[int, int]]] = {}

    def add(self, campaign_id: int, rows: Iterable[int], leads: Iterable[str]) -> None:
        """Add leads for a campaign.

        :param rows: the row number of each in its source
        :param leads: JSON of entries of ``uploadLeads``, in ASCII
        """
        lines = [f"{row} {lead}\n" for row, lead in zip(rows, leads, strict=True)]
        self._lines.setdefault(campaign_id, []).extend(lines)
        self._length += sum(map(len, lines))
        if self._length > _IN_MEMORY:
            self._write()

    @writing_temporary_files()
    def _write(self) -> None:
        for campaign_id, lines in self._lines.items():
            for at in range(0, len(lines), _BLOCK):
                block = "".join(lines[at : at + _BLOCK]).encode()
                self._blocks.setdefault(campaign_id, []).append((self._file.tell(), len(block)))
                self._file.write(block)
        self._file.flush()
        self._lines.clear()
        self._length = 0

    def fill(self, spool: Spool) -> None:
        """Move all leads to a spool, campaign by campaign in the order of their ids.

        This order does not depend on that of the rows, so that a retry has the same chunks.
        """
        self._write()
        for campaign_id, blocks in sorted(self._blocks.items()):
            spool.begin(campaign_id)
            for offset, size in blocks:
                self._file.seek(offset)
                lines = self._file.read(size).decode().split("\n")[:-1]
                pairs = [line.split(" ", 1) for line in lines]
                spool.add([int(row) for row, _ in pairs], [lead for _, lead in pairs])
        spool.finish()
